//! What is known of a run: a fold of its facts.
//!
//! `State::apply` (in `fold.rs`) is the only thing that changes it. It evaluates nothing and decides nothing: facts
//! carry what was worked out. What follows from a state is `transitions::next`'s business. Of a node: `node.rs`; of
//! its open question: `asking.rs`; of the way back: `undoing.rs`.

mod asking;
mod clock;
mod fold;
mod fold_back;
mod fold_plan;
mod fold_question;
mod node;
mod shared;
mod undoing;

pub(super) use asking::{Asking, Closed, Given, Paging};
pub(super) use clock::{Clock, Mark};
pub(super) use node::{Answering, Ended, Flight, Found, LockState, NodeState, Phase};
use shared::Shared;
pub(super) use undoing::{Back, Goal, Now, UndoPhase, Undoing};

use super::agenda::Agenda;
use super::shape::Shape;
use crate::digest::Digest;
use crate::id::{Actor, AttemptId, RunId};
use crate::plan::{Node, NodeIndex, Plan};
use crate::record::{AttemptResult, Fact, Left, RunOutcome, Start};
use crate::time::Timestamp;
use crate::value::Value;
use serde::{Deserialize, Serialize};

/// A run, as far as its records tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) run: RunId,
    pub(super) start: Start,
    pub(super) created: Timestamp,
    /// The time of the last record.
    pub(super) now: Timestamp,
    /// The digest of its plan.
    pub(super) plan: Digest,
    /// How often it took over an edited runbook.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) replans: u32,
    pub(super) nodes: Vec<Shared<NodeState>>,
    /// How many nodes are not finished, without those that run when the run ends.
    pub(super) unfinished: usize,
    /// How many of those that run when the run ends are not finished.
    #[serde(default)]
    pub(super) unfinished_finally: usize,
    /// How many questions were asked.
    #[serde(default)]
    pub(super) questions: u32,
    /// How many nodes' actions were begun.
    #[serde(default)]
    pub(super) starts: u32,
    /// The run's own locks.
    #[serde(default, skip_serializing_if = "LockState::is_none")]
    pub(super) lock: LockState,
    pub(super) cancelled: Option<Cancelled>,
    /// The node whose failure stopped the run.
    pub(super) stopped_by: Option<NodeIndex>,
    /// The run goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) back: Option<Back>,
    /// What was done and is left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) left: Vec<Left>,
    /// Somebody stopped the way back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) undo_stopped: bool,
    /// The run did not get its own locks in time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) lock_expired: bool,
    /// The clock of its recovery time, and what was lost.
    #[serde(default, skip_serializing_if = "Clock::is_idle")]
    pub(super) clock: Clock,
    /// How the run ends, once the nodes run that run when it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ending: Option<RunOutcome>,
    pub(super) over: Option<Over>,
    #[serde(skip)]
    pub(super) agenda: Agenda,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// That somebody cancelled the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cancelled {
    pub(super) by: Actor,
    pub(super) at: Timestamp,
    #[serde(default)]
    pub(super) rollback: bool,
}

/// That the run is over.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Over {
    pub(super) outcome: RunOutcome,
    pub(super) at: Timestamp,
}

/// What a fact is folded with.
pub(super) struct Frame<'a> {
    pub(super) plan: &'a Plan,
    pub(super) shape: &'a Shape,
    pub(super) at: Timestamp,
}

/// Why a fact cannot follow.
pub(super) type Misfit = String;

/// The digest by which a repeated result is known.
pub(super) fn result_digest(result: &AttemptResult) -> Digest {
    Digest::of(&[
        b"piton result",
        serde_json::to_string(result).unwrap_or_default().as_bytes(),
    ])
}

impl State {
    /// The state that the first record makes.
    pub(super) fn first(fact: &Fact, frame: &Frame<'_>) -> Result<State, Misfit> {
        let Fact::RunCreated {
            run, plan, start, ..
        } = fact
        else {
            return Err("a journal begins with the record that the run was created".to_owned());
        };
        Ok(State::new(run.clone(), start.clone(), *plan, frame))
    }

