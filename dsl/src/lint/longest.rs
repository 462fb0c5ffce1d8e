//! How long a node takes at most, from its time limits.

use super::graph::Graph;
use crate::runbook::{Action, Node, Runbook, Wait};
use piton_core::plan::Retry;

/// How long a message takes at most when nothing else limits it, in milliseconds.
const TELLING: u64 = 30_000;

/// How many runbooks that call each other are followed.
const MAX_DEPTH: usize = 8;

/// The longest way between two nodes.
#[derive(Debug, Default)]
pub(crate) struct Longest {
    /// Milliseconds.
    pub(crate) total: u64,
    /// The nodes on it, with what each takes at most; `None` where nothing limits it.
    pub(crate) path: Vec<(usize, Option<u64>)>,
}

/// How long a node takes at most, in milliseconds: its locks, then each try at its limit with the waits between them;
/// for people, until the question expires. `None` when nothing limits it.
fn of_node(runbook: &Runbook, node: &Node, depth: usize) -> Option<u64> {
    if node.confirm.is_some() || node.for_each.is_some() {
        return None;
    }
    let timeout = node
        .timeout
        .as_ref()
        .or(runbook.timeout.as_ref())
        .map(|it| it.value.0);
    let own = match node.action()? {
        Action::Approve(approve) => approve.expires.as_ref()?.value.0,
        Action::Manual(manual) => manual.expires.as_ref()?.value.0,
        Action::Wait(Wait::For(length)) => length.value.0,
        Action::Wait(Wait::Until(_)) => timeout?,
        Action::Call(call) if depth < MAX_DEPTH => whole(runbook.called_by(call)?, depth + 1)?,
        Action::Call(_) => return None,
        Action::Notify(_) => tries(node, timeout.unwrap_or(TELLING)),
        Action::Run { .. }
        | Action::Exec { .. }
        | Action::Sql(_)
        | Action::Http(_)
        | Action::Checks(_) => tries(node, timeout?),
    };
    let locks = match node.lock {
        Some(_) => node
            .lock_timeout
            .as_ref()
            .map_or(3_600_000, |it| it.value.0),
        None => 0,
    };
    Some(own.saturating_add(locks))
}

/// All of another runbook.
fn whole(runbook: &Runbook, depth: usize) -> Option<u64> {
    let nodes = runbook.nodes.iter().enumerate().rev();
    let nodes = nodes
        .map(|(index, node)| (node.id.value.as_str(), index))
        .collect();
    let graph = Graph::new(runbook, &nodes);
    let way = way(runbook, &graph, None, None, depth);
    way.path
        .iter()
        .all(|(_, own)| own.is_some())
        .then_some(way.total)
}

/// The longest way from behind a node up to another; from the start, and to the end, where there are none. What is
/// `finally` is no part of it.
pub(crate) fn between(
    runbook: &Runbook,
    graph: &Graph,
    from: Option<usize>,
    to: Option<usize>,
) -> Longest {
    way(runbook, graph, from, to, 0)
}

fn way(
    runbook: &Runbook,
    graph: &Graph,
    from: Option<usize>,
    to: Option<usize>,
    depth: usize,
) -> Longest {
    let count = runbook.nodes.len();
    let mut ends: Vec<Option<u64>> = vec![None; count];
    let mut own: Vec<Option<u64>> = vec![None; count];
    let mut before: Vec<Option<usize>> = vec![None; count];
    let get = |list: &[Option<u64>], at: usize| list.get(at).copied().flatten();
    for index in &graph.order {
        let Some(node) = runbook.nodes.get(*index).filter(|node| !node.finally) else {
            continue;
        };
        let needs = graph.needs.get(*index).map_or(&[] as &[_], Vec::as_slice);
        let latest = needs
            .iter()
            .filter_map(|need| Some((get(&ends, need.node)?, need.node)))
            .max();
        let start = match (from, latest) {
            (Some(from), _) if from == *index => {
                set(&mut ends, *index, Some(0));
                continue;
            }
            (Some(_), None) => continue,
            (_, latest) => latest.map_or(0, |(end, _)| end),
        };
        let takes = of_node(runbook, node, depth);
        set(&mut own, *index, takes);
        set(
            &mut ends,
            *index,
            Some(start.saturating_add(takes.unwrap_or(0))),
        );
        set(
            &mut before,
            *index,
            latest
                .map(|(_, node)| node)
                .filter(|node| Some(*node) != from),
        );
    }
    let last = to.or_else(|| {
        (0..count)
            .filter(|at| get(&ends, *at).is_some())
            .max_by_key(|at| (get(&ends, *at), *at))
    });
    let mut path = Vec::new();
    let mut at = last.filter(|at| get(&ends, *at).is_some() && Some(*at) != from);
    while let Some(here) = at {
        path.push((here, get(&own, here)));
        at = before.get(here).copied().flatten();
    }
    path.reverse();
    let total = last.and_then(|last| get(&ends, last)).unwrap_or(0);
    Longest { total, path }
}

fn set<T>(list: &mut [Option<T>], at: usize, value: Option<T>) {
    if let Some(entry) = list.get_mut(at) {
        *entry = value;
    }
}

/// All tries of a node, each as long as this, with the waits between them.
fn tries(node: &Node, each: u64) -> u64 {
    let Some(retry) = &node.retry else {
        return each;
    };
    each.saturating_mul(u64::from(retry.times).saturating_add(1))
        .saturating_add(waits(retry))
}

fn waits(retry: &Retry) -> u64 {
    let mut waits = 0u64;
    for number in 1..=retry.times {
        let wait = retry.wait(number).0;
        waits = waits.saturating_add(wait);
        // From here on all waits are the same; a runbook may ask for very many tries.
        if wait == 0 || wait >= retry.longest.0.max(retry.backoff.0) {
            return waits.saturating_add(wait.saturating_mul(u64::from(retry.times - number)));
        }
    }
    waits
}
