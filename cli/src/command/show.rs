//! `piton show`: one run, from its records.

use crate::clock;
use crate::display::clean::one_line;
use crate::display::report::report;
use crate::display::style::{self, Line, Style};
use crate::display::{details, evidence, node};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on};
use clap::Args;
use piton_core::plan::Plan;
use piton_core::time::Timestamp;
use piton_core::view::RunView;
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
        let (directory, plan, view) = block_on(async {
            let session = Session::open(store).await?;
            let run = session.resolve(self.run.as_deref()).await?;
            let (plan, view) = session.view(&run).await?;
            Ok((session.directory(&run), plan, view))
        })?;
        if self.json {
            let mut json = json(&view);
            evidence::write_paths(&mut json, &view, &directory);
            output::json(&json)?;
        } else {
            let colour = style::colour(&io::stdout());
            let text: String = lines(&plan, &view, clock::now())
                .iter()
                .chain(&evidence::lines(&view, &directory))
                .map(|line| line.render(colour) + "\n")
                .collect();
            output::text(&text)?;
        }
        Ok(Exit::Success)
    }
}

/// A run as `--json` writes it: the view, with times in RFC 3339, with names for the places of nodes, and as a node's
/// `question` only one that is open; one that was decided is `decided`.
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
            if let Some(target) = node.get_mut("target") {
                write_found(target);
            }
            for key in ["question", "decided"] {
                node.get_mut(key)
                    .into_iter()
                    .for_each(|one| write_names(one, view));
            }
            let earlier = node
                .get_mut("earlier_questions")
                .and_then(Value::as_array_mut);
            let earlier = earlier.into_iter().flatten();
            earlier.for_each(|one| write_names(one, view));
        }
    }
    let open = value.get_mut("questions").and_then(Value::as_array_mut);
    open.into_iter()
        .flatten()
        .for_each(|one| write_names(one, view));
    write_times(&mut value);
    value
}

/// Puts names for the places of nodes into a question: of targets, and of what was gone back to.
fn write_names(question: &mut Value, view: &RunView) {
    let name = |value: &mut Value| {
        let index = value
            .as_u64()
            .and_then(|at| view.nodes.get(usize::try_from(at).ok()?));
        if let Some(node) = index {
            *value = Value::from(node.id.clone());
        }
    };
    let targets = question.get_mut("targets").and_then(Value::as_array_mut);
    for target in targets.into_iter().flatten() {
        target.get_mut("node").into_iter().for_each(name);
        target.get_mut("found").into_iter().for_each(write_found);
    }
    if let Some(target) = question.get_mut("target") {
        target.get_mut("node").into_iter().for_each(name);
        target.get_mut("found").into_iter().for_each(write_found);
    }
    let answers = question.get_mut("answers").and_then(Value::as_array_mut);
    for answer in answers.into_iter().flatten() {
        let to = answer.pointer_mut("/answer/rewind/to");
        to.into_iter().for_each(name);
    }
}

/// `{"Ok": …}` and `{"Err": …}` as `{"read": …}` and `{"unreadable": …}`.
fn write_found(found: &mut Value) {
    let Some(map) = found.as_object_mut() else {
        return;
    };
    for (from, to) in [("Ok", "read"), ("Err", "unreadable")] {
        if let Some(text) = map.remove(from) {
            map.insert(to.to_owned(), text);
        }
    }
}

/// Turns the times of a view into RFC 3339. What steps gave or were given is left as it is, whatever its names.
fn write_times(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match (key.as_str(), value.as_i64()) {
                    (
                        "started" | "ended" | "deadline" | "at" | "opened" | "expires" | "retry_at"
                        | "wait_until" | "until" | "next" | "asked" | "taken" | "released"
                        | "began" | "done" | "undone" | "started_at" | "stopped_at",
                        Some(ms),
                    ) => {
                        *value = Value::from(Timestamp(ms).to_string());
                    }
                    (
                        "outputs" | "inputs" | "undo_inputs" | "checks" | "answer" | "start"
                        | "asks" | "captured" | "approve",
                        _,
                    ) => {}
                    // How long a response to failure holds is a length of time.
                    ("responses", _) => write_moments(value),
                    _ => write_times(value),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(write_times),
        _ => {}
    }
}

/// Turns when responses were taken into RFC 3339.
fn write_moments(responses: &mut Value) {
    let responses = responses.as_array_mut().into_iter().flatten();
    for at in responses.filter_map(|response| response.get_mut("at")) {
        if let Some(ms) = at.as_i64() {
            *at = Value::from(Timestamp(ms).to_string());
        }
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
    lines.extend(about(plan, view, now));
    lines.push(Line::new());
    let columns = view
        .nodes
        .iter()
        .map(|node| style::width(&node.id))
        .max()
        .unwrap_or(0);
    for node in &view.nodes {
        lines.push(node::line(node, now, None, columns));
        lines.extend(details::node(plan, node, now));
    }
    lines.push(Line::new());
    lines.extend(report(plan, view, now));
    lines
}

/// What holds for the run as a whole: its mode, what it takes back, its parameters, edited plans and its locks.
fn about(plan: &Plan, view: &RunView, now: Timestamp) -> Vec<Line> {
    let mut lines = Vec::new();
    let dim = |word: &str, text: String| Line::new().with(Style::Dim, word).and(text);
    lines.extend(view.mode.iter().map(|mode| dim("  mode ", mode.clone())));
    let undoes = view.undoes.iter();
    lines.extend(undoes.map(|run| dim("  takes back run ", run.to_string())));
    for (name, value) in &plan.params {
        let value = serde_json::to_string(value).unwrap_or_default();
        lines.push(dim("  param ", format!("{name} = {}", one_line(&value))));
    }
    for node in view.nodes.iter().filter(|node| node.assumed) {
        let by = view.starter.as_ref().map(ToString::to_string);
        let text = format!("{} (said by {})", node.id, by.unwrap_or_default());
        lines.push(dim("  taken as done ", text));
    }
    lines.extend(view.replans.iter().map(|replan| {
        let at = clock::date_time(replan.at);
        let reason = replan
            .reason
            .iter()
            .map(|reason| format!(": {}", one_line(reason)));
        let reason: String = reason.collect();
        let named = [
            ("changed", &replan.changed),
            ("added", &replan.added),
            ("removed", &replan.removed),
        ];
        let named = named.iter().filter(|(_, nodes)| !nodes.is_empty());
        let named: String = named
            .map(|(what, nodes)| format!("; {what} {}", nodes.join(", ")))
            .collect();
        let text = format!("by {}, {at}{reason}{named}", replan.by);
        dim("  edited plan taken over ", text)
    }));
    if let Some(lock) = &view.lock {
        lines.push(details::lock(lock, "  ", now));
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
