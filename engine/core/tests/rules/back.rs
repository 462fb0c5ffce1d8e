//! Going back: a rewind to a node, and a rollback of everything.

use super::{Trial, attempt, failed, for_purpose, in_pass, printed, undo, unknown};
use piton_core::id::Purpose;
use piton_core::record::{Answer, OutcomeStatus};
use piton_core::run::{Effect, Outcome, ProtocolError};
use piton_core::sim::plans::{PlanBuilder, gate, plan, step};
use piton_core::time::Millis;

/// Two steps that can be undone, and a gate that goes back to the first of them once.
fn rewinding() -> PlanBuilder {
    plan("p")
        .node(step("a").undo("back"))
        .node(step("b").undo("back").needs(&["a"]))
        .node(gate("g").needs(&["b"]).rewind("a", 1))
}

fn stopped() -> Outcome {
    Outcome::not_succeeded(OutcomeStatus::Stopped, "")
}

#[test]
fn a_rewind_undoes_in_reverse_and_begins_a_new_pass() {
    let (mut trial, _) = Trial::create(rewinding());
    trial.ended(attempt(0, 1), printed(""));
    trial.ended(attempt(1, 1), printed(""));
    assert_eq!(
        trial.ended(attempt(2, 1), failed("no"))[1..],
        [
            "fail g: no",
            "answer g: back to a",
            "to undo: b, a",
            "undo b",
            "start n1.p1.undo1"
        ]
    );
    assert_eq!(
        trial.ended(undo(1, 1), printed("")),
        [
            "ended n1.p1.undo1 Succeeded",
            "undone b",
            "undo a",
            "start n0.p1.undo1"
        ]
    );
    assert_eq!(
        trial.ended(undo(0, 1), printed(""))[1..],
        ["undone a", "back at a: a b g", "begin a", "start n0.p2.a1"]
    );
    // Once only: the second time the ladder has nothing more.
    trial.ended(in_pass(attempt(0, 1), 2), printed(""));
    trial.ended(in_pass(attempt(1, 1), 2), printed(""));
    assert_eq!(
        trial.ended(in_pass(attempt(2, 1), 2), failed("no"))[1..],
        ["fail g: no", "answer g: stop", "over Failed"]
    );
}

#[test]
fn a_rewind_stops_what_runs_behind_its_node_and_nothing_else() {
    let nodes = plan("p")
        .parallel(4)
        .node(step("a").undo("back"))
        .node(step("b").undo("back").needs(&["a"]))
        .node(gate("g").needs(&["a"]).rewind("a", 1))
        .node(step("other").undo("back"));
    let (mut trial, _) = Trial::create(nodes);
    trial.ended(attempt(0, 1), printed(""));
    assert_eq!(
        trial.ended(attempt(2, 1), failed("no"))[1..],
        ["fail g: no", "answer g: back to a", "stop n1.p1.a1"]
    );
    let told = trial.ended(attempt(1, 1), stopped());
    assert_eq!(
        told[1..],
        [
            "fail b: it was stopped because the run goes back",
            "to undo: b? HalfDone, a",
            "ask b how to undo: HalfDone"
        ]
    );
    // Nothing is undone before the question is answered; the other branch goes on to its end.
    assert_eq!(
        trial.ended(attempt(3, 1), printed("")),
        ["ended n3.p1.a1 Succeeded", "done other"]
    );
    assert_eq!(
        trial.answer(1, "ann", Answer::DidNotHappen).unwrap()[1..],
        ["nothing to undo at b: ann", "undo a", "start n0.p1.undo1"]
    );
}

#[test]
fn a_half_done_step_is_undone_unasked_only_where_it_says_so() {
    let nodes = plan("p").node(step("a").undo("back").undo_after_started().rollback());
    let (mut trial, _) = Trial::create(nodes);
    assert_eq!(
        trial.ended(attempt(0, 1), failed("no"))[1..],
        [
            "fail a: no",
            "answer a: rollback",
            "to undo: a",
            "undo a",
            "start n0.p1.undo1"
        ]
    );
    assert_eq!(
        trial.ended(undo(0, 1), printed(""))[1..],
        ["undone a", "over RolledBack"]
    );
}

