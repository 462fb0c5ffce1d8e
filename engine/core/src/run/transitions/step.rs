//! The way of a node: begun when its needs have settled, settled when its attempt or question has ended.

use super::{View, gate, retry};
use crate::id::Purpose;
use crate::plan::{Node, NodeIndex};
use crate::record::{Fact, OutcomeStatus, SkipReason};
use crate::run::render;
use crate::run::scope::NodeScope;
use crate::run::state::{Ended, NodeState, Phase};
use crate::value::Value;
use std::collections::BTreeMap;

/// Begins the next node: those that take no place at once, the others in reading order as places get free.
pub(super) fn begin(view: View<'_>) -> Option<Fact> {
    let agenda = &view.state.agenda;
    if let Some(index) = agenda.placeless.first() {
        return work_out(view, *index);
    }
    if !view.state.has_place(view.plan) {
        return None;
    }
    match (agenda.begun.first(), agenda.ready.first()) {
        (Some(begun), ready) if ready.is_none_or(|ready| begun < ready) => {
            view.start(*begun, Purpose::Do)
        }
        (_, Some(ready)) => work_out(view, *ready),
        (_, None) => None,
    }
}

/// Works out a node's `when` and inputs, once in its pass.
fn work_out(view: View<'_>, index: NodeIndex) -> Option<Fact> {
    let node = view.plan.node(index)?;
    let pass = view.pass(index);
    let scope = NodeScope {
        plan: view.plan,
        shape: view.shape,
        state: view.state,
        node: index,
        produced: None,
    };
    let when = node
        .when
        .as_ref()
        .map_or(Ok(true), |when| when.evaluate_bool(&scope));
    Some(match when {
        Err(error) => view.fail(
            index,
            format!("`when` cannot be worked out: {}", render::with_help(&error)),
        ),
        Ok(false) => Fact::NodeSkipped {
            node: index,
            pass,
            reason: SkipReason::When,
        },
        Ok(true) => match render::inputs(node, &scope) {
            Ok(inputs) => Fact::NodeStarted {
                node: index,
                pass,
                inputs,
            },
            Err(message) => view.fail(index, message),
        },
    })
}

/// Draws the conclusion from an ended attempt or a closed question.
pub(super) fn settle(view: View<'_>, index: NodeIndex) -> Option<Fact> {
    let (node, state) = (view.plan.node(index)?, view.state.node(index)?);
    match &state.phase {
        Phase::Ended(ended) => match ended.attempt.purpose {
            Purpose::Do => attempt_ended(view, index, node, state, ended),
            Purpose::Probe => retry::probed(view, index, state, ended),
            Purpose::Check(_) => None,
        },
        Phase::Decided(given) => Some(gate::decided(view, index, node, given)),
        Phase::Expired(asking) => Some(gate::expired(view, index, asking)),
        _ => None,
    }
}

fn attempt_ended(
    view: View<'_>,
    index: NodeIndex,
    node: &Node,
    state: &NodeState,
    ended: &Ended,
) -> Option<Fact> {
    let message = &ended.result.message;
    match ended.result.status {
        OutcomeStatus::Succeeded => Some(succeeded(state, index, &ended.result.outputs)),
        OutcomeStatus::Unknown => retry::interrupted(view, index, node, state, ended),
        OutcomeStatus::NotStarted => retry::not_started(view, index, state, ended),
        status => retry::schedule(view, index, node, state, ended).or_else(|| {
            let message = match (message.as_str(), status) {
                ("", OutcomeStatus::TimedOut) => "it ran out of time",
                ("", OutcomeStatus::Stopped) if view.state.cancelled.is_some() => {
                    "it was stopped because the run was cancelled"
                }
                ("", OutcomeStatus::Stopped) => "it was stopped",
                ("", _) => "it failed",
                (message, _) => message,
            };
            Some(view.fail(index, message))
        }),
    }
}

/// The end of a node that is done.
pub(super) fn succeeded(
    state: &NodeState,
    index: NodeIndex,
    outputs: &BTreeMap<String, Value>,
) -> Fact {
    Fact::NodeSucceeded {
        node: index,
        pass: state.pass,
        outputs: outputs.clone(),
    }
}
