//! Stores: where runs live, so that a run goes on after everything that worked on it has died.
//!
//! Start with [`Store`], what every store offers; `types.rs` and `locks.rs` hold what goes in and out,
//! [`StoreError`] what can go wrong. [`sqlite::SqliteStore`] is one file beside which the runs' directories stand
//! ([`location`]); [`postgres::PostgresStore`] is for a team on many hosts. [`AnyStore`] is whichever is meant. [`conformance`] is what any store has to pass.

mod any;
pub mod conformance;
mod error;
mod hosts;
pub mod location;
mod locks;
mod names;
pub mod postgres;
pub mod sqlite;
mod stored;
mod types;

pub use any::AnyStore;
pub use error::{BackupError, StillNeeded, StoreError};
pub use hosts::{Claimable, Engaged, Host, HostWord, Leave, SERVER_LIVES, Server};
pub use location::{Location, LocationError, RunDirectory};
pub use locks::{BrokenLock, LockBreak, LockClaim, LockHolder, Locks, Taken};
pub(crate) use names::is_run_id;
pub use names::{new_run_id, rollback_run_id};
pub use postgres::{PostgresStore, PostgresUrl};
pub use sqlite::SqliteStore;
pub use types::{
    Commit, Created, InboxId, LOG_CHUNK, LOG_HEAD, LOG_TAIL, Lease, Loaded, LogPiece, NewRun,
    RunFilter, RunStatus, RunSummary, StoredSnapshot, Verdict,
};

use crate::owner::Owner;
use piton_core::id::{Actor, AttemptId, RunId};
use piton_core::record::Record;
use piton_core::run::{Event, Head, RunState};
use piton_core::time::{Millis, Timestamp};
use std::future::Future;

/// What every store offers.
///
/// Four rules make it safe to work on a run from several processes:
///
/// - **One engine a run.** [`acquire`](Store::acquire) gives a lease whose fence is one higher than any before it;
///   what is written with an older fence is refused ([`StoreError::Fenced`]).
/// - **One line of records.** [`commit`](Store::commit) adds to the journal only if its head is the expected one,
///   and is durable when it returns. All of a commit is there, or nothing of it.
/// - **Everybody else posts.** Decisions and cancels go to the run's inbox ([`post`](Store::post)); the engine takes
///   them out in the same commit that records what became of them.
/// - **One holder a lock.** Named locks are taken all at once or not at all ([`take_locks`](Store::take_locks)), and
///   stay when the engine dies. A run that is over has none.
///
/// When a call that writes fails with anything but `Fenced`, `Conflict` or `Held`, its outcome may be unknown: load
/// the run again before going on.
pub trait Store: Send + Sync {
    /// Makes a run with its first records, which follow [`Head::EMPTY`].
    ///
    /// # Errors
    /// When the store cannot be written. That the id is taken is not an error but [`Created::Existing`].
    fn create(
        &self,
        run: &NewRun,
        records: &[Record],
    ) -> impl Future<Output = Result<Created, StoreError>> + Send;

    /// Takes the run's lease for `ttl`: at once when nobody holds it, when it has expired, or when its holder is
    /// provably dead on this very host.
    ///
    /// # Errors
    /// [`StoreError::Held`] when somebody else drives the run; [`StoreError::NoSuchRun`].
    fn acquire(
        &self,
        run: &RunId,
        owner: &Owner,
        ttl: Millis,
    ) -> impl Future<Output = Result<Lease, StoreError>> + Send;

