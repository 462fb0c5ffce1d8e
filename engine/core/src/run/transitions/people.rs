//! What people are asked on a node's way forward, and what their answers or their silence mean.

use super::{View, question};
use crate::id::{AttemptId, Purpose};
use crate::plan::{Action, Ask, Manual, Node, NodeIndex};
use crate::record::{
    Answer, AskView, Fact, Inputs, QuestionKind, RenderedAction, RenderedManual, ShownTarget,
};
use crate::run::event::Produced;
use crate::run::scope::printed;
use crate::run::settle::{self, fingerprint};
use crate::run::state::{Asking, Found, Given, NodeState, Phase};
use crate::value::Value;
use std::collections::BTreeMap;

/// Opens the question of the next node that has one to ask.
pub(super) fn ask(view: View<'_>) -> Option<Fact> {
    let index = *view.state.agenda.unasked.first()?;
    let (node, state) = view.node(index)?;
    if state.phase == Phase::Failed {
        return super::failure::escalate(view, index, state);
    }
    if view.state.ending.is_some() {
        let message = "nobody is asked while a run ends";
        return Some(view.fail(index, message));
    }
    let inputs = state.inputs.as_deref()?;
    Some(match (&node.action, &inputs.action) {
        (Action::Approve(terms), _) => {
            let kind = QuestionKind::Approve {
                terms: terms.clone(),
                targets: targets(inputs, state),
            };
            let expires = terms.expires.map(|length| view.now.after(length));
            question::open(view, index, kind, expires, terms.page.as_deref())
        }
        (Action::Manual(manual), RenderedAction::Manual(rendered)) => {
            let kind = QuestionKind::Manual {
                instructions: rendered.instructions.clone(),
                checklist: rendered.checklist.clone(),
                asks: asks(manual, rendered, state),
                by: manual.by.clone(),
            };
            let expires = manual.expires.map(|length| view.now.after(length));
            question::open(view, index, kind, expires, manual.page.as_deref())
        }
        _ => {
            let kind = QuestionKind::Confirm {
                expected: inputs.confirm.clone().unwrap_or_default(),
                target: state
                    .prepared
                    .found(Purpose::Target(index.0))
                    .map(|found| shown_target(index, found)),
            };
            question::open(view, index, kind, None, None)
        }
    })
}

/// Asks a person what became of an attempt.
pub(super) fn interrupted(
    view: View<'_>,
    index: NodeIndex,
    attempt: AttemptId,
    why: &str,
) -> Option<Fact> {
    let kind = QuestionKind::Interrupted {
        attempt,
        why: why.to_owned(),
        host: None,
    };
    Some(question::open(view, index, kind, None, None))
}

fn targets(inputs: &Inputs, state: &NodeState) -> Vec<ShownTarget> {
    let found = |node: NodeIndex| state.prepared.found(Purpose::Target(node.0));
    inputs
        .targets
        .iter()
        .filter_map(|target| Some(shown_target(target.node, found(target.node)?)))
        .collect()
}

fn shown_target(node: NodeIndex, found: &Found) -> ShownTarget {
    ShownTarget {
        node,
        found: match found {
            Found::Produced(produced) => Ok(fingerprint(produced)),
            Found::Nothing(why) => Err(why.clone()),
        },
    }
}

fn asks(manual: &Manual, rendered: &RenderedManual, state: &NodeState) -> Vec<AskView> {
    let found = |place: u32| match state.prepared.found(Purpose::Choices(place)) {
        Some(Found::Produced(produced)) => Some(produced),
        _ => None,
    };
    (0u32..)
        .zip(manual.asks.iter().zip(&rendered.asks))
        .map(|(place, (ask, rendered))| AskView {
            name: ask.name.clone(),
            kind: ask.kind,
            help: ask.help.clone(),
            choices: found(place).map(|produced| choices(ask, produced)),
            validate: ask.validate.as_ref().map(|rule| rule.text().to_owned()),
            default: rendered.default.clone(),
        })
        .collect()
}

