//! Trying again: after a failure, after its wait, and after an interruption.

use super::View;
use crate::id::{AttemptId, Purpose};
use crate::plan::{Interrupted, Node, NodeIndex, NodeKind, WorldEffect};
use crate::record::{Fact, OutcomeStatus};
use crate::run::state::{Ended, NodeState};

/// How often one node is done again in a pass because its outcome was unknown. An engine that dies with each
/// attempt of a step should not do it for ever.
const RERUN_LIMIT: u32 = 100;

/// A further try after this end, if the node's `retry` takes it.
pub(super) fn schedule(
    view: View<'_>,
    index: NodeIndex,
    node: &Node,
    state: &NodeState,
    ended: &Ended,
) -> Option<Fact> {
    let taken = match ended.result.status {
        OutcomeStatus::Failed | OutcomeStatus::Stopped => true,
        OutcomeStatus::TimedOut => may_be_cut_short(node),
        OutcomeStatus::Succeeded | OutcomeStatus::NotStarted | OutcomeStatus::Unknown => false,
    };
    if !taken || view.state.is_halting() || state.retries >= node.retry.times {
        return None;
    }
    let at = view
        .now
        .after(node.retry.wait(state.retries.saturating_add(1)));
    Some(Fact::RetryScheduled {
        node: index,
        pass: state.pass,
        at,
        after: ended.attempt,
    })
}

/// Whether an attempt that was ended in the middle of it can be followed by another one unasked.
fn may_be_cut_short(node: &Node) -> bool {
    node.idempotent || node.kind == NodeKind::Gate || node.effect == WorldEffect::None
}

/// What an attempt with an unknown outcome gets.
pub(super) fn interrupted(
    view: View<'_>,
    index: NodeIndex,
    node: &Node,
    state: &NodeState,
    ended: &Ended,
) -> Option<Fact> {
    let why = &ended.result.message;
    if view.state.is_halting() {
        return Some(view.fail(index, format!("nobody knows whether it happened: {why}")));
    }
    match &node.interrupted {
        Interrupted::Ask => super::question::interrupted(view, index, ended.attempt, why),
        Interrupted::Fail => Some(view.fail(index, format!("its outcome is unknown: {why}"))),
        Interrupted::Rerun => rerun(view, index, state),
        Interrupted::Probe(_) => view.start(index, Purpose::Probe),
    }
}

/// What an attempt gets of which nothing ran: another one in its place, whatever the node's `interrupted` says.
pub(super) fn not_started(
    view: View<'_>,
    index: NodeIndex,
    state: &NodeState,
    ended: &Ended,
) -> Option<Fact> {
    if view.state.is_halting() {
        let message = match ended.result.message.as_str() {
            "" => "it was not started",
            message => message,
        };
        return Some(view.fail(index, message));
    }
    rerun(view, index, state)
}

/// What a probe's end says about the attempt that it asks after.
pub(super) fn probed(
    view: View<'_>,
    index: NodeIndex,
    state: &NodeState,
    ended: &Ended,
) -> Option<Fact> {
    match ended.result.status {
        OutcomeStatus::Succeeded => {
            Some(super::step::succeeded(state, index, &ended.result.outputs))
        }
        _ if view.state.is_halting() => Some(view.fail(
            index,
            format!("nobody knows whether it happened: {}", ended.result.message),
        )),
        OutcomeStatus::Failed => rerun(view, index, state),
        OutcomeStatus::NotStarted => view.start(index, Purpose::Probe),
        OutcomeStatus::TimedOut | OutcomeStatus::Stopped | OutcomeStatus::Unknown => {
            let attempt = AttemptId {
                node: index,
                pass: state.pass,
                purpose: Purpose::Do,
                number: state.tries,
            };
            let why = match ended.result.message.as_str() {
                "" => "the probe did not find out whether it happened",
                message => message,
            };
            super::question::interrupted(view, index, attempt, why)
        }
    }
}

/// Another attempt, which takes the place that the ended one has left.
fn rerun(view: View<'_>, index: NodeIndex, state: &NodeState) -> Option<Fact> {
    if state.reruns() >= RERUN_LIMIT {
        let message = format!(
            "it was interrupted {RERUN_LIMIT} times and done again each time; it is not tried any more"
        );
        return Some(view.fail(index, message));
    }
    view.start(index, Purpose::Do)
}

/// The next try whose time has come, if there is a place for it. These go before nodes that have not begun.
pub(super) fn again(view: View<'_>) -> Option<Fact> {
    let (at, index) = view.state.agenda.again.first()?;
    if *at > view.now || !view.state.has_place(view.plan) {
        return None;
    }
    view.start(*index, Purpose::Do)
}
