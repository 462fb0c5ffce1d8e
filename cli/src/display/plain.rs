//! A run where nobody watches: one line for each thing that happens, in the order it is written down.

use crate::clock;
use crate::display::clean::{clean, one_line};
use crate::display::node::{checks, ended_word};
use crate::display::style::{self, Line, Style};
use piton_core::plan::Plan;
use piton_core::record::{Answer, Fact, OutcomeStatus, QuestionKind};
use piton_core::time::Timestamp;
use piton_core::view::{NodeStanding, NodeView, RunView};

/// The lines of a fact; none for what is only of interest in the journal. `view` has it taken in already.
#[must_use]
pub fn lines(plan: &Plan, view: &RunView, fact: &Fact, at: Timestamp) -> Vec<Line> {
    let id = |index: &piton_core::plan::NodeIndex| {
        plan.node(*index).map_or("?", |node| node.id.as_str())
    };
    let line = |sign: &str, look: Style, id: &str, rest: String| {
        let line = Line::new()
            .with(Style::Dim, clock::time(at))
            .and(" ")
            .with(look, sign)
            .and(" ");
        line.with(Style::Strong, id).and(if rest.is_empty() {
            String::new()
        } else {
            format!("  {rest}")
        })
    };
    match fact {
        Fact::AttemptStarted { attempt, .. } => {
            let again = if attempt.number > 1 {
                format!("try {}", attempt.number)
            } else {
                String::new()
            };
            let what = match attempt.purpose {
                piton_core::id::Purpose::Do | piton_core::id::Purpose::Check(_) => again,
                piton_core::id::Purpose::Probe => "finding out whether it happened".to_owned(),
            };
            vec![line("▶", Style::Live, id(&attempt.node), what)]
        }
        Fact::AttemptEnded { attempt, result } => {
            let mut lines = checks(&result.checks);
            // Of other ends the retry or the failure that follows says why.
            if result.status == OutcomeStatus::Unknown {
                let text = format!(
                    "{}: {}",
                    ended_word(result.status),
                    one_line(&result.message)
                );
                lines.insert(0, line("!", Style::Asks, id(&attempt.node), text));
            }
            lines
        }
        Fact::RetryScheduled { node, at: next, .. } => {
            let why = view
                .nodes
                .get(node.index())
                .map(|node| one_line(&node.message))
                .unwrap_or_default();
            let wait = clock::length(next.since(at));
            vec![line(
                "↻",
                Style::Asks,
                id(node),
                format!("tries again in {wait}: {why}"),
            )]
        }
        Fact::NodeSucceeded { node, .. } => {
            vec![line("✓", Style::Good, id(node), took(view, *node))]
        }
        Fact::NodeSkipped { node, .. } => vec![line(
            "–",
            Style::Dim,
            id(node),
            "skipped: its `when` is false".to_owned(),
        )],
        Fact::NodeFailed { node, message, .. } => {
            vec![line("✗", Style::Bad, id(node), one_line(message))]
        }
        Fact::StopRequested { attempt, .. } => vec![line(
            "■",
            Style::Asks,
            id(&attempt.node),
            "is being ended".to_owned(),
        )],
        Fact::QuestionOpened { question } => {
            let title = plan
                .node(question.node)
                .and_then(|node| node.title.as_deref())
                .map(one_line);
            let text = match &question.kind {
                QuestionKind::Approve(approve) => {
                    format!(
                        "waits for approval {}",
                        crate::display::action::approvers(approve)
                    )
                }
                QuestionKind::Interrupted { why, .. } => {
                    format!("did it happen? {}", one_line(why))
                }
            };
            let text = title.map(|title| format!("{title}  ")).unwrap_or_default() + &text;
            vec![line("?", Style::Asks, id(&question.node), text)]
        }
        Fact::Answered {
            node,
            by,
            answer,
            note,
            ..
        } => {
            let note = note
                .as_deref()
                .map(|note| format!(": {}", one_line(note)))
                .unwrap_or_default();
            vec![line(
                "●",
                Style::Asks,
                id(node),
                format!("{by} {}{note}", answer_words(answer)),
            )]
        }
        Fact::QuestionExpired { node, .. } => vec![line(
            "!",
            Style::Bad,
            id(node),
            "the question expired".to_owned(),
        )],
        Fact::QuestionVoided { node, reason, .. } => {
            vec![line(
                "○",
                Style::Dim,
                id(node),
                format!("is no longer asked: {}", one_line(reason)),
            )]
        }
        Fact::CancelRequested { by, reason } => {
            let reason = reason
                .as_deref()
                .map(|reason| format!(": {}", one_line(reason)))
                .unwrap_or_default();
            vec![line("■", Style::Bad, "cancel", format!("by {by}{reason}"))]
        }
        Fact::RunCreated { .. }
        | Fact::NodeStarted { .. }
        | Fact::LateResult { .. }
        | Fact::RunEnded { .. } => Vec::new(),
    }
}

