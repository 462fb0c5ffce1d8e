//! The order in which nodes can run, and where it stops being possible to go back.

use crate::display::action;
use piton_core::plan::{NodeIndex, Plan};
use std::collections::BTreeSet;

/// Nodes in an order in which they can run; of those that could be next, the one that stands first in the file.
/// Those that run however the run ends come last.
#[must_use]
pub fn order(plan: &Plan) -> Vec<NodeIndex> {
    let mut missing: Vec<usize> = plan.nodes.iter().map(|node| node.needs.len()).collect();
    let mut dependants: Vec<Vec<NodeIndex>> = vec![Vec::new(); plan.nodes.len()];
    for (index, node) in plan.indices().zip(&plan.nodes) {
        for need in &node.needs {
            if let Some(list) = dependants.get_mut(need.index()) {
                list.push(index);
            }
        }
    }
    let place = |index: NodeIndex| (plan.node(index).is_some_and(|node| node.finally), index);
    let free = plan
        .indices()
        .filter(|index| missing.get(index.index()) == Some(&0));
    let mut ready: BTreeSet<(bool, NodeIndex)> = free.map(place).collect();
    let mut order = Vec::with_capacity(plan.nodes.len());
    while let Some((_, next)) = ready.pop_first() {
        order.push(next);
        for dependant in dependants.get(next.index()).into_iter().flatten() {
            if let Some(count) = missing.get_mut(dependant.index()) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    ready.insert(place(*dependant));
                }
            }
        }
    }
    order
}

/// The first node in `order` that nothing takes back.
#[must_use]
pub fn point_of_no_return(plan: &Plan) -> Option<NodeIndex> {
    order(plan).into_iter().find(|index| {
        plan.node(*index)
            .is_some_and(|node| !node.finally && action::is_final(node))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::plan;

    fn ids(plan: &Plan) -> Vec<&str> {
        order(plan)
            .iter()
            .map(|at| plan.nodes[at.index()].id.as_str())
            .collect()
    }

    #[test]
    fn the_order_follows_needs_and_then_the_file() {
        let mut plan = plan(&["a", "b", "c", "d"]);
        plan.nodes[1].needs = vec![NodeIndex(3)];
        plan.nodes[3].needs = vec![];
        assert_eq!(ids(&plan), ["a", "d", "b", "c"]);
    }

    #[test]
    fn what_runs_however_it_ends_comes_last() {
        let mut plan = plan(&["clean", "a", "b"]);
        plan.nodes[0].finally = true;
        plan.nodes[1].needs = vec![];
        assert_eq!(ids(&plan), ["a", "b", "clean"]);
        plan.nodes[0].effect = piton_core::plan::WorldEffect::Unstated;
        assert_eq!(point_of_no_return(&plan), None);
    }
}
