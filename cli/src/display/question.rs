//! What a person is asked, and what they can type.

use crate::clock;
use crate::display::action;
use crate::display::clean::one_line;
use crate::display::style::{Line, Style};
use piton_core::id::Actor;
use piton_core::plan::{NodeIndex, Plan};
use piton_core::record::{Answer, QuestionKind};
use piton_core::time::Timestamp;
use piton_core::view::QuestionView;
use std::collections::BTreeMap;

/// What somebody typed at a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Typed {
    /// An answer.
    Answer(Answer),
    /// Show more.
    Details,
    /// Leave the run waiting.
    Leave,
    /// Nothing that makes sense here.
    Unclear,
}

/// Reads what was typed at a question.
#[must_use]
pub fn typed(kind: &QuestionKind, text: &str) -> Typed {
    let word = text.trim().to_lowercase();
    match (kind, word.as_str()) {
        (_, "d" | "details") => Typed::Details,
        (_, "q" | "quit") => Typed::Leave,
        (QuestionKind::Approve(_), "y" | "yes") => Typed::Answer(Answer::Approve),
        (QuestionKind::Approve(_), "n" | "no") => Typed::Answer(Answer::Reject),
        (QuestionKind::Interrupted { .. }, "s" | "succeeded") => Typed::Answer(Answer::Succeeded {
            outputs: BTreeMap::new(),
        }),
        (QuestionKind::Interrupted { .. }, "n" | "no" | "did-not-happen") => {
            Typed::Answer(Answer::DidNotHappen)
        }
        (QuestionKind::Interrupted { .. }, "f" | "failed") => Typed::Answer(Answer::Failed),
        _ => Typed::Unclear,
    }
}

/// The rows that ask: what about, who may answer and until when, and what to type. The last row is where one types.
#[must_use]
pub fn prompt(
    plan: &Plan,
    question: &QuestionView,
    actor: &Actor,
    now: Timestamp,
    said: &str,
    input: &str,
) -> Vec<Line> {
    let node = plan.node(question.index);
    let id = node.map_or("", |node| node.id.as_str());
    let title = node.and_then(|node| node.title.as_deref()).map(one_line);
    let mut head = Line::new()
        .with(Style::Asks, "? ")
        .with(Style::Strong, title.unwrap_or_else(|| id.to_owned()));
    head = head.with(Style::Dim, format!("  {id}"));
    let mut lines = vec![Line::new(), head];
    match &question.kind {
        QuestionKind::Approve(approve) => {
            lines.push(Line::new().with(
                Style::Dim,
                format!("  approve {}", action::approvers(approve)),
            ));
        }
        QuestionKind::Interrupted { why, .. } => {
            lines.push(Line::new().and("  interrupted: ").and(one_line(why)));
        }
    }
    if let Some(expires) = question.expires {
        let left = clock::running(expires.since(now));
        lines.push(Line::new().with(
            Style::Dim,
            format!("  until {} (in {left})", clock::near(expires, now)),
        ));
    }
    if !said.is_empty() {
        lines.push(Line::new().and("  ").with(Style::Bad, one_line(said)));
    }
    let choices = match &question.kind {
        QuestionKind::Approve(_) => "yes, no, details, quit (leaves it waiting)",
        QuestionKind::Interrupted { .. } => {
            "did it happen? succeeded, no (do it again), failed, details, quit"
        }
    };
    lines.push(Line::new().with(Style::Dim, format!("  {choices}")));
    lines.push(
        Line::new()
            .and(format!("  as {}", actor.name))
            .with(Style::Asks, " › ")
            .and(input)
            .with(Style::Asks, "▏"),
    );
    lines
}

