//! A store of whichever kind a location names.

use super::{
    BackupError, Claimable, Commit, Created, Engaged, Host, HostWord, InboxId, Lease, Leave,
    Loaded, Location, LockBreak, Locks, LogPiece, NewRun, PostgresStore, RunFilter, RunSummary,
    SqliteStore, Store, StoreError, Taken, Verdict,
};
use crate::owner::Owner;
use piton_core::id::{Actor, AttemptId, RunId};
use piton_core::record::Record;
use piton_core::run::{Event, Head, RunState};
use piton_core::time::{Millis, Timestamp};
use std::path::Path;

/// A store of any kind.
#[derive(Debug)]
pub enum AnyStore {
    /// One file, for one host.
    Sqlite(SqliteStore),
    /// A database, for a team.
    Postgres(Box<PostgresStore>),
}

impl AnyStore {
    /// Opens the store at this place, and makes it if it is not there.
    ///
    /// # Errors
    /// When it cannot be reached or written, is damaged, of a newer Piton, or something else.
    pub async fn open(location: &Location) -> Result<AnyStore, StoreError> {
        match location {
            Location::Sqlite(path) => SqliteStore::open(path).map(AnyStore::Sqlite),
            Location::Postgres { url, .. } => {
                let store = PostgresStore::open(url).await?;
                Ok(AnyStore::Postgres(Box::new(store)))
            }
        }
    }
}

impl AnyStore {
    /// Writes a copy of the store to a file: see [`SqliteStore::backup`].
    ///
    /// # Errors
    /// As there.
    pub fn backup(&self, to: &Path) -> Result<(), BackupError> {
        match self {
            AnyStore::Sqlite(store) => store.backup(to),
            AnyStore::Postgres(store) => Err(BackupError::Postgres {
                command: store.dump_command(to),
            }),
        }
    }
}

/// Has the store behind it do something.
macro_rules! behind {
    ($self:ident . $method:ident ( $($argument:expr),* )) => {
        match $self {
            AnyStore::Sqlite(store) => store.$method($($argument),*).await,
            AnyStore::Postgres(store) => store.$method($($argument),*).await,
        }
    };
}

impl Store for AnyStore {
    async fn create(&self, run: &NewRun, records: &[Record]) -> Result<Created, StoreError> {
        behind!(self.create(run, records))
    }

    async fn acquire(&self, run: &RunId, owner: &Owner, ttl: Millis) -> Result<Lease, StoreError> {
        behind!(self.acquire(run, owner, ttl))
    }

    async fn renew(&self, lease: &Lease) -> Result<(), StoreError> {
        behind!(self.renew(lease))
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        behind!(self.release(lease))
    }

    async fn load(&self, run: &RunId) -> Result<Loaded, StoreError> {
        behind!(self.load(run))
    }

    async fn records(&self, run: &RunId, from: u64) -> Result<Vec<Record>, StoreError> {
        behind!(self.records(run, from))
    }

    async fn commit(
        &self,
        lease: &Lease,
        expected: Head,
        commit: Commit<'_>,
    ) -> Result<(), StoreError> {
        behind!(self.commit(lease, expected, commit))
    }

    async fn post(&self, run: &RunId, event: &Event, key: &str) -> Result<InboxId, StoreError> {
        behind!(self.post(run, event, key))
    }

    async fn inbox(&self, run: &RunId) -> Result<Vec<(InboxId, Event)>, StoreError> {
        behind!(self.inbox(run))
    }

