//! What an ended attempt amounts to: its checks decided, its outputs worked out.

use super::event::{Outcome, Produced};
use super::render::with_help;
use super::scope::{NodeScope, value_of};
use super::state::Found;
use crate::expr::Expression;
use crate::id::{AttemptId, Purpose};
use crate::plan::{Action, Check, FailWhen, Node, NodeIndex, Until};
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
    let mut result = AttemptResult::ended(outcome.status, outcome.message.clone());
    result.exit_code = outcome.produced.exit_code;
    let scope = NodeScope {
        produced: Some(&outcome.produced),
        ..*scope
    };
    match attempt.purpose {
        Purpose::Do => action(node, outcome, &scope, &mut result),
        Purpose::Probe => probe(node, outcome, &scope, &mut result),
        Purpose::Target(_) | Purpose::Recheck => target(attempt, outcome, &scope, &mut result),
        Purpose::Choices(_) | Purpose::Capture => keep(outcome, &mut result),
        Purpose::Undo | Purpose::UndoCheck | Purpose::Check(_) => {}
    }
    result
}

/// What an attempt at the action itself amounts to.
fn action(node: &Node, outcome: &Outcome, scope: &NodeScope<'_>, result: &mut AttemptResult) {
    let produced = &outcome.produced;
    if let Action::Checks(checks) = &node.action {
        // An attempt that was cut short still reports the checks that it did.
        if outcome.status == OutcomeStatus::Succeeded || !produced.checks.is_empty() {
            result.checks = decide_checks(checks, &produced.checks, scope);
        }
    }
    if let Some(success) = &node.success {
        decide_success(success, produced, scope, result);
    }
    if result.status == OutcomeStatus::Succeeded
        && let Some(message) = failed_checks(&result.checks)
    {
        result.status = OutcomeStatus::Failed;
        result.message = message;
    }
    if let Some(until) = &node.until {
        look(until, produced, scope, result);
    }
    let awaited = result.met != Some(false) && result.in_vain.is_none();
    // Of looks at which it was not there yet nothing is kept: there may be very many.
    if result.met != Some(false) || result.in_vain.is_some() {
        result.evidence.clone_from(&produced.evidence);
    }
    if result.status == OutcomeStatus::Succeeded && awaited {
        match outputs(node, produced, scope) {
            Ok(outputs) => result.outputs = outputs,
            Err(reason) => {
                result.status = OutcomeStatus::Failed;
                result.message = reason;
            }
        }
    }
}

/// Whether what ended may be judged by this expression: what ended well, a program that exited, and an answer whose
/// status the expression asks for. An answer that is not the expected one says nothing about the rest of itself.
fn may_judge(expression: &Expression, status: OutcomeStatus, produced: &Produced) -> bool {
    let asks_for_status = || {
        let references = expression.references();
        references.iter().any(|it| it.path == ["status"])
    };
    match status {
        OutcomeStatus::Succeeded => true,
        OutcomeStatus::Failed if produced.response.is_some() => asks_for_status(),
        OutcomeStatus::Failed => produced.exit_code.is_some(),
        // The way to the server broke, and an answer came from something in between.
        OutcomeStatus::Unknown => produced.response.is_some() && asks_for_status(),
        OutcomeStatus::TimedOut | OutcomeStatus::Stopped | OutcomeStatus::NotStarted => false,
    }
}

/// Whether a program that exited, or a server that answered, did well by the author's own measure.
fn decide_success(
    success: &Expression,
    produced: &Produced,
    scope: &NodeScope<'_>,
    result: &mut AttemptResult,
) {
    let ended = result.exit_code.is_some() || produced.response.is_some();
    if !ended || !may_judge(success, result.status, produced) {
        return;
    }
    match success.evaluate_bool(scope) {
        // It takes more than a condition that is not met to know that nothing happened.
        Ok(false) | Err(_) if result.status == OutcomeStatus::Unknown => {}
        Ok(true) => {
            result.status = OutcomeStatus::Succeeded;
            result.message.clear();
        }
        Ok(false) => {
            result.status = OutcomeStatus::Failed;
            if result.message.is_empty() {
                result.message = format!("`success` is not true: {}", success.text());
            }
        }
        Err(error) => {
            result.status = OutcomeStatus::Failed;
            result.message = format!("`success` cannot be worked out: {}", with_help(&error));
        }
    }
}

/// Judges a look of an `until`. A look that failed is one at which the condition is not true, unless the condition
/// itself says otherwise of what the look gave.
fn look(until: &Until, produced: &Produced, scope: &NodeScope<'_>, result: &mut AttemptResult) {
    let failed = result.status == OutcomeStatus::Failed;
    if !failed && result.status != OutcomeStatus::Succeeded {
        return;
    }
    if let Some(line) = &produced.in_vain {
        result.in_vain = Some(format!("waiting is in vain: {line}"));
    }
    if let Some(FailWhen::True(expression)) = &until.fail_when {
        match expression.evaluate_bool(scope) {
            Ok(true) => {
                result.in_vain = Some(format!(
                    "waiting is in vain: `{}` is true",
                    expression.text()
                ));
            }
            Ok(false) => {}
            // What a failed look did not give cannot be looked at.
            Err(_) if failed => {}
            Err(error) => {
                result.in_vain = Some(format!(
                    "`fail_when` cannot be worked out: {}",
                    with_help(&error)
                ));
            }
        }
    }
    let wrong_answer =
        produced.response.is_some() && !may_judge(&until.condition, result.status, produced);
    if failed && (wrong_answer || !result.checks.is_empty()) {
        result.met = Some(false);
        return;
    }
    match until.condition.evaluate_bool(scope) {
        Ok(met) => {
            result.met = Some(met);
            if met && failed {
                result.status = OutcomeStatus::Succeeded;
                result.message.clear();
            }
        }
        Err(_) if failed => result.met = Some(false),
        Err(error) => {
            result.met = Some(false);
            result.in_vain.get_or_insert(format!(
                "`until` cannot be worked out: {}",
                with_help(&error)
            ));
        }
    }
}

