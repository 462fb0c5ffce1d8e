//! The way of a node: begun when its needs have settled, settled when its attempt or question has ended.

use super::{View, failure, look, people, retry, undo};
use crate::id::Purpose;
use crate::plan::{Node, NodeIndex, NodeKind};
use crate::record::{Fact, OutcomeStatus, RenderedAction, SkipReason};
use crate::run::event::Produced;
use crate::run::render;
use crate::run::settle;
use crate::run::stage::{Stage, stage};
use crate::run::state::{Ended, NodeState, Phase};
use crate::value::Value;
use std::collections::BTreeMap;

/// How often a gate's evidence is gathered again in a run. Two gates that each take longer than the other's evidence
/// holds would go on for ever.
const REOPEN_LIMIT: u32 = 100;

/// Writes down what was done before the run began.
pub(super) fn assumed(view: View<'_>) -> Option<Fact> {
    let assumed = &view.state.start.assumed;
    let open = assumed.iter().find(|assumed| {
        view.state
            .node(assumed.node)
            .is_some_and(|state| state.pass == 1 && state.phase == Phase::Pending && !state.assumed)
    })?;
    Some(Fact::NodeAssumed {
        node: open.node,
        outputs: open.outputs.clone(),
    })
}

/// Begins the next node: those that take no place at once, the others in reading order as places get free.
pub(super) fn begin(view: View<'_>) -> Option<Fact> {
    let (state, agenda) = (view.state, &view.state.agenda);
    if !state.has_run_lock(view.plan) {
        return None;
    }
    if let Some(index) = agenda.placeless.first() {
        return work_out(view, *index);
    }
    if !state.has_place(view.plan) {
        return None;
    }
    let guarded = agenda
        .guarded
        .first()
        .filter(|_| !state.has_open_decision());
    let next = [agenda.begun.first(), agenda.ready.first(), guarded]
        .into_iter()
        .flatten()
        .min()?;
    match stage(*next, state.node(*next)?) {
        Some(Stage::Try(purpose)) => start_in_time(view, *next, purpose),
        _ => work_out(view, *next),
    }
}

/// Starts an attempt, unless it is the first one and had to follow another node more closely.
fn start_in_time(view: View<'_>, index: NodeIndex, purpose: Purpose) -> Option<Fact> {
    let (node, state) = view.node(index)?;
    if purpose == Purpose::Do
        && state.count(Purpose::Do) == 0
        && let Some(message) = too_late(view, node)
    {
        return Some(view.fail(index, message));
    }
    view.start(index, purpose)
}

/// Why a node that has to follow another one closely comes too late.
fn too_late(view: View<'_>, node: &Node) -> Option<String> {
    let within = node.within?;
    let finished = view.state.node(within.of)?.finished?;
    let passed = view.now.since(finished);
    (passed > within.length).then(|| {
        format!(
            "it has to start within {} of `{}`, and that was done {passed} ago",
            within.length,
            view.name(within.of)
        )
    })
}

/// Works out a node's `when` and inputs, once in its pass.
fn work_out(view: View<'_>, index: NodeIndex) -> Option<Fact> {
    let node = view.plan.node(index)?;
    let pass = view.pass(index);
    let skip = |reason| Fact::NodeSkipped {
        node: index,
        pass,
        reason,
        outputs: BTreeMap::new(),
    };
    if call_is_skipped(view, node) {
        return Some(skip(SkipReason::Call));
    }
    if let Some(fact) = old_evidence(view, index, node) {
        return Some(fact);
    }
    let scope = view.scope(index);
    let when = node
        .when
        .as_ref()
        .map_or(Ok(true), |when| when.evaluate_bool(&scope));
    Some(match when {
        Err(error) => view.fail(
            index,
            format!("`when` cannot be worked out: {}", render::with_help(&error)),
        ),
        Ok(false) => skip(SkipReason::When),
        Ok(true) => match render::inputs(node, &scope, view.now) {
            Ok(inputs) => Fact::NodeStarted {
                node: index,
                pass,
                inputs,
            },
            Err(message) => view.fail(index, message),
        },
    })
}

/// Whether the call that a node is part of is not made; of what runs at the end, whether it was never come to.
fn call_is_skipped(view: View<'_>, node: &Node) -> bool {
    node.scope
        .and_then(|scope| view.plan.scopes.get(scope as usize))
        .and_then(|scope| view.state.node(scope.begin))
        .is_some_and(|begin| match node.finally {
            true => begin.phase != Phase::Succeeded,
            false => begin.phase == Phase::Skipped,
        })
}

