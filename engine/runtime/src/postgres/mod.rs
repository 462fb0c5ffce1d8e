//! Reaching Postgres servers, for SQL of steps and for the store of a team alike: addresses as libpq has them,
//! encryption, and connections.

mod address;
pub(crate) mod password;
mod tls;

pub use address::Address;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use std::error::Error as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_postgres::config::SslMode;
use tokio_postgres::{AsyncMessage, Client, Connection, Error, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connection that was opened.
pub(crate) struct Opened {
    pub client: Client,
    /// Moves its bytes, and has to be polled for that. Ends with the connection: with why, if it was not left.
    pub bytes: BoxFuture<'static, Option<Error>>,
    /// The server's major version; 0 when it does not tell.
    pub version: u32,
    /// How it is encrypted.
    pub tls: Option<MakeRustlsConnect>,
}

/// Why there is no connection.
pub(crate) enum Unopened {
    /// What the server, or the way to it, said.
    Server(Error),
    /// It did not answer for so many seconds.
    Silent(u64),
    /// What is missing on this side.
    Here(String),
}

/// Opens a connection under this name. `told` gets what the server says without being asked.
pub(crate) async fn open(
    address: &Address,
    name: &str,
    told: impl FnMut(AsyncMessage) + Send + 'static,
) -> Result<Opened, Unopened> {
    let patience = address.patience();
    let opened = async {
        let config = address.config(name);
        // Two kinds of streams, and otherwise the same.
        if config.get_ssl_mode() == SslMode::Disable {
            let connected = config.connect(NoTls).await;
            let (client, connection) = connected.map_err(Unopened::Server)?;
            return Ok(Opened::of(client, connection, None, told));
        }
        let tls = address.tls().map_err(Unopened::Here)?;
        let connected = config.connect(tls.clone()).await;
        let (client, connection) = connected.map_err(Unopened::Server)?;
        Ok(Opened::of(client, connection, Some(tls), told))
    };
    match tokio::time::timeout(patience, opened).await {
        Ok(opened) => opened,
        Err(_) => Err(Unopened::Silent(patience.as_secs())),
    }
}

impl Opened {
    fn of<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        client: Client,
        mut connection: Connection<Socket, T>,
        tls: Option<MakeRustlsConnect>,
        mut told: impl FnMut(AsyncMessage) + Send + 'static,
    ) -> Opened {
        let version = connection.parameter("server_version").unwrap_or_default();
        let major = version.split(|c: char| !c.is_ascii_digit()).next();
        let version = major.and_then(|major| major.parse().ok()).unwrap_or(0);
        let bytes = async move {
            let mut messages = stream::poll_fn(|context| connection.poll_message(context));
            while let Some(message) = messages.next().await {
                match message {
                    Ok(message) => told(message),
                    Err(error) => return Some(error),
                }
            }
            None
        };
        Opened {
            client,
            bytes: bytes.boxed(),
            version,
            tls,
        }
    }
}

/// What the server, the system or TLS said, without the decoration.
pub(crate) fn cause(error: &Error) -> String {
    if let Some(said) = error.as_db_error() {
        return said.message().to_owned();
    }
    let mut innermost = error.source();
    while let Some(next) = innermost.and_then(|error| error.source()) {
        innermost = Some(next);
    }
    match innermost {
        Some(inner) => inner.to_string(),
        None => error.to_string(),
    }
}
