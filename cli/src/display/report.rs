//! What is said when a command leaves a run: how it stands, what failed, and what to type next.

use crate::clock;
use crate::display::clean::one_line;
use crate::display::node;
use crate::display::plain::answer_words;
use crate::display::question;
use crate::display::style::{Line, Style};
use piton_core::plan::Plan;
use piton_core::run::RunState;
use piton_core::time::Timestamp;
use piton_core::view::{NodeStanding, NodeView, RunView};

/// The report. For a run that is not over it ends with the commands that move it on.
#[must_use]
pub fn report(plan: &Plan, view: &RunView, now: Timestamp) -> Vec<Line> {
    let mut lines = vec![outcome(view, now)];
    if let Some(cancel) = &view.cancel {
        let reason = cancel
            .reason
            .as_deref()
            .map(|reason| format!(": {}", one_line(reason)))
            .unwrap_or_default();
        lines.push(Line::new().and(format!("  cancelled by {}{reason}", cancel.by)));
    }
    for node in view
        .nodes
        .iter()
        .filter(|node| node.state == NodeStanding::Failed)
    {
        lines.extend(failed(view, node));
    }
    match view.state {
        RunState::Waiting => lines.extend(waiting(plan, view)),
        RunState::Running => {
            lines.push(next(
                "it goes on with",
                &format!("piton resume {}", view.id),
            ));
        }
        RunState::Failed => lines.push(next(
            "everything about it:",
            &format!("piton show {}", view.id),
        )),
        RunState::Succeeded | RunState::Cancelled => {}
    }
    lines
}

fn next(what: &str, command: &str) -> Line {
    Line::new()
        .with(Style::Dim, format!("  {what} "))
        .and(command)
}

fn outcome(view: &RunView, now: Timestamp) -> Line {
    let (sign, look) = match view.state {
        RunState::Running => ("▶", Style::Live),
        RunState::Waiting => ("?", Style::Asks),
        RunState::Succeeded => ("✓", Style::Good),
        RunState::Failed => ("✗", Style::Bad),
        RunState::Cancelled => ("■", Style::Bad),
    };
    let text = match view.state {
        RunState::Running => "is not over",
        RunState::Waiting => "waits for people",
        RunState::Succeeded => "succeeded",
        RunState::Failed => "failed",
        RunState::Cancelled => "was cancelled",
    };
    let took = clock::length(view.ended.unwrap_or(now).since(view.started.unwrap_or(now)));
    let settled = |states: &[NodeStanding]| {
        view.nodes
            .iter()
            .filter(|node| states.contains(&node.state))
            .count()
    };
    let done = settled(&[NodeStanding::Succeeded]);
    let skipped = match settled(&[NodeStanding::Skipped]) {
        0 => String::new(),
        skipped => format!(", {skipped} skipped"),
    };
    Line::new()
        .with(look, format!("{sign} {} {text}", view.id))
        .with(
            Style::Dim,
            format!(
                "  {} {took}, {done} of {} nodes done{skipped}",
                if view.outcome.is_some() {
                    "in"
                } else {
                    "since"
                },
                view.nodes.len()
            ),
        )
}

fn failed(view: &RunView, node: &NodeView) -> Vec<Line> {
    let mut lines = vec![
        Line::new()
            .and("  ")
            .with(Style::Bad, "✗ ")
            .with(Style::Strong, node.id.clone())
            .and(format!("  {}", one_line(&node.message))),
    ];
    let failed: Vec<_> = node
        .checks
        .iter()
        .filter(|check| !check.passed)
        .cloned()
        .collect();
    lines.extend(node::checks(&failed));
    if !node.attempts.is_empty() {
        lines.push(next(
            "  what it printed:",
            &format!("piton logs {} {}", view.id, node.id),
        ));
    }
    lines
}

fn waiting(plan: &Plan, view: &RunView) -> Vec<Line> {
    let mut lines = Vec::new();
    for question in &view.questions {
        let title = plan
            .node(question.index)
            .and_then(|node| node.title.as_deref())
            .map(one_line);
        let title = title.map(|title| format!("  {title}")).unwrap_or_default();
        lines.push(
            Line::new()
                .with(Style::Asks, "  ? ")
                .with(Style::Strong, question.node.clone())
                .and(title),
        );
        for answer in &question.answers {
            let words = answer_words(&answer.answer);
            lines.push(Line::new().with(Style::Dim, format!("      {} {words}", answer.by)));
        }
        lines.extend(
            question::commands(&view.id, plan, question)
                .into_iter()
                .map(|text| Line::new().and(format!("      {text}"))),
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, plan, question, view};
    use piton_core::record::{CheckResult, RunOutcome};

    fn text(lines: &[Line]) -> Vec<String> {
        lines.iter().map(Line::plain).collect()
    }

    #[test]
    fn a_failed_run_says_what_failed_and_what_to_type() {
        let (plan, mut view) = (plan(&["backup", "verify"]), view(&["backup", "verify"]));
        view.state = RunState::Failed;
        view.outcome = Some(RunOutcome::Failed);
        view.ended = Some(at(61_000));
        view.nodes[0].state = NodeStanding::Succeeded;
        view.nodes[1].state = NodeStanding::Failed;
        view.nodes[1].message = "1 of 2 checks failed".to_owned();
        let check = |name: &str, passed| CheckResult {
            name: name.to_owned(),
            passed,
            expected: "value == 0".to_owned(),
            actual: "3".to_owned(),
        };
        view.nodes[1].checks = vec![check("rows", true), check("orphans", false)];
        let text = text(&report(&plan, &view, at(99_000)));
        assert_eq!(text[0], "✗ test-00000 failed  in 1m01s, 1 of 2 nodes done");
        assert_eq!(text[1], "  ✗ verify  1 of 2 checks failed");
        assert_eq!(text[2], "      ✗ orphans  expected value == 0, found 3");
        assert!(
            text.last()
                .is_some_and(|line| line.ends_with("piton show test-00000")),
            "{text:#?}"
        );
    }

    #[test]
    fn a_waiting_run_says_how_to_decide() {
        let (plan, mut view) = (plan(&["?go"]), view(&["?go"]));
        view.state = RunState::Waiting;
        view.questions = vec![question(0)];
        let text = text(&report(&plan, &view, at(0)));
        assert!(
            text.contains(&"      piton approve test-00000 go".to_owned()),
            "{text:#?}"
        );
    }
}
