//! The names that expressions of a node can use, each looked up when it is asked for.

use super::event::Produced;
use super::machine::RunState;
use super::shape::Shape;
use super::state::{NodeState, Phase, State};
use crate::expr::{Resolved, Scope};
use crate::plan::{CallScope, NodeIndex, Plan};
use crate::value::Value;
use std::collections::BTreeMap;

/// What a node's `when` and templates see; with `produced`, what its `outputs` and `expect` see.
#[derive(Clone, Copy)]
pub(super) struct NodeScope<'a> {
    pub(super) plan: &'a Plan,
    pub(super) shape: &'a Shape,
    pub(super) state: &'a State,
    pub(super) node: NodeIndex,
    pub(super) produced: Option<&'a Produced>,
    /// The item that it is worked out for, with its key.
    pub(super) item: Option<(&'a str, &'a Value)>,
    /// What was there before the node, for its undo.
    pub(super) capture: Option<&'a Produced>,
    /// The answer that is looked at.
    pub(super) value: Option<&'a Value>,
    /// What is said of a call as a whole is said where it is made, not in the runbook that is called.
    pub(super) as_caller: bool,
}

impl Scope for NodeScope<'_> {
    fn resolve(&self, path: &[String]) -> Resolved {
        let Some((root, rest)) = path.split_first() else {
            return Resolved::Unknown;
        };
        let found = match root.as_str() {
            "params" => by_name(rest, |name| self.of_params(name)),
            "secrets" => by_name(rest, |name| self.of_secrets(name)),
            "run" => by_name(rest, |name| self.of_run(name)),
            "node" => by_name(rest, |name| self.of_node(name)),
            "steps" => self.of_steps(rest),
            "mode" if rest.is_empty() => Some(Resolved::Value(Value::String(
                self.plan.mode.clone().unwrap_or_default(),
            ))),
            "item" if rest.is_empty() => self.of_item().map(Resolved::Value),
            "key" if rest.is_empty() => self
                .item
                .map(|(key, _)| Resolved::Value(Value::String(key.to_owned()))),
            "capture" => match rest.split_first() {
                None => Some(Resolved::Namespace),
                Some((root, rest)) => of_produced(self.capture, root, rest),
            },
            "value" if rest.is_empty() && self.value.is_some() => {
                self.value.cloned().map(Resolved::Value)
            }
            _ => of_produced(self.produced, root, rest),
        };
        found.unwrap_or(Resolved::Unknown)
    }
}

fn by_name(rest: &[String], value: impl FnOnce(&str) -> Option<Value>) -> Option<Resolved> {
    match rest {
        [] => Some(Resolved::Namespace),
        [name] => value(name).map(Resolved::Value),
        _ => None,
    }
}

impl<'a> NodeScope<'a> {
    /// What a node sees before anything of it was done.
    pub(super) fn new(
        plan: &'a Plan,
        shape: &'a Shape,
        state: &'a State,
        node: NodeIndex,
    ) -> NodeScope<'a> {
        NodeScope {
            plan,
            shape,
            state,
            node,
            produced: None,
            item: None,
            capture: None,
            value: None,
            as_caller: false,
        }
    }

    /// The called runbook that the node is part of.
    fn call(&self) -> Option<&'a CallScope> {
        let scope = self.plan.node(self.node)?.scope?;
        let call = self.plan.scopes.get(scope as usize)?;
        if !self.as_caller {
            return Some(call);
        }
        let outer = self.plan.node(call.begin)?.scope?;
        self.plan.scopes.get(outer as usize)
    }

    fn of_params(&self, name: &str) -> Option<Value> {
        match self.call() {
            None => self.plan.params.get(name).cloned(),
            Some(call) => {
                let given = self.state.node(call.begin)?.outputs.get(name);
                given.or(call.params.get(name)).cloned()
            }
        }
    }

    fn of_secrets(&self, name: &str) -> Option<Value> {
        let name = match self.call() {
            None => name,
            Some(call) => call.secrets.get(name)?,
        };
        let known = self.plan.secrets.contains_key(name);
        known.then(|| Value::Secret(name.to_owned()))
    }

    fn of_item(&self) -> Option<Value> {
        match self.item {
            Some((_, item)) => Some(item.clone()),
            None => self.plan.node(self.node)?.item.clone(),
        }
    }

    fn of_run(&self, name: &str) -> Option<Value> {
        let start = &self.state.start;
        Some(match name {
            "id" => Value::String(self.state.run.0.clone()),
            "work" => Value::String(start.work.clone()),
            "base" => Value::String(start.base.clone()),
            "runbook" => Value::String(self.plan.runbook.clone()),
            "starter" => Value::String(start.by.name.clone()),
            "started" => Value::Timestamp(self.state.created),
            "rto" => optional(self.state.clock.took(self.state.now).map(Value::Duration)),
            "rpo" => optional(
                self.state
                    .clock
                    .loss
                    .and_then(|loss| loss.0)
                    .map(Value::Duration),
            ),
            "started_at" => optional(self.state.clock.started.map(Value::Timestamp)),
            "outcome" => Value::String(RunState::from(self.state.ending?).to_string()),
            _ => return None,
        })
    }

    fn of_node(&self, name: &str) -> Option<Value> {
        Some(match name {
            "id" => Value::String(self.plan.node(self.node)?.id.clone()),
            "pass" => Value::Int(i64::from(self.state.node(self.node)?.pass)),
            _ => return None,
        })
    }

    /// The node that is called this where the node stands.
    fn find(&self, id: &str) -> Option<NodeIndex> {
        match self.call() {
            None => self.shape.find(id),
            Some(call) => self.shape.find(&format!("{}{id}", call.prefix)),
        }
    }

    fn of_steps(&self, rest: &[String]) -> Option<Resolved> {
        let Some((id, rest)) = rest.split_first() else {
            return Some(Resolved::Namespace);
        };
        let state = self.state.node(self.find(id)?)?;
        let Some((member, rest)) = rest.split_first() else {
            return Some(Resolved::Namespace);
        };
        match (member.as_str(), rest) {
            ("outputs", rest) => by_name(rest, |name| state.outputs.get(name).cloned()),
            ("history", []) => {
                let passes = state.history.iter().cloned().map(Value::Map);
                Some(Resolved::Value(Value::List(passes.collect())))
            }
            ("status", []) => {
                status(state).map(|word| Resolved::Value(Value::String(word.to_owned())))
            }
            ("duration", []) => duration(state).map(Resolved::Value),
            _ => None,
        }
    }
}