/// What a probe says about the attempt that it asks after.
fn probe(node: &Node, outcome: &Outcome, scope: &NodeScope<'_>, result: &mut AttemptResult) {
    if outcome.status != OutcomeStatus::Succeeded {
        return;
    }
    match outputs(node, &outcome.produced, scope) {
        Ok(outputs) => result.outputs = outputs,
        // The probe found that the attempt happened; what it produced is for a person to say.
        Err(reason) => {
            result.status = OutcomeStatus::Unknown;
            result.message = format!("the probe found that it happened, but {reason}");
        }
    }
}

/// Compares what is about to be changed with what it should be, and with what people were shown.
fn target(
    attempt: AttemptId,
    outcome: &Outcome,
    scope: &NodeScope<'_>,
    result: &mut AttemptResult,
) {
    keep(outcome, result);
    let whose = match attempt.purpose {
        Purpose::Target(place) => NodeIndex(place),
        _ => attempt.node,
    };
    if result.status != OutcomeStatus::Succeeded {
        return;
    }
    let found = fingerprint(&outcome.produced);
    let refuse = |result: &mut AttemptResult, message: String| {
        result.status = OutcomeStatus::Failed;
        result.message = message;
    };
    let Some(target) = scope.plan.node(whose).and_then(|node| node.target.as_ref()) else {
        return;
    };
    if let Some(expect) = &target.expect {
        let scope = NodeScope {
            node: whose,
            ..*scope
        };
        match expect.evaluate_bool(&scope) {
            Ok(true) => {}
            Ok(false) => {
                let wrong = format!(
                    "its target is not the right one: found `{found}`, expected {}",
                    expect.text()
                );
                return refuse(result, wrong);
            }
            Err(error) => {
                let wrong = format!(
                    "what its target is expected to be cannot be worked out: {}",
                    with_help(&error)
                );
                return refuse(result, wrong);
            }
        }
    }
    if attempt.purpose == Purpose::Recheck
        && let Some(shown) = shown_before(scope, whose).find(|shown| *shown != found)
    {
        let changed =
            format!("its target has changed: people were shown `{shown}`, and it is `{found}` now");
        refuse(result, changed);
    }
}

/// The fingerprints of a node's target that people were shown, at the node or at the gates right before it.
fn shown_before<'a>(
    scope: &NodeScope<'a>,
    whose: NodeIndex,
) -> impl Iterator<Item = String> + use<'a> {
    let state = scope.state;
    let needs = scope.plan.node(whose).map_or(&[][..], |node| &node.needs);
    let places = needs.iter().copied().chain([whose]);
    places.filter_map(move |place| {
        match state
            .node(place)?
            .prepared
            .found(Purpose::Target(whose.0))?
        {
            Found::Produced(produced) => Some(fingerprint(produced)),
            Found::Nothing(_) => None,
        }
    })
}

/// What is shown of a target, and compared.
pub(super) fn fingerprint(produced: &Produced) -> String {
    match value_of(produced) {
        Some(Value::String(text)) => short(text.trim()),
        Some(value) => short(&serde_json::to_string(&value).unwrap_or_default()),
        None => String::new(),
    }
}

/// Keeps all that an attempt produced, for what comes later.
fn keep(outcome: &Outcome, result: &mut AttemptResult) {
    if outcome.status != OutcomeStatus::Succeeded {
        return;
    }
    let size = serde_json::to_string(&outcome.produced)
        .unwrap_or_default()
        .len();
    if size > OUTPUT_LIMIT {
        result.status = OutcomeStatus::Failed;
        result.message = format!("it gave {size} bytes, and at most {OUTPUT_LIMIT} are kept");
        return;
    }
    result.produced = Some(Box::new(outcome.produced.clone()));
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
        Some(outcome) if !may_be_decided(check, outcome) => (false, why(outcome)),
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

/// Whether what the check expects can be asked of what came out. Only an answer of a server can be what is expected
/// without being a success.
fn may_be_decided(check: &Check, outcome: &Outcome) -> bool {
    let answered = outcome.produced.response.is_some();
    outcome.status == OutcomeStatus::Succeeded
        || answered
            && check
                .expect
                .as_ref()
                .is_some_and(|expect| may_judge(expect, outcome.status, &outcome.produced))
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
    if let Some(response) = &produced.response {
        let said = response.body.split_whitespace().collect::<Vec<_>>();
        return format!("status {}: {}", response.status, said.join(" "));
    }
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
