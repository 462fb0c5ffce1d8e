//! The clock of the recovery time, the calls while it runs out, and what was lost.

use super::{Trial, attempt, failed, in_pass, printed, undo};
use piton_core::record::{Answer, Delivery, PageId};
use piton_core::run::{Effect, Event, ProtocolError, Run, RunState};
use piton_core::sim::plans::{PlanBuilder, gate, plan, start, step};
use piton_core::text::Text;
use piton_core::time::{Millis, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

const MINUTE: u64 = 60_000;

/// An hour, at risk after 48 minutes, when ann is called, and bob ten minutes later.
fn hour(runbook: PlanBuilder, from: Option<&str>, to: Option<&str>) -> PlanBuilder {
    runbook
        .contact("ann", &[])
        .contact("bob", &[])
        .escalation(
            "pol",
            &[(&["ann"], Some(Millis(10 * MINUTE))), (&["bob"], None)],
            Millis(5_000),
        )
        .rto(
            Millis(60 * MINUTE),
            (from, to),
            Some(Millis(48 * MINUTE)),
            Some("pol"),
        )
}

/// `go`, `restore` and `serve`, one after another; then `tidy`.
fn restoring() -> PlanBuilder {
    let nodes = plan("p")
        .node(step("go").looks())
        .node(step("restore").undo("back").needs(&["go"]))
        .node(step("serve").undo("back").needs(&["restore"]))
        .node(step("tidy").looks().needs(&["serve"]));
    hour(nodes, Some("go"), Some("serve"))
}

fn nobody(number: u32) -> Event {
    Event::PageEnded {
        page: PageId::of_clock(number),
        deliveries: vec![Delivery {
            contact: "ann".to_owned(),
            failed: Some("the line is dead".to_owned()),
        }],
    }
}

#[test]
fn the_clock_runs_between_its_ends_and_nobody_is_called_in_time() {
    let (mut trial, told) = Trial::create(restoring());
    assert!(!told.iter().any(|fact| fact.starts_with("clock")));
    let told = trial.after(5_000).ended(attempt(0, 1), printed(""));
    assert_eq!(told[1..3], ["done go", "clock since 5000"]);
    trial.after(MINUTE).ended(attempt(1, 1), printed(""));
    let told = trial.after(MINUTE).ended(attempt(2, 1), printed(""));
    assert_eq!(
        told[1..],
        [
            "done serve",
            "clock stops at 125000",
            "begin tidy",
            "start n3.p1.a1"
        ]
    );
    // What comes after it takes as long as it likes.
    assert!(trial.after(90 * MINUTE).tick().is_empty());
    let told = trial.ended(attempt(3, 1), printed(""));
    assert_eq!(told[1..], ["done tidy", "over Succeeded"]);
}

#[test]
fn people_are_called_when_it_is_at_risk_and_again_from_the_first_when_it_is_missed() {
    let (mut trial, _) = Trial::create(restoring());
    trial.ended(attempt(0, 1), printed(""));
    let at_risk = Timestamp(48 * i64::try_from(MINUTE).unwrap());
    assert_eq!(trial.run.next_timeout(), Some(at_risk));
    assert!(trial.after(48 * MINUTE - 1).tick().is_empty());
    assert_eq!(trial.after(1).tick(), ["page rto.1 ann: at risk"]);
    // Nobody has to decide anything: the work goes on.
    assert_eq!(trial.run.state(), RunState::Running);
    assert_eq!(trial.after(10 * MINUTE).tick(), ["page rto.2 bob: at risk"]);
    assert_eq!(trial.after(2 * MINUTE).tick(), ["page rto.3 ann: missed"]);
    assert_eq!(trial.after(10 * MINUTE).tick(), ["page rto.4 bob: missed"]);
    // The last level says for how long it is called: for ever.
    assert!(trial.after(100 * MINUTE).tick().is_empty());
}

#[test]
fn an_acknowledgement_silences_the_clock_until_its_next_mark() {
    let (mut trial, _) = Trial::create(restoring());
    trial.ended(attempt(0, 1), printed(""));
    assert_eq!(
        trial.acknowledge_clock("ann"),
        Err(ProtocolError::NobodyCalled)
    );
    trial.after(48 * MINUTE).tick();
    assert_eq!(
        trial.acknowledge_clock("ann").unwrap(),
        ["ann has seen the clock"]
    );
    assert!(matches!(
        trial.acknowledge_clock("bob"),
        Err(ProtocolError::AcknowledgedBefore { .. })
    ));
    assert!(trial.after(11 * MINUTE).tick().is_empty());
    assert_eq!(trial.after(MINUTE).tick(), ["page rto.2 ann: missed"]);
    trial.acknowledge_clock("bob").unwrap();
    assert_eq!(trial.run.next_timeout(), None);
    assert!(!trial.run.is_calling());
}

#[test]
fn who_cannot_be_reached_is_not_waited_for() {
    let (mut trial, _) = Trial::create(restoring());
    trial.ended(attempt(0, 1), printed(""));
    trial.after(48 * MINUTE).tick();
    let outstanding = ["start n1.p1.a1", "page rto.1"];
    assert_eq!(trial.outstanding(), outstanding);
    assert_eq!(
        trial.send(nobody(1)).unwrap(),
        [
            "paged rto.1 not ann: the line is dead",
            "page rto.2 bob: at risk"
        ]
    );
    // Told twice it counts once.
    assert!(trial.send(nobody(1)).unwrap().is_empty());
    assert_eq!(trial.outstanding(), ["start n1.p1.a1", "page rto.2"]);
}

#[test]
fn who_has_seen_it_is_not_followed_by_the_next_level_when_the_call_fails() {
    let (mut trial, _) = Trial::create(restoring());
    trial.ended(attempt(0, 1), printed(""));
    trial.after(48 * MINUTE).tick();
    trial.acknowledge_clock("ann").unwrap();
    let told = trial.send(nobody(1)).unwrap();
    assert_eq!(told, ["paged rto.1 not ann: the line is dead"]);
}

#[test]
fn marks_that_passed_while_nobody_looked_are_one_call() {
    let (mut trial, _) = Trial::create(restoring());
    trial.ended(attempt(0, 1), printed(""));
    assert_eq!(trial.after(61 * MINUTE).tick(), ["page rto.1 ann: missed"]);
}

#[test]
fn a_result_that_comes_right_after_a_mark_is_in_time_and_calls_nobody() {
    let (mut trial, _) = Trial::create(restoring());
    trial.ended(attempt(0, 1), printed(""));
    trial.ended(attempt(1, 1), printed(""));
    let told = trial.after(50 * MINUTE).ended(attempt(2, 1), printed(""));
    assert_eq!(told[1..3], ["done serve", "clock stops at 3000000"]);
    assert!(!told.iter().any(|fact| fact.starts_with("page")));
}

#[test]
fn the_pages_of_a_gate_go_on_beside_those_of_the_clock() {
    let nodes = plan("p")
        .node(step("go").looks())
        .node(gate("ok").approve(&[]).page("pol").needs(&["go"]))
        .node(step("serve").looks().needs(&["ok"]));
    let (mut trial, _) = Trial::create(hour(nodes, Some("go"), Some("serve")));
    trial.ended(attempt(0, 1), printed(""));
    assert_eq!(trial.run.state(), RunState::Waiting);
    assert_eq!(trial.after(10 * MINUTE).tick(), ["page q1.2 bob about ok"]);
    assert!(trial.run.is_calling());
    assert_eq!(trial.after(38 * MINUTE).tick(), ["page rto.1 ann: at risk"]);
    // To have seen the one is not to have seen the other.
    trial.acknowledge(1, "bob").unwrap();
    assert_eq!(
        trial.after(10 * MINUTE).tick()[..],
        ["page q1.3 bob about ok", "page rto.2 bob: at risk"]
    );
    assert_eq!(trial.run.state(), RunState::Waiting);
    let told = trial.answer(1, "ann", Answer::Approve).unwrap();
    assert_eq!(told[1], "done ok");
}

#[test]
fn a_rewind_past_its_end_lets_the_clock_run_on_from_its_start() {
    let nodes = plan("p")
        .node(step("go").looks())
        .node(step("restore").undo("back").needs(&["go"]))
        .node(step("serve").looks().needs(&["restore"]))
        .node(gate("fine").needs(&["serve"]).rewind("restore", 1));
    let runbook = hour(nodes, Some("go"), Some("serve")).rpo(Millis(MINUTE), "duration('5s')");
    let (mut trial, _) = Trial::create(runbook);
    trial.ended(attempt(0, 1), printed(""));
    trial.ended(attempt(1, 1), printed(""));
    let told = trial.after(MINUTE).ended(attempt(2, 1), printed(""));
    assert_eq!(told[2..4], ["clock stops at 60000", "lost 5s"]);
    let told = trial.ended(attempt(3, 1), failed("no"));
    assert_eq!(
        told[1..4],
        [
            "fail fine: no",
            "answer fine: back to restore",
            "clock runs on"
        ]
    );
    // While it goes back the time passes as well.
    assert_eq!(trial.after(47 * MINUTE).tick(), ["page rto.1 ann: at risk"]);
    trial.ended(undo(1, 1), printed(""));
    trial.ended(in_pass(attempt(1, 1), 2), printed(""));
    let told = trial.ended(in_pass(attempt(2, 1), 2), printed(""));
    assert_eq!(told[2..4], ["clock stops at 2880000", "lost 5s"]);
    // That it was at risk once is over.
    assert!(trial.after(90 * MINUTE).tick().is_empty());
}

#[test]
fn a_rollback_takes_what_was_reached_away() {
    let nodes = plan("p")
        .node(step("serve").undo("back"))
        .node(gate("fine").needs(&["serve"]).rollback());
    let (mut trial, told) = Trial::create(hour(nodes, None, Some("serve")));
    assert_eq!(told[1], "clock since 0");
    let told = trial.after(1_000).ended(attempt(0, 1), printed(""));
    assert_eq!(told[2], "clock stops at 1000");
    let told = trial.ended(attempt(1, 1), failed("no"));
    assert!(told.contains(&"clock runs on".to_owned()), "{told:?}");
    let told = trial.after(1_000).ended(undo(0, 1), printed(""));
    assert_eq!(
        told[1..],
        [
            "undone serve",
            "clock stops at 2000, not there",
            "over RolledBack"
        ]
    );
}

#[test]
fn a_cancelled_run_stops_the_clock_before_what_runs_at_its_end() {
    let nodes = plan("p")
        .node(step("serve").undo("back"))
        .node(step("log").looks().finally());
    let (mut trial, _) = Trial::create(hour(nodes, None, None));
    trial.after(49 * MINUTE).tick();
    trial.cancel("ann").unwrap();
    let told = trial.after(1_000).ended(attempt(0, 1), failed("stopped"));
    let end = ["clock stops at 2941000, not there", "finally Cancelled"];
    assert_eq!(told[told.len() - 4..][..2], end);
    // Nobody is called about it any more, and a page that is under way is not looked after.
    assert!(trial.after(90 * MINUTE).tick().is_empty());
    assert!(trial.send(nobody(1)).unwrap().is_empty());
    assert!(matches!(
        trial.acknowledge_clock("ann"),
        Err(ProtocolError::NobodyCalled)
    ));
}

#[test]
fn without_an_end_of_its_own_the_clock_measures_the_whole_work() {
    let nodes = hour(plan("p").node(step("a").looks()), None, None);
    let nodes = nodes.rpo(Millis(MINUTE), "steps.a.outputs.lost");
    let (mut trial, _) = Trial::create(nodes);
    let told = trial.after(7_000).ended(attempt(0, 1), printed(""));
    assert_eq!(told[2], "clock stops at 7000");
    assert!(told[3].starts_with("lost nobody knows: `achieved` cannot be worked out"));
    assert_eq!(told[4], "over Succeeded");
}

#[test]
fn a_node_that_was_done_before_the_run_does_not_stop_the_clock() {
    let plan = Arc::new(restoring().build().unwrap());
    let mut start = start();
    start.assumed = vec![piton_core::record::Assumed {
        node: piton_core::plan::NodeIndex(2),
        outputs: [].into(),
    }];
    let id = piton_core::id::RunId("trial".to_owned());
    let (mut run, _) = Run::create(id, plan, start, Timestamp(0));
    let done = |node| Event::AttemptEnded {
        attempt: attempt(node, 1),
        outcome: printed(""),
    };
    for node in [0, 1] {
        run.handle(done(node), Timestamp(1_000)).unwrap();
    }
    let batch = run.handle(done(3), Timestamp(5_000)).unwrap();
    let told = super::tell(run.plan(), &batch);
    assert_eq!(
        told[2..],
        ["clock stops at 5000, not there", "over Succeeded"]
    );
}

#[test]
fn expressions_know_what_was_measured_and_null_before() {
    let told = step("tell").looks().needs(&["serve"]);
    let nodes = plan("p")
        .node(step("early").looks().env("TOOK", "${{ run.rto == null }}"))
        .node(step("serve").looks().needs(&["early"]))
        .node(
            told.env("TOOK", "${{ run.rto }}")
                .env("LOST", "${{ run.rpo }}")
                .env("SINCE", "${{ run.started_at }}"),
        );
    let nodes = nodes
        .rto(Millis(MINUTE), (Some("early"), Some("serve")), None, None)
        .rpo(Millis(MINUTE), "duration('2s')");
    let (mut trial, _) = Trial::create(nodes);
    assert_eq!(environment(&trial.run)["TOOK"].shown(), "true");
    trial.after(1_000).ended(attempt(0, 1), printed(""));
    trial.after(3_000).ended(attempt(1, 1), printed(""));
    trial.after(9_000);
    let told = environment(&trial.run);
    assert_eq!(told["TOOK"].shown(), "3s");
    assert_eq!(told["LOST"].shown(), "2s");
    assert_eq!(told["SINCE"].shown(), "1970-01-01T00:00:01Z");
}

/// The environment of the attempt that runs.
fn environment(run: &Run) -> BTreeMap<String, Text> {
    let start = |effect| match effect {
        Effect::Start(work) => Some(work.inputs.env),
        _ => None,
    };
    run.outstanding().find_map(start).unwrap()
}
