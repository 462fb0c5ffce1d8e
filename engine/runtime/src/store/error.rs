//! What can go wrong with a store. Each message says what happened, what is safe, and what to do next.

use super::types::InboxId;
use crate::owner::Owner;
use piton_core::id::{Actor, RunId};
use piton_core::record::RecordError;
use piton_core::run::Head;
use piton_core::time::Timestamp;

/// Why a store could not do what it was asked. `place` is the store as it was named, such as `sqlite:/var/x.db`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else drives the run.
    #[error(
        "run {run} is driven by {by} since {since}; nothing was changed. Let it go on (`piton show {run}`), or end \
         that process and type `piton resume {run}`; if its host is gone, the run is free at {until}"
    )]
    Held {
        /// The run.
        run: RunId,
        /// Who.
        by: Box<Owner>,
        /// Since when.
        since: Timestamp,
        /// Until when at least, if it does not renew its lease.
        until: Timestamp,
    },
    /// Somebody said that the host of this engine is dead.
    #[error(
        "this host, {host}, was said to be dead by {by} at {at} ({reason}); nothing was started or changed. Others may \
         have gone on with its runs. If it is well again, type `piton hosts alive {host} --reason TEXT`"
    )]
    HostIsDead {
        /// The host.
        host: String,
        /// Who said so.
        by: Actor,
        /// When.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// The lease is no longer ours.
    #[error(
        "this engine may no longer write to run {run}: its lease {fence} ended, and {now}. What was recorded before \
         is safe, and steps that run go on; see `piton show {run}`",
        now = whose(.by.as_deref(), *.current)
    )]
    Fenced {
        /// The run.
        run: RunId,
        /// The fence that was refused.
        fence: u64,
        /// The run's fence now.
        current: u64,
        /// Who holds the run now.
        by: Option<Box<Owner>>,
    },
    /// The journal does not end where it was expected to.
    #[error(
        "the journal of run {run} ends at record {}, not at record {} as expected; nothing was written. Type `piton \
         resume {run}` to go on from what is recorded",
        .found.seq, .expected.seq
    )]
    Conflict {
        /// The run.
        run: RunId,
        /// What was expected.
        expected: Head,
        /// What is there.
        found: Head,
    },
    /// The records to be written do not follow the head.
    #[error(
        "the new records of run {run} do not follow its journal, and were not written: {reason}"
    )]
    Misplaced {
        /// The run.
        run: RunId,
        /// What is wrong with them.
        reason: RecordError,
    },
    /// An inbox entry has a verdict already, or is not of this run.
    #[error(
        "entry {entry} of the inbox of run {run} was decided by somebody else; nothing was written"
    )]
    Decided {
        /// The run.
        run: RunId,
        /// The entry.
        entry: InboxId,
    },
    /// There is no space.
    #[error(
        "no space is left for the store {place}; what was recorded is safe, and nothing after it was started. Free \
         some space there, then type `piton resume {}`",
        run_or_last(.run.as_ref())
    )]
    Full {
        /// The store.
        place: String,
        /// The run that was written.
        run: Option<RunId>,
    },
    /// It cannot be written.
    #[error(
        "the store {place} cannot be written: {reason}; what was recorded is safe. Make it writable for this user, \
         or name another with `--store` or $PITON_STORE; then type `piton resume {}`",
        run_or_last(.run.as_ref())
    )]
    Unwritable {
        /// The store.
        place: String,
        /// What the system said.
        reason: String,
        /// The run that was written.
        run: Option<RunId>,
    },
    /// Its server cannot be reached, or is not ready.
    #[error(
        "the store {place} cannot be reached{}: {reason}. What was recorded is safe, and steps that run go on. See that \
         the server runs and that this host reaches it (`piton doctor`), then type `piton resume {}`",
        tried_for(*.seconds), run_or_last(.run.as_ref())
    )]
    Away {
        /// The store.
        place: String,
        /// What the server or the system said.
        reason: String,
        /// How long it was tried, in seconds.
        seconds: u64,
        /// The run that was worked on.
        run: Option<RunId>,
    },
    /// Somebody else had it locked for too long.
    #[error(
        "the store {place} was locked by another process for {seconds} seconds; nothing was written. See who has it \
         open (`fuser {path}`), then try again",
        path = place.strip_prefix("sqlite:").unwrap_or(place)
    )]
    Busy {
        /// The store.
        place: String,
        /// How long was waited.
        seconds: u64,
    },
    /// What is stored is damaged.
    #[error(
        "the store {place} is damaged: {reason}. Nothing was changed. {} first; then put a backup there, or name \
         another store with `--store`",
        how_to_keep(.place)
    )]
    Corrupt {
        /// The store.
        place: String,
        /// What was found.
        reason: String,
    },
    /// A newer Piton has changed its layout.
    #[error(
        "the store {place} has layout {found}, and this piton knows layouts up to {known}; nothing was changed. Use \
         the newer piton (`piton --version` there), or name another store with `--store`"
    )]
    Newer {
        /// The store.
        place: String,
        /// Its layout.
        found: i64,
        /// The newest layout this build knows.
        known: i64,
    },
    /// It is something else.
    #[error(
        "{place} is not a store of runs: {reason}. Nothing was changed. Name another place with `--store` or \
         $PITON_STORE"
    )]
    NotAStore {
        /// What was named.
        place: String,
        /// What it is.
        reason: String,
    },
    /// Reading or writing failed below the store.
    #[error(
        "the store {place} failed while it was {doing}: {reason}; what was acknowledged before is recorded. Check \
         its disk, then type `piton resume {}`",
        run_or_last(.run.as_ref())
    )]
    Failed {
        /// The store.
        place: String,
        /// What was being done, as in "being opened".
        doing: &'static str,
        /// What the system said.
        reason: String,
        /// The run that was worked on.
        run: Option<RunId>,
    },
    /// The run cannot be deleted.
    #[error("run {run} was not deleted: {why}")]
    StillNeeded {
        /// The run.
        run: RunId,
        /// What needs it.
        why: StillNeeded,
    },
    /// There is no run of this id.
    #[error("there is no run {run} in the store {place}; type `piton runs` to see those that are")]
    NoSuchRun {
        /// The store.
        place: String,
        /// The id.
        run: RunId,
    },
    /// The id cannot be one.
    #[error(
        "`{id}` cannot be the id of a run: an id has 1 to 100 letters, digits, `-`, `_` or `.`, and does not begin \
         with a dot or a dash"
    )]
    BadRunId {
        /// The text.
        id: String,
    },
    /// Nobody has a lock of this name.
    #[error(
        "no run holds a lock `{name}` in the store {place}, so nothing was changed; {}",
        list_of_held(.held)
    )]
    NoSuchLock {
        /// The store.
        place: String,
        /// The lock's name.
        name: String,
        /// Names of the locks that are held there.
        held: Vec<String>,
    },
    /// Nothing matches what somebody typed.
    #[error("no run in the store {place} matches `{text}`; {}", list_of_newest(.newest))]
    NotFound {
        /// The store.
        place: String,
        /// What was typed.
        text: String,
        /// The newest runs there.
        newest: Vec<RunId>,
    },
    /// Several runs match what somebody typed.
    #[error("`{text}` may be any of several runs: {}; type more of the id", list(.candidates))]
    Ambiguous {
        /// What was typed.
        text: String,
        /// Some of those that match, newest first.
        candidates: Vec<RunId>,
    },
}

