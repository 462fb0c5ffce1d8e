//! The longest a plan can take, from its time limits.

use crate::command::plan::order;
use piton_core::plan::{Action, Node, Plan, Wait};
use serde::Serialize;

/// The worst case along the path that takes longest, as far as there are time limits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Default)]
pub struct WorstCase {
    /// Milliseconds along `path`. Attempts that wait for a free place because of `parallel` are not counted, nor are
    /// ways back and what is done again after them.
    pub ms: u64,
    /// The nodes of the longest path.
    pub path: Vec<String>,
    /// Nodes without a limit: the worst case is unknown when there are any.
    pub unbounded: Vec<String>,
}

/// How long a page or a notification takes at most, when nothing else limits it.
const TELLING: u64 = 30_000;

/// How long a node takes at most: its locks, then each try at its limit, with the longest wait between them; for
/// people, until the question expires. `None` when nothing limits it: a confirmation, which has no end, or a list of
/// items whose number nobody knows before.
fn longest(node: &Node) -> Option<u64> {
    if node.confirm.is_some() || node.for_each.is_some() {
        return None;
    }
    let locks = node.lock.as_ref().map_or(0, |lock| lock.timeout.0);
    let own = match &node.action {
        Action::Approve(approve) => approve.expires.map(|expires| expires.0),
        Action::Manual(manual) => manual.expires.map(|expires| expires.0),
        Action::Wait(Wait::For(length)) => Some(length.0),
        Action::Wait(Wait::Until(_)) => node.timeout.map(|timeout| timeout.0),
        Action::Call(_) => Some(0),
        Action::Notify(_) => tries(
            node,
            Some(node.timeout.map_or(TELLING, |timeout| timeout.0)),
        ),
        Action::Run(_) | Action::Exec(_) | Action::Sql(_) | Action::Http(_) | Action::Checks(_) => {
            tries(node, node.timeout.map(|timeout| timeout.0))
        }
    };
    own.map(|own| own.saturating_add(locks))
}

/// All tries of a node, each as long as this, with the waits between them.
fn tries(node: &Node, each: Option<u64>) -> Option<u64> {
    let tries = u64::from(node.retry.times).saturating_add(1);
    let mut waits = 0u64;
    for number in 1..=node.retry.times {
        let wait = node.retry.wait(number).0;
        waits = waits.saturating_add(wait);
        // From here on all waits are the same; a runbook may ask for very many tries.
        if wait == 0 || wait >= node.retry.longest.0.max(node.retry.backoff.0) {
            waits = waits.saturating_add(wait.saturating_mul(u64::from(node.retry.times - number)));
            break;
        }
    }
    each.map(|each| each.saturating_mul(tries).saturating_add(waits))
}

/// The worst case of a plan.
#[must_use]
pub fn worst_case(plan: &Plan) -> WorstCase {
    let mut ends: Vec<u64> = vec![0; plan.nodes.len()];
    let mut before: Vec<Option<usize>> = vec![None; plan.nodes.len()];
    let mut unbounded = Vec::new();
    for index in order(plan) {
        let Some(node) = plan.node(index) else {
            continue;
        };
        let latest = node
            .needs
            .iter()
            .max_by_key(|need| ends.get(need.index()).copied().unwrap_or(0));
        let start = latest
            .and_then(|need| ends.get(need.index()))
            .copied()
            .unwrap_or(0);
        let own = longest(node).unwrap_or_else(|| {
            unbounded.push(node.id.clone());
            0
        });
        if let (Some(end), Some(link)) =
            (ends.get_mut(index.index()), before.get_mut(index.index()))
        {
            *end = start.saturating_add(own);
            *link = latest.map(|need| need.index());
        }
    }
    let mut path = Vec::new();
    let mut at = (0..ends.len())
        .rev()
        .max_by_key(|at| ends.get(*at).copied().unwrap_or(0));
    while let Some(here) = at {
        path.extend(plan.nodes.get(here).map(|node| node.id.clone()));
        at = before.get(here).copied().flatten();
    }
    path.reverse();
    WorstCase {
        ms: ends.into_iter().max().unwrap_or(0),
        path,
        unbounded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::plan;
    use piton_core::plan::{NodeIndex, Retry};
    use piton_core::time::Millis;

    #[test]
    fn the_longest_path_counts_with_all_its_tries() {
        let mut plan = plan(&["a", "short", "long", "end"]);
        for node in &mut plan.nodes {
            node.timeout = Some(Millis(1000));
        }
        plan.nodes[2].needs = vec![NodeIndex(0)];
        plan.nodes[2].retry = Retry {
            times: 3,
            backoff: Millis(100),
            longest: Millis(150),
        };
        plan.nodes[3].needs = vec![NodeIndex(1), NodeIndex(2)];
        let worst = worst_case(&plan);
        assert_eq!(worst.path, ["a", "long", "end"]);
        assert_eq!(worst.ms, 1000 + (4000 + 100 + 150 + 150) + 1000);
        assert!(worst.unbounded.is_empty());
    }

    #[test]
    fn a_node_without_a_limit_is_named() {
        let mut plan = plan(&["a", "?go"]);
        plan.nodes[0].timeout = Some(Millis(5));
        plan.nodes[0].retry = Retry {
            times: u32::MAX,
            backoff: Millis(1),
            longest: Millis(u64::MAX),
        };
        assert_eq!(worst_case(&plan).unbounded, ["go"]);
        assert_eq!(worst_case(&plan).ms, u64::MAX);
        assert_eq!(worst_case(&crate::testing::plan(&[])), WorstCase::default());
    }
}
