//! What an ended attempt amounts to: its checks decided, its outputs worked out.

use super::event::{Outcome, Produced};
use super::render::with_help;
use super::scope::{NodeScope, value_of};
use crate::id::{AttemptId, Purpose};
use crate::plan::{Action, Check, Node};
use crate::record::{AttemptResult, CheckResult, OutcomeStatus};
use crate::value::Value;
use std::collections::BTreeMap;

/// How large one output may be, as JSON, in bytes.
pub const OUTPUT_LIMIT: usize = 1024 * 1024;

/// How much of what was found is repeated in a check's result, in characters.
const ACTUAL_LIMIT: usize = 200;

/// The result of an attempt. `scope` is the node's, without anything produced.
pub(super) fn attempt(
    node: &Node,
    attempt: AttemptId,
    outcome: &Outcome,
    scope: &NodeScope<'_>,
) -> AttemptResult {
    let produced = &outcome.produced;
    let mut result = AttemptResult {
        status: outcome.status,
        message: outcome.message.clone(),
        exit_code: produced.exit_code,
        outputs: BTreeMap::new(),
        checks: Vec::new(),
    };
    if let (Action::Checks(checks), Purpose::Do) = (&node.action, attempt.purpose) {
        // An attempt that was cut short still reports the checks that it did.
        if outcome.status == OutcomeStatus::Succeeded || !produced.checks.is_empty() {
            result.checks = decide_checks(checks, &produced.checks, scope);
        }
    }
    if outcome.status != OutcomeStatus::Succeeded {
        return result;
    }
    if let Some(message) = failed_checks(&result.checks) {
        result.status = OutcomeStatus::Failed;
        result.message = message;
        return result;
    }
    match outputs(node, produced, scope) {
        Ok(outputs) => result.outputs = outputs,
        // The probe found that the attempt happened; what it produced is for a person to say.
        Err(reason) if attempt.purpose == Purpose::Probe => {
            result.status = OutcomeStatus::Unknown;
            result.message = format!("the probe found that it happened, but {reason}");
        }
        Err(reason) => {
            result.status = OutcomeStatus::Failed;
            result.message = reason;
        }
    }
    result
}

/// A node's outputs.
///
/// # Errors
/// Which of them is not to be had, and why.
pub(super) fn outputs(
    node: &Node,
    produced: &Produced,
    scope: &NodeScope<'_>,
) -> Result<BTreeMap<String, Value>, String> {
    let scope = NodeScope {
        produced: Some(produced),
        ..*scope
    };
    node.outputs
        .iter()
        .map(|(name, expression)| {
            let value = expression.evaluate(&scope).map_err(|error| {
                let cut = if produced.stdout_cut {
                    "; its standard output was too long and was cut"
                } else {
                    ""
                };
                format!(
                    "output `{name}` cannot be worked out: {}{cut}",
                    with_help(&error)
                )
            })?;
            storable(&value).map_err(|reason| format!("output `{name}` {reason}"))?;
            Ok((name.clone(), value))
        })
        .collect()
}

/// Whether a value may be kept as an output.
///
/// # Errors
/// Why not, as the rest of a sentence about it.
pub(super) fn storable(value: &Value) -> Result<(), String> {
    if let Some(name) = secret_in(value) {
        return Err(format!(
            "contains the secret `{name}`, and outputs are written down; use `secrets.{name}` where it is needed instead"
        ));
    }
    let size = serde_json::to_string(value).unwrap_or_default().len();
    if size > OUTPUT_LIMIT {
        return Err(format!(
            "is {size} bytes long, and at most {OUTPUT_LIMIT} are kept; write it to a file and make the file's path the output"
        ));
    }
    Ok(())
}

fn secret_in(value: &Value) -> Option<&str> {
    match value {
        Value::Secret(name) => Some(name),
        Value::List(items) => items.iter().find_map(secret_in),
        Value::Map(entries) => entries.values().find_map(secret_in),
        _ => None,
    }
}

fn decide_checks(checks: &[Check], found: &[Outcome], scope: &NodeScope<'_>) -> Vec<CheckResult> {
    checks
        .iter()
        .enumerate()
        .map(|(at, check)| decide_check(check, found.get(at), scope))
        .collect()
}

fn decide_check(check: &Check, found: Option<&Outcome>, scope: &NodeScope<'_>) -> CheckResult {
    let expected = match &check.expect {
        Some(expect) => expect.text().to_owned(),
        None => "it succeeds".to_owned(),
    };
    let (passed, actual) = match found {
        None => (false, "it was not done".to_owned()),
        Some(outcome) if outcome.status != OutcomeStatus::Succeeded => (false, why(outcome)),
        Some(outcome) => match &check.expect {
            None => (true, "it succeeded".to_owned()),
            Some(expect) => {
                let scope = NodeScope {
                    produced: Some(&outcome.produced),
                    ..*scope
                };
                match expect.evaluate_bool(&scope) {
                    Ok(passed) => (passed, describe(&outcome.produced)),
                    Err(error) => (false, with_help(&error)),
                }
            }
        },
    };
    CheckResult {
        name: check.name.clone(),
        passed,
        expected,
        actual: short(&actual),
    }
}

fn why(outcome: &Outcome) -> String {
    let word = match outcome.status {
        OutcomeStatus::Succeeded => "succeeded",
        OutcomeStatus::Failed => "failed",
        OutcomeStatus::TimedOut => "ran out of time",
        OutcomeStatus::Stopped => "was stopped",
        OutcomeStatus::NotStarted => "was not started",
        OutcomeStatus::Unknown => "its end is not known",
    };
    if outcome.message.is_empty() {
        word.to_owned()
    } else {
        outcome.message.clone()
    }
}

/// What a probe found, short: its one value if it has one, else its rows or its exit code.
fn describe(produced: &Produced) -> String {
    let one_value = produced.rows.as_ref().is_none_or(|rows| {
        rows.len() == 1
            && rows
                .iter()
                .all(|row| matches!(row, Value::Map(columns) if columns.len() == 1))
    });
    match (&produced.rows, value_of(produced)) {
        (Some(rows), _) if rows.is_empty() => "no rows".to_owned(),
        (Some(rows), _) if !one_value => {
            format!(
                "{} rows: {}",
                rows.len(),
                serde_json::to_string(rows).unwrap_or_default()
            )
        }
        (_, Some(value)) => format!(
            "value is {}",
            serde_json::to_string(&value).unwrap_or_default()
        ),
        (_, None) => match produced.exit_code {
            Some(code) => format!("exit code {code}"),
            None => "nothing".to_owned(),
        },
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(ACTUAL_LIMIT) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn failed_checks(checks: &[CheckResult]) -> Option<String> {
    let failed: Vec<_> = checks
        .iter()
        .filter(|check| !check.passed)
        .map(|c| format!("\"{}\"", c.name))
        .collect();
    if failed.is_empty() {
        return None;
    }
    Some(format!(
        "{} of {} checks failed: {}",
        failed.len(),
        checks.len(),
        failed.join(", ")
    ))
}