/// A gate right before a node whose evidence is too old for it.
fn old_evidence(view: View<'_>, index: NodeIndex, node: &Node) -> Option<Fact> {
    for need in &node.needs {
        let Some((gate, state)) = view.node(*need) else {
            continue;
        };
        let Some(valid_for) = gate.valid_for.filter(|_| gate.kind == NodeKind::Gate) else {
            continue;
        };
        let old = state.phase == Phase::Succeeded
            && !state.assumed
            && state
                .finished
                .is_some_and(|finished| view.now.since(finished) > valid_for);
        if !old {
            continue;
        }
        if state.pass >= REOPEN_LIMIT {
            let message = format!(
                "the evidence of `{}` was gathered {REOPEN_LIMIT} times, and was too old each time",
                gate.id
            );
            return Some(view.fail(index, message));
        }
        return Some(Fact::GateReopened {
            node: *need,
            pass: state.pass,
            before: index,
        });
    }
    None
}

/// Ends the next node that has nothing left to do, or whose time has come.
pub(super) fn over(view: View<'_>) -> Option<Fact> {
    let agenda = &view.state.agenda;
    let waited = agenda
        .waits
        .first()
        .filter(|(at, _)| *at <= view.now)
        .map(|(_, index)| *index);
    let index = agenda.instant.first().copied().or(waited)?;
    let (node, state) = view.node(index)?;
    if state.each().is_some() {
        return Some(succeeded(state, index, &outputs_of_items(state)));
    }
    Some(
        match settle::outputs(node, &Produced::default(), &view.scope(index)) {
            Ok(outputs) => succeeded(state, index, &outputs),
            Err(message) => view.fail(index, message),
        },
    )
}

/// Each output of a node that was done for each of a list: a map by the items' keys.
fn outputs_of_items(state: &NodeState) -> BTreeMap<String, Value> {
    let mut outputs: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    let items = state.each().unwrap_or_default();
    for (item, given) in items.iter().zip(&state.items) {
        for (name, value) in given {
            let of = outputs.entry(name.clone()).or_default();
            of.insert(item.key.clone(), value.clone());
        }
    }
    let map = |(name, values)| (name, Value::Map(values));
    outputs.into_iter().map(map).collect()
}

/// Draws the conclusion from an ended attempt or an answered question.
pub(super) fn settle(view: View<'_>, index: NodeIndex) -> Option<Fact> {
    let (node, state) = view.node(index)?;
    if state.undo.is_unsettled() {
        return undo::settle(view, index, node, state);
    }
    match &state.phase {
        Phase::Ended(ended) => match ended.attempt.purpose {
            Purpose::Do => attempt_ended(view, index, node, state, ended),
            Purpose::Probe => retry::probed(view, index, state, ended),
            Purpose::Choices(_) | Purpose::Target(_) | Purpose::Recheck | Purpose::Capture => {
                retry::not_prepared(view, index, node, state, ended)
            }
            Purpose::Check(_) | Purpose::Undo | Purpose::UndoCheck => None,
        },
        Phase::Decided(given) => Some(people::decided(view, index, node, given)),
        Phase::Expired(asking) => Some(people::expired(view, index, asking)),
        Phase::Failed => failure::decided(view, index, state),
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
    if let Some(fact) = look::judge(view, index, node, state, ended) {
        return Some(fact);
    }
    match ended.result.status {
        OutcomeStatus::Succeeded => Some(done(state, index, &ended.result.outputs)),
        OutcomeStatus::Unknown => retry::interrupted(view, index, node, state, ended),
        OutcomeStatus::NotStarted => retry::not_started(view, index, state, ended),
        _ => retry::schedule(view, index, node, state, ended)
            .or_else(|| Some(view.fail(index, why(view, state, ended)))),
    }
}

/// Why an attempt that is not tried again ended, for people.
pub(super) fn why(view: View<'_>, state: &NodeState, ended: &Ended) -> String {
    let message = match (ended.result.message.as_str(), ended.result.status) {
        ("", OutcomeStatus::TimedOut) => "it ran out of time",
        ("", OutcomeStatus::Stopped) if view.state.cancelled.is_some() => {
            "it was stopped because the run was cancelled"
        }
        ("", OutcomeStatus::Stopped) if view.state.back.is_some() => {
            "it was stopped because the run goes back"
        }
        ("", OutcomeStatus::Stopped) => "it was stopped",
        ("", _) => "it failed",
        (message, _) => message,
    };
    match state.each().and_then(|items| items.get(state.items.len())) {
        Some(item) => format!("item `{}`: {message}", item.key),
        None => message.to_owned(),
    }
}

/// The end of an attempt that did what was to be done: of the node, or of one item.
pub(super) fn done(state: &NodeState, index: NodeIndex, outputs: &BTreeMap<String, Value>) -> Fact {
    let each = matches!(
        state.inputs.as_deref().map(|inputs| &inputs.action),
        Some(RenderedAction::Each(_))
    );
    if each {
        return Fact::ItemDone {
            node: index,
            pass: state.pass,
            item: state.item(),
            outputs: outputs.clone(),
        };
    }
    succeeded(state, index, outputs)
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
