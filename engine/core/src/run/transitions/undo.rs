//! The undo of one node: people are asked first where they have to be, then it runs, and what its end means.

use super::retry::RERUN_LIMIT;
use super::{View, question};
use crate::id::Purpose;
use crate::plan::{Action, Node, NodeIndex, Undo, WorldEffect};
use crate::record::{
    Answer, Fact, Inputs, Left, OutcomeStatus, Planned, QuestionKind, RenderedAction, UndoEntry,
    WhyAsk,
};
use crate::run::event::Produced;
use crate::run::render;
use crate::run::scope::NodeScope;
use crate::run::state::{Ended, Given, NodeState, Now, Phase, UndoPhase, Undoing};
use crate::value::Value;

/// A node's undo.
pub(super) fn of(node: &Node) -> Option<&Undo> {
    match &node.effect {
        WorldEffect::Undo(undo) => Some(undo),
        _ => None,
    }
}

/// The next fact about the entries of an undo set, one after another; `None` while it waits.
pub(super) fn next(view: View<'_>, entries: &[UndoEntry]) -> Option<Fact> {
    // Everything that a person has to say is asked before anything is undone.
    let unanswered = entries.iter().filter_map(|entry| {
        let state = view.state.node(entry.node)?;
        match &state.undo {
            Undoing::Planned {
                planned: Planned::Ask(why),
                ..
            } => Some((entry.node, state, *why)),
            _ => None,
        }
    });
    let mut waits = false;
    for (index, state, why) in unanswered {
        if state.asking.is_none() {
            let kind = QuestionKind::Undo { why };
            return Some(question::open(view, index, kind, None, None));
        }
        waits = true;
    }
    if waits {
        return None;
    }
    let open = entries.iter().find_map(|entry| {
        let (node, state) = view.node(entry.node)?;
        (!state.undo.is_settled()).then_some((entry.node, node, state))
    });
    let (index, node, state) = open?;
    match &state.undo {
        Undoing::Planned { half, .. } => begin(view, index, node, state, *half),
        Undoing::Now(now) => go_on(view, index, state, now),
        _ => None,
    }
}

/// Begins a node's undo.
fn begin(
    view: View<'_>,
    index: NodeIndex,
    node: &Node,
    state: &NodeState,
    half: bool,
) -> Option<Fact> {
    let pass = state.pass;
    Some(match inputs(view, index, node, state, half) {
        Ok(inputs) => Fact::UndoStarted {
            node: index,
            pass,
            inputs,
        },
        Err(message) => Fact::UndoFailed {
            node: index,
            pass,
            message,
        },
    })
}

/// Works out what a node's undo is given.
///
/// # Errors
/// Why that cannot be worked out.
pub(super) fn inputs(
    view: View<'_>,
    index: NodeIndex,
    node: &Node,
    state: &NodeState,
    half: bool,
) -> Result<Inputs, String> {
    let undo = of(node).ok_or("the runbook does not say how it is taken back")?;
    let captures = &state.prepared.captures;
    let mut done: Vec<(&str, &Value, Option<&Produced>)> = Vec::new();
    let values = view.state.items_of(index);
    // Items that are done, and the one that it was at if that is undone too; the last one first.
    // Of a node that somebody said succeeded, that is all of them.
    let count = match state.phase {
        Phase::Succeeded => usize::MAX,
        _ => state
            .items
            .len()
            .saturating_add(usize::from(half && state.item_begun)),
    };
    for (place, (key, value)) in (0u32..).zip(values).take(count) {
        done.push((key, value, captures.get(&place)));
    }
    done.reverse();
    let scope = NodeScope {
        capture: captures.get(&0),
        as_caller: matches!(node.action, Action::Call(_)),
        ..view.scope(index)
    };
    render::undo(node, undo, &scope, &done, view.now)
}

/// The next attempt at an undo whose inputs are known, or the question about one that failed.
fn go_on(view: View<'_>, index: NodeIndex, state: &NodeState, now: &Now) -> Option<Fact> {
    match &now.phase {
        UndoPhase::Ready if items_left(now) == Some(0) => Some(Fact::NodeUndone {
            node: index,
            pass: state.pass,
            by: None,
        }),
        UndoPhase::Ready if view.state.has_place(view.plan) => view.start(index, Purpose::Undo),
        UndoPhase::Again { at } if *at <= view.now && view.state.has_place(view.plan) => {
            view.start(index, Purpose::Undo)
        }
        UndoPhase::Failed { message } if state.asking.is_none() => {
            let kind = QuestionKind::UndoFailed {
                message: message.clone(),
            };
            Some(question::open(view, index, kind, None, None))
        }
        _ => None,
    }
}

/// How many items are still to be undone, of a node that was done for each of a list.
fn items_left(now: &Now) -> Option<usize> {
    match &now.inputs.as_deref()?.action {
        RenderedAction::Each(items) => Some(items.len().saturating_sub(now.items as usize)),
        _ => None,
    }
}

/// The place of the item that is undone now, among all items of the node: the last one goes first.
pub(super) fn item(state: &NodeState) -> Option<u32> {
    match &state.undo {
        Undoing::Now(now) => place(now),
        _ => None,
    }
}

