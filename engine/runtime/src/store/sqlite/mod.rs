//! The store in one SQLite file, for one host. Every method does its work in place: it is short, and a durable
//! commit has to be waited for anyhow.
//!
//! [`open`](SqliteStore::open) and the tables are in `open.rs` and `schema.rs`; `journal.rs`, `lease.rs`,
//! `inbox.rs`, `lock.rs`, `list.rs`, `serving.rs` and `hosts.rs` hold the methods by what they are about.

mod backup;
mod delete;
mod failure;
mod hosts;
mod inbox;
mod journal;
mod lease;
mod list;
mod lock;
mod open;
mod schema;
mod serving;
#[cfg(test)]
mod tests;

use super::{
    Claimable, Commit, Created, Engaged, Host, HostWord, InboxId, Lease, Leave, Loaded, LockBreak,
    Locks, NewRun, RunFilter, RunSummary, Store, StoreError, Taken, Verdict,
};
use crate::owner::Owner;
use failure::Place;
use piton_core::id::{Actor, RunId};
use piton_core::record::Record;
use piton_core::run::{Event, Head, RunState};
use piton_core::time::{Millis, Timestamp};
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// A store in a SQLite file. May be shared between threads; each call has the connection to itself.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Mutex<Connection>,
    place: Place,
    here: Owner,
}

impl SqliteStore {
    /// Opens the store in the file at this absolute path, and makes it with the directories above it when it is not there.
    ///
    /// # Errors
    /// When it cannot be written, is damaged, of a newer Piton, or something else.
    pub fn open(path: &Path) -> Result<SqliteStore, StoreError> {
        let place = Place::of(path);
        let connection = open::open(&place)?;
        Ok(SqliteStore {
            connection: Mutex::new(connection),
            place,
            here: Owner::this_process(),
        })
    }

    /// Whoever panicked with the connection left a transaction that its guard has rolled back, so the connection
    /// is as good as before.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the connection; what fails is put into the words of the store.
    fn with<T>(
        &self,
        run: Option<&RunId>,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, Problem>,
    ) -> Result<T, StoreError> {
        work(&self.connection()).map_err(|problem| match problem {
            Problem::Store(error) => *error,
            Problem::Sqlite(error) => self.place.failure(&error, doing, run),
        })
    }

    /// The number that stands for a run in the other tables.
    fn number_of(&self, connection: &Connection, run: &RunId) -> Result<i64, Problem> {
        connection
            .prepare_cached("SELECT number FROM run WHERE id = ?1")?
            .query_row([&run.0], |row| row.get(0))
            .optional()?
            .ok_or_else(|| self.no_such_run(run))
    }

    fn no_such_run(&self, run: &RunId) -> Problem {
        Problem::from(StoreError::NoSuchRun {
            place: self.place.to_string(),
            run: run.clone(),
        })
    }

    fn corrupt(&self, reason: impl Into<String>) -> Problem {
        Problem::from(StoreError::Corrupt {
            place: self.place.to_string(),
            reason: reason.into(),
        })
    }
}

/// What stops a piece of work: an answer of the store, or an error of SQLite that has yet to be put into words.
#[derive(Debug)]
enum Problem {
    Store(Box<StoreError>),
    Sqlite(rusqlite::Error),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        Problem::Store(Box::new(error))
    }
}

impl From<rusqlite::Error> for Problem {
    fn from(error: rusqlite::Error) -> Problem {
        Problem::Sqlite(error)
    }
}

/// A transaction that is rolled back unless it is committed. Unlike rusqlite's, it keeps its statements prepared:
/// one is opened for each step of a run.
struct Transaction<'c> {
    connection: &'c Connection,
    open: bool,
}

