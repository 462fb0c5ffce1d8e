//! Attempts that the engine cannot reach.

use super::{Trial, attempt, for_purpose, printed, undo, unknown};
use piton_core::id::Purpose;
use piton_core::plan::Interrupted;
use piton_core::record::Answer;
use piton_core::run::{Event, ProtocolError, Run, RunState};
use piton_core::sim::plans::{NodeBuilder, plan, step};
use piton_core::time::Millis;

fn away(trial: &mut Trial, node: u32, number: u32) -> Vec<String> {
    let attempt = attempt(node, number);
    let event = Event::Elsewhere {
        attempt,
        host: "a".to_owned(),
        why: "it does not answer".to_owned(),
    };
    trial.send(event).unwrap()
}

fn run_away(node: NodeBuilder) -> Trial {
    let (mut trial, _) = Trial::create(plan("p").node(node));
    assert_eq!(
        away(&mut trial, 0, 1),
        ["away n0.p1.a1 on a", "ask about n0.p1.a1 on a"]
    );
    trial
}

fn succeeded() -> Answer {
    Answer::Succeeded {
        outputs: [].into(),
        evidence: None,
    }
}

#[test]
fn it_is_asked_about_and_not_started_here() {
    let mut trial = run_away(
        step("a")
            .interrupted(Interrupted::Rerun)
            .timeout(Millis(1000)),
    );
    assert_eq!(trial.outstanding(), ["ask n0.p1 q1"]);
    assert_eq!(trial.run.state(), RunState::Waiting);
    assert_eq!(trial.run.away().collect::<Vec<_>>(), [(attempt(0, 1), "a")]);
    assert_eq!(away(&mut trial, 0, 1), [""; 0], "it was known");
    // Its silence says nothing, however long it lasts.
    assert_eq!(trial.run.next_timeout(), None);
    assert_eq!(trial.after(1_000_000_000).tick(), [""; 0]);
    let unheard_of = Event::Elsewhere {
        attempt: attempt(0, 2),
        host: "a".to_owned(),
        why: String::new(),
    };
    let refused = trial.send(unheard_of).unwrap_err();
    assert!(matches!(refused, ProtocolError::NoSuchAttempt { .. }));
}

#[test]
fn each_answer_counts_as_it_does_for_an_interrupted_one() {
    for (answer, then) in [
        (
            succeeded(),
            &[
                "ended n0.p1.a1 Unknown ann (ann@elsewhere) said that it is over",
                "done a",
                "over Succeeded",
            ][..],
        ),
        (
            Answer::DidNotHappen,
            &[
                "ended n0.p1.a1 NotStarted ann (ann@elsewhere) said that it did not happen",
                "start n0.p1.a2",
            ],
        ),
        (
            Answer::Failed,
            &[
                "ended n0.p1.a1 Unknown ann (ann@elsewhere) said that it is over",
                "fail a: ann (ann@elsewhere) said that it failed",
                "answer a: stop",
                "over Failed",
            ],
        ),
    ] {
        let mut trial = run_away(step("a"));
        assert_eq!(trial.answer(0, "ann", answer).unwrap()[1..], *then);
        // What is heard of it later changes nothing.
        let late = trial.ended(attempt(0, 1), printed(""));
        assert_eq!(late, ["late n0.p1.a1 Succeeded"]);
    }
}

#[test]
fn its_end_settles_the_question() {
    let mut trial = run_away(step("a"));
    assert_eq!(
        trial.ended(attempt(0, 1), printed("")),
        [
            "ended n0.p1.a1 Succeeded",
            "void a: the end of the attempt is known",
            "done a",
            "over Succeeded"
        ]
    );
}

#[test]
fn an_unknown_end_follows_what_the_node_says_of_interruptions() {
    let mut trial = run_away(step("a").interrupted(Interrupted::Rerun));
    assert_eq!(
        trial.ended(attempt(0, 1), unknown("the host is dead")),
        [
            "ended n0.p1.a1 Unknown the host is dead",
            "void a: the end of the attempt is known",
            "start n0.p1.a2"
        ]
    );
}

#[test]
fn it_may_come_within_reach_again() {
    let mut trial = run_away(step("a").timeout(Millis(1000)));
    let reached = Event::Reached {
        attempt: attempt(0, 1),
    };
    assert_eq!(
        trial.send(reached.clone()).unwrap(),
        [
            "reached n0.p1.a1",
            "void a: the attempt is within reach again"
        ]
    );
    assert_eq!(trial.outstanding(), ["start n0.p1.a1"]);
    assert_eq!(trial.run.state(), RunState::Running);
    assert!(trial.run.next_timeout().is_some(), "silence counts again");
    assert_eq!(trial.send(reached).unwrap(), [""; 0]);
    assert_eq!(
        away(&mut trial, 0, 1),
        ["away n0.p1.a1 on a", "ask about n0.p1.a1 on a"]
    );
}

