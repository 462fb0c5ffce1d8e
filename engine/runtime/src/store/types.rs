//! What goes into a store and what comes out.

use crate::owner::Owner;
use piton_core::id::RunId;
use piton_core::record::{Record, RunOutcome};
use piton_core::run::{Head, RunState};
use piton_core::time::{Millis, Timestamp};
use serde::Serialize;
use std::fmt;

/// A run to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// Its id, for instance from [`new_run_id`](super::new_run_id): letters, digits, `-`, `_` and `.` only.
    pub id: RunId,
    /// Its plan in the stored form.
    pub plan_json: String,
    /// The runbook's name.
    pub runbook: String,
    /// The runbook's title.
    pub title: Option<String>,
    /// Who started it, for listings.
    pub starter: String,
    /// When it was started.
    pub started: Timestamp,
    /// Where it stands after its first records.
    pub status: RunStatus,
}

/// Whether [`create`](super::Store::create) made a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It did.
    New,
    /// A run of this id was there; nothing was changed.
    Existing,
}

/// Where a run stands: what listings show without reading its journal. Written with each commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunStatus {
    /// In one word.
    pub state: RunState,
    /// How it ended, once it is over.
    pub outcome: Option<RunOutcome>,
    /// When it ended, once it is over.
    pub ended: Option<Timestamp>,
    /// The ids of the nodes whose questions are open.
    pub waiting_for: Vec<String>,
    /// When it goes on by itself: [`RunStatus::AT_ONCE`] unless it waits for people; then, when its next timeout is
    /// due. `None` when only people can bring it on, or it is over.
    pub next_due: Option<Timestamp>,
}

impl RunStatus {
    /// A run is due now.
    pub const AT_ONCE: Timestamp = Timestamp(0);

    /// A run that goes on by itself.
    #[must_use]
    pub fn running() -> RunStatus {
        RunStatus {
            state: RunState::Running,
            outcome: None,
            ended: None,
            waiting_for: Vec::new(),
            next_due: Some(RunStatus::AT_ONCE),
        }
    }

    /// A run that is over.
    #[must_use]
    pub fn over(outcome: RunOutcome, ended: Timestamp) -> RunStatus {
        RunStatus {
            state: outcome.into(),
            outcome: Some(outcome),
            ended: Some(ended),
            waiting_for: Vec::new(),
            next_due: None,
        }
    }
}

/// The right to drive a run, until it expires or somebody else takes the run over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The run.
    pub run: RunId,
    /// Grows by one with each lease of the run, from 1. Steps get it as `PITON_FENCE`.
    pub fence: u64,
    /// How long it lasts from each renewal.
    pub ttl: Millis,
    /// Whose it was before, when that engine neither released it nor is alive: its work has to be recovered.
    pub taken_from: Option<Owner>,
}

/// A run as it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// Its plan in the stored form.
    pub plan_json: String,
    /// The last snapshot.
    pub snapshot: Option<StoredSnapshot>,
    /// The records after the snapshot, or all.
    pub records: Vec<Record>,
    /// The head of the journal.
    pub head: Head,
    /// What listings say.
    pub status: RunStatus,
}

/// A snapshot of a run's state in the core's stored form, so that loading need not fold the whole journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSnapshot {
    /// The last record that is in it.
    pub seq: u64,
    /// The core's stored form.
    pub json: String,
}

/// What [`commit`](super::Store::commit) adds.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// The records, which follow the expected head. May be empty, when only verdicts are written.
    pub records: &'a [Record],
    /// A snapshot that replaces the one before.
    pub snapshot: Option<&'a StoredSnapshot>,
    /// Inbox entries that were taken, and what became of each.
    pub consumed: &'a [(InboxId, Verdict)],
    /// Where the run stands now.
    pub status: &'a RunStatus,
}

/// An entry of an inbox, unique in its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct InboxId(pub i64);

impl fmt::Display for InboxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What became of an event in an inbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether it counts.
    pub accepted: bool,
    /// Why not, for the person who sent it; may be empty when it counts.
    pub message: String,
}

/// How much of the beginning of an attempt's log a store keeps, in bytes.
pub const LOG_HEAD: u64 = 512 * 1024;

/// How much of the end of an attempt's log a store keeps, in bytes.
pub const LOG_TAIL: u64 = 512 * 1024;

/// The size of the chunks that a log is kept in: each begins at a multiple of it.
pub const LOG_CHUNK: u64 = 16 * 1024;

/// A piece of an attempt's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPiece {
    /// Where in the log it begins.
    pub start: u64,
    /// What it says.
    pub bytes: Vec<u8>,
}

/// Which runs to list.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct RunFilter {
    /// Only these states; empty: all.
    pub states: Vec<RunState>,
    /// Only runs of this runbook.
    pub runbook: Option<String>,
    /// At most this many.
    pub limit: Option<u32>,
}

/// A run as listings show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunSummary {
    /// Its id.
    pub id: RunId,
    /// The runbook's name.
    pub runbook: String,
    /// The runbook's title.
    pub title: Option<String>,
    /// Who started it.
    pub starter: String,
    /// When it was started.
    pub started: Timestamp,
    /// Where it stands.
    pub status: RunStatus,
    /// The head of its journal.
    pub head: Head,
    /// The engine that drives it. `None` when nobody does: the lease is free, expired, or of a process that is
    /// known to be dead. A run that is `running` with nobody driving it was interrupted.
    pub driven_by: Option<Owner>,
}