/// What may not be known, and is null then.
fn optional(value: Option<Value>) -> Value {
    value.unwrap_or(Value::Null)
}

/// What an action produced, by name.
fn of_produced(produced: Option<&Produced>, root: &str, rest: &[String]) -> Option<Resolved> {
    let produced = produced?;
    if root == "output" {
        return by_name(rest, |name| {
            produced.output_lines.get(name).cloned().map(Value::String)
        });
    }
    if !rest.is_empty() {
        return None;
    }
    match root {
        "exit_code" => produced.exit_code.map(Value::Int),
        "stdout" => produced
            .stdout
            .as_deref()
            .map(|text| Value::String(without_line_end(text).to_owned())),
        "json" => parsed(printed(produced)?),
        "status" => Some(Value::Int(i64::from(produced.response.as_ref()?.status))),
        "headers" => {
            let headers = produced.response.as_ref()?.headers.iter();
            let entry =
                |(name, text): (&String, &String)| (name.clone(), Value::String(text.clone()));
            Some(Value::Map(headers.map(entry).collect()))
        }
        "body" => Some(Value::String(produced.response.as_ref()?.body.clone())),
        "rows" => produced.rows.clone().map(Value::List),
        "value" => value_of(produced),
        _ => None,
    }
    .map(Resolved::Value)
}

/// How a finished node is called in expressions.
fn status(state: &NodeState) -> Option<&'static str> {
    match state.phase {
        Phase::Succeeded => Some("succeeded"),
        Phase::Skipped => Some("skipped"),
        Phase::Failed => Some("failed"),
        _ => None,
    }
}

/// From its first attempt or its question to its end; zero for a node that never got so far.
fn duration(state: &NodeState) -> Option<Value> {
    let finished = state.finished?;
    Some(Value::Duration(
        finished.since(state.began.unwrap_or(finished)),
    ))
}

/// What was printed, or answered.
pub(super) fn printed(produced: &Produced) -> Option<&str> {
    match &produced.response {
        Some(response) => Some(&response.body),
        None => produced.stdout.as_deref(),
    }
}

fn parsed(text: &str) -> Option<Value> {
    serde_json::from_str(text).ok().map(from_json)
}

/// The first column of the first row; of an answer, its body, read as JSON if it is that; of a process, its standard
/// output, as a number or truth value when it reads as one.
pub(super) fn value_of(produced: &Produced) -> Option<Value> {
    if let Some(response) = &produced.response {
        let body = || Value::String(response.body.clone());
        return Some(parsed(&response.body).unwrap_or_else(body));
    }
    produced.first.clone().or_else(|| {
        produced
            .stdout
            .as_deref()
            .map(|text| read_scalar(text.trim()))
    })
}

fn read_scalar(text: &str) -> Value {
    if let Ok(int) = text.parse::<i64>() {
        return Value::Int(int);
    }
    match text {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    // Only what looks like a number: Rust also reads `inf`, `nan` and the like.
    let numeric = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    match text.parse::<f64>() {
        Ok(float) if numeric && float.is_finite() => Value::Float(float),
        _ => Value::String(text.to_owned()),
    }
}

fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// JSON that a program printed, as it stands: unlike the stored form of values, no key in it means anything.
fn from_json(json: serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(int), _) => Value::Int(int),
            (None, Some(float)) if float.is_finite() => Value::Float(float),
            _ => Value::String(number.to_string()),
        },
        serde_json::Value::String(text) => Value::String(text),
        serde_json::Value::Array(items) => Value::List(items.into_iter().map(from_json).collect()),
        serde_json::Value::Object(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key, from_json(value)))
                .collect::<BTreeMap<_, _>>(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_text_is_read_as_what_it_looks_like() {
        for (text, value) in [
            ("12", Value::Int(12)),
            ("-3.5", Value::Float(-3.5)),
            ("true", Value::Bool(true)),
            ("inf", Value::String("inf".into())),
            ("nan", Value::String("nan".into())),
            ("1e999", Value::String("1e999".into())),
            ("", Value::String(String::new())),
            ("1 2", Value::String("1 2".into())),
        ] {
            let produced = Produced {
                stdout: Some(format!(" {text}\n")),
                ..Produced::default()
            };
            assert_eq!(value_of(&produced), Some(value), "{text}");
        }
    }

    #[test]
    fn one_line_end_is_removed_and_no_more() {
        assert_eq!(without_line_end("a\n\n"), "a\n");
        assert_eq!(without_line_end("a\r\n"), "a");
        assert_eq!(without_line_end("a"), "a");
    }

    #[test]
    fn a_dollar_key_in_printed_json_stays_a_key() {
        let value = from_json(serde_json::json!({"$duration": 5}));
        assert_eq!(
            value,
            Value::Map([("$duration".to_owned(), Value::Int(5))].into())
        );
    }
}
