//! The store of a team: a schema `piton` in a Postgres database, which engines on many hosts share.
//!
//! The schema is made on first use, and nothing of it depends on `search_path`. Each method is one statement, so that
//! it is one exchange with the server and either done or not; only what concerns named locks is a transaction of
//! several. Leases and waits go by the database's clock, so that hosts need not agree on the time.
//!
//! A connection that is lost is made again, and the call with it, for up to [`PATIENCE`]. That is safe although the
//! answer may have been lost and not the call: a commit compares the head before it swaps it, `post` has a key, `create`
//! an id, a lease a word that only its taker knows.
//!
//! `url.rs`, `pool.rs` and `failure.rs` get there; `schema.rs` has the tables; `journal.rs`, `lease.rs`, `inbox.rs`,
//! `lock.rs`, `list.rs`, `log.rs`, `serving.rs` and `hosts.rs` hold the methods by what they are about; `bell.rs` listens.

mod bell;
mod delete;
mod failure;
mod hosts;
mod inbox;
mod journal;
mod lease;
mod list;
mod lock;
mod log;
mod pool;
mod schema;
mod serving;
mod tries;
mod url;

pub use tries::PATIENCE;
pub use url::PostgresUrl;

use super::{
    Claimable, Commit, Created, Engaged, Host, HostWord, InboxId, Lease, Leave, Loaded, LockBreak,
    Locks, LogPiece, NewRun, RunFilter, RunSummary, Store, StoreError, Taken, Verdict,
};
use crate::owner::Owner;
use bell::Bell;
use failure::{Place, Problem};
use piton_core::id::{Actor, AttemptId, RunId};
use piton_core::record::Record;
use piton_core::run::{Event, Head, RunState};
use piton_core::time::{Millis, Timestamp};
use pool::Pool;
use tries::Tries;

/// The database's clock, as the tables keep times.
const NOW: &str = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/// A store in a Postgres database. May be shared between threads.
#[derive(Debug)]
pub struct PostgresStore {
    pool: Pool,
    place: Place,
    here: Owner,
    bell: Bell,
}

/// What a server is, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFacts {
    /// Its version, as it says.
    pub version: String,
    /// The layout of the store.
    pub layout: i64,
    /// How long one question and its answer took, in microseconds: the least of several.
    pub round_trip: u64,
    /// Whether the connection is encrypted.
    pub is_encrypted: bool,
    /// Whether what it acknowledges is on its disk.
    pub is_durable: bool,
}

impl PostgresStore {
    /// Opens the store, and makes it when it is not there.
    ///
    /// # Errors
    /// When it cannot be reached or used, is of a newer Piton, or something else. A server that is about to take
    /// connections is waited for; one that cannot be reached is not.
    pub async fn open(url: &PostgresUrl) -> Result<PostgresStore, StoreError> {
        let store = PostgresStore {
            pool: Pool::new(url),
            place: Place::of(url),
            here: Owner::this_process(),
            bell: Bell::new(url),
        };
        let mut tries = store.tries("being opened", None).while_it_starts();
        loop {
            let reached = async { store.pool.take().await.map(drop) };
            if tries.once(reached).await?.is_some() {
                break;
            }
        }
        Ok(store)
    }

    /// What the server is.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub async fn server(&self) -> Result<ServerFacts, StoreError> {
        let mut tries = self.tries("being asked what it is", None);
        loop {
            if let Some(server) = tries.once(self.ask_server()).await? {
                return Ok(server);
            }
        }
    }

    async fn ask_server(&self) -> Result<ServerFacts, Problem> {
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                "SELECT current_setting('server_version'), (SELECT max(version) FROM piton.layout),
                   coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false),
                   current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on'",
                &[],
            )
            .await?;
        let mut round_trip = u64::MAX;
        for _ in 0..5 {
            let began = std::time::Instant::now();
            held.query("SELECT 1", &[]).await?;
            let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
            round_trip = round_trip.min(took);
        }
        let Some(row) = rows.first() else {
            return Err(self.place.corrupt("it does not say what it is").into());
        };
        Ok(ServerFacts {
            version: row.try_get(0)?,
            layout: row.try_get::<_, Option<i64>>(1)?.unwrap_or_default(),
            round_trip,
            is_encrypted: row.try_get(2)?,
            is_durable: row.try_get(3)?,
        })
    }

    fn tries<'s>(&'s self, doing: &'static str, run: Option<&'s RunId>) -> Tries<'s> {
        Tries::new(&self.place, doing, run)
    }

    fn no_such_run(&self, run: &RunId) -> Problem {
        Problem::from(StoreError::NoSuchRun {
            place: self.place.to_string(),
            run: run.clone(),
        })
    }

    fn corrupt(&self, reason: impl Into<String>) -> Problem {
        Problem::from(self.place.corrupt(reason))
    }
}