/// Why a run is not deleted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StillNeeded {
    /// It is not over.
    #[error("it is not over; `piton cancel` ends it")]
    Open,
    /// An engine has it.
    #[error("{by} still works on it")]
    Driven {
        /// Which.
        by: Box<Owner>,
    },
    /// Another run that is not over takes it back.
    #[error("run {by} takes back what it did, and is not over")]
    TakenBack {
        /// That run.
        by: RunId,
    },
    /// It took back a run that is there: without it that run could be taken back once more.
    #[error("it took back what run {run} did, which is kept, and stands for that")]
    TookBack {
        /// The run that it took back.
        run: RunId,
    },
}

/// Why there is no copy of a store.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is something of that name.
    #[error("{} is there already, and nothing was written", .0.display())]
    Exists(std::path::PathBuf),
    /// The file cannot be written.
    #[error("{} cannot be written: {source}", path.display())]
    Unwritable {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// It is no file of this host.
    #[error("a store in Postgres is copied with Postgres' own tools: `{command}`")]
    Postgres {
        /// What copies it, without a password.
        command: String,
    },
    /// The store cannot be read, or the copy not written.
    #[error(transparent)]
    Store(StoreError),
}

impl StoreError {
    /// Whether it is certain that nothing was written, so that the run in memory is still the one in the store.
    #[must_use]
    pub fn wrote_nothing(&self) -> bool {
        !matches!(
            self,
            StoreError::Failed { .. }
                | StoreError::Full { .. }
                | StoreError::Unwritable { .. }
                | StoreError::Away { .. }
        )
    }
}

fn whose(by: Option<&Owner>, current: u64) -> String {
    match by {
        Some(owner) => format!("{owner} drives the run with lease {current}"),
        None => format!("the run was let go of (lease {current})"),
    }
}

fn tried_for(seconds: u64) -> String {
    match seconds {
        0 => String::new(),
        seconds => format!(", which was tried for {seconds} s"),
    }
}

fn how_to_keep(place: &str) -> &'static str {
    match place.starts_with("sqlite:") {
        true => "Copy it with its -wal file to a safe place",
        false => "Save what is in its schema `piton` (`pg_dump -n piton`)",
    }
}

fn run_or_last(run: Option<&RunId>) -> &str {
    run.map_or("last", |run| run.0.as_str())
}

fn list(runs: &[RunId]) -> String {
    runs.iter()
        .map(|run| run.0.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn list_of_held(locks: &[String]) -> String {
    if locks.is_empty() {
        "no lock is held there".to_owned()
    } else {
        format!(
            "held are {}; type `piton lock list` to see by whom",
            locks.join(", ")
        )
    }
}

fn list_of_newest(runs: &[RunId]) -> String {
    if runs.is_empty() {
        "there are no runs yet: `piton run FILE` starts one".to_owned()
    } else {
        format!("the newest are {}; type `piton runs` for all", list(runs))
    }
}
