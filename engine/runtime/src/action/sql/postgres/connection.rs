//! A connection to a server: made, told to end what it does, and left.

use super::address::Address;
use super::{CANCEL_PATIENCE, cause};
use crate::action::sql::Request;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{CancelToken, Client, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long it takes at most to take leave of a server.
const LEAVING: Duration = Duration::from_secs(2);

/// The time between two requests to end what is under way. One that comes between two statements is lost.
const CANCEL_EVERY: Duration = Duration::from_millis(200);

/// A connection and what moves its bytes, which ends when nobody waits for it any more.
pub(super) struct Connection {
    pub client: Client,
    /// Whether the server can look whether its client is still there.
    pub sees_clients: bool,
    token: CancelToken,
    tls: Option<MakeRustlsConnect>,
    bytes: Bytes,
}

/// Ends with why the connection ended, if it was not left.
struct Bytes(JoinHandle<Option<String>>);

impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Connection {
    /// # Errors
    /// Why there is none, for people.
    pub async fn open(address: &Address, request: &Request) -> Result<Connection, String> {
        let patience = address.patience();
        let opened = async {
            let config = address.config(&request.name);
            let cannot = |error| refused(address, &error);
            // Two kinds of streams, and otherwise the same.
            if config.get_ssl_mode() == SslMode::Disable {
                let (client, connection) = config.connect(NoTls).await.map_err(cannot)?;
                return Ok(Connection::of(client, connection, None));
            }
            let tls = address.tls()?;
            let connected = config.connect(tls.clone()).await;
            let (client, connection) = connected.map_err(cannot)?;
            Ok(Connection::of(client, connection, Some(tls)))
        };
        match tokio::time::timeout(patience, opened).await {
            Ok(opened) => opened,
            Err(_) => Err(format!(
                "the database {} cannot be reached: it did not answer for {} s",
                address.shown(),
                patience.as_secs()
            )),
        }
    }

    fn of<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        client: Client,
        connection: tokio_postgres::Connection<Socket, T>,
        tls: Option<MakeRustlsConnect>,
    ) -> Connection {
        let version = connection.parameter("server_version").unwrap_or_default();
        let major = version.split(|c: char| !c.is_ascii_digit()).next();
        let major: u32 = major.and_then(|major| major.parse().ok()).unwrap_or(0);
        let bytes = async move {
            let ended = connection.await;
            ended.err().map(|error| cause(&error))
        };
        Connection {
            token: client.cancel_token(),
            client,
            sees_clients: major >= 14,
            tls,
            bytes: Bytes(tokio::spawn(bytes)),
        }
    }

    /// Asks the server again and again to end what it is doing, as long as it may take to do so.
    pub async fn cancel(&self) {
        let asking = async {
            loop {
                // Whether it heard is seen by what it does.
                let _ = match &self.tls {
                    Some(tls) => self.token.cancel_query(tls.clone()).await,
                    None => self.token.cancel_query(NoTls).await,
                };
                tokio::time::sleep(CANCEL_EVERY).await;
            }
        };
        let _ = tokio::time::timeout(CANCEL_PATIENCE, asking).await;
    }

    /// Takes leave of the server; gives why the connection had ended before.
    pub async fn close(self) -> Option<String> {
        let Connection {
            client, mut bytes, ..
        } = self;
        drop(client);
        let left = tokio::time::timeout(LEAVING, &mut bytes.0).await;
        left.ok()?.ok()?
    }
}

fn refused(address: &Address, error: &tokio_postgres::Error) -> String {
    let what = match error.as_db_error() {
        Some(_) => "does not let us in",
        None => "cannot be reached",
    };
    format!("the database {} {what}: {}", address.shown(), cause(error))
}
