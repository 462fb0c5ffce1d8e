//! Why a run cannot be made or driven. Each message says what is safe and what to type next.

use crate::keeper::KeeperError;
use crate::store::StoreError;
use piton_core::id::RunId;
use piton_core::plan::PlanError;
use piton_core::run::{LoadError, ReplanError};
use std::path::PathBuf;

/// Why a run cannot be made or driven.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keeper, who holds the processes.
    #[error(transparent)]
    Keeper(#[from] KeeperError),
    /// The stored plan.
    #[error("the plan of run {run} cannot be used: {source}. Nothing was changed")]
    Plan {
        /// The run.
        run: RunId,
        /// Why.
        #[source]
        source: PlanError,
    },
    /// The journal.
    #[error(
        "the journal of run {run} cannot be used: {source}. Nothing was changed; `piton audit {run}` checks all of it"
    )]
    Load {
        /// The run.
        run: RunId,
        /// Why.
        #[source]
        source: LoadError,
    },
    /// The run's directory.
    #[error(
        "the directory of run {run} cannot be used: {}: {source}. What was recorded is safe. See to it that this user \
         can write there and that there is space, then type `piton resume {run}`",
        path.display()
    )]
    Directory {
        /// The run.
        run: RunId,
        /// The directory or the file in it.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Something that a step needs is not on this machine, or not now.
    #[error(
        "step `{node}` could not begin: {what}. Nothing of it was done, and what was recorded is safe. Put that right, \
         then type `piton resume {run}`"
    )]
    Missing {
        /// The run.
        run: RunId,
        /// The node that could not begin.
        node: String,
        /// What is missing.
        what: String,
    },
    /// A server cannot be rung.
    #[error(
        "the directory {} cannot be used, through which a server hears of runs: {source}. Nothing was started. See to \
         it that this user can write there, then type `piton serve`",
        path.display()
    )]
    Bell {
        /// The directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// Every new id was taken.
    #[error("no free id was found for the run; nothing was started, try again")]
    NoFreeId,
}

/// Why a run did not take over an edited runbook. It has the plan that it had.
#[derive(Debug, thiserror::Error)]
pub enum NotReplanned {
    /// It could not be read or written, or an engine drives it.
    #[error(transparent)]
    Drive(#[from] DriveError),
    /// The run refuses.
    #[error(transparent)]
    Refused(#[from] ReplanError),
}

impl From<StoreError> for NotReplanned {
    fn from(error: StoreError) -> NotReplanned {
        NotReplanned::Drive(error.into())
    }
}

/// Why a journal cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// It could not be read at all.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record is damaged, missing or out of place.
    #[error("the journal of run {run} was changed: {source}")]
    Record {
        /// The run.
        run: RunId,
        /// Which record, and what is wrong with it.
        #[source]
        source: piton_core::record::RecordError,
    },
    /// The records are in order, but they are not all, or not those that were written.
    #[error(
        "the journal of run {run} was changed: its records are in order but end at number {found} in another way \
         than the store says, which has number {expected} as the last"
    )]
    Head {
        /// The run.
        run: RunId,
        /// The number of the last record as the store has it.
        expected: u64,
        /// The number of the last record that is there. The same number means another hash.
        found: u64,
    },
    /// The plan is not the one that the run began with.
    #[error(
        "the plan of run {run} was changed after the run began: record 1 names plan {expected}, and the stored plan is {found}"
    )]
    Plan {
        /// The run.
        run: RunId,
        /// The digest in record 1.
        expected: String,
        /// The digest of the stored plan, or what is wrong with it.
        found: String,
    },
    /// A plan that the run took over is not the one that its record names.
    #[error(
        "record {seq} of run {run} says that it took over plan {expected}, and the plan in it is {found}"
    )]
    Replanned {
        /// The run.
        run: RunId,
        /// The record.
        seq: u64,
        /// The digest that the record names.
        expected: String,
        /// The digest of the plan that is in it.
        found: String,
    },
    /// Files that were kept with the run are not there as they were kept.
    #[error(
        "all {records} records of run {run} are as they were written, but {} of its {kept} kept files are not: {}",
        wrong.len(), wrong.join("; ")
    )]
    Evidence {
        /// The run.
        run: RunId,
        /// How many records it has.
        records: u64,
        /// How many files were kept.
        kept: usize,
        /// Each that is not as it was, with its path and what is wrong.
        wrong: Vec<String>,
    },
    /// There is no record.
    #[error("run {run} has no records, not even the one that it was created")]
    Empty {
        /// The run.
        run: RunId,
    },
}
