//! A connection to a server: made, told to end what it does, and left.

use super::CANCEL_PATIENCE;
use crate::action::sql::Request;
use crate::postgres::{Address, Opened, Unopened, cause, open};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::{CancelToken, Client, NoTls};
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
        let opened = open(address, &request.name, |_| {}).await;
        let Opened {
            client,
            bytes,
            version,
            tls,
        } = opened.map_err(|error| refused(address, error))?;
        let bytes = async move { bytes.await.map(|error| cause(&error)) };
        Ok(Connection {
            token: client.cancel_token(),
            client,
            sees_clients: version >= 14,
            tls,
            bytes: Bytes(tokio::spawn(bytes)),
        })
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

fn refused(address: &Address, error: Unopened) -> String {
    let (what, why) = match error {
        Unopened::Here(reason) => return reason,
        Unopened::Silent(seconds) => (
            "cannot be reached",
            format!("it did not answer for {seconds} s"),
        ),
        Unopened::Server(error) if error.as_db_error().is_some() => {
            ("does not let us in", cause(&error))
        }
        Unopened::Server(error) => ("cannot be reached", cause(&error)),
    };
    format!("the database {} {what}: {why}", address.shown())
}