/// The possible answers that an action gave: a row or a line each. The first column shown is the answer.
fn choices(ask: &Ask, produced: &Produced) -> Vec<(Value, String)> {
    if let Some(rows) = &produced.rows {
        return rows
            .iter()
            .filter_map(|row| choice_of_row(ask, row))
            .collect();
    }
    let text = printed(produced).unwrap_or_default();
    if let Ok(serde_json::Value::Array(rows)) = serde_json::from_str(text) {
        return rows
            .iter()
            .map(Value::from_json)
            .filter_map(|row| choice_of_row(ask, &row))
            .collect();
    }
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .filter_map(|line| {
            // Of a line the first word is the answer: the rest is what programs print beside it.
            let word = line.split_whitespace().next()?;
            Some((ask.kind.read(word)?, line.to_owned()))
        })
        .collect()
}

fn choice_of_row(ask: &Ask, row: &Value) -> Option<(Value, String)> {
    let Value::Map(columns) = row else {
        let answer = as_answer(ask, row)?;
        let shown = plain(&answer);
        return Some((answer, shown));
    };
    let shown: Vec<_> = if ask.columns.is_empty() {
        columns.iter().collect()
    } else {
        ask.columns
            .iter()
            .filter_map(|name| columns.get_key_value(name))
            .collect()
    };
    let (_, first) = shown.first()?;
    let answer = as_answer(ask, first)?;
    let cells: Vec<_> = match shown.as_slice() {
        [(_, only)] => vec![plain(only)],
        several => several
            .iter()
            .map(|(name, value)| format!("{name} {}", plain(value)))
            .collect(),
    };
    Some((answer, cells.join(", ")))
}

/// A value as an answer of the question's type.
fn as_answer(ask: &Ask, value: &Value) -> Option<Value> {
    ask.kind.read(&plain(value))
}

/// A value as people read it, and as they would type it.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Duration(length) => length.to_string(),
        Value::Timestamp(at) => at.to_string(),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) => {
            serde_json::to_string(value).unwrap_or_default()
        }
        _ => serde_json::to_string(&value.to_json()).unwrap_or_default(),
    }
}

/// What an answer means for its node.
pub(super) fn decided(view: View<'_>, index: NodeIndex, node: &Node, given: &Given) -> Fact {
    let pass = view.pass(index);
    let noted = given
        .note
        .as_deref()
        .map(|note| format!(": {note}"))
        .unwrap_or_default();
    let succeeded = |outputs: BTreeMap<String, Value>| Fact::NodeSucceeded {
        node: index,
        pass,
        outputs,
    };
    match &given.answer {
        Answer::Approve => match settle::outputs(node, &Produced::default(), &view.scope(index)) {
            Ok(outputs) => succeeded(outputs),
            Err(message) => view.fail(index, message),
        },
        Answer::Done { answers, .. } => {
            match settle::outputs(node, &Produced::default(), &view.scope(index)) {
                Ok(mut outputs) => {
                    outputs.extend(answers.clone());
                    succeeded(outputs)
                }
                Err(message) => view.fail(index, message),
            }
        }
        Answer::Succeeded { outputs, .. } => match view.state.node(index) {
            Some(state) => super::step::done(state, index, outputs),
            None => succeeded(outputs.clone()),
        },
        Answer::Reject => view.fail(index, format!("rejected by {}{noted}", given.by)),
        _ => view.fail(index, format!("{} said that it failed{noted}", given.by)),
    }
}

/// What silence means for a node.
pub(super) fn expired(view: View<'_>, index: NodeIndex, asking: &Asking) -> Fact {
    let waited = asking
        .question
        .expires
        .unwrap_or(view.now)
        .since(asking.opened);
    let message = match (&asking.question.kind, asking.approvals.len()) {
        (QuestionKind::Approve { terms, .. }, given @ 1..) => {
            format!("only {given} of {} approved within {waited}", terms.count)
        }
        (QuestionKind::Approve { .. }, 0) => format!("nobody approved within {waited}"),
        (QuestionKind::Manual { .. }, _) => format!("nobody did it within {waited}"),
        _ => format!("nobody answered within {waited}"),
    };
    view.fail(index, message)
}
