//! One node on one line: its state, its name, how long it took or takes, and what there is to say about it.

use crate::clock;
use crate::display::clean::one_line;
use crate::display::style::{self, Line, Style};
use piton_core::plan::NodeKind;
use piton_core::record::{CheckResult, OutcomeStatus};
use piton_core::time::Timestamp;
use piton_core::view::{NodeStanding, NodeView};

/// The sign of a state, and how it looks.
#[must_use]
pub fn sign(state: NodeStanding) -> (&'static str, Style) {
    match state {
        NodeStanding::Pending => ("·", Style::Dim),
        NodeStanding::Running => ("▶", Style::Live),
        NodeStanding::Retrying => ("↻", Style::Asks),
        NodeStanding::Asking => ("?", Style::Asks),
        NodeStanding::Succeeded => ("✓", Style::Good),
        NodeStanding::Skipped => ("–", Style::Dim),
        NodeStanding::Failed => ("✗", Style::Bad),
        NodeStanding::Voided => ("○", Style::Dim),
    }
}

/// The line of a node. `output` is the last line that a running attempt printed.
#[must_use]
pub fn line(node: &NodeView, now: Timestamp, output: Option<&str>, id_columns: usize) -> Line {
    let (sign, look) = sign(node.state);
    let settled = matches!(
        node.state,
        NodeStanding::Pending | NodeStanding::Skipped | NodeStanding::Voided
    );
    let mut line = Line::new().and("  ").with(look, sign).and(" ").with(
        if settled { Style::Dim } else { Style::Strong },
        style::pad(&node.id, id_columns),
    );
    line = line.and(format!("  {}", style::pad(&time(node, now), 6)));
    if let Some(tries) = tries(node) {
        line = line.with(Style::Asks, format!("  {tries}"));
    }
    let remark = match node.state {
        NodeStanding::Running => output.map(one_line),
        NodeStanding::Failed | NodeStanding::Retrying | NodeStanding::Voided => {
            Some(one_line(&node.message))
        }
        NodeStanding::Pending
        | NodeStanding::Asking
        | NodeStanding::Succeeded
        | NodeStanding::Skipped => None,
    };
    match remark.filter(|remark| !remark.is_empty()) {
        Some(remark) => line.with(
            if node.state == NodeStanding::Failed {
                Style::Bad
            } else {
                Style::Dim
            },
            format!("  {remark}"),
        ),
        None => match &node.title {
            // What a gate asks is shown when it asks, so that nobody answers before.
            Some(_) if node.state == NodeStanding::Pending && node.kind == NodeKind::Gate => {
                line.trimmed()
            }
            Some(title) => line.with(Style::Dim, format!("  {}", one_line(title))),
            None => line.trimmed(),
        },
    }
}

/// How long it took, or takes so far; empty for a node that has not started.
fn time(node: &NodeView, now: Timestamp) -> String {
    match (node.started, node.ended) {
        (Some(started), Some(ended)) => clock::length(ended.since(started)),
        (Some(started), None) => clock::running(now.since(started)),
        (None, _) => String::new(),
    }
}

/// `try 2`, from the second on.
fn tries(node: &NodeView) -> Option<String> {
    let prefix = format!(".p{}.a", node.pass);
    let tries = node
        .attempts
        .iter()
        .filter(|attempt| attempt.id.contains(&prefix))
        .count();
    (tries > 1).then(|| format!("try {tries}"))
}

/// What the checks of a node found, one line each.
#[must_use]
pub fn checks(checks: &[CheckResult]) -> Vec<Line> {
    checks
        .iter()
        .map(|check| {
            let (sign, look) = if check.passed {
                ("✓", Style::Good)
            } else {
                ("✗", Style::Bad)
            };
            let line = Line::new()
                .and("      ")
                .with(look, sign)
                .and(format!(" {}", one_line(&check.name)));
            if check.passed {
                return line;
            }
            line.with(Style::Dim, "  expected ")
                .and(one_line(&check.expected))
                .with(Style::Dim, ", found ")
                .and(one_line(&check.actual))
        })
        .collect()
}

/// The word for how an attempt ended.
#[must_use]
pub fn ended_word(status: OutcomeStatus) -> &'static str {
    match status {
        OutcomeStatus::Succeeded => "succeeded",
        OutcomeStatus::Failed => "failed",
        OutcomeStatus::TimedOut => "timed out",
        OutcomeStatus::Stopped => "was stopped",
        OutcomeStatus::NotStarted => "was not started",
        OutcomeStatus::Unknown => "was interrupted",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, view};

    #[test]
    fn a_node_says_how_long_it_takes_and_what_it_prints() {
        let mut view = view(&["backup"]);
        let node = &mut view.nodes[0];
        assert_eq!(line(node, at(0), None, 8).plain().trim_end(), "  · backup");
        node.state = NodeStanding::Running;
        node.started = Some(at(1000));
        let text = line(node, at(13_500), Some("\x1b[1m 40 %\r"), 8).plain();
        assert_eq!(text, "  ▶ backup    12s     40 %");
        node.state = NodeStanding::Failed;
        node.ended = Some(at(2250));
        node.message = "exit code 3:\nno space".to_owned();
        let text = line(node, at(60_000), None, 8).plain();
        assert_eq!(text, "  ✗ backup    1.2s    exit code 3: no space");
    }

    #[test]
    fn a_gate_says_what_it_asks_only_when_it_asks() {
        let mut view = view(&["backup", "?go"]);
        let node = &mut view.nodes[1];
        node.title = Some("Shall it go on?".to_owned());
        assert_eq!(line(node, at(0), None, 2).plain(), "  · go");
        node.state = NodeStanding::Asking;
        assert!(
            line(node, at(0), None, 2)
                .plain()
                .ends_with("Shall it go on?")
        );
    }

    #[test]
    fn a_failed_check_says_what_was_expected_and_found() {
        let check = |passed| CheckResult {
            name: "rows".to_owned(),
            passed,
            expected: "value == 0".to_owned(),
            actual: "3".to_owned(),
        };
        let text: Vec<_> = checks(&[check(true), check(false)])
            .iter()
            .map(Line::plain)
            .collect();
        assert_eq!(
            text,
            ["      ✓ rows", "      ✗ rows  expected value == 0, found 3"]
        );
    }
}