#[test]
fn what_somebody_leaves_makes_it_a_rollback_in_part() {
    let nodes = plan("p")
        .node(step("a").undo("back"))
        .node(step("b").irreversible().needs(&["a"]))
        .node(gate("g").needs(&["b"]).rollback());
    let (mut trial, _) = Trial::create(nodes);
    trial.ended(attempt(0, 1), printed(""));
    trial.ended(attempt(1, 1), printed(""));
    assert_eq!(
        trial.ended(attempt(2, 1), failed("no"))[3..],
        [
            "to undo: b? Irreversible, a",
            "ask b how to undo: Irreversible"
        ]
    );
    assert_eq!(
        trial.answer(1, "ann", Answer::AbandonUndo).unwrap()[1..],
        [
            "left b: nothing takes it back",
            "undo a",
            "start n0.p1.undo1"
        ]
    );
    assert_eq!(
        trial.ended(undo(0, 1), printed(""))[1..],
        ["undone a", "over PartlyRolledBack"]
    );
}

#[test]
fn an_undo_with_an_unknown_outcome_runs_its_check() {
    let node = || step("a").undo("back").undo_check("is it gone");
    let rolled_back = || {
        let (mut trial, _) = Trial::create(plan("p").node(node()));
        trial.cancel_and_undo("ann").unwrap();
        trial
    };
    let mut trial = rolled_back();
    let told = trial.ended(attempt(0, 1), printed(""));
    assert_eq!(
        told[1..],
        ["done a", "to undo: a", "undo a", "start n0.p1.undo1"]
    );
    assert_eq!(
        trial.ended(undo(0, 1), unknown("it died"))[1..],
        ["start n0.p1.undocheck1"]
    );
    let check = for_purpose(0, Purpose::UndoCheck, 1);
    assert_eq!(
        trial.ended(check, failed("it is there"))[1..],
        ["start n0.p1.undo2"]
    );
    trial.ended(undo(0, 2), unknown("it died"));
    let check = for_purpose(0, Purpose::UndoCheck, 2);
    assert_eq!(
        trial.ended(check, printed(""))[1..],
        ["undone a", "over RolledBack"]
    );
}

#[test]
fn an_undo_with_an_unknown_outcome_and_no_check_asks() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a").undo("back")));
    trial.cancel_and_undo("ann").unwrap();
    trial.ended(attempt(0, 1), printed(""));
    let why = "nobody knows whether its undo happened: it died";
    assert_eq!(
        trial.ended(undo(0, 1), unknown("it died"))[1..],
        [
            format!("undo of a failed: {why}"),
            format!("ask a about its undo: {why}")
        ]
    );
    assert_eq!(
        trial.answer(0, "ann", Answer::Retry).unwrap()[1..],
        ["undo a after all: ann", "start n0.p1.undo2"]
    );
    trial.ended(undo(0, 2), failed("no"));
    assert_eq!(
        trial.answer(0, "ann", Answer::UndoneByHand).unwrap()[1..],
        ["undone a by ann", "over RolledBack"]
    );
}

#[test]
fn a_failed_undo_is_tried_again_as_often_as_it_says() {
    let nodes = plan("p").node(step("a").undo("back").undo_retry(1, Millis(500)));
    let (mut trial, _) = Trial::create(nodes);
    trial.cancel_and_undo("ann").unwrap();
    trial.ended(attempt(0, 1), printed(""));
    assert_eq!(
        trial.ended(undo(0, 1), failed("no"))[1..],
        ["retry the undo of a at 500"]
    );
    assert_eq!(trial.run.next_timeout(), Some(trial.now.after(Millis(500))));
    assert_eq!(trial.after(500).tick(), ["start n0.p1.undo2"]);
    assert_eq!(
        trial.ended(undo(0, 2), failed("no"))[1..],
        ["undo of a failed: no", "ask a about its undo: no"]
    );
}

