//! What an unknown outcome gets.

use super::{Trial, attempt, failed, printed, probe, unknown};
use piton_core::plan::Interrupted;
use piton_core::record::{Answer, OutcomeStatus};
use piton_core::run::{Outcome, ProtocolError, RunState};
use piton_core::sim::plans::{NodeBuilder, plan, step};
use piton_core::time::Millis;
use piton_core::value::Value;

fn interrupted(node: NodeBuilder) -> (Trial, Vec<String>) {
    let (mut trial, _) = Trial::create(plan("p").node(node));
    let told = trial.ended(attempt(0, 1), unknown("it died"));
    (trial, told)
}

#[test]
fn ask_puts_a_question_and_takes_each_answer() {
    for (answer, then) in [
        (
            Answer::Succeeded {
                outputs: [].into(),
                evidence: None,
            },
            &["done a", "over Succeeded"][..],
        ),
        (Answer::DidNotHappen, &["start n0.p1.a2"]),
        (
            Answer::Failed,
            &[
                "fail a: ann (ann@elsewhere) said that it failed",
                "answer a: stop",
                "over Failed",
            ],
        ),
    ] {
        let (mut trial, told) = interrupted(step("a"));
        assert_eq!(
            told,
            [
                "ended n0.p1.a1 Unknown it died",
                "ask about n0.p1.a1: it died"
            ]
        );
        assert_eq!(trial.run.state(), RunState::Waiting);
        assert_eq!(trial.outstanding(), ["ask n0.p1 q1"]);
        assert_eq!(trial.answer(0, "ann", answer).unwrap()[1..], *then);
    }
}

#[test]
fn an_interruption_is_not_approved() {
    let (mut trial, _) = interrupted(step("a"));
    let refused = trial.answer(0, "ann", Answer::Approve).unwrap_err();
    assert!(
        matches!(refused, ProtocolError::WrongAnswer { .. }),
        "{refused}"
    );
}

#[test]
fn who_says_that_it_succeeded_gives_exactly_its_outputs() {
    let (mut trial, _) = interrupted(step("a").output("x", "stdout"));
    let outputs = |names: &[&str]| Answer::Succeeded {
        outputs: names
            .iter()
            .map(|&name| (name.to_owned(), Value::Int(1)))
            .collect(),
        evidence: None,
    };
    let missing = trial.answer(0, "ann", outputs(&[])).unwrap_err();
    assert!(missing.to_string().contains("`x` is missing"), "{missing}");
    let unheard_of = trial.answer(0, "ann", outputs(&["x", "y"])).unwrap_err();
    assert!(
        unheard_of.to_string().contains("no output `y`"),
        "{unheard_of}"
    );
    assert_eq!(
        trial.answer(0, "ann", outputs(&["x"])).unwrap()[1],
        "done a"
    );
}

#[test]
fn did_not_happen_waits_for_a_place() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a")).node(step("b")));
    let told = trial.ended(attempt(0, 1), unknown("it died"));
    assert_eq!(
        told[1..],
        ["ask about n0.p1.a1: it died", "begin b", "start n1.p1.a1"]
    );
    assert_eq!(
        trial.answer(0, "ann", Answer::DidNotHappen).unwrap(),
        ["ann says DidNotHappen to a"]
    );
    assert_eq!(trial.run.state(), RunState::Running);
    assert_eq!(
        trial.ended(attempt(1, 1), printed(""))[2..],
        ["start n0.p1.a2"]
    );
}

#[test]
fn rerun_does_not_count_as_a_retry() {
    let (mut trial, told) = interrupted(
        step("a")
            .interrupted(Interrupted::Rerun)
            .retry(1, Millis(0)),
    );
    assert_eq!(told[1..], ["start n0.p1.a2"]);
    assert_eq!(
        trial.ended(attempt(0, 2), failed("no"))[1..],
        ["retry a at 0", "start n0.p1.a3"]
    );
    assert_eq!(
        trial.ended(attempt(0, 3), unknown("it died"))[1..],
        ["start n0.p1.a4"]
    );
    assert_eq!(
        trial.ended(attempt(0, 4), failed("no"))[1..],
        ["fail a: no", "answer a: stop", "over Failed"]
    );
}

