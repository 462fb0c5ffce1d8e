//! What a rollback would undo, seen from a node of the plan before anything has run.

use crate::command::plan::order;
use piton_core::plan::{Action, CallPart, Node, NodeIndex, Plan, UndoAfter, WorldEffect};
use piton_core::record::WhyAsk;
use std::collections::BTreeSet;

/// What a rollback would do if a node failed half way, with everything before it done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UndoSet {
    /// What is undone, in this order.
    pub undo: Vec<NodeIndex>,
    /// What people are asked about before anything is undone, and why.
    pub ask: Vec<(NodeIndex, WhyAsk)>,
    /// What is left behind, harmlessly as its author says.
    pub leave: Vec<NodeIndex>,
    /// What can run beside the node, and is undone too as far as it was done.
    pub beside: Vec<NodeIndex>,
}

/// The undo set of each node, in the order of the plan's nodes. Nodes that run however the run ends have none: they
/// run after the way back.
#[must_use]
pub fn undo_sets(plan: &Plan) -> Vec<Option<UndoSet>> {
    let order = order(plan);
    let before = before(plan, &order);
    plan.indices()
        .zip(&plan.nodes)
        .map(|(index, node)| (!node.finally).then(|| undo_set(plan, &order, &before, index)))
        .collect()
}

/// All nodes before each node.
fn before(plan: &Plan, order: &[NodeIndex]) -> Vec<BTreeSet<NodeIndex>> {
    let mut before: Vec<BTreeSet<NodeIndex>> = vec![BTreeSet::new(); plan.nodes.len()];
    for index in order {
        let needs = plan.node(*index).map(|node| node.needs.as_slice());
        let mut own = BTreeSet::new();
        for need in needs.unwrap_or_default() {
            own.insert(*need);
            own.extend(before.get(need.index()).into_iter().flatten());
        }
        if let Some(place) = before.get_mut(index.index()) {
            *place = own;
        }
    }
    before
}

fn undo_set(
    plan: &Plan,
    order: &[NodeIndex],
    before: &[BTreeSet<NodeIndex>],
    failed: NodeIndex,
) -> UndoSet {
    let empty = BTreeSet::new();
    let of = |index: NodeIndex| before.get(index.index()).unwrap_or(&empty);
    let done = of(failed);
    let mut set = UndoSet::default();
    for index in order.iter().rev().copied() {
        let Some(node) = plan.node(index) else {
            continue;
        };
        if index != failed && !done.contains(&index) {
            if !node.finally && !of(index).contains(&failed) && changes(node) {
                set.beside.push(index);
            }
            continue;
        }
        if index == failed || !replaced(plan, node, done) {
            sort_in(&mut set, index, node, index == failed);
        }
    }
    set.beside.reverse();
    set
}

/// Whether a node leaves anything in the world.
fn changes(node: &Node) -> bool {
    node.effect != WorldEffect::None && !matches!(node.action, Action::Call(CallPart::Begin))
}

/// Whether a call that is done has an undo of its own, which takes the place of those in it.
fn replaced(plan: &Plan, node: &Node, done: &BTreeSet<NodeIndex>) -> bool {
    let mut call = node.call;
    while let Some((index, end)) = call.and_then(|index| Some((index, plan.node(index)?))) {
        if done.contains(&index) && matches!(end.effect, WorldEffect::Undo(_)) {
            return true;
        }
        call = end.call;
    }
    false
}

fn sort_in(set: &mut UndoSet, index: NodeIndex, node: &Node, half_done: bool) {
    match &node.effect {
        WorldEffect::None => {}
        // The end of a call does nothing itself: when it fails, it is what is in it that failed.
        _ if half_done && matches!(node.action, Action::Call(_)) => {}
        WorldEffect::Undo(undo) if half_done && undo.after == UndoAfter::Succeeded => {
            set.ask.push((index, WhyAsk::HalfDone));
        }
        WorldEffect::Undo(_) => set.undo.push(index),
        WorldEffect::Abandoned(_) => set.leave.push(index),
        WorldEffect::Irreversible(_) => set.ask.push((index, WhyAsk::Irreversible)),
        WorldEffect::Unstated => set.ask.push((index, WhyAsk::Unstated)),
    }
}

