//! What starts when.

use super::{Trial, attempt, failed, printed};
use piton_core::plan::Response;
use piton_core::record::{Fact, RunOutcome};
use piton_core::run::RunState;
use piton_core::sim::plans::{gate, plan, step};

#[test]
fn a_chain_step_is_one_batch_of_four_records() {
    let (mut trial, told) = Trial::create(plan("p").node(step("a")).node(step("b").needs(&["a"])));
    assert_eq!(told, ["created", "begin a", "start n0.p1.a1"]);
    let told = trial.ended(attempt(0, 1), printed(""));
    assert_eq!(
        told,
        [
            "ended n0.p1.a1 Succeeded",
            "done a",
            "begin b",
            "start n1.p1.a1"
        ]
    );
    let told = trial.ended(attempt(1, 1), printed(""));
    assert_eq!(
        told,
        ["ended n1.p1.a1 Succeeded", "done b", "over Succeeded"]
    );
    assert_eq!(trial.outstanding(), ["finish"]);
    assert_eq!(trial.run.state(), RunState::Succeeded);
}

#[test]
fn ready_nodes_start_in_reading_order_as_places_get_free() {
    let nodes = plan("p")
        .parallel(2)
        .node(step("a"))
        .node(step("b"))
        .node(step("c"))
        .node(step("d").needs(&["a"]));
    let (mut trial, told) = Trial::create(nodes);
    assert_eq!(
        told,
        [
            "created",
            "begin a",
            "start n0.p1.a1",
            "begin b",
            "start n1.p1.a1"
        ]
    );
    assert_eq!(
        trial.ended(attempt(0, 1), printed(""))[2..],
        ["begin c", "start n2.p1.a1"]
    );
    assert_eq!(
        trial.ended(attempt(1, 1), printed(""))[2..],
        ["begin d", "start n3.p1.a1"]
    );
    assert_eq!(trial.outstanding(), ["start n2.p1.a1", "start n3.p1.a1"]);
}

#[test]
fn a_question_takes_no_place() {
    let nodes = plan("p")
        .node(step("a"))
        .node(gate("go").approve(&[]))
        .node(step("b"));
    let (mut trial, told) = Trial::create(nodes);
    assert_eq!(
        told,
        [
            "created",
            "begin go",
            "ask go to approve",
            "begin a",
            "start n0.p1.a1"
        ]
    );
    assert_eq!(
        trial.ended(attempt(0, 1), printed(""))[2..],
        ["begin b", "start n2.p1.a1"]
    );
    assert_eq!(trial.run.state(), RunState::Running);
    trial.ended(attempt(2, 1), printed(""));
    assert_eq!(trial.run.state(), RunState::Waiting);
}

#[test]
fn a_false_when_skips_and_what_needs_it_goes_on() {
    let nodes = plan("p")
        .node(step("a").when("1 > 2"))
        .node(step("b").needs(&["a"]).when("steps.a.status == 'skipped'"));
    let (_, told) = Trial::create(nodes);
    assert_eq!(told, ["created", "skip a", "begin b", "start n1.p1.a1"]);
}

#[test]
fn a_when_that_cannot_be_worked_out_fails_the_node() {
    let (trial, told) = Trial::create(
        plan("p")
            .node(step("a").when("steps.b.status == 'x'"))
            .node(step("b")),
    );
    assert!(
        told[1].starts_with("fail a: `when` cannot be worked out: "),
        "{told:?}"
    );
    assert_eq!(told.last().unwrap(), "over Failed");
    assert_eq!(trial.run.outcome(), Some(RunOutcome::Failed));
}

#[test]
fn stop_lets_what_runs_end_and_starts_nothing_new() {
    let nodes = plan("p")
        .parallel(2)
        .node(step("a"))
        .node(step("b").retry(3, piton_core::time::Millis(0)))
        .node(gate("go").approve(&[]))
        .node(step("c"));
    let (mut trial, _) = Trial::create(nodes);
    let told = trial.ended(attempt(0, 1), failed("no"));
    assert_eq!(
        told,
        [
            "ended n0.p1.a1 Failed no",
            "fail a: no",
            "answer a: stop",
            "void go: the run stops because `a` failed"
        ]
    );
    assert_eq!(trial.outstanding(), ["start n1.p1.a1"]);
    let told = trial.ended(attempt(1, 1), failed("no either"));
    assert_eq!(
        told,
        [
            "ended n1.p1.a1 Failed no either",
            "fail b: no either",
            "over Failed"
        ]
    );
}

#[test]
fn after_stop_a_node_that_still_succeeds_is_recorded_as_done() {
    let (mut trial, _) = Trial::create(plan("p").parallel(2).node(step("a")).node(step("b")));
    trial.ended(attempt(0, 1), failed("no"));
    let told = trial.ended(attempt(1, 1), printed(""));
    assert_eq!(told, ["ended n1.p1.a1 Succeeded", "done b", "over Failed"]);
}

#[test]
fn continue_goes_on_and_the_run_succeeds() {
    let nodes = plan("p")
        .node(step("a").on_fail(Response::Continue))
        .node(step("b").needs(&["a"]).when("steps.a.status == 'failed'"));
    let (mut trial, _) = Trial::create(nodes);
    let told = trial.ended(attempt(0, 1), failed("no"));
    assert_eq!(
        told[1..],
        ["fail a: no", "answer a: go on", "begin b", "start n1.p1.a1"]
    );
    assert_eq!(
        trial.ended(attempt(1, 1), printed("")).last().unwrap(),
        "over Succeeded"
    );
}

#[test]
fn a_plan_without_nodes_is_done_at_once() {
    let (_, told) = Trial::create(plan("p"));
    assert_eq!(told, ["created", "over Succeeded"]);
}

#[test]
fn needs_in_a_circle_end_the_run_as_failed_rather_than_never() {
    let (_, told) = Trial::create(
        plan("p")
            .node(step("a").needs(&["b"]))
            .node(step("b").needs(&["a"])),
    );
    assert_eq!(told, ["created", "over Failed"]);
}

#[test]
fn time_does_not_go_back_in_the_journal() {
    let (mut trial, _) = Trial::create(
        plan("p")
            .node(step("a"))
            .node(step("b").needs(&["a"]).timeout(piton_core::time::Millis(5))),
    );
    trial.after(1_000);
    trial.ended(attempt(0, 1), printed(""));
    trial.now = piton_core::time::Timestamp(10);
    let event = piton_core::run::Event::AttemptEnded {
        attempt: attempt(1, 1),
        outcome: printed(""),
    };
    let batch = trial.run.handle(event, trial.now).unwrap();
    assert!(batch.records.iter().all(|record| record.at.0 == 1_000));
    assert!(matches!(
        batch.records[1].fact().unwrap(),
        Fact::NodeSucceeded { .. }
    ));
}
