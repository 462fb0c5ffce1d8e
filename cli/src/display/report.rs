//! What is said when a command leaves a run: how it stands, what failed, and what to type next.

use crate::clock;
use crate::display::choices::choices;
use crate::display::clean::one_line;
use crate::display::plain::answer_text;
use crate::display::style::{self, Line, Style};
use crate::display::{back, node, question, targets};
use piton_core::plan::Plan;
use piton_core::run::RunState;
use piton_core::time::Timestamp;
use piton_core::view::{NodeStanding, NodeView, QuestionView, RunView};

/// The report. For a run that is not over it ends with the commands that move it on.
#[must_use]
pub fn report(plan: &Plan, view: &RunView, now: Timestamp) -> Vec<Line> {
    let mut lines = vec![outcome(view, now)];
    lines.extend(targets::lines(view, now));
    if let Some(cancel) = &view.cancel {
        let how = if cancel.rollback {
            " with rollback"
        } else {
            ""
        };
        let reason = because(cancel.reason.as_deref());
        lines.push(Line::new().and(format!("  cancelled{how} by {}{reason}", cancel.by)));
    }
    lines.extend(view.refused.iter().map(|refused| {
        let text = format!(
            "  a cancel by {} was refused: {}",
            refused.by,
            one_line(&refused.because)
        );
        Line::new().with(Style::Dim, text)
    }));
    lines.extend(not_locked(view));
    lines.extend(back::lines(view));
    let failed = [NodeStanding::Failed, NodeStanding::UndoFailed];
    for node in &view.nodes {
        // What was gone back from is told of by its way back.
        let failed_first = node.settled == Some(NodeStanding::Failed) && view.outcome.is_some();
        if failed.contains(&node.state) || failed_first {
            lines.extend(self::failed(view, node));
        }
    }
    lines.extend(back::left(view));
    if !view.cleanup_failed.is_empty() {
        let names = view.cleanup_failed.join(", ");
        let text = format!("  cleanup failed: {names}");
        lines.push(Line::new().with(Style::Bad, text));
    }
    let look = || next("everything about it:", &format!("piton show {}", view.id));
    match view.state {
        RunState::Waiting => lines.extend(waiting(plan, view, now)),
        RunState::Running => lines.push(next(
            "it goes on with",
            &format!("piton resume {}", view.id),
        )),
        RunState::Failed | RunState::PartlyRolledBack => lines.push(look()),
        RunState::Succeeded if !view.cleanup_failed.is_empty() => lines.push(look()),
        RunState::Succeeded | RunState::Cancelled | RunState::RolledBack => {}
    }
    let done = |node: &NodeView| node.state == NodeStanding::Succeeded;
    if matches!(view.state, RunState::Failed | RunState::Cancelled) && view.nodes.iter().any(done) {
        lines.push(next(
            "to undo what was done:",
            &format!("piton rollback {}", view.id),
        ));
    }
    lines
}

/// That the run did not get its own locks, and so did nothing.
fn not_locked(view: &RunView) -> Vec<Line> {
    let lock = view.lock.as_ref();
    let Some(lock) = lock.filter(|lock| lock.taken.is_none() && lock.released.is_some()) else {
        return Vec::new();
    };
    if view.cancel.is_some() {
        return Vec::new();
    }
    let names: Vec<String> = lock.names.iter().map(|name| format!("`{name}`")).collect();
    let waited = clock::length(lock.until.since(lock.asked));
    let text = format!(
        "lock  did not get {} within {waited}; nothing was done",
        one_line(&names.join(", "))
    );
    vec![
        Line::new().and("  ").with(Style::Bad, "✗ ").and(text),
        next("who has it:", "piton lock list"),
    ]
}

fn because(reason: Option<&str>) -> String {
    reason
        .map(|reason| format!(": {}", one_line(reason)))
        .unwrap_or_default()
}

fn next(what: &str, command: &str) -> Line {
    Line::new()
        .with(Style::Dim, format!("  {what} "))
        .and(command)
}

/// The sign of a run's state, and how it looks.
#[must_use]
pub fn sign(state: RunState) -> (&'static str, Style) {
    match state {
        RunState::Running => ("▶", Style::Live),
        RunState::Waiting => ("?", Style::Asks),
        RunState::Succeeded => ("✓", Style::Good),
        RunState::Failed => ("✗", Style::Bad),
        RunState::Cancelled => ("■", Style::Bad),
        RunState::RolledBack => ("↶", Style::Asks),
        RunState::PartlyRolledBack => ("!", Style::Bad),
    }
}

