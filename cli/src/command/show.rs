//! `piton show`: one run, from its records.

use crate::clock;
use crate::display::clean::one_line;
use crate::display::plain::answer_words;
use crate::display::report::report;
use crate::display::style::{self, Line, Style};
use crate::display::{action, node};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on};
use clap::Args;
use piton_core::plan::Plan;
use piton_core::time::Timestamp;
use piton_core::view::{NodeStanding, NodeView, QuestionView, RunView};
use serde_json::Value;
use std::io;

/// What `piton show` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  piton show\n  piton show restore-7k3fq --json")]
pub struct Show {
    /// The run: its id, a part of it, or `last`
    run: Option<String>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run or it cannot be read.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let session = Session::open(store)?;
        let (plan, view) = block_on(async {
            let run = session.resolve(self.run.as_deref()).await?;
            session.view(&run).await
        })?;
        if self.json {
            output::json(&json(&view))?;
        } else {
            let colour = style::colour(&io::stdout());
            let text: String = lines(&plan, &view, clock::now())
                .iter()
                .map(|line| line.render(colour) + "\n")
                .collect();
            output::text(&text)?;
        }
        Ok(Exit::Success)
    }
}

/// A run as `--json` writes it: the view, with times in RFC 3339, and as a node's `question` only one that is open;
/// one that was decided is `decided`.
#[must_use]
pub fn json(view: &RunView) -> Value {
    let mut value = serde_json::to_value(view).unwrap_or_default();
    if let Some(nodes) = value.get_mut("nodes").and_then(Value::as_array_mut) {
        for (at, node) in nodes
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .enumerate()
        {
            let open = view
                .questions
                .iter()
                .any(|question| question.index.index() == at);
            if !open
                && let Some(question) = node
                    .insert("question".to_owned(), Value::Null)
                    .filter(|q| !q.is_null())
            {
                node.insert("decided".to_owned(), question);
            }
        }
    }
    write_times(&mut value);
    value
}

/// Turns the times of a view into RFC 3339. What steps gave or were given is left as it is, whatever its names.
fn write_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match (key.as_str(), value.as_i64()) {
                    (
                        "started" | "ended" | "deadline" | "at" | "opened" | "expires" | "retry_at",
                        Some(ms),
                    ) => {
                        *value = Value::from(Timestamp(ms).to_string());
                    }
                    ("outputs" | "inputs" | "checks" | "answer" | "start" | "approve", _) => {}
                    _ => write_times(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(write_times),
        _ => {}
    }
}

fn lines(plan: &Plan, view: &RunView, now: Timestamp) -> Vec<Line> {
    let mut head = Line::new().with(Style::Strong, view.id.clone());
    if let Some(title) = &view.title {
        head = head.and(format!("  {}", one_line(title)));
    }
    let mut lines = vec![head];
    if let Some(start) = &view.start {
        let when = view.started.map(clock::date_time).unwrap_or_default();
        lines.push(Line::new().with(
            Style::Dim,
            format!(
                "  {} by {}, started {when}",
                one_line(&start.file),
                start.by
            ),
        ));
    }
    for (name, value) in &plan.params {
        let value = serde_json::to_string(value).unwrap_or_default();
        lines.push(
            Line::new()
                .with(Style::Dim, "  param ")
                .and(format!("{name} = {}", one_line(&value))),
        );
    }
    lines.push(Line::new());
    let columns = view
        .nodes
        .iter()
        .map(|node| style::width(&node.id))
        .max()
        .unwrap_or(0);
    for (index, node) in plan.indices().zip(&view.nodes) {
        lines.push(node::line(node, now, None, columns));
        let open = view
            .questions
            .iter()
            .any(|question| question.index == index);
        lines.extend(node_details(plan, node, open, now));
    }
    lines.push(Line::new());
    lines.extend(report(plan, view, now));
    lines
}

