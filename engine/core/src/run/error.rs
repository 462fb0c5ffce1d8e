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
        answer: Box<Answer>,
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
    /// The person who answers is not the one who is deciding it.
    #[error(
        "{by} took the question at `{node}` at {at} and is deciding it until {until}; your answer was not counted: ask them, or take it over with `piton take --over`"
    )]
    TakenBy {
        /// The node.
        node: String,
        /// Who has it.
        by: Actor,
        /// Since when.
        at: Timestamp,
        /// Until when.
        until: Timestamp,
    },
    /// Nobody may skip the node.
    #[error("`{node}` says that nobody may skip it; the question is still open")]
    NeverSkip {
        /// The node.
        node: String,
    },
    /// What was typed is not what has to be typed.
    #[error(
        "what was typed is not what `{node}` is about to change: it is `{expected}`; the step was not started, and the question is still open"
    )]
    NotConfirmed {
        /// The node.
        node: String,
        /// What has to be typed.
        expected: String,
    },
    /// What was asked for is not complete.
    #[error("`{node}` is not done: {reason}; the question is still open")]
    NotDone {
        /// The node.
        node: String,
        /// What is missing or wrong.
        reason: String,
    },
    /// The run cannot go back to that node.
    #[error("`{node}` cannot go back to `{to}`: {reason}; the question is still open")]
    NotBefore {
        /// The node that failed.
        node: String,
        /// Where it should go back to.
        to: String,
        /// Why not.
        reason: &'static str,
    },
    /// The run takes back what was done, and that is not cut short.
    #[error(
        "this run {doing}, which is not cut short; your request was written down and nothing was changed: `piton show` tells how far it is"
    )]
    NotNow {
        /// What the run does.
        doing: &'static str,
    },
    /// The run never called people like this.
    #[error("this run has no page {page}")]
    NoSuchPage {
        /// The page.
        page: crate::record::PageId,
    },
    /// Nobody is called about the run's clock.
    #[error("nobody is being called about the RTO of this run; there is nothing to acknowledge")]
    NobodyCalled,
    /// Somebody acknowledged before that the clock runs.
    #[error("{by} acknowledged the RTO page at {at} already; nobody is called about it meanwhile")]
    AcknowledgedBefore {
        /// Who.
        by: Actor,
        /// When.
        at: Timestamp,
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
        RunOutcome::RolledBack => "was rolled back",
        RunOutcome::PartlyRolledBack => "was rolled back in part",
    }
}

fn said(answer: &Answer) -> &'static str {
    match answer {
        Answer::Approve => "approved it",
        Answer::Reject => "rejected it",
        Answer::Succeeded { .. } => "said that it succeeded",
        Answer::DidNotHappen => "said that it did not happen",
        Answer::Failed => "said that it failed",
        Answer::Done { .. } => "did it",
        Answer::Confirm { .. } => "confirmed it",
        Answer::Retry => "had it tried again",
        Answer::Skip { .. } => "skipped it",
        Answer::Rewind { .. } => "went back",
        Answer::Rollback => "rolled the run back",
        Answer::Stop => "stopped the run",
        Answer::UndoneByHand => "undid it by hand",
        Answer::AbandonUndo => "gave its undo up",
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

impl LoadError {
    pub(super) fn bad_snapshot(reason: String) -> LoadError {
        LoadError::BadSnapshot { reason }
    }
}
