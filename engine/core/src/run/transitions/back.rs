//! The way back: what runs is stopped, what was done is undone in reverse, and then the nodes begin anew (a rewind)
//! or the run ends (a rollback).

use super::{View, ending, question, undo};
use crate::id::AttemptId;
use crate::plan::{Node, NodeIndex, Plan, UndoAfter, WorldEffect};
use crate::record::{Fact, Planned, RunOutcome, StopReason, UndoEntry, WhyAsk};
use crate::run::agenda::undo_again;
use crate::run::state::{Back, Goal, NodeState, Phase, State, Undoing};
use crate::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The next fact of the way back; `None` while it waits for an attempt, a person or a time.
pub(super) fn next(view: View<'_>, back: &Back) -> Option<Fact> {
    match &back.entries {
        None => settle_down(view, back),
        Some(entries) => undo::next(view, entries).or_else(|| {
            let settled = |entry: &UndoEntry| {
                view.state
                    .node(entry.node)
                    .is_none_or(|state| state.undo.is_settled())
            };
            if !entries.iter().all(settled) {
                return None;
            }
            Some(arrived(view, back.goal))
        }),
    }
}

/// When the undo that waits for its next try is due.
pub(super) fn next_timeout(plan: &Plan, state: &State) -> Option<Timestamp> {
    let entries = state.back.as_ref()?.entries.as_ref()?;
    entries
        .iter()
        .filter_map(|entry| undo_again(state.node(entry.node)?))
        .min()
        .filter(|_| state.has_place(plan))
}

/// Stops what runs, takes questions back, and once all has settled works out what is to be undone.
fn settle_down(view: View<'_>, back: &Back) -> Option<Fact> {
    let agenda = &view.state.agenda;
    let held = |index: NodeIndex| view.state.node(index).is_some_and(|state| state.held);
    // An undo that runs is not cut short: it is part of the way back in any case.
    let stoppable = |attempt: &&AttemptId| held(attempt.node) && !attempt.purpose.is_back();
    if let Some(attempt) = agenda.unstopped.iter().find(stoppable) {
        return Some(Fact::StopRequested {
            attempt: *attempt,
            reason: match back.goal {
                Goal::Rewind { .. } => StopReason::Rewind,
                Goal::Rollback => StopReason::Rollback,
            },
        });
    }
    let reason = match back.goal {
        Goal::Rewind { to, .. } => format!("the run goes back to `{}`", view.name(to)),
        Goal::Rollback => "the run is rolled back".to_owned(),
    };
    if let Some(fact) = question::void(view, &reason, held) {
        return Some(fact);
    }
    if agenda.in_flight.iter().any(|attempt| held(attempt.node)) {
        return None;
    }
    Some(Fact::UndoPlanned {
        entries: entries(view, &members(view, back.goal)),
    })
}

fn members(view: View<'_>, goal: Goal) -> BTreeSet<NodeIndex> {
    match goal {
        Goal::Rewind { to, .. } => view.shape.closure(to),
        Goal::Rollback => view.plan.indices().collect(),
    }
}

/// The undo set: what was done last is undone first.
pub(super) fn entries(view: View<'_>, members: &BTreeSet<NodeIndex>) -> Vec<UndoEntry> {
    let mut ordered: Vec<(u32, UndoEntry)> = Vec::new();
    // A call with an undo of its own takes the place of everything in it: how late it was begun, whether all is done.
    let mut calls: BTreeMap<NodeIndex, u32> = BTreeMap::new();
    for index in members {
        let Some((node, state)) = view.node(*index) else {
            continue;
        };
        let touched = state.order > 0 || state.assumed;
        if !touched || state.undo.is_settled() || leaves_nothing(node) {
            continue;
        }
        if let Some(call) = covering_call(view, node, members) {
            let order = calls.entry(call).or_default();
            *order = state.order.max(*order);
            continue;
        }
        if let Some(planned) = planned(node, state) {
            ordered.push((state.order, entry(*index, state, planned)));
        }
    }
    for (call, order) in calls {
        let Some((node, state)) = view.node(call) else {
            continue;
        };
        if state.undo.is_settled() {
            continue;
        }
        if let Some(planned) = planned(node, state) {
            ordered.push((order, entry(call, state, planned)));
        }
    }
    ordered.sort_by(|(left, _), (right, _)| right.cmp(left));
    ordered.into_iter().map(|(_, entry)| entry).collect()
}

fn entry(index: NodeIndex, state: &NodeState, planned: Planned) -> UndoEntry {
    UndoEntry {
        node: index,
        pass: state.pass,
        planned,
    }
}

fn leaves_nothing(node: &Node) -> bool {
    matches!(node.effect, WorldEffect::None | WorldEffect::Abandoned(_))
}

/// The outermost call with an undo of its own that a node is part of.
fn covering_call(view: View<'_>, node: &Node, members: &BTreeSet<NodeIndex>) -> Option<NodeIndex> {
    let mut found = None;
    let mut next = node.call;
    while let Some(call) = next {
        let end = view.plan.node(call)?;
        // A rewind within the call concerns only what comes after its target.
        let begin = view.plan.rewind_target(call);
        let whole = members.contains(&call) && members.contains(&begin);
        if matches!(end.effect, WorldEffect::Undo(_)) && whole {
            found = Some(call);
        }
        next = end.call.filter(|outer| *outer != call);
    }
    found
}

/// What is to be done about a node of which something ran.
fn planned(node: &Node, state: &NodeState) -> Option<Planned> {
    // A rollback takes over from a rewind where that has come to: nobody is asked again what they answered.
    match &state.undo {
        Undoing::Planned { planned, .. } => return Some(*planned),
        Undoing::Now(_) => return Some(Planned::Run),
        _ => {}
    }
    // Between two items of a list it is known exactly what is done.
    let between_items = !state.items.is_empty() && !state.item_begun;
    let done = state.phase == Phase::Succeeded || between_items;
    Some(match &node.effect {
        WorldEffect::None | WorldEffect::Abandoned(_) => return None,
        _ if state.assumed => Planned::Ask(WhyAsk::Assumed),
        WorldEffect::Irreversible(_) => Planned::Ask(WhyAsk::Irreversible),
        WorldEffect::Unstated => Planned::Ask(WhyAsk::Unstated),
        WorldEffect::Undo(undo) if done || undo.after == UndoAfter::Started => Planned::Run,
        WorldEffect::Undo(_) => Planned::Ask(WhyAsk::HalfDone),
    })
}

/// All is undone, or left.
fn arrived(view: View<'_>, goal: Goal) -> Fact {
    match goal {
        Goal::Rewind { to, .. } => Fact::Rewound {
            to,
            nodes: view.shape.closure(to).into_iter().collect(),
        },
        Goal::Rollback if view.state.left.is_empty() => ending::end(view, RunOutcome::RolledBack),
        Goal::Rollback => ending::end(view, RunOutcome::PartlyRolledBack),
    }
}
