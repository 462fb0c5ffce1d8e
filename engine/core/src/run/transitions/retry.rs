//! Trying again: after a failure, after its wait, and after an interruption.

use super::{View, people, step};
use crate::id::{AttemptId, Purpose};
use crate::plan::{Interrupted, Node, NodeIndex};
use crate::record::{Fact, OutcomeStatus};
use crate::run::stage::{Stage, may_be_repeated, stage};
use crate::run::state::{Ended, NodeState};

/// How often one node is done again in a pass because its outcome was unknown. An engine that dies with each
/// attempt of a step should not do it for ever.
pub(super) const RERUN_LIMIT: u32 = 100;

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
        OutcomeStatus::TimedOut => may_be_repeated(node) || ended.attempt.purpose.only_looks(),
        OutcomeStatus::Succeeded | OutcomeStatus::NotStarted | OutcomeStatus::Unknown => false,
    };
    if !taken || view.state.is_held(index) || state.retries >= node.retry.times {
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

/// What a preparation that found nothing gets.
pub(super) fn not_prepared(
    view: View<'_>,
    index: NodeIndex,
    node: &Node,
    state: &NodeState,
    ended: &Ended,
) -> Option<Fact> {
    let what = match ended.attempt.purpose {
        Purpose::Choices(place) => match &node.action {
            crate::plan::Action::Manual(manual) => manual
                .asks
                .get(place as usize)
                .map_or_else(String::new, |ask| {
                    format!("the choices of `{}`: ", ask.name)
                }),
            _ => String::new(),
        },
        Purpose::Capture => "the capture: ".to_owned(),
        _ => String::new(),
    };
    match ended.result.status {
        // Looking again does no harm.
        OutcomeStatus::Unknown | OutcomeStatus::NotStarted if !view.state.is_held(index) => {
            rerun(view, index, state, ended.attempt.purpose)
        }
        _ => schedule(view, index, node, state, ended).or_else(|| {
            let why = step::why(view, state, ended);
            Some(view.fail(index, format!("{what}{why}")))
        }),
    }
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
    if view.state.is_held(index) {
        return Some(view.fail(index, format!("nobody knows whether it happened: {why}")));
    }
    match &node.interrupted {
        Interrupted::Ask => ask(view, index, ended.attempt, why),
        Interrupted::Fail => Some(view.fail(index, format!("its outcome is unknown: {why}"))),
        Interrupted::Rerun => rerun(view, index, state, Purpose::Do),
        Interrupted::Probe(_) => view.start(index, Purpose::Probe),
    }
}

/// Asks a person what became of an attempt; at the end of a run nobody is asked.
fn ask(view: View<'_>, index: NodeIndex, attempt: AttemptId, why: &str) -> Option<Fact> {
    if view.state.ending.is_some() {
        return Some(view.fail(index, format!("nobody knows whether it happened: {why}")));
    }
    people::interrupted(view, index, attempt, why)
}

/// What an attempt gets of which nothing ran: another one in its place, whatever the node's `interrupted` says.
pub(super) fn not_started(
    view: View<'_>,
    index: NodeIndex,
    state: &NodeState,
    ended: &Ended,
) -> Option<Fact> {
    if view.state.is_held(index) {
        let message = match ended.result.message.as_str() {
            "" => "it was not started",
            message => message,
        };
        return Some(view.fail(index, message));
    }
    rerun(view, index, state, Purpose::Do)
}

/// What a probe's end says about the attempt that it asks after.
pub(super) fn probed(
    view: View<'_>,
    index: NodeIndex,
    state: &NodeState,
    ended: &Ended,
) -> Option<Fact> {
    match ended.result.status {
        OutcomeStatus::Succeeded => Some(step::done(state, index, &ended.result.outputs)),
        _ if view.state.is_held(index) => Some(view.fail(
            index,
            format!("nobody knows whether it happened: {}", ended.result.message),
        )),
        OutcomeStatus::Failed => rerun(view, index, state, Purpose::Do),
        OutcomeStatus::NotStarted => rerun(view, index, state, Purpose::Probe),
        OutcomeStatus::TimedOut | OutcomeStatus::Stopped | OutcomeStatus::Unknown => {
            let attempt = AttemptId {
                node: index,
                pass: state.pass,
                purpose: Purpose::Do,
                number: state.count(Purpose::Do),
            };
            let why = match ended.result.message.as_str() {
                "" => "the probe did not find out whether it happened",
                message => message,
            };
            ask(view, index, attempt, why)
        }
    }
}

/// Another attempt, which takes the place that the ended one has left.
fn rerun(view: View<'_>, index: NodeIndex, state: &NodeState, purpose: Purpose) -> Option<Fact> {
    if state.reruns() >= RERUN_LIMIT {
        let message = format!(
            "it was interrupted {RERUN_LIMIT} times and done again each time; it is not tried any more"
        );
        return Some(view.fail(index, message));
    }
    // What nothing takes back is not done again unasked while people decide about the run.
    let node = view.plan.node(index)?;
    if purpose == Purpose::Do && node.is_irreversible() && view.state.has_open_decision() {
        let attempt = AttemptId {
            node: index,
            pass: state.pass,
            purpose,
            number: state.count(purpose),
        };
        let why = "it was interrupted, and is not done again while people decide about the run";
        return people::interrupted(view, index, attempt, why);
    }
    view.start(index, purpose)
}

/// The next try whose time has come, if there is a place for it. These go before nodes that have not begun.
pub(super) fn again(view: View<'_>) -> Option<Fact> {
    let (at, index) = view.state.next_try(view.plan)?;
    if at > view.now || !view.state.has_place(view.plan) {
        return None;
    }
    let purpose = match stage(index, view.state.node(index)?) {
        Some(Stage::Try(purpose)) => purpose,
        _ => Purpose::Do,
    };
    view.start(index, purpose)
}
