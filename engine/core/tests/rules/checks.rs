//! Checks of gates.

use super::{Trial, attempt, failed, printed};
use piton_core::record::{CheckResult, Fact, OutcomeStatus};
use piton_core::run::{Event, Outcome, Produced};
use piton_core::sim::plans::{NodeBuilder, gate, plan};
use piton_core::value::Value;

fn checked(node: NodeBuilder, found: Vec<Outcome>) -> (OutcomeStatus, String, Vec<CheckResult>) {
    let (mut trial, _) = Trial::create(plan("p").node(node));
    let outcome = Outcome::succeeded(Produced {
        checks: found,
        ..Produced::default()
    });
    let batch = trial
        .run
        .handle(
            Event::AttemptEnded {
                attempt: attempt(0, 1),
                outcome,
            },
            trial.now,
        )
        .unwrap();
    match batch.records[0].fact().unwrap() {
        Fact::AttemptEnded { result, .. } => (result.status, result.message, result.checks),
        other => panic!("{other:?}"),
    }
}

fn rows(rows: Vec<Value>, first: Value) -> Outcome {
    Outcome::succeeded(Produced {
        rows: Some(rows),
        first: Some(first),
        ..Produced::default()
    })
}

#[test]
fn all_checks_are_reported_with_expected_and_actual() {
    let node = gate("g")
        .check("count", "a", Some("value == 0"))
        .check("there", "b", None)
        .check("text", "c", Some("stdout == 'ok'"))
        .check("dead", "d", Some("value == 1"))
        .check("wrong", "e", Some("nothing.like.that"))
        .check("forgotten", "f", None);
    let row = Value::Map([("n".to_owned(), Value::Int(3))].into());
    let found = vec![
        rows(vec![row], Value::Int(3)),
        failed("exit code 1"),
        printed("ok\n"),
        failed("the database is gone"),
        printed(""),
    ];
    let (status, message, checks) = checked(node, found);
    assert_eq!(status, OutcomeStatus::Failed);
    assert_eq!(
        message,
        r#"5 of 6 checks failed: "count", "there", "dead", "wrong", "forgotten""#
    );
    let told: Vec<_> = checks
        .iter()
        .map(|c| {
            (
                c.name.as_str(),
                c.passed,
                c.expected.as_str(),
                c.actual.as_str(),
            )
        })
        .collect();
    assert_eq!(told[0], ("count", false, "value == 0", "value is 3"));
    assert_eq!(told[1], ("there", false, "it succeeds", "exit code 1"));
    assert_eq!(told[2], ("text", true, "stdout == 'ok'", "value is \"ok\""));
    assert_eq!(
        told[3],
        ("dead", false, "value == 1", "the database is gone")
    );
    assert!(told[4].3.contains("nothing"), "{:?}", told[4]);
    assert_eq!(
        told[5],
        ("forgotten", false, "it succeeds", "it was not done")
    );
}

#[test]
fn a_gate_whose_checks_all_pass_succeeds() {
    let node = gate("g")
        .check("one", "a", None)
        .check("two", "b", Some("size(rows) == 0"));
    let (status, message, checks) = checked(node, vec![printed(""), rows(vec![], Value::Null)]);
    assert_eq!((status, message.as_str()), (OutcomeStatus::Succeeded, ""));
    assert!(checks.iter().all(|check| check.passed));
    assert_eq!(checks[1].actual, "no rows");
}

#[test]
fn an_attempt_cut_short_still_reports_its_checks() {
    let (mut trial, _) =
        Trial::create(plan("p").node(gate("g").check("one", "a", None).check("two", "b", None)));
    let mut outcome = Outcome::not_succeeded(OutcomeStatus::TimedOut, "it took longer than 5s");
    outcome.produced.checks = vec![printed("")];
    let batch = trial
        .run
        .handle(
            Event::AttemptEnded {
                attempt: attempt(0, 1),
                outcome,
            },
            trial.now,
        )
        .unwrap();
    let Fact::AttemptEnded { result, .. } = batch.records[0].fact().unwrap() else {
        panic!("{batch:?}")
    };
    assert_eq!(
        (result.status, result.message.as_str()),
        (OutcomeStatus::TimedOut, "it took longer than 5s")
    );
    assert_eq!(
        result
            .checks
            .iter()
            .map(|check| check.passed)
            .collect::<Vec<_>>(),
        [true, false]
    );
}