    /// Makes the lease last for its full length again, from now.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when somebody else has taken the run over, or the lease was released.
    fn renew(&self, lease: &Lease) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Gives the lease back, so that the next engine need not wait.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when it was somebody else's by then; nothing is changed.
    fn release(&self, lease: &Lease) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The run as it stands: its plan, its last snapshot, the records after that, and the head.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRun`], or when the store cannot be read.
    fn load(&self, run: &RunId) -> impl Future<Output = Result<Loaded, StoreError>> + Send;

    /// The records from number `from` on, exactly as they were written; [`Record::verify`] tells whether each is.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRun`], or when the store cannot be read.
    fn records(
        &self,
        run: &RunId,
        from: u64,
    ) -> impl Future<Output = Result<Vec<Record>, StoreError>> + Send;

    /// Adds to the journal, in one durable transaction: the records, a snapshot if there is one, the verdicts on
    /// inbox entries, and where the run stands now.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] and [`StoreError::Conflict`]: nothing was written. Others: nothing was acknowledged,
    /// so load the run again to see what is there.
    fn commit(
        &self,
        lease: &Lease,
        expected: Head,
        commit: Commit<'_>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Puts an event into the run's inbox. The same key gives the same entry, however often it is posted.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRun`], or when the store cannot be written.
    fn post(
        &self,
        run: &RunId,
        event: &Event,
        key: &str,
    ) -> impl Future<Output = Result<InboxId, StoreError>> + Send;

    /// The entries without a verdict, in the order they were posted.
    ///
    /// An entry that this build cannot read, because a newer one posted it, is refused in the store, with a verdict
    /// that says so, and left out.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRun`], or when the store cannot be read.
    fn inbox(
        &self,
        run: &RunId,
    ) -> impl Future<Output = Result<Vec<(InboxId, Event)>, StoreError>> + Send;

    /// What became of an entry; `None` while nobody has decided, and for an entry that does not exist.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn verdict(
        &self,
        entry: InboxId,
    ) -> impl Future<Output = Result<Option<Verdict>, StoreError>> + Send;

    /// Runs, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn runs(
        &self,
        filter: &RunFilter,
    ) -> impl Future<Output = Result<Vec<RunSummary>, StoreError>> + Send;

    /// How many runs there are in each state that any is in.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn census(&self) -> impl Future<Output = Result<Vec<(RunState, u64)>, StoreError>> + Send {
        async {
            let mut census: Vec<(RunState, u64)> = Vec::new();
            for run in self.runs(&RunFilter::default()).await? {
                let state = run.status.state;
                match census.iter_mut().find(|(known, _)| *known == state) {
                    Some((_, count)) => *count += 1,
                    None => census.push((state, 1)),
                }
            }
            Ok(census)
        }
    }

    /// One run's line of [`runs`](Store::runs).
    ///
    /// # Errors
    /// [`StoreError::NoSuchRun`], or when the store cannot be read.
    fn summary(&self, run: &RunId) -> impl Future<Output = Result<RunSummary, StoreError>> + Send;

    /// The run that somebody means: its id, the beginning or any part of its id that only one run has, or `last`
    /// for the newest.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] and [`StoreError::Ambiguous`], with runs that may be meant.
    fn resolve(&self, text: &str) -> impl Future<Output = Result<RunId, StoreError>> + Send;

    /// Takes the locks of these names for a node of the run, or for the run as a whole: all of them, or none. Who
    /// has them gets them again. Who does not get them is listed as waiting until it does, or lets go.
    ///
    /// A lock of another run is free once that run is over. A lock of this very run as a whole is no obstacle to its
    /// nodes, but they are to each other.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease is no longer ours, or when the store cannot be written.
    fn take_locks(
        &self,
        lease: &Lease,
        node: Option<&str>,
        names: &[String],
    ) -> impl Future<Output = Result<Taken, StoreError>> + Send;

    /// Lets go of all that a node of the run, or the run as a whole, has or waits for; nothing of that is no error.
    /// Gives the other runs that wait for what is free now.
    ///
    /// # Errors
    /// As of [`take_locks`](Store::take_locks).
    fn release_locks(
        &self,
        lease: &Lease,
        node: Option<&str>,
    ) -> impl Future<Output = Result<Vec<RunId>, StoreError>> + Send;

    /// Lets go of all that the run has or waits for, except these names of these holders. Takes nothing: a kept lock
    /// that is not there was broken. Gives the other runs that wait for what is free now.
    ///
    /// # Errors
    /// As of [`take_locks`](Store::take_locks).
    fn keep_locks(
        &self,
        lease: &Lease,
        kept: &[(Option<String>, Vec<String>)],
    ) -> impl Future<Output = Result<Vec<RunId>, StoreError>> + Send;

    /// All locks: held, waited for, and broken.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn locks(&self) -> impl Future<Output = Result<Locks, StoreError>> + Send;

    /// Takes a lock away from whoever has it, and keeps who did that and why. The holder is not told and goes on.
    ///
    /// # Errors
    /// [`StoreError::NoSuchLock`] when nobody has it, or when the store cannot be written.
    fn break_lock(
        &self,
        name: &str,
        by: &Actor,
        reason: &str,
    ) -> impl Future<Output = Result<LockBreak, StoreError>> + Send;

    /// Deletes all that the store has of a run that is over and that nothing needs any more, in one transaction. Its
    /// directory is not the store's business.
    ///
    /// # Errors
    /// [`StoreError::StillNeeded`] when the run is not over, somebody drives it, another run takes it back right now,
    /// or it is one that took back a run that is kept; [`StoreError::NoSuchRun`]; or when the store cannot be written.
    fn delete(&self, run: &RunId) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Leaves a run to the servers of the store from now on. One that was left to them at once stays so.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRun`], or when the store cannot be written.
    fn leave_to_servers(
        &self,
        run: &RunId,
        leave: Leave,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether a run is the servers': left to them at once, or taken over by one.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRun`], or when the store cannot be read.
    fn is_left_to_servers(
        &self,
        run: &RunId,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// The runs that a server may drive now: left to servers (or orphaned, of those that are left to them then), not over, driven by nobody, and with something to be
    /// done: they do not wait for people, something is due, an inbox entry has no verdict, or an attempt may
    /// still run on this `host`, where a server can reach it.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn claimable(&self, host: &str) -> impl Future<Output = Result<Claimable, StoreError>> + Send;

    /// Notes the hosts on which attempts of the run may still run, out of reach of the engine with this lease; none
    /// when all are within its reach.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] when the lease is no longer ours, or when the store cannot be written.
    fn note_away(
        &self,
        lease: &Lease,
        hosts: &[String],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The runs that are not over and of which attempts may still run on this host, out of reach of who drove them
    /// last.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn runs_away(&self, host: &str) -> impl Future<Output = Result<Vec<RunId>, StoreError>> + Send;

    /// Takes the lease of a run that was left to servers, in one transaction that also checks that the run is not
    /// over. From then on it is the servers'. `None` when it is over, not left to servers, or somebody else drives it by now.
    ///
    /// # Errors
    /// [`StoreError::HostIsDead`] when that was said of the owner's host; [`StoreError::NoSuchRun`], or when the
    /// store cannot be written.
    fn claim(
        &self,
        run: &RunId,
        owner: &Owner,
        ttl: Millis,
    ) -> impl Future<Output = Result<Option<Lease>, StoreError>> + Send;

    /// All engines that had the lease of a run, by their fences. Those of runs from before this was kept are missing.
    ///
    /// # Errors
    /// [`StoreError::NoSuchRun`], or when the store cannot be read.
    fn engines(&self, run: &RunId)
    -> impl Future<Output = Result<Vec<Engaged>, StoreError>> + Send;

    /// Notes that a server looks for runs here, and will for the next [`SERVER_LIVES`].
    ///
    /// # Errors
    /// [`StoreError::HostIsDead`] when that was said of its host: then nothing was changed. Or when the store cannot
    /// be written.
    fn serving(
        &self,
        owner: &Owner,
        name: &str,
        max_runs: Option<u32>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets a server that ends.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn serves_no_more(&self, owner: &Owner) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// All hosts that the store knows, by name, with what lives on each as far as that can be seen from here.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn hosts(&self) -> impl Future<Output = Result<Vec<Host>, StoreError>> + Send;

    /// Writes down what somebody says of a host, whether or not the store knows it, and keeps it for good. While one
    /// is said to be dead, its leases count as free, and it gets no new ones.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn say_of_host(
        &self,
        host: &str,
        dead: bool,
        by: &Actor,
        reason: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// All that was ever said of hosts, in order, each with the host's name.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn host_words(
        &self,
    ) -> impl Future<Output = Result<Vec<(String, HostWord)>, StoreError>> + Send;

    /// The store's own time, by which leases last.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn now(&self) -> impl Future<Output = Result<Timestamp, StoreError>> + Send;

    /// Returns when something may have been posted for the run, or a lock that it waits for let go of, from whatever
    /// host. May be dropped and called again without losing a ring. A store of one host does not ring: there the wake-up
    /// socket does ([`crate::wake`]).
    fn rung(&self, run: &RunId) -> impl Future<Output = ()> + Send {
        let _ = run;
        std::future::pending()
    }

    /// Returns when something may have happened to any run: it was made, posted to, waits, or is over. As
    /// [`rung`](Store::rung) otherwise.
    fn stirred(&self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// Whether what attempts print is kept in the store, because who reads it may be on another host.
    fn keeps_logs(&self) -> bool {
        false
    }

    /// Keeps a chunk of an attempt's log, which begins at a multiple of [`LOG_CHUNK`]; one that is there and not longer
    /// stays. Of a long log the beginning and the end are kept ([`LOG_HEAD`], [`LOG_TAIL`]). Nothing where the
    /// store does not [keep logs](Store::keeps_logs).
    ///
    /// # Errors
    /// [`StoreError::NoSuchRun`], or when the store cannot be written.
    fn append_log(
        &self,
        run: &RunId,
        attempt: AttemptId,
        start: u64,
        bytes: &[u8],
    ) -> impl Future<Output = Result<(), StoreError>> + Send {
        let _ = (run, attempt, start, bytes);
        async { Ok(()) }
    }

    /// What is kept of an attempt's log from this place on, in order. Between two pieces something may be left out.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn log(
        &self,
        run: &RunId,
        attempt: AttemptId,
        from: u64,
    ) -> impl Future<Output = Result<Vec<LogPiece>, StoreError>> + Send {
        let _ = (run, attempt, from);
        async { Ok(Vec::new()) }
    }

    /// Up to where the log of each attempt of the run is kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn log_ends(
        &self,
        run: &RunId,
    ) -> impl Future<Output = Result<Vec<(AttemptId, u64)>, StoreError>> + Send {
        let _ = run;
        async { Ok(Vec::new()) }
    }
}
