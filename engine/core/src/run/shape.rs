//! What the machine needs to know of a plan again and again, worked out once.

use crate::digest::Digest;
use crate::plan::{NodeIndex, Plan};
use std::collections::{BTreeMap, BTreeSet};

/// Derived from a plan, never stored.
#[derive(Debug)]
pub(super) struct Shape {
    /// For each node, those that need it: once for each time that they name it. Nodes that run when the run ends
    /// wait only for each other.
    dependants: Vec<Vec<NodeIndex>>,
    /// For each node, how many times it is named there.
    needs: Vec<u32>,
    names: BTreeMap<String, NodeIndex>,
    /// The plan's digest.
    pub(super) digest: Digest,
}

impl Shape {
    pub(super) fn of(plan: &Plan) -> Shape {
        let mut dependants = vec![Vec::new(); plan.nodes.len()];
        let mut needs = vec![0u32; plan.nodes.len()];
        let mut names = BTreeMap::new();
        for ((index, node), count) in plan.indices().zip(&plan.nodes).zip(&mut needs) {
            names.entry(node.id.clone()).or_insert(index);
            for need in &node.needs {
                let Some(needed) = plan.node(*need) else {
                    // The compiler makes no such plan; one that was tampered with waits for ever.
                    *count = count.saturating_add(1);
                    continue;
                };
                if needed.finally == node.finally
                    && let Some(list) = dependants.get_mut(need.index())
                {
                    list.push(index);
                    *count = count.saturating_add(1);
                }
            }
        }
        Shape {
            dependants,
            needs,
            names,
            digest: plan.digest(),
        }
    }

    pub(super) fn dependants(&self, node: NodeIndex) -> &[NodeIndex] {
        self.dependants.get(node.index()).map_or(&[], Vec::as_slice)
    }

    /// How many needs a node waits for.
    pub(super) fn needs(&self, node: NodeIndex) -> u32 {
        self.needs.get(node.index()).copied().unwrap_or_default()
    }

    pub(super) fn find(&self, name: &str) -> Option<NodeIndex> {
        self.names.get(name).copied()
    }

    /// A node and all that depends on it.
    pub(super) fn closure(&self, node: NodeIndex) -> BTreeSet<NodeIndex> {
        let mut members = BTreeSet::from([node]);
        let mut open = vec![node];
        while let Some(next) = open.pop() {
            for dependant in self.dependants(next) {
                if members.insert(*dependant) {
                    open.push(*dependant);
                }
            }
        }
        members
    }
}