/// The first lines when an engine takes a run: which it is, how far it got, and what is under way.
#[must_use]
pub fn opening(plan: &Plan, view: &RunView, at: Timestamp) -> Vec<Line> {
    let title = plan
        .title
        .as_deref()
        .map(|title| format!("  {}", one_line(title)))
        .unwrap_or_default();
    let settled =
        |node: &&NodeView| matches!(node.state, NodeStanding::Succeeded | NodeStanding::Skipped);
    let done = view.nodes.iter().filter(settled).count();
    let far = if done > 0 {
        format!("  goes on, {done} of {} nodes done", view.nodes.len())
    } else {
        String::new()
    };
    let time = clock::time(at);
    let head = |sign: &str, look| {
        Line::new()
            .with(Style::Dim, time.clone())
            .and(" ")
            .with(look, sign)
            .and(" ")
    };
    let mut lines = vec![
        head("●", Style::Strong)
            .with(Style::Strong, view.id.clone())
            .and(title)
            .with(Style::Dim, far),
    ];
    for node in &view.nodes {
        match node.state {
            NodeStanding::Running => {
                lines.push(head("▶", Style::Live).with(Style::Strong, node.id.clone()))
            }
            NodeStanding::Asking => {
                lines.push(
                    head("?", Style::Asks)
                        .with(Style::Strong, node.id.clone())
                        .and("  waits for a person"),
                );
            }
            _ => {}
        }
    }
    lines
}

/// What an answer says of the one who gave it.
#[must_use]
pub fn answer_words(answer: &Answer) -> &'static str {
    match answer {
        Answer::Approve => "approved",
        Answer::Reject => "rejected",
        Answer::Succeeded { .. } => "said that it succeeded",
        Answer::DidNotHappen => "said that it did not happen",
        Answer::Failed => "said that it failed",
    }
}

fn took(view: &RunView, node: piton_core::plan::NodeIndex) -> String {
    let node = view.nodes.get(node.index());
    let span = node.and_then(|node| Some(node.ended?.since(node.started?)));
    span.map(clock::length).unwrap_or_default()
}

/// A line that a step printed, behind the step's name.
#[must_use]
pub fn printed(id: &str, text: &str, colour: bool) -> String {
    let prefix = Line::new()
        .with(Style::Dim, format!("         {} │ ", style::pad(id, 0)))
        .render(colour);
    format!("{prefix}{}", clean(text, colour))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, plan, view};
    use piton_core::plan::NodeIndex;

    #[test]
    fn an_event_is_a_line() {
        let (plan, mut view) = (plan(&["backup", "?go"]), view(&["backup", "?go"]));
        view.nodes[0].started = Some(at(0));
        view.nodes[0].ended = Some(at(1234));
        let done = Fact::NodeSucceeded {
            node: NodeIndex(0),
            pass: 1,
            outputs: Default::default(),
        };
        let text = lines(&plan, &view, &done, at(1234))[0].plain();
        assert_eq!(text, format!("{} ✓ backup  1.2s", clock::time(at(1234))));
        let by = piton_core::id::Actor {
            name: "cto".to_owned(),
            account: "cto@host".to_owned(),
        };
        let note = Some("after\nthe call".to_owned());
        let shown = piton_core::digest::Digest::ZERO;
        let answered = Fact::Answered {
            node: NodeIndex(1),
            pass: 1,
            by,
            answer: Answer::Reject,
            note,
            shown,
        };
        let text = lines(&plan, &view, &answered, at(0))[0].plain();
        assert!(
            text.ends_with("● go  cto (cto@host) rejected: after the call"),
            "{text}"
        );
    }

    #[test]
    fn an_engine_says_what_it_takes_over() {
        let names = ["backup", "copy", "?go"];
        let (plan, mut view) = (plan(&names), view(&names));
        let text = |view: &RunView| {
            opening(&plan, view, at(0))
                .iter()
                .map(|line| line.plain()[9..].to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(text(&view), ["● test-00000"]);
        view.nodes[0].state = NodeStanding::Succeeded;
        view.nodes[1].state = NodeStanding::Running;
        assert_eq!(
            text(&view),
            ["● test-00000  goes on, 1 of 3 nodes done", "▶ copy"]
        );
    }

    #[test]
    fn what_a_step_prints_stands_behind_its_name() {
        assert_eq!(
            printed("backup", "50 %\x1b[K", false),
            "         backup │ 50 %"
        );
    }
}
