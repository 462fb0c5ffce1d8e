//! What an event brings, and what follows from a state.
//!
//! [`admit`] checks an event against the state and names the facts it brings. [`next`] names the next fact that
//! follows from a state by itself; called until it names none, it leaves a run in which nothing can be done before
//! the next event. Because it looks at nothing but the state, it also finishes what a journal that ends in the
//! middle of a batch had begun.

mod attempt;
mod cancel;
mod gate;
mod question;
mod retry;
mod step;

use super::error::ProtocolError;
use super::event::Event;
use super::shape::Shape;
use super::state::State;
use crate::id::{AttemptId, Purpose};
use crate::plan::{Node, NodeIndex, Plan, Response};
use crate::record::{Fact, RunOutcome};
use crate::time::Timestamp;

/// What the transitions look at.
#[derive(Clone, Copy)]
struct View<'a> {
    plan: &'a Plan,
    shape: &'a Shape,
    state: &'a State,
    now: Timestamp,
}

/// The facts that an event brings.
///
/// # Errors
/// The event is refused.
pub(super) fn admit(
    plan: &Plan,
    shape: &Shape,
    state: &State,
    event: Event,
    now: Timestamp,
) -> Result<Vec<Fact>, ProtocolError> {
    let view = View {
        plan,
        shape,
        state,
        now,
    };
    match event {
        Event::AttemptEnded { attempt, outcome } => attempt::ended(view, attempt, &outcome),
        Event::Decide(decision) => question::decide(view, decision),
        Event::Cancel { by, reason } => cancel::request(view, by, reason),
        Event::Tick => Ok(Vec::new()),
    }
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
    if let Some(index) = state.agenda.unsettled.first() {
        return step::settle(view, *index);
    }
    if let Some(fact) = attempt::lost(view) {
        return Some(fact);
    }
    if state.is_halting() {
        return cancel::wind_down(view);
    }
    gate::expire(view)
        .or_else(|| retry::again(view))
        .or_else(|| gate::ask(view))
        .or_else(|| step::begin(view))
        .or_else(|| all_done(view))
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
    if state.is_halting() {
        return lost;
    }
    let expiry = agenda.expiries.first().map(|(at, _)| *at);
    // Without a place, a retry waits for an attempt to end, not for a time.
    let retry = agenda
        .again
        .first()
        .map(|(at, _)| *at)
        .filter(|_| state.has_place(plan));
    [lost, expiry, retry].into_iter().flatten().min()
}

/// The end, when nothing is left that could happen.
fn all_done(view: View<'_>) -> Option<Fact> {
    let agenda = &view.state.agenda;
    if !agenda.in_flight.is_empty() || !agenda.asking.is_empty() || !agenda.again.is_empty() {
        return None;
    }
    // Nodes that can never start (needs in a circle, which the compiler refuses) do not keep a run open for ever.
    let outcome = if view.state.unfinished == 0 {
        RunOutcome::Succeeded
    } else {
        RunOutcome::Failed
    };
    Some(Fact::RunEnded { outcome })
}

impl View<'_> {
    fn pass(&self, index: NodeIndex) -> u32 {
        self.state.node(index).map_or(1, |node| node.pass)
    }

    fn name(&self, index: NodeIndex) -> String {
        self.plan
            .node(index)
            .map_or_else(|| index.0.to_string(), |node| node.id.clone())
    }

    /// The start of a node's next attempt.
    fn start(&self, index: NodeIndex, purpose: Purpose) -> Option<Fact> {
        let (node, state) = (self.plan.node(index)?, self.state.node(index)?);
        let attempt = AttemptId {
            node: index,
            pass: state.pass,
            purpose,
            number: state.next_number(purpose),
        };
        Some(Fact::AttemptStarted {
            attempt,
            deadline: node.timeout.map(|timeout| self.now.after(timeout)),
        })
    }

    /// The end of a node that failed, with the response of its ladder.
    fn fail(&self, index: NodeIndex, message: impl Into<String>) -> Fact {
        let response = self.plan.node(index).map_or(Response::Stop, ladder);
        Fact::NodeFailed {
            node: index,
            pass: self.pass(index),
            message: message.into(),
            response,
        }
    }
}

/// What is done about a node's failure. Neither response can be used up, so the first one holds.
fn ladder(node: &Node) -> Response {
    node.on_fail.first().copied().unwrap_or(Response::Stop)
}
