//! The connections of a store: made when they are needed, kept for the next call, a few at most.
//!
//! They are our own and not a library's, because what matters here is what a library hides: whether a connection was
//! lost before or after a statement was sent, and which of its statements are prepared.

use super::failure::{Place, Problem};
use super::schema;
use super::url::PostgresUrl;
use crate::postgres::{Opened, Unopened, open};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::JoinHandle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Error, Notification, Row, Statement, Transaction};

/// How many connections a process has at most, besides the one that listens. Each call uses one for a moment; with
/// more of them commits would only wait in the server instead of here.
const MOST: usize = 6;

/// What each connection begins with. Nothing that is acknowledged may be lost, so a server that is told not to wait
/// for its disk is told to wait; one that waits for more, such as a standby, keeps doing so. A transaction of ours
/// whose engine is cut off must not keep the others waiting.
const BEGIN: &str = "SELECT set_config('synchronous_commit', 'on', false)
       WHERE current_setting('synchronous_commit') = 'off';
     SET default_transaction_isolation = 'read committed';
     SET idle_in_transaction_session_timeout = '10s';
     SET lock_timeout = '15s'";

/// What a query's parameters are given as.
pub(super) type Parameters<'p> = &'p [&'p (dyn ToSql + Sync)];

/// The connections of one store.
#[derive(Debug)]
pub(super) struct Pool {
    url: PostgresUrl,
    idle: Mutex<Vec<Link>>,
    room: Semaphore,
}

/// One connection, with the statements that it has prepared.
pub(super) struct Link {
    client: Client,
    statements: HashMap<String, Statement>,
    bytes: Bytes,
    /// Whether something was begun on it that is not done.
    is_busy: bool,
}

/// What moves a connection's bytes.
struct Bytes(JoinHandle<()>);

/// A transaction on a connection. It is rolled back unless it is committed.
pub(super) struct Work<'l> {
    transaction: Transaction<'l>,
    statements: &'l mut HashMap<String, Statement>,
    is_busy: &'l mut bool,
}

/// A connection that one call has for itself. It is kept for the next call when this one is done with it.
pub(super) struct Held<'p> {
    link: Option<Link>,
    pool: &'p Pool,
    _room: SemaphorePermit<'p>,
}

impl Pool {
    pub(super) fn new(url: &PostgresUrl) -> Pool {
        Pool {
            url: url.clone(),
            idle: Mutex::new(Vec::new()),
            room: Semaphore::new(MOST),
        }
    }

    /// A connection: one that is idle, or a new one.
    pub(super) async fn take(&self) -> Result<Held<'_>, Problem> {
        let room = self.room.acquire().await;
        let room = room.map_err(|error| Problem::Here(error.to_string()))?;
        let link = match self.idle_link() {
            Some(link) => link,
            None => connect(&self.url, |_| {}).await?,
        };
        Ok(Held {
            link: Some(link),
            pool: self,
            _room: room,
        })
    }

    fn idle_link(&self) -> Option<Link> {
        let mut idle = self.idle();
        while let Some(link) = idle.pop() {
            if !link.is_over() {
                return Some(link);
            }
        }
        None
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Link>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A new connection, which hands on what it is notified of. What is at the address may be another server than before,
/// so each connection looks whether there is a store that this build knows.
pub(super) async fn connect(
    url: &PostgresUrl,
    told: impl Fn(Notification) + Send + 'static,
) -> Result<Link, Problem> {
    let told = move |message| {
        if let AsyncMessage::Notification(notification) = message {
            told(notification);
        }
    };
    let opened = open(url.address(), "piton", told).await;
    let Opened { client, bytes, .. } = opened.map_err(|error| match error {
        Unopened::Server(error) => Problem::Server(error),
        Unopened::Silent(seconds) => Problem::Silent(seconds),
        Unopened::Here(reason) => Problem::Here(reason),
    })?;
    let bytes = async move {
        if let Some(error) = bytes.await {
            tracing::debug!(%error, "a connection to the store ended");
        }
    };
    let mut link = Link {
        client,
        statements: HashMap::new(),
        bytes: Bytes(tokio::spawn(bytes)),
        is_busy: false,
    };
    link.client.batch_execute(BEGIN).await?;
    schema::prepare(&mut link, &Place::of(url)).await?;
    Ok(link)
}

impl Link {
    /// Runs a statement that is prepared once.
    pub(super) async fn query(
        &mut self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Error> {
        self.is_busy = true;
        let statement = match self.statements.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let statement = self.client.prepare(sql).await?;
                self.statements.insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        let rows = self.client.query(&statement, parameters).await;
        self.is_busy = false;
        rows
    }

    /// Runs a statement once, in one exchange with the server.
    pub(super) async fn query_once(&self, sql: &str) -> Result<Vec<Row>, Error> {
        self.client.query_typed(sql, &[]).await
    }

    /// Begins a transaction.
    pub(super) async fn begin(&mut self) -> Result<Work<'_>, Error> {
        self.is_busy = true;
        Ok(Work {
            transaction: self.client.transaction().await?,
            statements: &mut self.statements,
            is_busy: &mut self.is_busy,
        })
    }

    /// Runs statements without parameters, one after another.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Error> {
        self.client.batch_execute(sql).await
    }

    /// Returns when the connection has ended.
    pub(super) async fn ended(&mut self) {
        // Why it ended was noted by the task itself.
        let _ = (&mut self.bytes.0).await;
    }

    /// Whether the server, or the task that moves the bytes, is gone.
    pub(super) fn is_over(&self) -> bool {
        self.client.is_closed() || self.bytes.0.is_finished()
    }
}

impl Work<'_> {
    /// Runs a statement that is prepared once.
    pub(super) async fn query(
        &mut self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Error> {
        let statement = match self.statements.get(sql) {
            Some(statement) => statement.clone(),
            None => {
                let statement = self.transaction.prepare(sql).await?;
                self.statements.insert(sql.to_owned(), statement.clone());
                statement
            }
        };
        self.transaction.query(&statement, parameters).await
    }

    /// Runs statements without parameters, one after another.
    pub(super) async fn batch(&self, sql: &str) -> Result<(), Error> {
        self.transaction.batch_execute(sql).await
    }

    pub(super) async fn commit(self) -> Result<(), Error> {
        self.transaction.commit().await?;
        *self.is_busy = false;
        Ok(())
    }
}

impl Held<'_> {
    /// Runs a statement that is prepared once.
    pub(super) async fn query(
        &mut self,
        sql: &str,
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, Problem> {
        Ok(self.link()?.query(sql, parameters).await?)
    }

    /// Begins a transaction.
    pub(super) async fn begin(&mut self) -> Result<Work<'_>, Problem> {
        Ok(self.link()?.begin().await?)
    }

    /// It has its connection until it is dropped.
    fn link(&mut self) -> Result<&mut Link, Problem> {
        let missing = || Problem::Here("the connection was given back".to_owned());
        self.link.as_mut().ok_or_else(missing)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // What a call that was given up had begun may still be under way.
        let usable = |link: &Link| !link.is_over() && !link.is_busy;
        if let Some(link) = self.link.take().filter(usable) {
            self.pool.idle().push(link);
        }
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}
