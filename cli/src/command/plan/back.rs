//! What a rollback from a node would do, in a line and as JSON.

use super::text::some_of;
use crate::undo_set::{UndoSet, why};
use piton_core::plan::{NodeIndex, Plan};
use piton_core::record::WhyAsk;
use serde::Serialize;

/// What a rollback would do if the node failed half way, as `--json` writes it.
#[derive(Debug, Serialize)]
pub(super) struct Back<'a> {
    /// What is undone, in this order.
    undo: Vec<&'a str>,
    /// What people are asked about before anything is undone.
    ask: Vec<AskedAbout<'a>>,
    /// What is left behind, harmlessly.
    leave: Vec<&'a str>,
    /// What can run beside the node, and is undone too as far as it was done.
    beside: Vec<&'a str>,
}

/// Something that people are asked about.
#[derive(Debug, Serialize)]
struct AskedAbout<'a> {
    node: &'a str,
    why: WhyAsk,
}

fn name(plan: &Plan, index: NodeIndex) -> &str {
    plan.node(index).map_or("?", |node| node.id.as_str())
}

fn names<'a>(plan: &'a Plan, nodes: &[NodeIndex]) -> Vec<&'a str> {
    nodes.iter().map(|index| name(plan, *index)).collect()
}

/// The set as JSON.
pub(super) fn json<'a>(plan: &'a Plan, set: &UndoSet) -> Back<'a> {
    let ask = |(node, why): &(NodeIndex, WhyAsk)| AskedAbout {
        node: name(plan, *node),
        why: *why,
    };
    Back {
        undo: names(plan, &set.undo),
        ask: set.ask.iter().map(ask).collect(),
        leave: names(plan, &set.leave),
        beside: names(plan, &set.beside),
    }
}

/// The set in words: `undoes c, a; asks about d (nothing takes it back); leaves b`. `None` when there is nothing to
/// take back.
pub(super) fn words(plan: &Plan, set: &UndoSet) -> Option<String> {
    let mut parts = Vec::new();
    if !set.ask.is_empty() {
        let ask = |(node, because): &(NodeIndex, WhyAsk)| {
            format!("{} ({})", name(plan, *node), why(*because))
        };
        let ask: Vec<String> = set.ask.iter().map(ask).collect();
        parts.push(format!("asks about {}", some_of(&ask, ", ")));
    }
    let mut list = |what: &str, nodes: &[NodeIndex]| {
        if !nodes.is_empty() {
            parts.push(format!("{what} {}", some_of(&names(plan, nodes), ", ")));
        }
    };
    list("undoes", &set.undo);
    list("leaves", &set.leave);
    if parts.is_empty() && set.beside.is_empty() {
        return None;
    }
    if parts.is_empty() {
        parts.push("undoes nothing before it".to_owned());
    }
    if !set.beside.is_empty() {
        let beside = some_of(&names(plan, &set.beside), ", ");
        parts.push(format!("and what was done beside it of {beside}"));
    }
    Some(parts.join("; "))
}