fn place(now: &Now) -> Option<u32> {
    let left = items_left(now)?.saturating_sub(1);
    Some(u32::try_from(left).unwrap_or(u32::MAX))
}

/// Draws the conclusion from an undo's attempt that ended, or from what a person said about it.
pub(super) fn settle(
    view: View<'_>,
    index: NodeIndex,
    node: &Node,
    state: &NodeState,
) -> Option<Fact> {
    match &state.undo {
        Undoing::Planned {
            given: Some(given),
            planned,
            ..
        } => Some(answered(index, state, given, *planned)),
        Undoing::Now(now) => match &now.phase {
            UndoPhase::Ended(ended) => ended_now(view, index, node, state, now, ended),
            UndoPhase::Decided(given) => Some(decided(index, state, given)),
            _ => None,
        },
        _ => None,
    }
}

/// What a person's word about a step means that cannot be undone without it.
fn answered(index: NodeIndex, state: &NodeState, given: &Given, planned: Planned) -> Fact {
    let (node, pass, by) = (index, state.pass, given.by.clone());
    let why = match planned {
        Planned::Ask(WhyAsk::Irreversible) => "nothing takes it back",
        Planned::Ask(WhyAsk::HalfDone) => "it was started and did not succeed",
        Planned::Ask(WhyAsk::Unstated) => "the runbook does not say how it is taken back",
        Planned::Ask(WhyAsk::Assumed) => "it was done outside this run",
        Planned::Run => "it was left",
    };
    match given.answer {
        Answer::UndoneByHand => Fact::NodeUndone {
            node,
            pass,
            by: Some(by),
        },
        Answer::DidNotHappen => Fact::NothingToUndo { node, pass, by },
        Answer::Succeeded { .. } => Fact::UndoWanted { node, pass, by },
        Answer::Stop => Fact::UndoStopped { node, by },
        _ => left(index, state, given, why),
    }
}

/// What a person's word about an undo that failed means.
fn decided(index: NodeIndex, state: &NodeState, given: &Given) -> Fact {
    let (node, pass, by) = (index, state.pass, given.by.clone());
    match given.answer {
        Answer::UndoneByHand => Fact::NodeUndone {
            node,
            pass,
            by: Some(by),
        },
        Answer::Retry => Fact::UndoWanted { node, pass, by },
        Answer::Stop => Fact::UndoStopped { node, by },
        _ => left(index, state, given, "its undo failed"),
    }
}

fn left(index: NodeIndex, state: &NodeState, given: &Given, why: &str) -> Fact {
    let why = match &given.note {
        Some(note) => format!("{why}: {note}"),
        None => why.to_owned(),
    };
    Fact::UndoLeft {
        left: Left {
            node: index,
            pass: state.pass,
            why,
            by: Some(given.by.clone()),
        },
    }
}

/// What the end of an attempt at an undo, or of its check, means.
fn ended_now(
    view: View<'_>,
    index: NodeIndex,
    node: &Node,
    state: &NodeState,
    now: &Now,
    ended: &Ended,
) -> Option<Fact> {
    let pass = state.pass;
    let done = || match place(now) {
        Some(item) => Fact::ItemUndone {
            node: index,
            pass,
            item,
        },
        None => Fact::NodeUndone {
            node: index,
            pass,
            by: None,
        },
    };
    let failed = |message: String| Fact::UndoFailed {
        node: index,
        pass,
        message,
    };
    let checked = now
        .inputs
        .as_deref()
        .is_some_and(|inputs| match &inputs.action {
            RenderedAction::Each(items) => items
                .get(now.items as usize)
                .is_some_and(|item| item.inputs.target.is_some()),
            _ => inputs.target.is_some(),
        });
    let reruns = state
        .count(Purpose::Undo)
        .saturating_add(state.count(Purpose::UndoCheck));
    let message = ended.result.message.as_str();
    let said = |otherwise: &str| match message {
        "" => otherwise.to_owned(),
        message => message.to_owned(),
    };
    Some(match (ended.attempt.purpose, ended.result.status) {
        (_, OutcomeStatus::Succeeded) => done(),
        (_, OutcomeStatus::NotStarted) if reruns < RERUN_LIMIT => {
            return view.start(index, ended.attempt.purpose);
        }
        (Purpose::Undo, OutcomeStatus::Unknown) if checked => {
            return view.start(index, Purpose::UndoCheck);
        }
        (Purpose::Undo, OutcomeStatus::Unknown) => failed(format!(
            "nobody knows whether its undo happened: {}",
            said("it was interrupted")
        )),
        // The check found that the undo did not happen.
        (Purpose::UndoCheck, OutcomeStatus::Failed) if reruns < RERUN_LIMIT => {
            return view.start(index, Purpose::Undo);
        }
        (Purpose::UndoCheck, _) => failed(format!(
            "nobody knows whether its undo happened, and the check did not find out: {}",
            said("it gave no answer")
        )),
        (_, status) => match of(node).map(|undo| undo.retry) {
            Some(retry) if now.retries < retry.times => Fact::UndoRetryScheduled {
                node: index,
                pass,
                at: view.now.after(retry.wait(now.retries.saturating_add(1))),
            },
            _ => failed(match status {
                OutcomeStatus::TimedOut => said("its undo ran out of time"),
                _ => said("its undo failed"),
            }),
        },
    })
}
