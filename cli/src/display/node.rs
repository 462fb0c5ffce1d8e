//! One node on one line: its state, its name, how long it took or takes, and what there is to say about it.

use crate::clock;
use crate::display::clean::one_line;
use crate::display::style::{self, Line, Style};
use piton_core::plan::NodeKind;
use piton_core::record::{CheckResult, OutcomeStatus, QuestionKind};
use piton_core::time::Timestamp;
use piton_core::view::{LockView, NodeStanding, NodeView};

/// The sign of a state, and how it looks.
#[must_use]
pub fn sign(state: NodeStanding) -> (&'static str, Style) {
    match state {
        NodeStanding::Pending => ("·", Style::Dim),
        NodeStanding::Running => ("▶", Style::Live),
        NodeStanding::Waiting => ("◷", Style::Live),
        NodeStanding::Retrying => ("↻", Style::Asks),
        NodeStanding::Asking => ("?", Style::Asks),
        NodeStanding::Succeeded => ("✓", Style::Good),
        NodeStanding::Skipped => ("–", Style::Dim),
        NodeStanding::Failed => ("✗", Style::Bad),
        NodeStanding::Voided => ("○", Style::Dim),
        NodeStanding::Undoing => ("↶", Style::Live),
        NodeStanding::Undone => ("↶", Style::Dim),
        NodeStanding::UndoFailed => ("✗", Style::Bad),
        NodeStanding::Left => ("!", Style::Bad),
    }
}

/// The line of a node. `output` is the last line that a running attempt printed.
#[must_use]
pub fn line(node: &NodeView, now: Timestamp, output: Option<&str>, id_columns: usize) -> Line {
    let (sign, look) = sign(node.state);
    let settled = matches!(
        node.state,
        NodeStanding::Pending | NodeStanding::Skipped | NodeStanding::Voided | NodeStanding::Undone
    );
    let mut line = Line::new().and("  ").with(look, sign).and(" ").with(
        if settled { Style::Dim } else { Style::Strong },
        style::pad(&node.id, id_columns),
    );
    line = line.and(format!("  {}", style::pad(&time(node, now), 6)));
    if node.pass > 1 {
        line = line.with(Style::Asks, format!("  pass {}", node.pass));
    }
    if let Some(tries) = tries(node) {
        line = line.with(Style::Asks, format!("  {tries}"));
    }
    if let Some((done, all)) = node.items_done() {
        line = line.with(Style::Dim, format!("  {done} of {all}"));
    }
    if node.lock.as_ref().is_some_and(LockView::is_held) {
        line = line.with(Style::Dim, "  locked");
    }
    let remark = remark(node, now, output).filter(|remark| !remark.is_empty());
    match (remark, &node.title) {
        (Some(remark), _) => {
            let look = match node.state {
                NodeStanding::Failed | NodeStanding::UndoFailed | NodeStanding::Left => Style::Bad,
                NodeStanding::Asking => Style::Asks,
                _ => Style::Dim,
            };
            line.with(look, format!("  {remark}"))
        }
        // What a gate asks is shown when it asks, so that nobody answers before.
        (None, Some(_)) if node.state == NodeStanding::Pending && node.kind == NodeKind::Gate => {
            line.trimmed()
        }
        (None, Some(title)) => line.with(Style::Dim, format!("  {}", one_line(title))),
        (None, None) => line.trimmed(),
    }
}

/// What there is to say of where a node stands.
fn remark(node: &NodeView, now: Timestamp, output: Option<&str>) -> Option<String> {
    let message = one_line(&node.message);
    match node.state {
        NodeStanding::Running => output.map(one_line),
        NodeStanding::Waiting => Some(waits(node, now)),
        NodeStanding::Failed | NodeStanding::Retrying | NodeStanding::Voided => Some(message),
        NodeStanding::Asking => asks(node, now),
        NodeStanding::Undoing => Some(match (node.retry_at, output) {
            (Some(at), _) => format!("its undo is tried again at {}", clock::near(at, now)),
            (None, Some(output)) => format!("is being undone: {}", one_line(output)),
            (None, None) => "is being undone".to_owned(),
        }),
        NodeStanding::Undone => Some(match &node.undone_by {
            Some(by) => format!("undone by {by}"),
            None => "undone".to_owned(),
        }),
        NodeStanding::UndoFailed => Some(format!("its undo failed: {message}")),
        NodeStanding::Left => Some(format!("is left: {message}")),
        NodeStanding::Succeeded => node.assumed.then(|| "taken as done".to_owned()),
        NodeStanding::Skipped | NodeStanding::Pending => None,
    }
}