/// What an approval lets happen, or what an interrupted node does.
#[must_use]
pub fn details(plan: &Plan, question: &QuestionView) -> Vec<Line> {
    let Some(node) = plan.node(question.index) else {
        return Vec::new();
    };
    let mut lines = vec![Line::new().with(Style::Strong, format!("About {}", node.id))];
    lines.extend(
        node.doc
            .iter()
            .flat_map(|doc| doc.lines())
            .map(|line| Line::new().and(format!("  {}", one_line(line)))),
    );
    if !plan.params.is_empty() {
        let params = plan.params.iter();
        lines.extend(params.map(|(name, value)| {
            let value = serde_json::to_string(value).unwrap_or_default();
            Line::new()
                .with(Style::Dim, "  param ")
                .and(format!("{name} = {value}"))
        }));
    }
    match &question.kind {
        QuestionKind::Interrupted { attempt, why } => {
            lines.push(Line::new().and(format!("  attempt {attempt}: {}", one_line(why))));
            lines.extend(
                action::lines(&node.action)
                    .into_iter()
                    .map(|text| Line::new().and(format!("    {text}"))),
            );
        }
        QuestionKind::Approve(_) => {
            lines.push(Line::new().and("  Once approved, this follows:"));
            for index in follows(plan, question.index) {
                let Some(next) = plan.node(index) else {
                    continue;
                };
                let what = action::lines(&next.action)
                    .first()
                    .map(|text| one_line(text))
                    .unwrap_or_default();
                let mut line = Line::new()
                    .and(format!("    {}", next.id))
                    .with(Style::Dim, format!("  {what}"));
                if action::is_final(next) {
                    line = line.with(Style::Bad, "  cannot be taken back");
                }
                lines.push(line);
            }
        }
    }
    lines.push(Line::new().with(
        Style::Dim,
        format!("  digest of what is shown: {}", question.shown),
    ));
    lines
}

/// All nodes that depend on this one, in reading order.
fn follows(plan: &Plan, start: NodeIndex) -> Vec<NodeIndex> {
    let mut reached = std::collections::BTreeSet::from([start]);
    for index in crate::command::plan::order(plan) {
        if plan
            .node(index)
            .is_some_and(|node| node.needs.iter().any(|need| reached.contains(need)))
        {
            reached.insert(index);
        }
    }
    reached.remove(&start);
    reached.into_iter().collect()
}

/// The command lines that decide a question from another process.
#[must_use]
pub fn commands(run: &str, plan: &Plan, question: &QuestionView) -> Vec<String> {
    let Some(node) = plan.node(question.index) else {
        return Vec::new();
    };
    match &question.kind {
        QuestionKind::Approve(approve) => {
            let name = approve
                .by
                .first()
                .map(|name| format!(" --as {name}"))
                .unwrap_or_default();
            vec![
                format!("piton approve {run} {}{name}", node.id),
                format!("piton reject {run} {}{name}", node.id),
            ]
        }
        QuestionKind::Interrupted { .. } => {
            vec![format!(
                "piton decide {run} {} succeeded|did-not-happen|failed",
                node.id
            )]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, plan, question};

    #[test]
    fn an_answer_is_read_as_typed() {
        let approve = question(1).kind;
        assert_eq!(typed(&approve, " Y "), Typed::Answer(Answer::Approve));
        assert_eq!(typed(&approve, "no"), Typed::Answer(Answer::Reject));
        assert_eq!(typed(&approve, ""), Typed::Unclear);
        assert_eq!(typed(&approve, "s"), Typed::Unclear);
        let attempt = "n0.p1.a1".parse().unwrap();
        let interrupted = QuestionKind::Interrupted {
            attempt,
            why: "the machine went down".to_owned(),
        };
        assert_eq!(
            typed(&interrupted, "n"),
            Typed::Answer(Answer::DidNotHappen)
        );
        assert_eq!(typed(&interrupted, "yes"), Typed::Unclear);
        assert_eq!(typed(&interrupted, "q"), Typed::Leave);
    }

    #[test]
    fn a_question_says_what_who_and_until_when() {
        let plan = plan(&["backup", "?go", "restore"]);
        let mut question = question(1);
        question.expires = Some(at(65_000));
        let actor = Actor {
            name: "ana".to_owned(),
            account: "ana@host".to_owned(),
        };
        let text: Vec<_> = prompt(&plan, &question, &actor, at(5000), "", "ye")
            .iter()
            .map(Line::plain)
            .collect();
        assert!(
            text.iter().any(|line| line.starts_with("? go")),
            "{text:#?}"
        );
        assert!(
            text.iter().any(|line| line.contains("by anybody")),
            "{text:#?}"
        );
        assert!(
            text.iter().any(|line| line.contains("(in 1m00s)")),
            "{text:#?}"
        );
        assert!(text.last().unwrap().ends_with("› ye▏"), "{text:#?}");
        let details: Vec<_> = details(&plan, &question).iter().map(Line::plain).collect();
        assert!(
            details.iter().any(|line| line.contains("restore")),
            "{details:#?}"
        );
        assert!(
            !details.iter().any(|line| line.contains("    backup")),
            "{details:#?}"
        );
        assert_eq!(
            commands("run-1", &plan, &question)[0],
            "piton approve run-1 go"
        );
    }
}
