//! A run in a terminal: what stands on the screen at one moment.

use crate::clock;
use crate::display::clean::one_line;
use crate::display::node;
use crate::display::plain::back_words;
use crate::display::style::{self, Line, Style};
use crate::display::targets;
use piton_core::run::RunState;
use piton_core::time::Timestamp;
use piton_core::view::{NodeStanding, NodeView, RunView};
use std::collections::BTreeMap;

/// The rows of a run: a heading, then the nodes. When there is not room for all, those that matter now stay: what
/// runs, waits or failed, then what ended last and what comes next; the others are counted.
#[must_use]
pub fn frame(
    view: &RunView,
    now: Timestamp,
    outputs: &BTreeMap<usize, String>,
    room: usize,
) -> Vec<Line> {
    let mut lines = vec![heading(view, now)];
    let shown = shown(&view.nodes, room.saturating_sub(2).max(3));
    let columns = shown
        .iter()
        .filter_map(|at| view.nodes.get(*at))
        .map(|node| style::width(&node.id))
        .max()
        .unwrap_or(0);
    let mut last = None;
    for at in shown {
        let Some(node) = view.nodes.get(at) else {
            continue;
        };
        lines.extend(gap(&view.nodes, last, at));
        lines.push(node::line(
            node,
            now,
            outputs.get(&at).map(String::as_str),
            columns,
        ));
        if node.checks.iter().any(|check| !check.passed) && node.state != NodeStanding::Succeeded {
            let failed: Vec<_> = node
                .checks
                .iter()
                .filter(|check| !check.passed)
                .cloned()
                .collect();
            lines.extend(node::checks(&failed));
        }
        last = Some(at);
    }
    lines.extend(gap(&view.nodes, last, view.nodes.len()));
    lines
}

fn heading(view: &RunView, now: Timestamp) -> Line {
    let heading = headed(view, now);
    match targets::running(view, now) {
        Some((look, text)) => heading.and("  ").with(look, text),
        None => heading,
    }
}

fn headed(view: &RunView, now: Timestamp) -> Line {
    let look = match view.state {
        RunState::Running => Style::Live,
        RunState::Waiting | RunState::RolledBack => Style::Asks,
        RunState::Succeeded => Style::Good,
        RunState::Failed | RunState::Cancelled | RunState::PartlyRolledBack => Style::Bad,
    };
    let title = view.title.as_deref().unwrap_or(&view.runbook);
    let took = view.ended.unwrap_or(now).since(view.started.unwrap_or(now));
    let word = word(view, now);
    Line::new()
        .with(Style::Strong, one_line(title))
        .with(Style::Dim, format!("  {}", view.id))
        .and("  ")
        .with(look, word)
        .with(
            Style::Dim,
            format!(
                "  {}",
                if view.ended.is_some() {
                    clock::length(took)
                } else {
                    clock::running(took)
                }
            ),
        )
}

/// What the run does, in a few words.
fn word(view: &RunView, now: Timestamp) -> String {
    if view.outcome.is_some() {
        return view.state.to_string();
    }
    if let Some(back) = &view.back {
        let waits = if view.state == RunState::Waiting {
            ", waiting"
        } else {
            ""
        };
        let (done, all) = back.progress();
        return match &back.undo {
            Some(_) => format!("{}, {done} of {all} undone{waits}", back_words(back)),
            None => back_words(back),
        };
    }
    if view.finally.is_some() {
        return "cleaning up".to_owned();
    }
    if view.cancel.is_some() {
        return "being cancelled".to_owned();
    }
    match view.lock.as_ref().filter(|lock| lock.is_awaited()) {
        Some(lock) => node::locked_out(lock, now),
        None => view.state.to_string(),
    }
}

/// What is left out between two shown nodes, counted.
fn gap(nodes: &[NodeView], last: Option<usize>, next: usize) -> Option<Line> {
    let from = last.map_or(0, |last| last + 1);
    let left_out = nodes.get(from..next)?;
    if left_out.is_empty() {
        return None;
    }
    let done = left_out
        .iter()
        .filter(|node| !matches!(node.state, NodeStanding::Pending))
        .count();
    let coming = left_out.len() - done;
    let text = match (done, coming) {
        (done, 0) => format!("  … {done} done"),
        (0, coming) => format!("  … {coming} to come"),
        (done, coming) => format!("  … {done} done, {coming} to come"),
    };
    Some(Line::new().with(Style::Dim, text))
}

/// Which nodes to show in this many rows, in reading order.
fn shown(nodes: &[NodeView], rows: usize) -> Vec<usize> {
    if nodes.len() <= rows {
        return (0..nodes.len()).collect();
    }
    // Rows of what is left out come between them.
    let rows = (rows * 2 / 3).max(1);
    let rank = |node: &NodeView| match node.state {
        NodeStanding::Asking => 0,
        NodeStanding::Failed | NodeStanding::UndoFailed | NodeStanding::Left => 1,
        NodeStanding::Running
        | NodeStanding::Waiting
        | NodeStanding::Retrying
        | NodeStanding::Undoing => 2,
        NodeStanding::Pending => 3,
        NodeStanding::Succeeded
        | NodeStanding::Skipped
        | NodeStanding::Voided
        | NodeStanding::Undone => 4,
    };
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_key(|at| {
        let node = nodes.get(*at);
        let rank = node.map_or(9, rank);
        // Of what is done the newest first, of what comes the nearest.
        let within = if rank == 4 {
            -(node.and_then(|node| node.ended).unwrap_or_default().0)
        } else {
            *at as i64
        };
        (rank, within)
    });
    // A little of what is done stays in sight even when much is to come.
    let done: Vec<usize> = order
        .iter()
        .copied()
        .filter(|at| nodes.get(*at).is_some_and(|n| rank(n) == 4))
        .take(rows / 4)
        .collect();
    order.retain(|at| !done.contains(at));
    order.truncate(rows.saturating_sub(done.len()));
    order.extend(done);
    order.sort_unstable();
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, view};

    fn text(view: &RunView, room: usize) -> Vec<String> {
        frame(view, at(5000), &BTreeMap::new(), room)
            .iter()
            .map(|line| line.plain().trim_end().to_owned())
            .collect()
    }

    #[test]
    fn every_node_has_a_row() {
        let mut view = view(&["backup", "?go", "restore"]);
        view.nodes[0].state = NodeStanding::Succeeded;
        view.nodes[0].started = Some(at(0));
        view.nodes[0].ended = Some(at(1200));
        view.nodes[1].state = NodeStanding::Asking;
        let text = text(&view, 24);
        assert_eq!(text.len(), 4, "{text:#?}");
        assert!(text[0].starts_with("test  "), "{text:#?}");
        assert_eq!(text[1], "  ✓ backup   1.2s");
        assert!(text[2].starts_with("  ? go"), "{text:#?}");
        assert_eq!(text[3], "  · restore");
    }

    #[test]
    fn a_large_run_keeps_what_matters_in_sight() {
        let names: Vec<String> = (0..1000).map(|n| format!("s{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut view = view(&names);
        for (n, node) in view.nodes.iter_mut().enumerate().take(500) {
            node.state = NodeStanding::Succeeded;
            node.ended = Some(at(n as i64));
        }
        view.nodes[500].state = NodeStanding::Running;
        view.nodes[900].state = NodeStanding::Failed;
        let text = text(&view, 20);
        assert!(text.len() <= 20, "{text:#?}");
        for there in ["▶ s500", "✗ s900", "✓ s499", "· s501", "to come"] {
            assert!(
                text.iter().any(|line| line.contains(there)),
                "no {there} in {text:#?}"
            );
        }
    }
}