/// Why people are asked, in a few words.
#[must_use]
pub fn why(why: WhyAsk) -> &'static str {
    match why {
        WhyAsk::Irreversible => "nothing takes it back",
        WhyAsk::Unstated => "its effect is not stated",
        WhyAsk::HalfDone => "half done",
        WhyAsk::Assumed => "done outside the run",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::plan;
    use piton_core::plan::{Retry, Undo};
    use std::collections::BTreeMap;

    fn undo(plan: &Plan, after: UndoAfter) -> WorldEffect {
        WorldEffect::Undo(Undo {
            action: plan.nodes[0].action.clone(),
            env: BTreeMap::new(),
            timeout: None,
            after,
            retry: Retry::default(),
            check: None,
        })
    }

    fn ids(plan: &Plan, nodes: impl IntoIterator<Item = NodeIndex>) -> Vec<&str> {
        nodes
            .into_iter()
            .map(|at| plan.nodes[at.index()].id.as_str())
            .collect()
    }

    #[test]
    fn what_is_before_a_node_is_undone_in_reverse() {
        let mut plan = plan(&["a", "b", "c", "d", "e"]);
        plan.nodes[0].effect = undo(&plan, UndoAfter::Succeeded);
        plan.nodes[1].effect = WorldEffect::Abandoned("a folder of its own".to_owned());
        plan.nodes[2].effect = undo(&plan, UndoAfter::Started);
        plan.nodes[3].effect = WorldEffect::Irreversible("it is sent".to_owned());
        let sets: Vec<UndoSet> = undo_sets(&plan)
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect();
        assert_eq!(sets[0].ask, [(NodeIndex(0), WhyAsk::HalfDone)]);
        assert_eq!(ids(&plan, sets[1].undo.clone()), ["a"]);
        assert_eq!(
            ids(&plan, sets[2].undo.clone()),
            ["c", "a"],
            "c may be undone half done"
        );
        assert_eq!(ids(&plan, sets[2].leave.clone()), ["b"]);
        assert_eq!(sets[4].ask, [(NodeIndex(3), WhyAsk::Irreversible)]);
        assert_eq!(ids(&plan, sets[4].undo.clone()), ["c", "a"]);
    }

    #[test]
    fn what_runs_beside_is_named_and_what_ends_the_run_is_not_undone() {
        let mut plan = plan(&["a", "b", "looks", "clean"]);
        for at in [0, 1] {
            plan.nodes[at].effect = undo(&plan, UndoAfter::Succeeded);
        }
        plan.nodes[1].needs = vec![];
        plan.nodes[2].needs = vec![];
        plan.nodes[3].needs = vec![];
        plan.nodes[3].finally = true;
        let sets = undo_sets(&plan);
        assert_eq!(
            ids(&plan, sets[0].clone().unwrap_or_default().beside),
            ["b"]
        );
        assert_eq!(sets[3], None);
    }

    #[test]
    fn the_undo_of_a_call_takes_the_place_of_those_in_it() {
        let mut plan = plan(&["x:begin", "x/a", "x", "after"]);
        plan.nodes[0].action = Action::Call(CallPart::Begin);
        plan.nodes[1].effect = undo(&plan, UndoAfter::Succeeded);
        plan.nodes[1].call = Some(NodeIndex(2));
        plan.nodes[2].effect = WorldEffect::Undo(Undo {
            action: plan.nodes[1].action.clone(),
            env: BTreeMap::new(),
            timeout: None,
            after: UndoAfter::Succeeded,
            retry: Retry::default(),
            check: None,
        });
        plan.nodes[2].action = Action::Call(CallPart::End);
        let sets: Vec<UndoSet> = undo_sets(&plan)
            .into_iter()
            .map(Option::unwrap_or_default)
            .collect();
        assert_eq!(ids(&plan, sets[3].undo.clone()), ["x"]);
        assert_eq!(
            ids(&plan, sets[2].undo.clone()),
            ["x/a"],
            "the call is not done yet"
        );
    }
}
