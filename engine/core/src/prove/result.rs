//! What an attempt gives when nothing was executed.

use super::choice::Fate;
use crate::id::{AttemptId, Purpose};
use crate::plan::{Action, AnswerType, Ask, FailWhen, Node};
use crate::record::{AttemptResult, CheckResult, OutcomeStatus};
use crate::run::Produced;
use crate::value::Value;
use std::collections::BTreeMap;

/// A value that nobody knows yet, where one has to be put.
pub(super) const UNKNOWN: &str = "…";

/// The result of an attempt that ends like this. Conditions are met and checks pass where it ends well; outputs are
/// stand-ins that nothing looks into, because [`super::assume`] has put aside what would.
#[must_use]
pub fn supposed(node: &Node, attempt: AttemptId, fate: Fate) -> AttemptResult {
    let (status, message) = match fate {
        Fate::Succeeds => (OutcomeStatus::Succeeded, ""),
        Fate::Fails => (OutcomeStatus::Failed, "it failed"),
        Fate::TimesOut => (OutcomeStatus::TimedOut, "its time ran out"),
        Fate::Unknown => (OutcomeStatus::Unknown, "nobody knows what it did"),
    };
    let mut result = AttemptResult::ended(status, message);
    let forward = attempt.purpose == Purpose::Do;
    if fate == Fate::Fails && forward {
        fail(node, &mut result);
    }
    if fate == Fate::Succeeds {
        succeed(node, attempt.purpose, &mut result);
    }
    result
}

/// The result of a successful attempt at a node's action with these outputs; what is missing of them is a stand-in.
#[must_use]
pub fn given(node: &Node, attempt: AttemptId, outputs: BTreeMap<String, Value>) -> AttemptResult {
    let mut result = supposed(node, attempt, Fate::Succeeds);
    result.outputs.extend(outputs);
    result
}

fn fail(node: &Node, result: &mut AttemptResult) {
    if let Action::Checks(_) = node.action {
        result.checks = checks(node, false);
    }
    if let Some(until) = &node.until {
        result.met = Some(false);
        if let Some(FailWhen::True(_) | FailWhen::Line { .. }) = until.fail_when {
            result.in_vain = Some("waiting is in vain".to_owned());
        }
    }
}

fn succeed(node: &Node, purpose: Purpose, result: &mut AttemptResult) {
    match purpose {
        Purpose::Do => {
            result.exit_code = Some(0);
            result.checks = checks(node, true);
            result.met = node.until.as_ref().map(|_| true);
            result.outputs = outputs(node);
        }
        Purpose::Probe => result.outputs = outputs(node),
        Purpose::Target(_) | Purpose::Recheck | Purpose::Capture => {
            result.produced = Some(Box::new(printed(UNKNOWN.to_owned())));
        }
        Purpose::Choices(place) => {
            let ask = match &node.action {
                Action::Manual(manual) => manual.asks.get(place as usize),
                _ => None,
            };
            result.produced = Some(Box::new(choices(ask)));
        }
        Purpose::Undo | Purpose::UndoCheck | Purpose::Check(_) => {}
    }
}

fn outputs(node: &Node) -> BTreeMap<String, Value> {
    let names = node.outputs.keys();
    let stand_in = || Value::String(UNKNOWN.to_owned());
    names.map(|name| (name.clone(), stand_in())).collect()
}

fn checks(node: &Node, passed: bool) -> Vec<CheckResult> {
    let Action::Checks(checks) = &node.action else {
        return Vec::new();
    };
    let result = |check: &crate::plan::Check| CheckResult {
        name: check.name.clone(),
        passed,
        expected: String::new(),
        actual: String::new(),
    };
    checks.iter().map(result).collect()
}

fn printed(stdout: String) -> Produced {
    Produced {
        exit_code: Some(0),
        stdout: Some(stdout),
        ..Produced::default()
    }
}

/// Two possible answers, or the two that there are.
fn choices(ask: Option<&Ask>) -> Produced {
    let kind = ask.map_or(AnswerType::String, |ask| ask.kind);
    let (first, second) = samples(kind);
    printed(format!("{first}\n{second}\n"))
}

/// Two texts that read as answers of this type.
pub(super) fn samples(kind: AnswerType) -> (&'static str, &'static str) {
    match kind {
        AnswerType::String => (UNKNOWN, "……"),
        AnswerType::Int => ("1", "2"),
        AnswerType::Float => ("1.5", "2.5"),
        AnswerType::Bool => ("true", "false"),
        AnswerType::Duration => ("1s", "2s"),
        AnswerType::Timestamp => ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
    }
}
