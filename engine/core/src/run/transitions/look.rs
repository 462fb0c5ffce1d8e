//! `until`: what a look means, and when the next one is.

use super::{View, step};
use crate::plan::{Node, NodeIndex};
use crate::record::{Fact, OutcomeStatus};
use crate::run::state::{Ended, NodeState};
use crate::time::Millis;

/// What follows from a look; `None` for a node without `until`, or an end that says nothing about the condition.
pub(super) fn judge(
    view: View<'_>,
    index: NodeIndex,
    node: &Node,
    state: &NodeState,
    ended: &Ended,
) -> Option<Fact> {
    let until = node.until.as_ref()?;
    let result = &ended.result;
    if result.status == OutcomeStatus::TimedOut {
        let message = match node.timeout {
            Some(timeout) => format!(
                "it was not true within {timeout}: {}",
                until.condition.text()
            ),
            None => step::why(view, state, ended),
        };
        return Some(view.fail(index, message));
    }
    if let Some(reason) = &result.in_vain {
        return Some(view.fail(index, reason.clone()));
    }
    let met = result.met?;
    if view.state.is_held(index) {
        // Whatever it waits for, it does so no longer.
        return met
            .then(|| step::done(state, index, &result.outputs))
            .or_else(|| Some(view.fail(index, "what it waits for was not true yet")));
    }
    // The state has this look in it already.
    let held = state
        .look
        .since
        .map_or(Millis(0), |since| view.now.since(since));
    let hold_for = until.hold_for.unwrap_or(Millis(0));
    if met && state.look.times >= until.consecutive.max(1) && held >= hold_for {
        return Some(step::done(state, index, &result.outputs));
    }
    let mut at = view.now.after(until.every);
    if let Some(since) = state.look.since.filter(|_| met && hold_for > Millis(0)) {
        // Not later than when it has been true for long enough.
        at = at.min(since.after(hold_for).max(view.now.after(Millis(1))));
    }
    if state.look.deadline.is_some_and(|deadline| at >= deadline) {
        let within = node
            .timeout
            .map(|timeout| format!(" within {timeout}"))
            .unwrap_or_default();
        let message = if result.message.is_empty() {
            format!("it was not true{within}: {}", until.condition.text())
        } else {
            format!(
                "it was not true{within}: {}; the last look: {}",
                until.condition.text(),
                result.message
            )
        };
        return Some(view.fail(index, message));
    }
    Some(Fact::LookScheduled {
        node: index,
        pass: state.pass,
        at,
        after: ended.attempt,
    })
}
