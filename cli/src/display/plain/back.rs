//! Responses to failures, and the way back.

use super::Say;
use crate::clock;
use crate::display::clean::one_line;
use crate::display::style::{Line, Style};
use piton_core::plan::NodeIndex;
use piton_core::record::{Fact, Planned};
use piton_core::view::{BackView, ResponseKind};

impl Say<'_> {
    pub(super) fn back(&self, fact: &Fact) -> Vec<Line> {
        match fact {
            Fact::ResponseTaken { node, .. } => self.response(*node),
            Fact::UndoPlanned { entries } => {
                let asked = entries
                    .iter()
                    .filter(|entry| entry.planned != Planned::Run)
                    .count();
                let what = match (entries.len(), asked) {
                    (0, _) => "nothing is to be undone".to_owned(),
                    (1, 0) => "1 node is undone".to_owned(),
                    (all, 0) => format!("{all} nodes are undone, the last one first"),
                    (all, asked) => format!(
                        "{all} to be undone; somebody has to decide about {asked} of them first"
                    ),
                };
                vec![self.run("↶", Style::Strong, "undo", what)]
            }
            Fact::UndoStarted { node, pass, .. } => {
                let place = self.place(*node, *pass);
                vec![self.run(
                    "↶",
                    Style::Live,
                    "undo",
                    format!("{place}: `{}`", self.id(*node)),
                )]
            }
            Fact::UndoRetryScheduled { node, at: next, .. } => {
                let why = self.view.node(*node).map(|node| one_line(&node.message));
                let wait = clock::length(next.since(self.at));
                let why = why
                    .filter(|why| !why.is_empty())
                    .map(|why| format!(": {why}"));
                let text = format!(
                    "its undo is tried again in {wait}{}",
                    why.unwrap_or_default()
                );
                vec![self.line("↻", Style::Asks, *node, text)]
            }
            Fact::ItemUndone { node, item, .. } => {
                let text = format!("{} is undone", self.key(*node, *item));
                vec![self.line("↶", Style::Good, *node, text)]
            }
            Fact::NodeUndone { node, by, .. } => {
                let text = match by {
                    Some(by) => format!("undone by hand, says {by}"),
                    None => "undone".to_owned(),
                };
                vec![self.line("↶", Style::Good, *node, text)]
            }
            Fact::NothingToUndo { node, by, .. } => {
                vec![self.line(
                    "↶",
                    Style::Good,
                    *node,
                    format!("nothing to undo, says {by}"),
                )]
            }
            Fact::UndoWanted { node, by, .. } => {
                let text = format!("is to be undone, says {by}");
                vec![self.line("↶", Style::Asks, *node, text)]
            }
            Fact::UndoLeft { left } => {
                let by = left.by.as_ref().map(|by| format!(", decided by {by}"));
                let text = format!("is left: {}{}", one_line(&left.why), by.unwrap_or_default());
                vec![self.line("!", Style::Bad, left.node, text)]
            }
            Fact::UndoFailed { node, message, .. } => {
                let text = format!("its undo failed: {}", one_line(message));
                vec![self.line("✗", Style::Bad, *node, text)]
            }
            Fact::UndoStopped { node, by } => {
                let text = format!("{by} stopped the way back: what is not undone is left");
                vec![self.line("■", Style::Bad, *node, text)]
            }
            Fact::Rewound { to, nodes } => {
                let text = format!("goes on from here, with {}", counted(nodes.len()));
                vec![self.line("↻", Style::Strong, *to, text)]
            }
            _ => Vec::new(),
        }
    }

    /// `2 of 5`, the place of a node in the order of undoing.
    fn place(&self, node: NodeIndex, pass: u32) -> String {
        let back = self.view.last_back();
        let place = back.and_then(|back| back.place(node, pass));
        place.map_or_else(String::new, |(at, all)| format!("{at} of {all}"))
    }

    fn response(&self, node: NodeIndex) -> Vec<Line> {
        let view = self.view.node(node);
        let Some(response) = view.and_then(|node| node.responses.last()) else {
            return Vec::new();
        };
        let by = response
            .by
            .as_ref()
            .map(|by| format!(", decided by {by}"))
            .unwrap_or_default();
        let owner = if response.owner == self.id(node) {
            String::new()
        } else {
            format!(", by the ladder of `{}`", response.owner)
        };
        let (sign, look, text) = match &response.kind {
            ResponseKind::Stop => ("■", Style::Bad, "the run stops".to_owned()),
            ResponseKind::Continue => ("▶", Style::Asks, "the run goes on all the same".to_owned()),
            ResponseKind::Escalate { policy, expires } => {
                let within = expires
                    .map(|expires| format!(", for {expires}"))
                    .unwrap_or_default();
                ("?", Style::Asks, format!("escalated to `{policy}`{within}"))
            }
            ResponseKind::Rewind { .. } | ResponseKind::Rollback => {
                let back = self.view.back.as_ref();
                let what = back.map(back_words).unwrap_or_default();
                let nodes = back.map_or(0, |back| back.nodes);
                ("↶", Style::Asks, format!("{what}: {}", counted(nodes)))
            }
        };
        vec![self.line(sign, look, node, format!("{text}{owner}{by}"))]
    }
}

fn counted(nodes: usize) -> String {
    match nodes {
        1 => "1 node".to_owned(),
        nodes => format!("{nodes} nodes"),
    }
}

/// What a way back does: ``rewinding to `fetch` (1 of 2)``, `rolling back`.
#[must_use]
pub fn back_words(back: &BackView) -> String {
    match (&back.to, back.count, back.times) {
        (Some(to), Some(count), Some(times)) => {
            format!("rewinding to `{to}` ({count} of {times})")
        }
        (Some(to), _, _) => format!("rewinding to `{to}`"),
        (None, _, _) => "rolling back".to_owned(),
    }
}
