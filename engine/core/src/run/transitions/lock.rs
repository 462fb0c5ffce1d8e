//! Locks: asked for before a node's first attempt, or before anything of the run starts.

use super::View;
use crate::plan::{LOCK_TIMEOUT, NodeIndex};
use crate::record::Fact;
use crate::run::render;
use crate::run::state::{LockState, State};
use crate::time::Timestamp;

/// Asks for the run's own locks.
pub(super) fn request_for_run(view: View<'_>) -> Option<Fact> {
    let lock = view.plan.lock.as_ref()?;
    if !view.state.lock.is_none() || view.state.ending.is_some() {
        return None;
    }
    // The compiler has seen to it that the names can be worked out.
    let names = render::locks(lock, &view.scope(NodeIndex(u32::MAX))).unwrap_or_default();
    Some(Fact::LockRequested {
        node: None,
        names,
        until: view.now.after(lock.timeout),
    })
}

/// Asks for the locks of the next node that needs some.
pub(super) fn request(view: View<'_>) -> Option<Fact> {
    let index = *view.state.agenda.unlocked.first()?;
    let (node, state) = view.node(index)?;
    let timeout = node.lock.as_ref().map_or(LOCK_TIMEOUT, |lock| lock.timeout);
    Some(Fact::LockRequested {
        node: Some(index),
        names: state.inputs.as_deref()?.locks.clone(),
        until: view.now.after(timeout),
    })
}

/// All locks were taken; nothing if nobody waits for them any more, or if nothing of the node will start: its pass, or
/// the run, ends, and they are let go with it.
pub(super) fn taken(view: View<'_>, node: Option<NodeIndex>) -> Option<Fact> {
    if view.state.over.is_some() {
        return None;
    }
    let lock = match node {
        None => &view.state.lock,
        Some(node) if view.state.is_held(node) => return None,
        Some(node) => &view.state.node(node)?.lock,
    };
    matches!(lock, LockState::Wanted { .. }).then_some(Fact::LockTaken { node })
}

/// Gives up waiting for locks.
pub(super) fn expire(view: View<'_>) -> Option<Fact> {
    let (at, index) = *view.state.agenda.locking.first()?;
    if at > view.now {
        return None;
    }
    let LockState::Wanted { names, .. } = &view.state.node(index)?.lock else {
        return None;
    };
    let message = format!(
        "it did not get {} in time: another run has it; `piton lock list` says which",
        named(names)
    );
    Some(view.fail(index, message))
}

/// Gives up waiting for the run's own locks.
pub(super) fn expire_for_run(view: View<'_>) -> Option<Fact> {
    match &view.state.lock {
        LockState::Wanted { names, until } if *until <= view.now => Some(Fact::LockExpired {
            names: names.clone(),
        }),
        _ => None,
    }
}

/// When waiting for the run's own locks is given up.
pub(super) fn run_timeout(state: &State) -> Option<Timestamp> {
    match &state.lock {
        LockState::Wanted { until, .. } => Some(*until),
        _ => None,
    }
}

fn named(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [name] => format!("the lock {name}"),
        names => format!("the locks {}", names.join(", ")),
    }
}
