//! What an event brings, and what follows from a state.
//!
//! [`admit`] checks an event against the state and names the fact it brings. [`next`] names the next fact that
//! follows from a state by itself; called until it names none, it leaves a run in which nothing can be done before
//! the next event. Because it looks at nothing but the state, it also finishes what a journal that ends in the
//! middle of a batch had begun.
//!
//! Forward: `step.rs` (begun), `attempt.rs` and `retry.rs` (attempts), `look.rs` (`until`), `lock.rs`, `people.rs`
//! (questions of the plan). Failures: `failure.rs` (the ladder). Back: `back.rs`, `undo.rs`. The end: `ending.rs`.
//! People: `decide.rs`, `page.rs`. Targets: `clock.rs`. An edited runbook: `replan.rs`. Attempts out of reach:
//! `elsewhere.rs`.

mod afterwards;
mod attempt;
mod back;
mod clock;
mod decide;
mod elsewhere;
mod ending;
mod failure;
mod lock;
mod look;
mod page;
mod people;
mod question;
mod replan;
mod retry;
mod step;
mod undo;

use super::error::ProtocolError;
use super::event::Event;
use super::scope::NodeScope;
use super::shape::Shape;
use super::state::{Goal, NodeState, State};
use crate::id::{AttemptId, Purpose};
use crate::plan::{Node, NodeIndex, Plan};
use crate::record::{AttemptResult, Fact, UndoEntry};
use crate::time::{Millis, Timestamp};

/// How long a look before an action may take, unless the node's own limit is shorter.
const PREPARATION_TIMEOUT: Millis = Millis(60_000);

pub use afterwards::NothingToUndo;
pub(super) use afterwards::plan as plan_to_undo;
pub(super) use clock::next_timeout as clock_timeout;
pub use replan::{BecameWord, ReplanError, Revised, Revision, Whole};
pub(super) use replan::{replan, revise};

/// What the transitions look at.
#[derive(Clone, Copy)]
struct View<'a> {
    plan: &'a Plan,
    shape: &'a Shape,
    state: &'a State,
    now: Timestamp,
}

/// What an event brings: one fact at most, and a refusal if that is all that comes of it.
pub(super) struct Admitted {
    pub(super) fact: Option<Fact>,
    pub(super) refused: Option<ProtocolError>,
}

impl From<Option<Fact>> for Admitted {
    fn from(fact: Option<Fact>) -> Admitted {
        Admitted {
            fact,
            refused: None,
        }
    }
}

/// The fact that an event brings.
///
/// # Errors
/// The event is refused.
pub(super) fn admit(
    plan: &Plan,
    shape: &Shape,
    state: &State,
    event: Event,
    now: Timestamp,
) -> Result<Admitted, ProtocolError> {
    let view = View {
        plan,
        shape,
        state,
        now,
    };
    match event {
        Event::AttemptEnded { attempt, outcome } => {
            attempt::ended(view, attempt, &outcome).map(Admitted::from)
        }
        Event::Elsewhere { attempt, host, why } => {
            elsewhere::away(view, attempt, host, why).map(Admitted::from)
        }
        Event::Reached { attempt } => elsewhere::reached(view, attempt).map(Admitted::from),
        Event::Decide(decision) => decide::decide(view, decision).map(|fact| Some(fact).into()),
        Event::Acknowledge { node, by } => {
            page::acknowledge(view, node, by).map(|fact| Some(fact).into())
        }
        Event::Take { node, by, over } => {
            page::take(view, node, by, over).map(|fact| Some(fact).into())
        }
        Event::AcknowledgeTarget { by } => {
            clock::acknowledge(view, by).map(|fact| Some(fact).into())
        }
        Event::PageEnded { page, deliveries } => Ok(page::ended(view, page, deliveries).into()),
        Event::Locked { node } => Ok(lock::taken(view, node).into()),
        Event::Cancel {
            by,
            reason,
            rollback,
        } => ending::cancel(view, by, reason, rollback),
        Event::Tick => Ok(None.into()),
    }
}

/// The end of an attempt whose result is supposed rather than worked out.
///
/// # Errors
/// There is no such attempt under way.
pub(super) fn suppose(
    state: &State,
    attempt: AttemptId,
    result: AttemptResult,
) -> Result<Fact, ProtocolError> {
    match state.flight(attempt) {
        Some(_) => Ok(Fact::AttemptEnded { attempt, result }),
        None => Err(ProtocolError::NoSuchAttempt { attempt }),
    }
}

/// What a rollback would still have to take back, or to ask about.
pub(super) fn not_taken_back(plan: &Plan, shape: &Shape, state: &State) -> Vec<UndoEntry> {
    let view = View {
        plan,
        shape,
        state,
        now: state.now,
    };
    back::entries(view, &plan.indices().collect())
}

