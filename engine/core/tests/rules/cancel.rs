//! Cancelling a run.

use super::{Trial, actor, attempt, failed, printed, unknown};
use piton_core::record::{OutcomeStatus, RunOutcome};
use piton_core::run::{Outcome, ProtocolError};
use piton_core::sim::plans::{gate, plan, step};
use piton_core::time::{Millis, Timestamp};

fn stopped() -> Outcome {
    Outcome::not_succeeded(OutcomeStatus::Stopped, "")
}

#[test]
fn cancel_stops_what_runs_and_takes_questions_back() {
    let nodes = plan("p")
        .parallel(2)
        .node(step("a"))
        .node(step("b").retry(1, Millis(0)))
        .node(gate("go").approve(&[]))
        .node(step("c"));
    let (mut trial, _) = Trial::create(nodes);
    let told = trial.cancel("ann").unwrap();
    assert_eq!(
        told,
        [
            "cancel by ann",
            "stop n0.p1.a1",
            "stop n1.p1.a1",
            "void go: the run was cancelled"
        ]
    );
    assert_eq!(
        trial.outstanding(),
        [
            "start n0.p1.a1",
            "stop n0.p1.a1",
            "start n1.p1.a1",
            "stop n1.p1.a1"
        ]
    );
    let told = trial.ended(attempt(0, 1), printed(""));
    assert_eq!(told, ["ended n0.p1.a1 Succeeded", "done a"]);
    let told = trial.ended(attempt(1, 1), stopped());
    assert_eq!(
        told,
        [
            "ended n1.p1.a1 Stopped",
            "fail b: it was stopped because the run was cancelled",
            "over Cancelled"
        ]
    );
    assert_eq!(trial.outstanding(), ["finish"]);
}

#[test]
fn cancel_ends_a_run_that_only_waits_at_once() {
    let (mut trial, _) = Trial::create(plan("p").node(gate("go").approve(&[])));
    let told = trial.cancel("ann").unwrap();
    assert_eq!(
        told,
        [
            "cancel by ann",
            "void go: the run was cancelled",
            "over Cancelled"
        ]
    );
}

#[test]
fn cancel_drops_a_retry_that_waits() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a").retry(1, Millis(1_000))));
    trial.ended(attempt(0, 1), failed("no"));
    assert_eq!(
        trial.cancel("ann").unwrap(),
        ["cancel by ann", "over Cancelled"]
    );
    assert_eq!(trial.run.next_timeout(), None);
}

#[test]
fn an_unknown_outcome_during_a_cancel_asks_nobody() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a")));
    trial.cancel("ann").unwrap();
    let told = trial.ended(attempt(0, 1), unknown("it died"));
    assert_eq!(
        told[1..],
        [
            "fail a: nobody knows whether it happened: it died",
            "over Cancelled"
        ]
    );
}

#[test]
fn a_second_cancel_is_refused_and_told_who_was_first() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a")));
    trial.after(7).cancel("ann").unwrap();
    let refused = trial.cancel("bob").unwrap_err();
    assert_eq!(
        refused,
        ProtocolError::AlreadyCancelled {
            by: actor("ann"),
            at: Timestamp(7)
        }
    );
}

#[test]
fn a_run_that_is_over_is_not_cancelled() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a")));
    trial.ended(attempt(0, 1), printed(""));
    let refused = trial.cancel("ann").unwrap_err();
    assert_eq!(
        refused,
        ProtocolError::Over {
            outcome: RunOutcome::Succeeded,
            at: Timestamp(0)
        }
    );
}

#[test]
fn cancelling_a_run_that_stops_anyway_stops_what_still_runs() {
    let (mut trial, _) = Trial::create(plan("p").parallel(2).node(step("a")).node(step("b")));
    trial.ended(attempt(0, 1), failed("no"));
    assert_eq!(
        trial.cancel("ann").unwrap(),
        ["cancel by ann", "stop n1.p1.a1"]
    );
    assert_eq!(
        trial.ended(attempt(1, 1), stopped()).last().unwrap(),
        "over Cancelled"
    );
}

#[test]
fn a_stopped_attempt_of_which_nothing_is_heard_does_not_hold_the_end_up_for_ever() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a").timeout(Millis(1_000))));
    trial.cancel("ann").unwrap();
    trial.now = trial.run.next_timeout().unwrap();
    assert_eq!(trial.tick().last().unwrap(), "over Cancelled");
}