/// Postgres holds no zero byte in a text. Ours have none, but for what people and programs wrote into messages.
fn clean(text: &str) -> std::borrow::Cow<'_, str> {
    match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}").into(),
        false => text.into(),
    }
}

/// Does something until it is done, or trying again is of no use.
macro_rules! patiently {
    ($tries:expr, $attempt:expr) => {{
        let mut tries = $tries;
        loop {
            if let Some(done) = tries.once($attempt).await? {
                break Ok(done);
            }
        }
    }};
}

impl Store for PostgresStore {
    async fn create(&self, run: &NewRun, records: &[Record]) -> Result<Created, StoreError> {
        self.create_run(run, records).await
    }

    async fn acquire(&self, run: &RunId, owner: &Owner, ttl: Millis) -> Result<Lease, StoreError> {
        self.acquire_lease(run, owner, ttl).await
    }

    async fn renew(&self, lease: &Lease) -> Result<(), StoreError> {
        self.renew_lease(lease).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.release_lease(lease).await
    }

    async fn load(&self, run: &RunId) -> Result<Loaded, StoreError> {
        patiently!(self.tries("reading a run", Some(run)), self.load_run(run))
    }

    async fn records(&self, run: &RunId, from: u64) -> Result<Vec<Record>, StoreError> {
        let tries = self.tries("reading records", Some(run));
        patiently!(tries, self.read_records(run, from))
    }

    async fn commit(
        &self,
        lease: &Lease,
        expected: Head,
        commit: Commit<'_>,
    ) -> Result<(), StoreError> {
        self.commit_batch(lease, expected, commit).await
    }

    async fn post(&self, run: &RunId, event: &Event, key: &str) -> Result<InboxId, StoreError> {
        let tries = self.tries("posting to an inbox", Some(run));
        patiently!(tries, self.post_event(run, event, key))
    }

    async fn inbox(&self, run: &RunId) -> Result<Vec<(InboxId, Event)>, StoreError> {
        let tries = self.tries("reading an inbox", Some(run));
        patiently!(tries, self.read_inbox(run))
    }