    async fn verdict(&self, entry: InboxId) -> Result<Option<Verdict>, StoreError> {
        behind!(self.verdict(entry))
    }

    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        behind!(self.runs(filter))
    }

    async fn census(&self) -> Result<Vec<(RunState, u64)>, StoreError> {
        behind!(self.census())
    }

    async fn summary(&self, run: &RunId) -> Result<RunSummary, StoreError> {
        behind!(self.summary(run))
    }

    async fn resolve(&self, text: &str) -> Result<RunId, StoreError> {
        behind!(self.resolve(text))
    }

    async fn take_locks(
        &self,
        lease: &Lease,
        node: Option<&str>,
        names: &[String],
    ) -> Result<Taken, StoreError> {
        behind!(self.take_locks(lease, node, names))
    }

    async fn release_locks(
        &self,
        lease: &Lease,
        node: Option<&str>,
    ) -> Result<Vec<RunId>, StoreError> {
        behind!(self.release_locks(lease, node))
    }

    async fn keep_locks(
        &self,
        lease: &Lease,
        kept: &[(Option<String>, Vec<String>)],
    ) -> Result<Vec<RunId>, StoreError> {
        behind!(self.keep_locks(lease, kept))
    }

    async fn locks(&self) -> Result<Locks, StoreError> {
        behind!(self.locks())
    }

    async fn break_lock(
        &self,
        name: &str,
        by: &Actor,
        reason: &str,
    ) -> Result<LockBreak, StoreError> {
        behind!(self.break_lock(name, by, reason))
    }

    async fn delete(&self, run: &RunId) -> Result<(), StoreError> {
        behind!(self.delete(run))
    }

    async fn leave_to_servers(&self, run: &RunId, leave: Leave) -> Result<(), StoreError> {
        behind!(self.leave_to_servers(run, leave))
    }

    async fn is_left_to_servers(&self, run: &RunId) -> Result<bool, StoreError> {
        behind!(self.is_left_to_servers(run))
    }

    async fn claimable(&self, host: &str) -> Result<Claimable, StoreError> {
        behind!(self.claimable(host))
    }

    async fn note_away(&self, lease: &Lease, hosts: &[String]) -> Result<(), StoreError> {
        behind!(self.note_away(lease, hosts))
    }

    async fn runs_away(&self, host: &str) -> Result<Vec<RunId>, StoreError> {
        behind!(self.runs_away(host))
    }

    async fn claim(
        &self,
        run: &RunId,
        owner: &Owner,
        ttl: Millis,
    ) -> Result<Option<Lease>, StoreError> {
        behind!(self.claim(run, owner, ttl))
    }

    async fn engines(&self, run: &RunId) -> Result<Vec<Engaged>, StoreError> {
        behind!(self.engines(run))
    }

    async fn serving(
        &self,
        owner: &Owner,
        name: &str,
        max_runs: Option<u32>,
    ) -> Result<(), StoreError> {
        behind!(self.serving(owner, name, max_runs))
    }

    async fn serves_no_more(&self, owner: &Owner) -> Result<(), StoreError> {
        behind!(self.serves_no_more(owner))
    }

    async fn hosts(&self) -> Result<Vec<Host>, StoreError> {
        behind!(self.hosts())
    }

    async fn say_of_host(
        &self,
        host: &str,
        dead: bool,
        by: &Actor,
        reason: &str,
    ) -> Result<(), StoreError> {
        behind!(self.say_of_host(host, dead, by, reason))
    }

    async fn host_words(&self) -> Result<Vec<(String, HostWord)>, StoreError> {
        behind!(self.host_words())
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        behind!(self.now())
    }

    async fn rung(&self, run: &RunId) {
        behind!(self.rung(run))
    }

    async fn stirred(&self) {
        behind!(self.stirred())
    }

    fn keeps_logs(&self) -> bool {
        match self {
            AnyStore::Sqlite(store) => store.keeps_logs(),
            AnyStore::Postgres(store) => store.keeps_logs(),
        }
    }

    async fn append_log(
        &self,
        run: &RunId,
        attempt: AttemptId,
        start: u64,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        behind!(self.append_log(run, attempt, start, bytes))
    }

    async fn log(
        &self,
        run: &RunId,
        attempt: AttemptId,
        from: u64,
    ) -> Result<Vec<LogPiece>, StoreError> {
        behind!(self.log(run, attempt, from))
    }

    async fn log_ends(&self, run: &RunId) -> Result<Vec<(AttemptId, u64)>, StoreError> {
        behind!(self.log_ends(run))
    }
}
