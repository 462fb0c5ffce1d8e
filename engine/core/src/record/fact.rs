//! Facts: what is written down about a run.

use super::{
    Answer, AttemptResult, Delivery, Inputs, Left, Page, PageId, Question, RunOutcome, Start,
    UndoEntry,
};
use crate::digest::Digest;
use crate::id::{Actor, AttemptId, RunId};
use crate::plan::{NodeIndex, Response};
use crate::time::{Millis, Timestamp};
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What happened. One variant, one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Fact {
    /// The run was made.
    RunCreated {
        /// Its id.
        run: RunId,
        /// The runbook's name.
        runbook: String,
        /// The digest of its plan.
        plan: Digest,
        /// Who and where.
        start: Start,
    },
    /// A node's needs have settled: its inputs were worked out, once for this pass.
    NodeStarted {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// What its action was given.
        inputs: Inputs,
    },
    /// A node is not done in this pass.
    NodeSkipped {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// Why.
        reason: SkipReason,
        /// What other nodes can use, where somebody decided it.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<String, Value>,
    },
    /// An attempt is about to be started. Durable before anything of it happens.
    AttemptStarted {
        /// Which attempt.
        attempt: AttemptId,
        /// When its time is up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
        /// The place of the item it is for, of a node that is done for each of a list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<u32>,
    },
    /// An attempt is over.
    AttemptEnded {
        /// Which attempt.
        attempt: AttemptId,
        /// How, with everything that was worked out from what it produced.
        result: AttemptResult,
    },
    /// A result came for an attempt that was over, or for a run that was over. It changes nothing.
    LateResult {
        /// Which attempt.
        attempt: AttemptId,
        /// How it ended.
        result: AttemptResult,
    },
    /// An attempt that runs, as far as is known, cannot be reached by the engine that drives the run now.
    AttemptElsewhere {
        /// Which attempt.
        attempt: AttemptId,
        /// The host it was begun on.
        host: String,
        /// Why it cannot be reached.
        why: String,
    },
    /// An attempt that could not be reached can be again.
    AttemptReached {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// An attempt was told to end.
    StopRequested {
        /// Which attempt.
        attempt: AttemptId,
        /// Why.
        reason: StopReason,
    },
    /// A node will be tried again.
    RetryScheduled {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// Not before this time.
        at: Timestamp,
        /// Which try failed.
        after: AttemptId,
    },
    /// A question to people was opened.
    QuestionOpened {
        /// The question.
        question: Question,
    },
    /// A person answered, and the answer counts.
    Answered {
        /// The node whose question was answered.
        node: NodeIndex,
        /// Its pass.
        pass: u32,
        /// Who.
        by: Actor,
        /// What.
        answer: Answer,
        /// What they said about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// The digest of what they were shown.
        shown: Digest,
    },
    /// A question's time ran out.
    QuestionExpired {
        /// The node whose question it was.
        node: NodeIndex,
        /// Its pass.
        pass: u32,
    },
    /// A question is no longer asked, because what it was about is over.
    QuestionVoided {
        /// The node whose question it was.
        node: NodeIndex,
        /// Its pass.
        pass: u32,
        /// Why.
        reason: String,
    },
    /// A node is done, and well.
    NodeSucceeded {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// What other nodes can use.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<String, Value>,
    },
    /// A node failed for good in this pass.
    NodeFailed {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// Why.
        message: String,
    },
    /// What is done about a node's failure: by its ladder, or because somebody decided it.
    ResponseTaken {
        /// The node that failed.
        node: NodeIndex,
        /// Its pass.
        pass: u32,
        /// Whose ladder the response is on: the node's own, or that of the call it is part of.
        owner: NodeIndex,
        /// The response's place on that ladder, from 0; of a decision none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rung: Option<u32>,
        /// The response.
        response: Response,
        /// Who decided it, if somebody did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
    },
    /// A node that had failed is tried again in the same pass, because somebody decided it.
    NodeReopened {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
    },
    /// A node was done before the run began, as somebody says.
    NodeAssumed {
        /// Which node.
        node: NodeIndex,
        /// What other nodes can use.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<String, Value>,
    },
    /// One item of a node that is done for each of a list is done.
    ItemDone {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// The item's place, from 0.
        item: u32,
        /// What it gave.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<String, Value>,
    },
    /// What is waited for is not there yet: the next look is scheduled.
    LookScheduled {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// Not before this time.
        at: Timestamp,
        /// After which look.
        after: AttemptId,
    },
    /// Locks were asked for.
    LockRequested {
        /// For which node; `None` for the whole run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeIndex>,
        /// Their names.
        names: Vec<String>,
        /// Until when they are waited for.
        until: Timestamp,
    },
    /// All of these locks were taken.
    LockTaken {
        /// For which node; `None` for the whole run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeIndex>,
    },
    /// The run did not get its own locks in time, and ends.
    LockExpired {
        /// Their names.
        names: Vec<String>,
    },
    /// A gate's evidence is too old for what is about to start: it is gathered again, in a new pass.
    GateReopened {
        /// Which gate.
        node: NodeIndex,
        /// The pass whose evidence it was.
        pass: u32,
        /// What is about to start.
        before: NodeIndex,
    },
    /// What is undone, in this order, and what people are asked about first.
    UndoPlanned {
        /// All of it. Empty when nothing was done.
        entries: Vec<UndoEntry>,
    },
    /// A node's undo is about to run: its inputs were worked out.
    UndoStarted {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// What its undo is given.
        inputs: Inputs,
    },
    /// A node's undo will be tried again.
    UndoRetryScheduled {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// Not before this time.
        at: Timestamp,
    },
    /// One item's undo is done.
    ItemUndone {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// The item's place, from 0.
        item: u32,
    },
    /// A node was taken back.
    NodeUndone {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// Who did it, if it was a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
    },
    /// Somebody says that there is nothing to undo.
    NothingToUndo {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// Who.
        by: Actor,
    },
    /// Somebody says that it was done after all: its undo runs.
    UndoWanted {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// Who.
        by: Actor,
    },
    /// A node was not taken back, and will not be.
    UndoLeft {
        /// What is left, and why.
        left: Left,
    },
    /// A node's undo failed.
    UndoFailed {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// Why.
        message: String,
    },
    /// Somebody stopped the way back: what is not undone yet is left.
    UndoStopped {
        /// The node at which they decided it.
        node: NodeIndex,
        /// Who.
        by: Actor,
    },
    /// The way back is done: these nodes begin a new pass.
    Rewound {
        /// The node that was gone back to.
        to: NodeIndex,
        /// It and all that depends on it.
        nodes: Vec<NodeIndex>,
    },
    /// People were called.
    Paged {
        /// The node whose question it is.
        node: NodeIndex,
        /// Its pass.
        pass: u32,
        /// Who, why and until when.
        page: Page,
    },
    /// What became of a call.
    PageEnded {
        /// Which page.
        page: PageId,
        /// For each contact.
        deliveries: Vec<Delivery>,
    },
    /// Somebody has seen a question and will decide; paging pauses.
    Acknowledged {
        /// The node whose question it is.
        node: NodeIndex,
        /// Its pass.
        pass: u32,
        /// Who.
        by: Actor,
        /// Until when paging pauses.
        until: Timestamp,
    },
    /// Somebody took a question: only they decide it. Paging pauses.
    Taken {
        /// The node whose question it is.
        node: NodeIndex,
        /// Its pass.
        pass: u32,
        /// Who.
        by: Actor,
        /// Until when it is theirs.
        until: Timestamp,
    },
    /// The clock of the run's recovery time starts.
    ClockStarted {
        /// Since when it runs.
        at: Timestamp,
    },
    /// The clock stops.
    ClockStopped {
        /// When what it waited for was there, or the work was over.
        at: Timestamp,
        /// Whether what it waited for was there.
        reached: bool,
    },
    /// The clock runs on as if it had never stopped: what it had waited for is taken back.
    ClockResumed,
    /// How much was lost was worked out.
    LossMeasured {
        /// What was lost, as a length of time; `None` if that cannot be said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lost: Option<Millis>,
        /// Why it cannot be said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// People were called because the clock runs.
    TargetPaged {
        /// Whether all of the time has passed, rather than so much of it that the rest is at risk.
        missed: bool,
        /// Who, why and until when.
        page: Page,
    },
    /// Somebody has seen that the clock runs: nobody is called about it before it has come to its next mark.
    TargetAcknowledged {
        /// Who.
        by: Actor,
    },
    /// Somebody cancelled the run.
    CancelRequested {
        /// Who.
        by: Actor,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// Whether what was done is undone.
        #[serde(default)]
        rollback: bool,
    },
    /// Somebody wanted to cancel the run, and it could not be.
    CancelRefused {
        /// Who.
        by: Actor,
        /// Why it could not be, for people.
        because: String,
    },
    /// The run took over an edited runbook. What follows is folded with this plan.
    Replanned {
        /// The plan's digest.
        digest: Digest,
        /// The plan in the stored form: all nodes of the one before under their places, then those that are new.
        plan: String,
        /// Who.
        by: Actor,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        /// The nodes that say something else now. None of them had begun.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changed: Vec<NodeIndex>,
        /// The nodes that were taken out. None of them had begun.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        removed: Vec<NodeIndex>,
        /// Of all nodes, those that begin anew in another pass: their questions are void.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        anew: Vec<NodeIndex>,
        /// What the questions that stay open show now: answers to what they showed before do not count.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        shown: Vec<(NodeIndex, Digest)>,
    },
    /// The nodes that run however the run ends begin.
    FinallyBegan {
        /// How it ends.
        outcome: RunOutcome,
    },
    /// The run is over.
    RunEnded {
        /// How.
        outcome: RunOutcome,
        /// The nodes that run however it ends and that failed.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cleanup_failed: Vec<NodeIndex>,
    },
}

impl Fact {
    /// The version of facts that has it. An older Piton says of a higher one that it wants the newer Piton.
    pub(super) fn version(&self) -> u32 {
        match self {
            Fact::Replanned { .. } => 4,
            _ => 3,
        }
    }
}

/// Why a node was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Its `when` was false.
    When,
    /// The call that it is part of was skipped.
    Call,
    /// Somebody decided it.
    Decided,
}

/// Why an attempt was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The run was cancelled.
    Cancel,
    /// The run goes back to a node before it.
    Rewind,
    /// The run is rolled back.
    Rollback,
}