/// What is known of a node beyond its line: attempts that did not go well, outputs, checks, decisions.
fn node_details(plan: &Plan, node: &NodeView, open: bool, now: Timestamp) -> Vec<Line> {
    let mut lines = Vec::new();
    let settled_well = node.state == NodeStanding::Succeeded && node.attempts.len() == 1;
    for attempt in node.attempts.iter().filter(|_| !settled_well) {
        let words = match attempt.status {
            None => format!("runs since {}", clock::near(attempt.started, now)),
            Some(status) => {
                let took = attempt.ended.unwrap_or(now).since(attempt.started);
                let why = if attempt.message.is_empty() {
                    String::new()
                } else {
                    format!(": {}", one_line(&attempt.message))
                };
                format!(
                    "{} after {}{why}",
                    node::ended_word(status),
                    clock::length(took)
                )
            }
        };
        lines.push(Line::new().with(Style::Dim, format!("      {}  {words}", attempt.id)));
    }
    for (name, value) in &node.outputs {
        let value = serde_json::to_string(value).unwrap_or_default();
        lines.push(
            Line::new()
                .with(Style::Dim, "      output ")
                .and(format!("{name} = {}", one_line(&value))),
        );
    }
    lines.extend(node::checks(&node.checks));
    if let Some(question) = &node.question {
        lines.extend(question_lines(plan, question, open, now));
    }
    lines
}

fn question_lines(plan: &Plan, question: &QuestionView, open: bool, now: Timestamp) -> Vec<Line> {
    let mut lines = Vec::new();
    for answer in &question.answers {
        let note = answer
            .note
            .as_deref()
            .map(|note| format!(": {}", one_line(note)))
            .unwrap_or_default();
        let text = format!(
            "      {} {} {}{note}",
            clock::near(answer.at, now),
            answer.by,
            answer_words(&answer.answer)
        );
        lines.push(Line::new().with(Style::Dim, text));
    }
    if let Some(closed) = &question.closed {
        lines.push(Line::new().with(Style::Dim, format!("      {}", one_line(closed))));
    }
    if open && let Some(node) = plan.node(question.index) {
        if let piton_core::plan::Action::Approve(approve) = &node.action {
            lines.push(Line::new().with(
                Style::Asks,
                format!("      waits for approval {}", action::approvers(approve)),
            ));
        }
        if let Some(expires) = question.expires {
            lines.push(Line::new().with(
                Style::Dim,
                format!("      until {}", clock::near(expires, now)),
            ));
        }
        lines.push(Line::new().with(Style::Dim, format!("      shown {}", question.shown)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, plan, question, view};

    #[test]
    fn times_are_written_as_people_and_programs_read_them() {
        let mut view = view(&["a", "?go"]);
        view.nodes[0].started = Some(at(0));
        view.nodes[0]
            .outputs
            .insert("at".to_owned(), piton_core::value::Value::Int(7));
        view.nodes[1].question = Some(question(1));
        let json = json(&view);
        assert_eq!(json["nodes"][0]["started"], at(0).to_string());
        assert_eq!(json["nodes"][0]["outputs"]["at"], 7);
        assert!(
            json["nodes"][1]["question"].is_null(),
            "it is not open: {json}"
        );
        assert!(json["nodes"][1]["decided"].is_object(), "{json}");
        view.questions = vec![question(1)];
        assert!(super::json(&view)["nodes"][1]["question"].is_object());
    }

    #[test]
    fn a_run_is_shown_node_by_node() {
        let names = ["backup", "?go"];
        let mut view = view(&names);
        view.nodes[0]
            .outputs
            .insert("bytes".to_owned(), piton_core::value::Value::Int(42));
        let text: Vec<_> = lines(&plan(&names), &view, at(0))
            .iter()
            .map(|line| line.plain().trim_end().to_owned())
            .collect();
        assert!(
            text.iter().any(|line| line.ends_with("output bytes = 42")),
            "{text:#?}"
        );
        assert!(text.iter().any(|line| line == "  · go"), "{text:#?}");
    }
}