    /// A run that was just created.
    pub(super) fn new(run: RunId, start: Start, plan: Digest, frame: &Frame<'_>) -> State {
        let nodes: Vec<_> = frame
            .plan
            .indices()
            .zip(&frame.plan.nodes)
            .map(|(index, node)| NodeState::new(frame.shape.needs(index), node.finally))
            .map(Shared::new)
            .collect();
        let finally = frame.plan.nodes.iter().filter(|node| node.finally).count();
        let mut state = State {
            run,
            start,
            created: frame.at,
            now: frame.at,
            plan,
            replans: 0,
            unfinished: nodes.len().saturating_sub(finally),
            unfinished_finally: finally,
            nodes,
            questions: 0,
            starts: 0,
            lock: LockState::None,
            cancelled: None,
            stopped_by: None,
            back: None,
            left: Vec::new(),
            undo_stopped: false,
            lock_expired: false,
            clock: Clock::default(),
            ending: None,
            over: None,
            agenda: Agenda::default(),
        };
        state.rebuild(frame.plan);
        state
    }

    /// Works the agenda out anew, as after reading a snapshot.
    pub(super) fn rebuild(&mut self, plan: &Plan) {
        self.agenda = Agenda::default();
        for ((index, node), state) in plan.indices().zip(&plan.nodes).zip(&self.nodes) {
            self.agenda.set(index, node, state, true);
        }
    }

    pub(super) fn node(&self, index: NodeIndex) -> Option<&NodeState> {
        self.nodes.get(index.index()).map(|node| &**node)
    }

    /// Whether the run ends before its plan is done, and has not come to what runs at its end.
    pub(super) fn is_halting(&self) -> bool {
        self.ending.is_none()
            && (self.cancelled.is_some()
                || self.stopped_by.is_some()
                || self.undo_stopped
                || self.lock_expired)
    }

    /// Whether nothing of this node may start.
    pub(super) fn is_held(&self, index: NodeIndex) -> bool {
        self.is_halting() || self.node(index).is_none_or(|node| node.held)
    }

    /// Whether the whole run is rolled back.
    pub(super) fn is_rolling_back(&self) -> bool {
        self.back
            .as_ref()
            .is_some_and(|back| back.goal == Goal::Rollback)
    }

    /// Whether people are asked, or will be, what is to become of the run. At its end nothing is open any more.
    pub(super) fn has_open_decision(&self) -> bool {
        self.ending.is_none()
            && (self.back.is_some()
                || !self.agenda.deciding.is_empty()
                || !self.agenda.failing.is_empty())
    }

    /// The next try that may start when its time has come: what nothing takes back is not tried while people decide.
    pub(super) fn next_try(&self, plan: &Plan) -> Option<(Timestamp, NodeIndex)> {
        let waits = self.has_open_decision();
        let may = |(_, index): &&(Timestamp, NodeIndex)| {
            !waits || !plan.node(*index).is_some_and(Node::is_irreversible)
        };
        self.agenda.again.iter().find(may).copied()
    }

    /// Whether one more attempt may run.
    pub(super) fn has_place(&self, plan: &Plan) -> bool {
        self.agenda.in_flight.len() < plan.parallel.max(1) as usize
    }

    /// Whether the run's own locks are held, if it has any. What runs at its end does so even if it never got them.
    pub(super) fn has_run_lock(&self, plan: &Plan) -> bool {
        plan.lock.is_none() || self.lock.is_held() || self.ending.is_some()
    }

    /// The items of a node that is done for each of a list, with their keys.
    pub(super) fn items_of(&self, index: NodeIndex) -> impl Iterator<Item = (&str, &Value)> {
        let listed = self.node(index).map_or(&[][..], |node| &node.listed);
        listed.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// The attempt that runs under this id.
    pub(super) fn flight(&self, attempt: AttemptId) -> Option<&Flight> {
        self.node(attempt.node)?
            .flight()
            .filter(|flight| flight.attempt == attempt)
    }
}