#[test]
fn rerun_does_not_go_on_for_ever() {
    let (mut trial, _) = interrupted(step("a").interrupted(Interrupted::Rerun));
    let told = (2..=101)
        .map(|number| trial.ended(attempt(0, number), unknown("it died")))
        .last()
        .unwrap();
    assert_eq!(
        told[1..],
        [
            "fail a: it was interrupted 100 times and done again each time; it is not tried any more",
            "answer a: stop",
            "over Failed"
        ]
    );
}

#[test]
fn fail_is_not_tried_again() {
    let (_, told) = interrupted(step("a").interrupted(Interrupted::Fail).retry(3, Millis(0)));
    assert_eq!(
        told[1..],
        [
            "fail a: its outcome is unknown: it died",
            "answer a: stop",
            "over Failed"
        ]
    );
}

#[test]
fn a_probe_finds_out() {
    let node = || step("a").probe("test -e done").output("x", "stdout");
    let (mut trial, told) = interrupted(node());
    assert_eq!(told[1..], ["start n0.p1.probe1"]);
    let told = trial.ended(probe(0, 1), printed("5\n"));
    assert_eq!(
        told,
        ["ended n0.p1.probe1 Succeeded", "done a", "over Succeeded"]
    );

    let (mut trial, _) = interrupted(node());
    assert_eq!(
        trial.ended(probe(0, 1), failed("it is not there"))[1..],
        ["start n0.p1.a2"]
    );
    assert_eq!(
        trial.ended(attempt(0, 2), unknown("it died"))[1..],
        ["start n0.p1.probe2"]
    );

    for status in [
        OutcomeStatus::TimedOut,
        OutcomeStatus::Unknown,
        OutcomeStatus::Stopped,
    ] {
        let (mut trial, _) = interrupted(node());
        let told = trial.ended(probe(0, 1), Outcome::not_succeeded(status, "hm"));
        assert_eq!(told[1..], ["ask about n0.p1.a1: hm"]);
    }
}

#[test]
fn a_probe_that_cannot_give_the_outputs_leaves_it_to_a_person() {
    let (mut trial, _) = interrupted(step("a").probe("true").output("x", "json.path"));
    let told = trial.ended(probe(0, 1), printed("not json"));
    assert!(
        told[1].starts_with("ask about n0.p1.a1: the probe found that it happened, but output `x`"),
        "{told:?}"
    );
}

#[test]
fn an_answer_to_an_earlier_interruption_does_not_count_for_a_later_one() {
    let (mut trial, _) = interrupted(step("a"));
    let stale = trial.decision(
        0,
        "bob",
        Answer::Succeeded {
            outputs: [].into(),
            evidence: None,
        },
    );
    trial.answer(0, "ann", Answer::DidNotHappen).unwrap();
    trial.ended(attempt(0, 2), unknown("it died"));
    let refused = trial
        .send(piton_core::run::Event::Decide(stale))
        .unwrap_err();
    assert_eq!(
        refused,
        ProtocolError::ShownChanged {
            node: "a".to_owned()
        }
    );
}

#[test]
fn an_attempt_that_never_began_is_replaced_whatever_the_node_says() {
    for how in [Interrupted::Ask, Interrupted::Fail, Interrupted::Rerun] {
        let (mut trial, _) = Trial::create(plan("p").node(step("a").interrupted(how)));
        let never = Outcome::not_succeeded(OutcomeStatus::NotStarted, "there was no engine");
        assert_eq!(trial.ended(attempt(0, 1), never)[1..], ["start n0.p1.a2"]);
    }
}

#[test]
fn an_attempt_that_never_began_is_not_replaced_once_the_run_is_cancelled() {
    let (mut trial, _) = Trial::create(plan("p").node(step("a")));
    trial.cancel("ann").unwrap();
    let never = Outcome::not_succeeded(OutcomeStatus::NotStarted, "there was no engine");
    assert_eq!(
        trial.ended(attempt(0, 1), never)[1..],
        ["fail a: there was no engine", "over Cancelled"]
    );
}
