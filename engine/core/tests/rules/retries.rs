//! Trying again.

use super::{Trial, attempt, failed, printed};
use piton_core::plan::WorldEffect;
use piton_core::record::{LOST_AFTER, OutcomeStatus};
use piton_core::run::{Outcome, RunState};
use piton_core::sim::plans::{gate, plan, step};
use piton_core::time::{Millis, Timestamp};

fn timed_out() -> Outcome {
    Outcome::not_succeeded(OutcomeStatus::TimedOut, "it took longer than 2s")
}

#[test]
fn a_failure_is_tried_again_after_a_growing_wait() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a").retry(2, Millis(500))));
    assert_eq!(
        trial.ended(attempt(0, 1), failed("no")),
        ["ended n0.p1.a1 Failed no", "retry a at 500"]
    );
    assert_eq!(trial.run.state(), RunState::Running);
    assert_eq!(trial.run.next_timeout(), Some(Timestamp(500)));
    assert_eq!(trial.outstanding(), Vec::<String>::new());
    assert_eq!(trial.after(499).tick(), Vec::<String>::new());
    assert_eq!(trial.after(1).tick(), ["start n0.p1.a2"]);
    assert_eq!(
        trial.ended(attempt(0, 2), failed("no"))[1..],
        ["retry a at 1500"]
    );
    assert_eq!(trial.after(1_000).tick(), ["start n0.p1.a3"]);
    assert_eq!(
        trial.ended(attempt(0, 3), failed("no"))[1..],
        ["fail a: no", "answer a: stop", "over Failed"]
    );
}

#[test]
fn without_a_wait_the_next_try_is_in_the_same_batch() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a").retry(1, Millis(0))));
    let told = trial.ended(attempt(0, 1), failed("no"));
    assert_eq!(
        told,
        ["ended n0.p1.a1 Failed no", "retry a at 0", "start n0.p1.a2"]
    );
}

#[test]
fn a_waiting_retry_gives_its_place_away_and_takes_the_next_free_one() {
    let nodes = plan("p")
        .node(step("a").retry(1, Millis(500)))
        .node(step("b"))
        .node(step("c"));
    let (mut trial, _) = Trial::create(nodes);
    assert_eq!(
        trial.ended(attempt(0, 1), failed("no"))[1..],
        ["retry a at 500", "begin b", "start n1.p1.a1"]
    );
    assert_eq!(trial.run.next_timeout(), None);
    let told = trial.after(600).ended(attempt(1, 1), printed(""));
    assert_eq!(
        told,
        ["ended n1.p1.a1 Succeeded", "done b", "start n0.p1.a2"]
    );
}

#[test]
fn a_timeout_is_tried_again_only_where_that_does_no_harm() {
    let limit = Millis(2_000);
    let again = [
        step("a").idempotent().retry(1, Millis(0)).timeout(limit),
        step("a")
            .effect(WorldEffect::None)
            .retry(1, Millis(0))
            .timeout(limit),
        gate("a").retry(1, Millis(0)).timeout(limit),
    ];
    for node in again {
        let (mut trial, _) = Trial::create(plan("p").node(node));
        assert_eq!(
            trial.ended(attempt(0, 1), timed_out()).last().unwrap(),
            "start n0.p1.a2"
        );
    }
    let (mut trial, _) =
        Trial::create(plan("p").node(step("a").retry(1, Millis(0)).timeout(limit)));
    let told = trial.ended(attempt(0, 1), timed_out());
    assert_eq!(
        told[1..],
        [
            "fail a: it took longer than 2s",
            "answer a: stop",
            "over Failed"
        ]
    );
}

#[test]
fn an_attempt_that_is_silent_long_after_its_deadline_is_unknown() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a").timeout(Millis(2_000))));
    let lost = Timestamp(2_000).after(LOST_AFTER);
    assert_eq!(trial.run.next_timeout(), Some(lost));
    trial.now = Timestamp(lost.0 - 1);
    assert_eq!(trial.tick(), Vec::<String>::new());
    trial.now = lost;
    let why = "nothing was heard of it after its deadline";
    assert_eq!(
        trial.tick(),
        [
            format!("ended n0.p1.a1 Unknown {why}"),
            format!("ask about n0.p1.a1: {why}")
        ]
    );
}

#[test]
fn the_deadline_goes_with_the_start_and_with_what_is_outstanding() {
    let (mut trial, _) = Trial::create(
        plan("p")
            .node(step("a"))
            .node(step("b").needs(&["a"]).timeout(Millis(7))),
    );
    trial.after(100);
    let event = piton_core::run::Event::AttemptEnded {
        attempt: attempt(0, 1),
        outcome: printed(""),
    };
    let batch = trial.run.handle(event, trial.now).unwrap();
    let outstanding: Vec<_> = trial.run.outstanding().collect();
    assert_eq!(batch.effects, outstanding);
    let piton_core::run::Effect::Start(work) = &outstanding[0] else {
        panic!("{outstanding:?}")
    };
    assert_eq!(
        (work.deadline, work.timeout),
        (Some(Timestamp(107)), Some(Millis(7)))
    );
}