/// The fact that follows from the state next, if any does.
pub(super) fn next(plan: &Plan, shape: &Shape, state: &State, now: Timestamp) -> Option<Fact> {
    let view = View {
        plan,
        shape,
        state,
        now,
    };
    if state.over.is_some() {
        return None;
    }
    if let Some(fact) = step::assumed(view) {
        return Some(fact);
    }
    // Before what comes next begins: its inputs may tell how long it took, and what was lost.
    if let Some(fact) = clock::next(view) {
        return Some(fact);
    }
    if let Some(fact) = elsewhere::next(view) {
        return Some(fact);
    }
    if let Some(index) = state.agenda.unsettled.first() {
        return step::settle(view, *index);
    }
    if let Some(fact) = attempt::lost(view)
        .or_else(|| page::due(view))
        .or_else(|| clock::due(view))
    {
        return Some(fact);
    }
    if state.ending.is_some() {
        return ending::finally(view);
    }
    if let Some(back) = &state.back {
        let fact = back::next(view, back);
        if fact.is_some() || back.goal == Goal::Rollback {
            return fact;
        }
        // A rollback beats a rewind that is under way.
        if let Some(fact) = failure::roll_back(view) {
            return Some(fact);
        }
    }
    if state.is_halting() {
        return failure::roll_back(view).or_else(|| ending::wind_down(view));
    }
    question::expire(view)
        .or_else(|| lock::expire(view))
        .or_else(|| lock::expire_for_run(view))
        .or_else(|| failure::respond(view))
        .or_else(|| forward(view))
        .or_else(|| ending::all_done(view))
}

/// What moves nodes forward: in the run, and of those that run at its end.
fn forward(view: View<'_>) -> Option<Fact> {
    lock::request_for_run(view)
        .or_else(|| retry::again(view))
        .or_else(|| people::ask(view))
        .or_else(|| lock::request(view))
        .or_else(|| step::over(view))
        .or_else(|| step::begin(view))
}

/// When the next fact would follow by itself.
pub(super) fn next_timeout(plan: &Plan, shape: &Shape, state: &State) -> Option<Timestamp> {
    if state.over.is_some() {
        return None;
    }
    // Only after loading a journal that ends in the middle of a batch: go on at once.
    if next(plan, shape, state, state.now).is_some() {
        return Some(state.now);
    }
    let agenda = &state.agenda;
    let lost = agenda.lost.first().map(|(at, _)| *at);
    let page = agenda.pages.first().map(|(at, _)| *at);
    let undo = back::next_timeout(plan, state);
    let clock = clock::next_timeout(plan, state);
    if state.is_halting() || (state.is_rolling_back() && state.ending.is_none()) {
        return [lost, page, clock, undo].into_iter().flatten().min();
    }
    let expiry = agenda.expiries.first().map(|(at, _)| *at);
    // Without a place, a retry waits for an attempt to end, not for a time.
    let retry = state
        .next_try(plan)
        .map(|(at, _)| at)
        .filter(|_| state.has_place(plan));
    let wait = agenda.waits.first().map(|(at, _)| *at);
    let lock = agenda.locking.first().map(|(at, _)| *at);
    let run_lock = lock::run_timeout(state).filter(|_| state.ending.is_none());
    [lost, page, clock, undo, expiry, retry, wait, lock, run_lock]
        .into_iter()
        .flatten()
        .min()
}

impl<'a> View<'a> {
    fn node(&self, index: NodeIndex) -> Option<(&'a Node, &'a NodeState)> {
        Some((self.plan.node(index)?, self.state.node(index)?))
    }

    fn pass(&self, index: NodeIndex) -> u32 {
        self.state.node(index).map_or(1, |node| node.pass)
    }

    fn name(&self, index: NodeIndex) -> String {
        self.plan
            .node(index)
            .map_or_else(|| index.0.to_string(), |node| node.id.clone())
    }

    /// What a node's expressions see.
    fn scope(&self, index: NodeIndex) -> NodeScope<'a> {
        NodeScope::new(self.plan, self.shape, self.state, index)
    }

    /// The start of a node's next attempt.
    fn start(&self, index: NodeIndex, purpose: Purpose) -> Option<Fact> {
        let (node, state) = self.node(index)?;
        let attempt = AttemptId {
            node: index,
            pass: state.pass,
            purpose,
            number: state.count(purpose).saturating_add(1),
        };
        let item = match purpose {
            Purpose::Do | Purpose::Probe | Purpose::Capture => {
                state.each().is_some().then(|| state.item())
            }
            Purpose::Undo | Purpose::UndoCheck => undo::item(state),
            _ => None,
        };
        let deadline = match purpose {
            Purpose::Do if node.until.is_some() && state.look.deadline.is_some() => {
                state.look.deadline
            }
            purpose => self
                .timeout(node, purpose)
                .map(|length| self.now.after(length)),
        };
        Some(Fact::AttemptStarted {
            attempt,
            deadline,
            item,
        })
    }

    fn timeout(&self, node: &Node, purpose: Purpose) -> Option<Millis> {
        match purpose {
            Purpose::Do | Purpose::Probe | Purpose::Check(_) => node.timeout,
            Purpose::Undo => undo::of(node)?.timeout,
            Purpose::UndoCheck => undo::of(node)?.timeout.or(Some(PREPARATION_TIMEOUT)),
            Purpose::Choices(_) | Purpose::Target(_) | Purpose::Recheck | Purpose::Capture => Some(
                node.timeout
                    .map_or(PREPARATION_TIMEOUT, |own| own.min(PREPARATION_TIMEOUT)),
            ),
        }
    }

    /// The end of a node that failed. What is done about it is another fact.
    fn fail(&self, index: NodeIndex, message: impl Into<String>) -> Fact {
        Fact::NodeFailed {
            node: index,
            pass: self.pass(index),
            message: message.into(),
        }
    }
}