#[test]
fn a_cancel_waits_for_it_and_does_not_take_the_question_back() {
    let mut trial = run_away(step("a"));
    assert_eq!(
        trial.cancel("bob").unwrap(),
        ["cancel by bob", "stop n0.p1.a1"]
    );
    assert_eq!(trial.run.questions().count(), 1);
    assert_eq!(
        trial.answer(0, "ann", succeeded()).unwrap()[2..],
        ["done a", "over Cancelled"]
    );
}

#[test]
fn nothing_is_undone_before_its_end_is_known() {
    let (mut trial, _) = Trial::create(
        plan("p")
            .node(step("a").undo("x"))
            .node(step("b").undo("x")),
    );
    trial.ended(attempt(0, 1), printed(""));
    away(&mut trial, 1, 1);
    assert_eq!(
        trial.cancel_and_undo("bob").unwrap(),
        ["cancel by bob with rollback", "stop n1.p1.a1"]
    );
    let told = trial.answer(1, "ann", succeeded()).unwrap();
    assert!(
        told.contains(&"start n1.p1.undo1".to_owned()),
        "what is there is undone: {told:?}"
    );
}

#[test]
fn an_undo_out_of_reach_is_asked_about_too() {
    for (answer, expected) in [
        (succeeded(), "undone a"),
        (Answer::DidNotHappen, "start n0.p1.undo2"),
    ] {
        let (mut trial, _) = Trial::create(plan("p").node(step("a").undo("x")).node(step("b")));
        trial.ended(attempt(0, 1), printed(""));
        trial.ended(attempt(1, 1), unknown("it died"));
        let told = trial.cancel_and_undo("bob").unwrap();
        assert!(told.contains(&"start n0.p1.undo1".to_owned()), "{told:?}");
        let event = Event::Elsewhere {
            attempt: undo(0, 1),
            host: "a".to_owned(),
            why: String::new(),
        };
        assert_eq!(
            trial.send(event).unwrap(),
            ["away n0.p1.undo1 on a", "ask about n0.p1.undo1 on a"]
        );
        let told = trial.answer(0, "ann", answer).unwrap();
        assert!(told.contains(&expected.to_owned()), "{told:?}");
    }
}

#[test]
fn a_look_out_of_reach_cannot_be_said_to_have_succeeded() {
    let (mut trial, told) = Trial::create(plan("p").node(step("a").capture("true")));
    assert!(
        told.contains(&"start n0.p1.capture1".to_owned()),
        "{told:?}"
    );
    let event = Event::Elsewhere {
        attempt: for_purpose(0, Purpose::Capture, 1),
        host: "a".to_owned(),
        why: String::new(),
    };
    trial.send(event).unwrap();
    let refused = trial.answer(0, "ann", succeeded()).unwrap_err();
    assert!(
        matches!(refused, ProtocolError::WrongAnswer { .. }),
        "{refused}"
    );
    let told = trial.answer(0, "ann", Answer::DidNotHappen).unwrap();
    assert_eq!(told[2..], ["start n0.p1.capture2"]);
}

#[test]
fn a_run_that_is_loaded_knows_what_is_out_of_reach() {
    let (mut run, mut records) = {
        let plan = std::sync::Arc::new(plan("p").node(step("a")).build().unwrap());
        let id = piton_core::id::RunId("trial".to_owned());
        let now = piton_core::time::Timestamp(0);
        let (run, batch) = Run::create(id, plan, piton_core::sim::plans::start(), now);
        (run, batch.records)
    };
    let event = Event::Elsewhere {
        attempt: attempt(0, 1),
        host: "a".to_owned(),
        why: "w".to_owned(),
    };
    let now = piton_core::time::Timestamp(5);
    records.extend(run.handle(event, now).unwrap().records);
    // Also between the fact and the question that follows from it.
    for through in 1..=records.len() {
        let tail = records[..through].to_vec();
        let loaded = Run::load(run.plan().clone(), None, tail).unwrap();
        let starts = loaded
            .outstanding()
            .any(|effect| effect.id() == "start n0.p1.a1");
        assert_eq!(
            starts,
            loaded.away().next().is_none() && through > 2,
            "{through}"
        );
    }
    let snapshot = run.snapshot();
    let stored = serde_json::from_str(&serde_json::to_string(&snapshot).unwrap()).unwrap();
    assert_eq!(
        Run::load(run.plan().clone(), Some(stored), []).unwrap(),
        run
    );
}