/// What it waits for, and until when.
fn waits(node: &NodeView, now: Timestamp) -> String {
    if let Some(lock) = node.lock.as_ref().filter(|lock| lock.is_awaited()) {
        return locked_out(lock, now);
    }
    let again = match node.wait_until {
        Some(at) if node.tries().next().is_some() => {
            format!("looks again at {}", clock::near(at, now))
        }
        Some(at) => format!(
            "waits until {} ({} to go)",
            clock::near(at, now),
            clock::running(at.since(now))
        ),
        None => "waits".to_owned(),
    };
    let looks = node.tries().count();
    match looks {
        0 | 1 => again,
        looks => format!("{again}, {looks} looks so far"),
    }
}

/// ``waits for the lock `db` until 03:25:00``.
#[must_use]
pub fn locked_out(lock: &LockView, now: Timestamp) -> String {
    let names: Vec<String> = lock.names.iter().map(|name| format!("`{name}`")).collect();
    let word = if names.len() == 1 { "lock" } else { "locks" };
    format!(
        "waits for the {word} {} until {}",
        one_line(&names.join(", ")),
        clock::near(lock.until, now)
    )
}

/// Why a person is waited for, where the title does not say it, and who deals with it.
fn asks(node: &NodeView, now: Timestamp) -> Option<String> {
    let question = node.question.as_ref()?;
    let what = match &question.kind {
        QuestionKind::Approve { .. } | QuestionKind::Manual { .. } => {
            node.title.as_deref().map(one_line)
        }
        QuestionKind::Confirm { .. } => Some("starts when it is confirmed".to_owned()),
        QuestionKind::Interrupted {
            host: Some(host), ..
        } => Some(format!("is it over on host {}?", one_line(host))),
        QuestionKind::Interrupted { .. } => Some("did it happen?".to_owned()),
        QuestionKind::Failed { message } => Some(format!("what now? {}", one_line(message))),
        QuestionKind::Undo { .. } => Some("what of its undo?".to_owned()),
        QuestionKind::UndoFailed { message } => {
            Some(format!("its undo failed, what now? {}", one_line(message)))
        }
    };
    let who = match (question.held_at(now), question.pages.last()) {
        (Some(held), _) => {
            let word = if held.taken { "taken" } else { "acknowledged" };
            Some(format!("{word} by {}", held.by.name))
        }
        (None, Some(page)) => Some(format!("paged {}", page.contacts.join(", "))),
        (None, None) => None,
    };
    match (what, who) {
        (Some(what), Some(who)) => Some(format!("{what}  ({who})")),
        (what, who) => what.or(who),
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

/// `try 2`, from the second on. Looks of an `until` and items are no tries.
fn tries(node: &NodeView) -> Option<String> {
    if !node.items.is_empty() {
        return None;
    }
    let tries = node.tries().filter(|attempt| attempt.met.is_none()).count();
    let looks = node.tries().any(|attempt| attempt.met.is_some());
    (tries > 1 && !looks).then(|| format!("try {tries}"))
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
    use crate::testing::{asks, at, view};

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

    #[test]
    fn a_node_says_what_it_waits_for_and_who_deals_with_it() {
        let mut view = view(&["copy"]);
        let node = &mut view.nodes[0];
        node.state = NodeStanding::Waiting;
        node.lock = Some(LockView {
            names: vec!["db".to_owned(), "disk".to_owned()],
            asked: at(0),
            until: at(60_000),
            taken: None,
            released: None,
        });
        let until = clock::time(at(60_000));
        let text = |node: &NodeView| line(node, at(0), None, 4).plain();
        assert_eq!(
            text(node),
            format!("  ◷ copy          waits for the locks `db`, `disk` until {until}")
        );
        node.lock = None;
        node.wait_until = Some(at(60_000));
        assert!(text(node).ends_with(&format!("waits until {until} (1m00s to go)")));
        node.state = NodeStanding::Asking;
        let message = "exit code 1".to_owned();
        let mut question = asks(0, "copy", QuestionKind::Failed { message });
        question.held = Some(piton_core::view::HeldView {
            by: ann(),
            at: at(0),
            until: at(10),
            taken: true,
        });
        node.question = Some(question);
        assert!(text(node).ends_with("what now? exit code 1  (taken by ann)"));
        node.state = NodeStanding::Left;
        node.message = "nothing takes it back".to_owned();
        node.pass = 2;
        assert_eq!(
            text(node),
            "  ! copy          pass 2  is left: nothing takes it back"
        );
    }

    fn ann() -> piton_core::id::Actor {
        piton_core::id::Actor {
            name: "ann".to_owned(),
            account: "ann@host".to_owned(),
        }
    }
}