impl<'c> Transaction<'c> {
    /// Takes the write lock at once, so that what is read stays true until it is committed.
    fn write(connection: &'c Connection) -> rusqlite::Result<Transaction<'c>> {
        Transaction::begin(connection, "BEGIN IMMEDIATE")
    }

    /// Reads from one state of the store.
    fn read(connection: &'c Connection) -> rusqlite::Result<Transaction<'c>> {
        Transaction::begin(connection, "BEGIN")
    }

    fn begin(connection: &'c Connection, how: &str) -> rusqlite::Result<Transaction<'c>> {
        connection.prepare_cached(how)?.execute([])?;
        Ok(Transaction {
            connection,
            open: true,
        })
    }

    fn commit(mut self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // SQLite rolls back by itself after some errors; then there is nothing left to roll back.
        if self.open && !self.connection.is_autocommit() {
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

/// The wall clock: leases, and when something was posted, are about the same host.
fn now() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

impl Store for SqliteStore {
    async fn create(&self, run: &NewRun, records: &[Record]) -> Result<Created, StoreError> {
        self.create_run(run, records)
    }

    async fn acquire(&self, run: &RunId, owner: &Owner, ttl: Millis) -> Result<Lease, StoreError> {
        self.acquire_lease(run, owner, ttl)
    }

    async fn renew(&self, lease: &Lease) -> Result<(), StoreError> {
        self.renew_lease(lease)
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.release_lease(lease)
    }

    async fn load(&self, run: &RunId) -> Result<Loaded, StoreError> {
        self.load_run(run)
    }

    async fn records(&self, run: &RunId, from: u64) -> Result<Vec<Record>, StoreError> {
        self.read_records(run, from)
    }

    async fn commit(
        &self,
        lease: &Lease,
        expected: Head,
        commit: Commit<'_>,
    ) -> Result<(), StoreError> {
        self.commit_batch(lease, expected, commit)
    }

    async fn post(&self, run: &RunId, event: &Event, key: &str) -> Result<InboxId, StoreError> {
        self.post_event(run, event, key)
    }

    async fn inbox(&self, run: &RunId) -> Result<Vec<(InboxId, Event)>, StoreError> {
        self.read_inbox(run)
    }

    async fn verdict(&self, entry: InboxId) -> Result<Option<Verdict>, StoreError> {
        self.read_verdict(entry)
    }

    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        self.list_runs(filter)
    }

    async fn census(&self) -> Result<Vec<(RunState, u64)>, StoreError> {
        self.count_runs()
    }

    async fn summary(&self, run: &RunId) -> Result<RunSummary, StoreError> {
        self.read_summary(run)
    }

    async fn resolve(&self, text: &str) -> Result<RunId, StoreError> {
        self.resolve_run(text)
    }

    async fn take_locks(
        &self,
        lease: &Lease,
        node: Option<&str>,
        names: &[String],
    ) -> Result<Taken, StoreError> {
        self.take_named_locks(lease, node, names)
    }

    async fn release_locks(
        &self,
        lease: &Lease,
        node: Option<&str>,
    ) -> Result<Vec<RunId>, StoreError> {
        self.release_named_locks(lease, node)
    }

    async fn keep_locks(
        &self,
        lease: &Lease,
        kept: &[(Option<String>, Vec<String>)],
    ) -> Result<Vec<RunId>, StoreError> {
        self.keep_named_locks(lease, kept)
    }

    async fn locks(&self) -> Result<Locks, StoreError> {
        self.list_locks()
    }

    async fn break_lock(
        &self,
        name: &str,
        by: &Actor,
        reason: &str,
    ) -> Result<LockBreak, StoreError> {
        self.break_named_lock(name, by, reason)
    }

    async fn delete(&self, run: &RunId) -> Result<(), StoreError> {
        self.delete_run(run)
    }

    async fn leave_to_servers(&self, run: &RunId, leave: Leave) -> Result<(), StoreError> {
        self.leave_run_to_servers(run, leave)
    }

    async fn is_left_to_servers(&self, run: &RunId) -> Result<bool, StoreError> {
        self.read_whether_served(run)
    }

    async fn claimable(&self, host: &str) -> Result<Claimable, StoreError> {
        self.claimable_runs(host)
    }

    async fn note_away(&self, lease: &Lease, hosts: &[String]) -> Result<(), StoreError> {
        self.note_hosts_away(lease, hosts)
    }

    async fn runs_away(&self, host: &str) -> Result<Vec<RunId>, StoreError> {
        self.list_runs_away(host)
    }

    async fn claim(
        &self,
        run: &RunId,
        owner: &Owner,
        ttl: Millis,
    ) -> Result<Option<Lease>, StoreError> {
        self.claim_run(run, owner, ttl)
    }

    async fn engines(&self, run: &RunId) -> Result<Vec<Engaged>, StoreError> {
        self.list_engines(run)
    }

    async fn serving(
        &self,
        owner: &Owner,
        name: &str,
        max_runs: Option<u32>,
    ) -> Result<(), StoreError> {
        self.note_server(owner, name, max_runs)
    }

    async fn serves_no_more(&self, owner: &Owner) -> Result<(), StoreError> {
        self.forget_server(owner)
    }

    async fn hosts(&self) -> Result<Vec<Host>, StoreError> {
        self.list_hosts()
    }

    async fn say_of_host(
        &self,
        host: &str,
        dead: bool,
        by: &Actor,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.write_host_word(host, dead, by, reason)
    }

    async fn host_words(&self) -> Result<Vec<(String, HostWord)>, StoreError> {
        self.list_host_words()
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        Ok(now())
    }
}