fn outcome(view: &RunView, now: Timestamp) -> Line {
    let (sign, look) = sign(view.state);
    let text = match view.state {
        RunState::Running => "is not over",
        RunState::Waiting => "waits for people",
        RunState::Succeeded if !view.cleanup_failed.is_empty() => {
            "succeeded, but could not clean up"
        }
        RunState::Succeeded => "succeeded",
        RunState::Failed => "failed",
        RunState::Cancelled => "was cancelled",
        RunState::RolledBack => "was rolled back: nothing of it is left",
        RunState::PartlyRolledBack => "was rolled back in part",
    };
    let took = clock::length(view.ended.unwrap_or(now).since(view.started.unwrap_or(now)));
    let settled = |states: &[NodeStanding]| {
        view.nodes
            .iter()
            .filter(|node| states.contains(&node.state))
            .count()
    };
    let mut counts = vec![format!(
        "{} of {} nodes done",
        settled(&[NodeStanding::Succeeded]),
        view.nodes.len()
    )];
    for (state, word) in [
        (NodeStanding::Skipped, "skipped"),
        (NodeStanding::Undone, "undone"),
        (NodeStanding::Left, "left"),
    ] {
        match settled(&[state]) {
            0 => {}
            count => counts.push(format!("{count} {word}")),
        }
    }
    let since = if view.outcome.is_some() {
        "in"
    } else {
        "since"
    };
    Line::new()
        .with(look, format!("{sign} {} {text}", view.id))
        .with(
            Style::Dim,
            format!("  {since} {took}, {}", counts.join(", ")),
        )
}

fn failed(view: &RunView, node: &NodeView) -> Vec<Line> {
    let what = match node.state {
        NodeStanding::UndoFailed => format!("its undo failed: {}", one_line(&node.message)),
        _ => match node
            .attempts
            .iter()
            .rev()
            .find(|one| !one.message.is_empty())
        {
            Some(last) if node.message.is_empty() => one_line(&last.message),
            _ => one_line(&node.message),
        },
    };
    let mut lines = vec![
        Line::new()
            .and("  ")
            .with(Style::Bad, "✗ ")
            .with(Style::Strong, node.id.clone())
            .and(format!("  {what}")),
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

fn waiting(plan: &Plan, view: &RunView, now: Timestamp) -> Vec<Line> {
    let mut lines = Vec::new();
    for open in &view.questions {
        let title = plan
            .node(open.index)
            .and_then(|node| node.title.as_deref())
            .map(one_line);
        let title = title.map(|title| format!("  {title}")).unwrap_or_default();
        lines.push(
            Line::new()
                .with(Style::Asks, "  ? ")
                .with(Style::Strong, open.node.clone())
                .and(title),
        );
        let indented = |line: Line| Line::new().and("      ").then(line);
        lines.extend(question::asked(plan, open).into_iter().map(indented));
        for answer in &open.answers {
            let words = answer_text(plan, &answer.answer);
            lines.push(Line::new().with(Style::Dim, format!("      {} {words}", answer.by)));
        }
        lines.extend(question::waiting(open, now).into_iter().map(indented));
        lines.extend(commands(&view.id, plan, open));
    }
    lines
}

/// The commands that answer a question, each with what it does, in two columns where they are short enough.
#[must_use]
pub fn commands(run: &str, plan: &Plan, open: &QuestionView) -> Vec<Line> {
    let choices = choices(run, plan, open);
    let widths = choices.iter().map(|choice| style::width(&choice.command));
    let columns = widths.filter(|width| *width <= COMMAND).max().unwrap_or(0);
    choices
        .into_iter()
        .map(|choice| {
            let line = Line::new().and("      ");
            if choice.does.is_empty() {
                return line.and(choice.command);
            }
            line.and(style::pad(&choice.command, columns))
                .with(Style::Dim, format!("  # {}", choice.does))
        })
        .collect()
}

/// A command longer than this does not move the column of what commands do.
const COMMAND: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, plan, question, view};
    use piton_core::record::{CheckResult, RunOutcome};
    use piton_core::view::LockView;

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
        let last = &text[text.len() - 2..];
        assert_eq!(
            last,
            [
                "  everything about it: piton show test-00000",
                "  to undo what was done: piton rollback test-00000"
            ]
        );
    }

    #[test]
    fn a_run_that_did_not_get_its_locks_says_so() {
        let (plan, mut view) = (plan(&["a"]), view(&["a"]));
        view.state = RunState::Failed;
        view.outcome = Some(RunOutcome::Failed);
        view.lock = Some(LockView {
            names: vec!["eu".to_owned(), "net".to_owned()],
            asked: at(0),
            until: at(60_000),
            taken: None,
            released: Some(at(60_000)),
        });
        let text = text(&report(&plan, &view, at(99_000)));
        assert_eq!(
            text[1..3],
            [
                "  ✗ lock  did not get `eu`, `net` within 1m00s; nothing was done",
                "  who has it: piton lock list"
            ]
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