#[test]
fn an_undo_is_given_what_was_there_before() {
    let node = step("a")
        .capture("how many")
        .undo("back")
        .undo_env("BEFORE", "${{ capture.stdout }}");
    let (mut trial, told) = Trial::create(plan("p").node(node));
    assert_eq!(told.last().unwrap(), "start n0.p1.capture1");
    let capture = for_purpose(0, Purpose::Capture, 1);
    assert_eq!(
        trial.ended(capture, printed("3\n"))[1..],
        ["start n0.p1.a1"]
    );
    trial.cancel_and_undo("ann").unwrap();
    trial.ended(attempt(0, 1), printed(""));
    let mut outstanding = trial.run.outstanding();
    let Some(Effect::Start(work)) = outstanding.next() else {
        panic!("nothing is undone")
    };
    assert_eq!(work.attempt, undo(0, 1));
    assert_eq!(work.env()["BEFORE"].shown(), "3");
}

#[test]
fn the_way_back_is_not_cut_short_and_who_tries_is_told() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a").undo("back")));
    trial.cancel_and_undo("ann").unwrap();
    trial.ended(attempt(0, 1), printed(""));
    let event = piton_core::run::Event::Cancel {
        by: super::actor("bob"),
        reason: None,
        rollback: false,
    };
    let batch = trial.run.handle(event, trial.now).unwrap();
    assert_eq!(
        super::tell(trial.run.plan(), &batch),
        ["not cancelled by bob: the run is being rolled back"]
    );
    assert!(matches!(batch.refused, Some(ProtocolError::NotNow { .. })));
    assert!(batch.effects.is_empty());
}

#[test]
fn a_stop_elsewhere_waits_until_what_is_undone_is_undone() {
    let nodes = plan("p")
        .parallel(2)
        .node(step("a").irreversible().rewind("a", 1))
        .node(step("b").stop());
    let (mut trial, _) = Trial::create(nodes);
    assert_eq!(
        trial.ended(attempt(0, 1), failed("no")).last().unwrap(),
        "ask a how to undo: Irreversible"
    );
    assert_eq!(
        trial.ended(attempt(1, 1), failed("no"))[1..],
        ["fail b: no"]
    );
    assert_eq!(
        trial.answer(0, "ann", Answer::DidNotHappen).unwrap()[1..],
        [
            "nothing to undo at a: ann",
            "back at a: a",
            "answer b: stop",
            "over Failed"
        ]
    );
}

#[test]
fn what_runs_at_the_end_runs_after_a_rollback_too() {
    let nodes = plan("p")
        .node(step("a").undo("back").undo_after_started().rollback())
        .node(step("z").irreversible().retry(1, Millis(500)).finally());
    let (mut trial, _) = Trial::create(nodes);
    trial.ended(attempt(0, 1), failed("no"));
    assert_eq!(
        trial.ended(undo(0, 1), printed(""))[1..],
        [
            "undone a",
            "finally RolledBack",
            "begin z",
            "start n1.p1.a1"
        ]
    );
    assert_eq!(
        trial.ended(attempt(1, 1), failed("no"))[1..],
        ["retry z at 500"]
    );
    assert_eq!(trial.run.next_timeout(), Some(trial.now.after(Millis(500))));
    trial.after(500).tick();
    assert_eq!(
        trial.ended(attempt(1, 2), failed("no"))[1..],
        ["fail z: no", "over RolledBack, not cleaned up: z"]
    );
}

#[test]
fn a_rollback_takes_over_from_a_rewind_where_that_has_come_to() {
    let nodes = plan("p")
        .parallel(2)
        .node(step("a").undo("back").rewind("a", 1))
        .node(step("b").undo("back").undo_after_started().rollback());
    let (mut trial, _) = Trial::create(nodes);
    trial.ended(attempt(0, 1), failed("no"));
    let wanted = Answer::Succeeded {
        outputs: [].into(),
        evidence: None,
    };
    assert_eq!(
        trial.answer(0, "ann", wanted).unwrap()[1..],
        ["undo a after all: ann", "undo a", "start n0.p1.undo1"]
    );
    assert_eq!(
        trial.ended(attempt(1, 1), failed("no"))[2..],
        ["answer b: rollback"]
    );
    assert_eq!(
        trial.ended(undo(0, 1), failed("no"))[1..],
        [
            "undo of a failed: no",
            "to undo: b, a",
            "undo b",
            "start n1.p1.undo1"
        ]
    );
    assert_eq!(
        trial.ended(undo(1, 1), printed(""))[1..],
        ["undone b", "ask a about its undo: no"]
    );
}
