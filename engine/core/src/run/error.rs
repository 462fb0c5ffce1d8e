//! Why an event is refused, and why a journal cannot be loaded.

use crate::id::{Actor, AttemptId};
use crate::record::{Answer, RecordError, RunOutcome};
use crate::time::Timestamp;

/// Why an event was refused. The run is as it was before. The text is what the person who sent it reads.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProtocolError {
    /// The run ended before.
    #[error("this run is over: it {} at {at}; nothing was changed, and `piton show` tells what happened", ended(*outcome))]
    Over {
        /// How it ended.
        outcome: RunOutcome,
        /// When.
        at: Timestamp,
    },
    /// The plan has no such node.
    #[error("this run has no node number {number}; `piton show` lists its nodes")]
    NoSuchNode {
        /// The number.
        number: u32,
    },
    /// No question is open for the node, and none was.
    #[error(
        "there is nothing to decide at `{node}`: no question is open there; `piton show` lists the open ones"
    )]
    NothingToDecide {
        /// The node.
        node: String,
    },
    /// Somebody else was first.
    #[error(
        "`{node}` was already decided: {by} {} at {at}; your answer was not counted",
        said(answer)
    )]
    AlreadyDecided {
        /// The node.
        node: String,
        /// Who decided.
        by: Actor,
        /// What.
        answer: Answer,
        /// When.
        at: Timestamp,
    },
    /// The answer came too late.
    #[error("the question at `{node}` expired at {at}; your answer was not counted")]
    Expired {
        /// The node.
        node: String,
        /// When it expired.
        at: Timestamp,
    },
    /// The question was taken back.
    #[error("the question at `{node}` is no longer asked: {reason}; your answer was not counted")]
    Voided {
        /// The node.
        node: String,
        /// Why.
        reason: String,
    },
    /// The answer is about something else than what is asked now.
    #[error(
        "what you were shown of `{node}` has changed since; your answer was not counted: look at it again with `piton show`, then answer"
    )]
    ShownChanged {
        /// The node.
        node: String,
    },
    /// The answer does not fit the question.
    #[error("`{node}` asks {asks}; possible answers are {possible}")]
    WrongAnswer {
        /// The node.
        node: String,
        /// What is asked.
        asks: String,
        /// What can be answered.
        possible: &'static str,
    },
    /// The person is not one of those who are asked.
    #[error("`{who}` may not answer at `{node}`: it asks {}; act as one of them with `--as NAME`", names.join(", "))]
    MayNot {
        /// The node.
        node: String,
        /// The name they acted under.
        who: String,
        /// Who may.
        names: Vec<String>,
    },
    /// The one who started the run may not approve.
    #[error(
        "`{who}` started this run, and `{node}` wants somebody else to approve; ask another person"
    )]
    Starter {
        /// The node.
        node: String,
        /// The name they acted under.
        who: String,
    },
    /// The same person approved before.
    #[error("`{who}` approved `{node}` already at {at}; it needs {missing} more from other people")]
    Twice {
        /// The node.
        node: String,
        /// The name they acted under.
        who: String,
        /// When they approved.
        at: Timestamp,
        /// How many approvals are still missing.
        missing: u32,
    },
    /// The outputs given with an answer are not those that the node has.
    #[error("the outputs given for `{node}` cannot be taken: {reason}; the question is still open")]
    Outputs {
        /// The node.
        node: String,
        /// What is wrong with them.
        reason: String,
    },
    /// It was cancelled before.
    #[error("this run is being cancelled already: {by} asked for it at {at}")]
    AlreadyCancelled {
        /// Who cancelled.
        by: Actor,
        /// When.
        at: Timestamp,
    },
    /// The run never started such an attempt.
    #[error("this run has no attempt {attempt}; its result was not taken")]
    NoSuchAttempt {
        /// The attempt.
        attempt: AttemptId,
    },
}

fn ended(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Succeeded => "succeeded",
        RunOutcome::Failed => "failed",
        RunOutcome::Cancelled => "was cancelled",
    }
}

fn said(answer: &Answer) -> &'static str {
    match answer {
        Answer::Approve => "approved it",
        Answer::Reject => "rejected it",
        Answer::Succeeded { .. } => "said that it succeeded",
        Answer::DidNotHappen => "said that it did not happen",
        Answer::Failed => "said that it failed",
    }
}

/// Why a stored run cannot be loaded. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// There is no record.
    #[error("the journal is empty: not even the record that the run was created is there")]
    Empty,
    /// A record is damaged, missing or of a newer Piton.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A record reads well but cannot follow what stands before it.
    #[error("record {seq} does not fit what stands before it: {reason}")]
    Misfit {
        /// Which record.
        seq: u64,
        /// Why.
        reason: String,
    },
    /// The journal is of another plan.
    #[error("the journal was written for a plan with digest {}, and the stored plan has {}", expected.short(), found.short())]
    OtherPlan {
        /// The plan's digest in the journal.
        expected: crate::digest::Digest,
        /// The digest of the plan that was given.
        found: crate::digest::Digest,
    },
    /// The snapshot was written by a newer Piton.
    #[error(
        "the snapshot has version {found}, and this piton knows versions up to {known}; use the newer piton, or load without the snapshot",
        known = super::SNAPSHOT_VERSION
    )]
    NewerSnapshot {
        /// Its version.
        found: u32,
    },
    /// The snapshot is not one of this plan.
    #[error("the snapshot cannot be used: {reason}; load without it")]
    BadSnapshot {
        /// Why.
        reason: String,
    },
}
