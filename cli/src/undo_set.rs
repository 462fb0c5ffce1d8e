//! What a rollback would undo, seen from a node of the plan before anything has run.

use crate::command::plan::order;
use fixedbitset::FixedBitSet;
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

/// With more nodes than this that change anything, nobody reads what a rollback from each node would do, and the sets
/// together would grow with the square of their number.
const MOST: usize = 2_000;

/// The undo set of each node, in the order of the plan's nodes. Nodes that run however the run ends have none: they
/// run after the way back. `None` for a plan in which very many nodes change something.
#[must_use]
pub fn undo_sets(plan: &Plan) -> Option<Vec<Option<UndoSet>>> {
    let ways = Ways::new(plan)?;
    let sets = plan.indices().zip(&plan.nodes);
    Some(
        sets.map(|(index, node)| (!node.finally).then(|| ways.undo_set(plan, index)))
            .collect(),
    )
}

/// Which of the nodes that have an effect are before and after each node. Places in the sets are those in `effects`.
struct Ways {
    /// The nodes with an effect, in an order in which they can run.
    effects: Vec<NodeIndex>,
    before: Vec<FixedBitSet>,
    after: Vec<FixedBitSet>,
}

impl Ways {
    fn new(plan: &Plan) -> Option<Ways> {
        let order = order(plan);
        let has_effect = |index: &NodeIndex| {
            let node = plan.node(*index);
            node.is_some_and(|node| node.effect != WorldEffect::None)
        };
        let effects: Vec<NodeIndex> = order.iter().copied().filter(has_effect).collect();
        if effects.len() > MOST {
            return None;
        }
        let mut own = vec![None; plan.nodes.len()];
        for (place, index) in effects.iter().enumerate() {
            if let Some(own) = own.get_mut(index.index()) {
                *own = Some(place);
            }
        }
        let nothing = FixedBitSet::with_capacity(effects.len());
        let mut before = vec![nothing; plan.nodes.len()];
        let mut after = before.clone();
        for index in &order {
            for need in needs(plan, *index) {
                add(&mut before, *need, *index, &own);
            }
        }
        for index in order.iter().rev() {
            for need in needs(plan, *index) {
                add(&mut after, *index, *need, &own);
            }
        }
        Some(Ways {
            effects,
            before,
            after,
        })
    }

    fn undo_set(&self, plan: &Plan, failed: NodeIndex) -> UndoSet {
        let mut set = UndoSet::default();
        let (Some(before), Some(after)) = (
            self.before.get(failed.index()),
            self.after.get(failed.index()),
        ) else {
            return set;
        };
        let own_undo: BTreeSet<NodeIndex> = before
            .ones()
            .filter_map(|place| self.effects.get(place).copied())
            .filter(|index| {
                let node = plan.node(*index);
                node.is_some_and(|it| {
                    matches!(it.action, Action::Call(_))
                        && matches!(it.effect, WorldEffect::Undo(_))
                })
            })
            .collect();
        for (place, index) in self.effects.iter().copied().enumerate().rev() {
            let Some(node) = plan.node(index) else {
                continue;
            };
            if index != failed && !before.contains(place) {
                if !node.finally && !after.contains(place) && changes(node) {
                    set.beside.push(index);
                }
                continue;
            }
            if index == failed || !replaced(plan, node, &own_undo) {
                sort_in(&mut set, index, node, index == failed);
            }
        }
        set.beside.reverse();
        set
    }
}

fn needs(plan: &Plan, index: NodeIndex) -> &[NodeIndex] {
    plan.node(index)
        .map(|node| node.needs.as_slice())
        .unwrap_or_default()
}

/// Adds a node, and what its own set has, to the set of its neighbour.
fn add(sets: &mut [FixedBitSet], from: NodeIndex, to: NodeIndex, own: &[Option<usize>]) {
    let (from, to) = (from.index(), to.index());
    if let Ok([of, into]) = sets.get_disjoint_mut([from, to]) {
        into.union_with(of);
        if let Some(place) = own.get(from).copied().flatten() {
            into.insert(place);
        }
    }
}

/// Whether a node leaves anything in the world.
fn changes(node: &Node) -> bool {
    node.effect != WorldEffect::None && !matches!(node.action, Action::Call(CallPart::Begin))
}

/// Whether the node is in one of these calls, whose own undo takes the place of those in it.
fn replaced(plan: &Plan, node: &Node, own_undo: &BTreeSet<NodeIndex>) -> bool {
    let mut call = node.call;
    while let Some(index) = call {
        if own_undo.contains(&index) {
            return true;
        }
        call = plan.node(index).and_then(|end| end.call);
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
            .flatten()
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
    fn a_plan_in_which_very_many_nodes_change_something_has_none() {
        let names: Vec<String> = (0..=MOST).map(|number| format!("n{number}")).collect();
        let mut plan = plan(&names.iter().map(String::as_str).collect::<Vec<_>>());
        for node in &mut plan.nodes {
            node.effect = WorldEffect::Unstated;
        }
        assert_eq!(undo_sets(&plan), None);
        plan.nodes[7].effect = WorldEffect::None;
        let sets = undo_sets(&plan).unwrap_or_default();
        let last = sets.last().cloned().flatten().unwrap_or_default();
        assert_eq!(last.ask.len(), MOST);
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
        let sets = undo_sets(&plan).unwrap_or_default();
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
            .flatten()
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
