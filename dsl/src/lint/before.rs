//! What comes before a node, for the rules that ask whether anything stops there.

use super::Context;
use crate::runbook::{Action, Node};
use piton_core::plan::NodeKind;

impl Context<'_> {
    /// For each node, whether it is known what comes before it, and nothing of that is such a one.
    pub(crate) fn none_before(&self, is_one: impl Fn(&Node) -> bool) -> Vec<bool> {
        let nodes = &self.runbook.nodes;
        let any = self
            .graph
            .any_before(|node| nodes.get(node).is_some_and(&is_one));
        let known = self.graph.ordered.iter().zip(&self.graph.doubtful);
        any.into_iter()
            .zip(known)
            .map(|(any, (ordered, doubtful))| !any && *ordered && !doubtful)
            .collect()
    }
}

/// Whether a node stops for a check or a person. What it calls may do so too.
pub(crate) fn stops(node: &Node) -> bool {
    let checks = matches!(node.action(), Some(Action::Checks(_) | Action::Call(_)));
    node.kind == NodeKind::Gate || node.target.is_some() || checks
}
