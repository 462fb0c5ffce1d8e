//! Results that come twice, late, or from nowhere.

use super::{Trial, attempt, failed, printed, probe};
use piton_core::run::{Event, ProtocolError};
use piton_core::sim::plans::{plan, step};
use piton_core::time::Millis;

#[test]
fn the_same_result_again_is_harmless() {
    let (mut trial, _) = Trial::create(
        plan("p")
            .node(step("a").output("x", "stdout"))
            .node(step("b").needs(&["a"])),
    );
    trial.ended(attempt(0, 1), printed("1"));
    let before = trial.run.clone();
    assert_eq!(
        trial.ended(attempt(0, 1), printed("1")),
        Vec::<String>::new()
    );
    assert_eq!(trial.run, before);
}

#[test]
fn another_result_for_an_ended_attempt_is_recorded_once_and_changes_nothing() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a").retry(1, Millis(0))));
    trial.ended(attempt(0, 1), failed("no"));
    let outstanding = trial.outstanding();
    assert_eq!(
        trial.ended(attempt(0, 1), printed("")),
        ["late n0.p1.a1 Succeeded"]
    );
    assert_eq!(
        trial.ended(attempt(0, 1), printed("")),
        Vec::<String>::new()
    );
    assert_eq!(trial.outstanding(), outstanding);
}

#[test]
fn a_result_after_the_end_of_the_run_is_recorded_and_changes_nothing() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a")));
    trial.ended(attempt(0, 1), failed("no"));
    let outcome = trial.run.outcome();
    assert_eq!(
        trial.ended(attempt(0, 1), printed("")),
        ["late n0.p1.a1 Succeeded"]
    );
    assert_eq!(trial.run.outcome(), outcome);
}

#[test]
fn a_result_of_an_attempt_that_never_was_is_refused() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a")));
    for never in [attempt(0, 2), probe(0, 1), attempt(5, 1)] {
        let refused = trial
            .send(Event::AttemptEnded {
                attempt: never,
                outcome: printed(""),
            })
            .unwrap_err();
        assert_eq!(refused, ProtocolError::NoSuchAttempt { attempt: never });
    }
}
