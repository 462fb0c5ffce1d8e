//! Another runbook that is part of the plan.

use super::{Trial, attempt, failed, printed, undo};
use piton_core::plan::CallPart;
use piton_core::sim::plans::{PlanBuilder, gate, plan, step};

/// `x` calls a runbook with one step; `change` makes the end of the call.
fn calling() -> PlanBuilder {
    plan("p")
        .scope("x/", "x:begin")
        .node(step("before").undo("back"))
        .node(
            step("x:begin")
                .call(CallPart::Begin, None)
                .needs(&["before"])
                .output("size", "2 + 1"),
        )
        .node(
            step("x/a")
                .needs(&["x:begin"])
                .part_of("x", 0)
                .undo("back")
                .env("SIZE", "${{ params.size }}")
                .output("got", "stdout"),
        )
}

#[test]
fn a_call_gives_parameters_and_takes_outputs() {
    let nodes = calling()
        .node(
            step("x")
                .call(CallPart::End, Some(0))
                .needs(&["x/a"])
                .output("result", "steps.a.outputs.got"),
        )
        .node(
            step("after")
                .needs(&["x"])
                .env("R", "${{ steps.x.outputs.result }}"),
        );
    let (mut trial, _) = Trial::create(nodes);
    assert_eq!(
        trial.ended(attempt(0, 1), printed(""))[2..],
        [
            "begin x:begin",
            "done x:begin",
            "begin x/a",
            "start n2.p1.a1"
        ]
    );
    assert_eq!(
        trial.ended(attempt(2, 1), printed("7"))[1..],
        [
            "done x/a",
            "begin x",
            "done x",
            "begin after",
            "start n4.p1.a1"
        ]
    );
}

#[test]
fn the_ladder_of_the_call_is_asked_after_that_of_its_node() {
    let nodes = calling()
        .node(gate("x/g").needs(&["x/a"]).part_of("x", 0).rewind("x/a", 1))
        .node(
            step("x")
                .call(CallPart::End, Some(0))
                .needs(&["x/g"])
                .rollback(),
        );
    let (mut trial, _) = Trial::create(nodes);
    trial.ended(attempt(0, 1), printed(""));
    trial.ended(attempt(2, 1), printed(""));
    let told = trial.ended(attempt(3, 1), failed("no"));
    assert_eq!(told[2..4], ["answer x/g: back to x/a", "to undo: x/a"]);
    trial.ended(undo(2, 1), printed(""));
    trial.ended(super::in_pass(attempt(2, 1), 2), printed(""));
    let told = trial.ended(super::in_pass(attempt(3, 1), 2), failed("no"));
    assert_eq!(told[2..4], ["answer x/g: rollback", "to undo: x/a, before"]);
}

#[test]
fn an_undo_of_the_call_takes_the_place_of_those_in_it() {
    let nodes = calling().node(
        step("x")
            .call(CallPart::End, Some(0))
            .needs(&["x/a"])
            .undo("all of it"),
    );
    let (mut trial, _) = Trial::create(nodes);
    trial.ended(attempt(0, 1), printed(""));
    trial.cancel_and_undo("ann").unwrap();
    let told = trial.ended(attempt(2, 1), printed(""));
    assert_eq!(told[2], "to undo: x? HalfDone, before");
}