    async fn verdict(&self, entry: InboxId) -> Result<Option<Verdict>, StoreError> {
        let tries = self.tries("reading a verdict", None);
        patiently!(tries, self.read_verdict(entry))
    }

    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        patiently!(self.tries("listing runs", None), self.list_runs(filter))
    }

    async fn census(&self) -> Result<Vec<(RunState, u64)>, StoreError> {
        patiently!(self.tries("counting runs", None), self.count_runs())
    }

    async fn delete(&self, run: &RunId) -> Result<(), StoreError> {
        let tries = self.tries("deleting a run", Some(run));
        patiently!(tries, self.delete_run(run))
    }

    async fn summary(&self, run: &RunId) -> Result<RunSummary, StoreError> {
        let tries = self.tries("reading a run", Some(run));
        patiently!(tries, self.read_summary(run))
    }

    async fn resolve(&self, text: &str) -> Result<RunId, StoreError> {
        let tries = self.tries("looking for a run", None);
        patiently!(tries, self.resolve_run(text))
    }

    async fn take_locks(
        &self,
        lease: &Lease,
        node: Option<&str>,
        names: &[String],
    ) -> Result<Taken, StoreError> {
        let tries = self.tries("taking locks", Some(&lease.run));
        patiently!(tries, self.take_named_locks(lease, node, names))
    }

    async fn release_locks(
        &self,
        lease: &Lease,
        node: Option<&str>,
    ) -> Result<Vec<RunId>, StoreError> {
        let tries = self.tries("releasing locks", Some(&lease.run));
        patiently!(tries, self.release_named_locks(lease, node))
    }

    async fn keep_locks(
        &self,
        lease: &Lease,
        kept: &[(Option<String>, Vec<String>)],
    ) -> Result<Vec<RunId>, StoreError> {
        let tries = self.tries("releasing locks", Some(&lease.run));
        patiently!(tries, self.keep_named_locks(lease, kept))
    }

    async fn locks(&self) -> Result<Locks, StoreError> {
        patiently!(self.tries("listing locks", None), self.list_locks())
    }

    async fn break_lock(
        &self,
        name: &str,
        by: &Actor,
        reason: &str,
    ) -> Result<LockBreak, StoreError> {
        self.break_named_lock(name, by, reason).await
    }

    async fn leave_to_servers(&self, run: &RunId, leave: Leave) -> Result<(), StoreError> {
        let tries = self.tries("leaving a run to servers", Some(run));
        patiently!(tries, self.leave_run_to_servers(run, leave))
    }

    async fn is_left_to_servers(&self, run: &RunId) -> Result<bool, StoreError> {
        let tries = self.tries("reading a run", Some(run));
        patiently!(tries, self.read_whether_served(run))
    }

    async fn claimable(&self, host: &str) -> Result<Claimable, StoreError> {
        let tries = self.tries("looking for runs to drive", None);
        patiently!(tries, self.claimable_runs(host))
    }

    async fn note_away(&self, lease: &Lease, hosts: &[String]) -> Result<(), StoreError> {
        let tries = self.tries("noting where attempts are", Some(&lease.run));
        patiently!(tries, self.note_hosts_away(lease, hosts))
    }

    async fn runs_away(&self, host: &str) -> Result<Vec<RunId>, StoreError> {
        let tries = self.tries("looking for attempts out of reach", None);
        patiently!(tries, self.list_runs_away(host))
    }

    async fn claim(
        &self,
        run: &RunId,
        owner: &Owner,
        ttl: Millis,
    ) -> Result<Option<Lease>, StoreError> {
        self.claim_run(run, owner, ttl).await
    }

    async fn engines(&self, run: &RunId) -> Result<Vec<Engaged>, StoreError> {
        let tries = self.tries("reading the engines of a run", Some(run));
        patiently!(tries, self.list_engines(run))
    }

    async fn serving(
        &self,
        owner: &Owner,
        name: &str,
        max_runs: Option<u32>,
    ) -> Result<(), StoreError> {
        let tries = self.tries("noting a server", None);
        patiently!(tries, self.note_server(owner, name, max_runs))
    }

    async fn serves_no_more(&self, owner: &Owner) -> Result<(), StoreError> {
        let tries = self.tries("forgetting a server", None);
        patiently!(tries, self.forget_server(owner))
    }

    async fn hosts(&self) -> Result<Vec<Host>, StoreError> {
        patiently!(self.tries("listing hosts", None), self.list_hosts())
    }

    async fn say_of_host(
        &self,
        host: &str,
        dead: bool,
        by: &Actor,
        reason: &str,
    ) -> Result<(), StoreError> {
        // A word that comes twice says the same.
        let tries = self.tries("noting what is said of a host", None);
        patiently!(tries, self.write_host_word(host, dead, by, reason))
    }

    async fn host_words(&self) -> Result<Vec<(String, HostWord)>, StoreError> {
        let tries = self.tries("reading what was said of hosts", None);
        patiently!(tries, self.list_host_words())
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        patiently!(self.tries("reading the clock", None), self.read_clock())
    }

    async fn rung(&self, run: &RunId) {
        self.bell.rung(run).await;
    }

    async fn stirred(&self) {
        self.bell.stirred().await;
    }

    fn keeps_logs(&self) -> bool {
        true
    }

    async fn append_log(
        &self,
        run: &RunId,
        attempt: AttemptId,
        start: u64,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let tries = self.tries("keeping a log", Some(run));
        patiently!(tries, self.write_log(run, attempt, start, bytes))
    }

    async fn log(
        &self,
        run: &RunId,
        attempt: AttemptId,
        from: u64,
    ) -> Result<Vec<LogPiece>, StoreError> {
        let tries = self.tries("reading a log", Some(run));
        patiently!(tries, self.read_log(run, attempt, from))
    }

    async fn log_ends(&self, run: &RunId) -> Result<Vec<(AttemptId, u64)>, StoreError> {
        let tries = self.tries("reading a log", Some(run));
        patiently!(tries, self.read_log_ends(run))
    }
}
