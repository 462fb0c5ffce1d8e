//! What the machine needs to know of a plan again and again, worked out once.

use crate::digest::Digest;
use crate::plan::{NodeIndex, Plan};
use std::collections::BTreeMap;

/// Derived from a plan, never stored.
#[derive(Debug)]
pub(super) struct Shape {
    /// For each node, those that need it: once for each time that they name it.
    dependants: Vec<Vec<NodeIndex>>,
    names: BTreeMap<String, NodeIndex>,
    /// The plan's digest.
    pub(super) digest: Digest,
}

impl Shape {
    pub(super) fn of(plan: &Plan) -> Shape {
        let mut dependants = vec![Vec::new(); plan.nodes.len()];
        let mut names = BTreeMap::new();
        for (index, node) in plan.indices().zip(&plan.nodes) {
            names.entry(node.id.clone()).or_insert(index);
            for need in &node.needs {
                if let Some(list) = dependants.get_mut(need.index()) {
                    list.push(index);
                }
            }
        }
        Shape {
            dependants,
            names,
            digest: plan.digest(),
        }
    }

    pub(super) fn dependants(&self, node: NodeIndex) -> &[NodeIndex] {
        self.dependants.get(node.index()).map_or(&[], Vec::as_slice)
    }

    pub(super) fn find(&self, name: &str) -> Option<NodeIndex> {
        self.names.get(name).copied()
    }
}
