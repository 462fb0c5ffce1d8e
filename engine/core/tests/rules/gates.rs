//! Approvals.

use super::{Trial, actor, attempt, printed};
use piton_core::digest::Digest;
use piton_core::id::Actor;
use piton_core::plan::Approve;
use piton_core::record::{Answer, RunOutcome};
use piton_core::run::{Event, ProtocolError, RunState};
use piton_core::sim::plans::{gate, plan, step};
use piton_core::time::{Millis, Timestamp};

fn waiting(change: impl FnOnce(&mut Approve)) -> Trial {
    let nodes = plan("p")
        .node(gate("go").approve(&[]).approval(change))
        .node(step("a").needs(&["go"]));
    Trial::create(nodes).0
}

#[test]
fn an_approval_moves_the_run_on() {
    let mut trial = waiting(|_| {});
    assert_eq!(trial.run.state(), RunState::Waiting);
    assert_eq!(trial.outstanding(), ["ask n0.p1 q1"]);
    let told = trial.answer(0, "ann", Answer::Approve).unwrap();
    assert_eq!(
        told,
        [
            "ann says Approve to go",
            "done go",
            "begin a",
            "start n1.p1.a1"
        ]
    );
}

#[test]
fn a_rejection_fails_the_gate_and_says_who_and_why() {
    let mut trial = waiting(|_| {});
    let mut decision = trial.decision(0, "ann", Answer::Reject);
    decision.note = Some("not tonight".to_owned());
    let told = trial.send(Event::Decide(decision)).unwrap();
    assert_eq!(
        told[1..],
        [
            "fail go: rejected by ann (ann@elsewhere): not tonight",
            "answer go: stop",
            "over Failed"
        ]
    );
}

#[test]
fn somebody_is_needed_while_a_question_can_expire() {
    assert!(!waiting(|_| {}).run.is_calling());
    assert!(
        waiting(|approve| approve.expires = Some(Millis(5)))
            .run
            .is_calling()
    );
}

#[test]
fn a_second_decision_is_refused_and_told_who_was_first() {
    let mut trial = waiting(|_| {});
    let second = trial.decision(0, "bob", Answer::Reject);
    trial.after(42).answer(0, "ann", Answer::Approve).unwrap();
    let refused = trial.send(Event::Decide(second)).unwrap_err();
    let expected = ProtocolError::AlreadyDecided {
        node: "go".to_owned(),
        by: actor("ann"),
        answer: Box::new(Answer::Approve),
        at: Timestamp(42),
    };
    assert_eq!(refused, expected);
    let text = refused.to_string();
    assert!(
        text.contains(
            "`go` was already decided: ann (ann@elsewhere) approved it at 1970-01-01T00:00:00.042Z"
        ),
        "{text}"
    );
}

#[test]
fn a_decision_after_the_end_is_refused() {
    let mut trial = waiting(|_| {});
    let second = trial.decision(0, "bob", Answer::Approve);
    trial.answer(0, "ann", Answer::Reject).unwrap();
    let refused = trial.send(Event::Decide(second)).unwrap_err();
    assert_eq!(
        refused,
        ProtocolError::Over {
            outcome: RunOutcome::Failed,
            at: Timestamp(0)
        }
    );
}

#[test]
fn silence_until_the_expiry_fails_the_gate() {
    let mut trial = waiting(|approve| approve.expires = Some(Millis(1_800_000)));
    assert_eq!(trial.run.state(), RunState::Waiting);
    assert_eq!(trial.run.next_timeout(), Some(Timestamp(1_800_000)));
    assert_eq!(trial.after(1_799_999).tick(), Vec::<String>::new());
    let told = trial.after(1).tick();
    assert_eq!(
        told,
        [
            "expired go",
            "fail go: nobody approved within 30m",
            "answer go: stop",
            "over Failed"
        ]
    );
}

#[test]
fn an_answer_after_the_expiry_is_refused_even_before_the_tick() {
    let mut trial = waiting(|approve| approve.expires = Some(Millis(1_000)));
    trial.after(1_000);
    let refused = trial.answer(0, "ann", Answer::Approve).unwrap_err();
    assert_eq!(
        refused,
        ProtocolError::Expired {
            node: "go".to_owned(),
            at: Timestamp(1_000)
        }
    );
    assert_eq!(trial.tick()[0], "expired go");
}

#[test]
fn an_expired_gate_says_so_while_the_run_goes_on() {
    let nodes = plan("p")
        .node(
            gate("go")
                .approve(&[])
                .approval(|a| a.expires = Some(Millis(10)))
                .on_fail(piton_core::plan::Response::Continue),
        )
        .node(step("a"));
    let (mut trial, _) = Trial::create(nodes);
    let late = trial.decision(0, "ann", Answer::Approve);
    assert_eq!(
        trial.after(500).tick(),
        [
            "expired go",
            "fail go: nobody approved within 10ms",
            "answer go: go on"
        ]
    );
    let refused = trial.send(Event::Decide(late)).unwrap_err();
    assert_eq!(
        refused,
        ProtocolError::Expired {
            node: "go".to_owned(),
            at: Timestamp(10)
        }
    );
    assert_eq!(
        trial.ended(attempt(1, 1), printed("")).last().unwrap(),
        "over Succeeded"
    );
}

#[test]
fn an_answer_to_something_else_is_refused() {
    let mut trial = waiting(|_| {});
    let mut decision = trial.decision(0, "ann", Answer::Approve);
    decision.shown = Digest::of(&[b"something else"]);
    let refused = trial.send(Event::Decide(decision)).unwrap_err();
    assert_eq!(
        refused,
        ProtocolError::ShownChanged {
            node: "go".to_owned()
        }
    );
}

#[test]
fn what_is_shown_depends_on_the_outputs_that_the_gate_needs() {
    let shown = |printed_text: &str| {
        let nodes = plan("p")
            .node(step("a").output("x", "stdout"))
            .node(gate("go").approve(&[]).needs(&["a"]));
        let (mut trial, _) = Trial::create(nodes);
        trial.ended(attempt(0, 1), printed(printed_text));
        trial.decision(1, "ann", Answer::Approve).shown
    };
    assert_eq!(shown("1"), shown("1"));
    assert_ne!(shown("1"), shown("2"));
}

#[test]
fn only_those_who_are_asked_may_answer() {
    let mut trial = waiting(|approve| approve.by = vec!["lead".to_owned(), "cto".to_owned()]);
    for answer in [Answer::Approve, Answer::Reject] {
        let refused = trial.answer(0, "ann", answer).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "`ann` may not answer at `go`: it asks lead, cto; act as one of them with `--as NAME`"
        );
    }
    assert_eq!(
        trial.answer(0, "lead", Answer::Approve).unwrap()[1],
        "done go"
    );
}

#[test]
fn several_approvals_come_from_different_people() {
    let mut trial = waiting(|approve| approve.count = 2);
    assert_eq!(
        trial.answer(0, "ann", Answer::Approve).unwrap(),
        ["ann says Approve to go"]
    );
    let refused = trial.answer(0, "ann", Answer::Approve).unwrap_err();
    assert!(
        matches!(refused, ProtocolError::Twice { missing: 1, .. }),
        "{refused}"
    );
    assert_eq!(
        trial.answer(0, "bob", Answer::Approve).unwrap()[1],
        "done go"
    );
}

#[test]
fn one_rejection_outweighs_an_approval() {
    let mut trial = waiting(|approve| approve.count = 2);
    trial.answer(0, "ann", Answer::Approve).unwrap();
    assert_eq!(
        trial.answer(0, "bob", Answer::Reject).unwrap()[1],
        "fail go: rejected by bob (bob@elsewhere)"
    );
}

#[test]
fn too_few_approvals_until_the_expiry_fail_the_gate() {
    let mut trial = waiting(|approve| (approve.count, approve.expires) = (2, Some(Millis(1_000))));
    trial.answer(0, "ann", Answer::Approve).unwrap();
    assert_eq!(
        trial.after(1_000).tick()[1],
        "fail go: only 1 of 2 approved within 1s"
    );
}

#[test]
fn the_starter_may_be_kept_from_approving_under_either_name() {
    let mut trial = waiting(|approve| approve.not_starter = true);
    for name in ["starter", "starter@here"] {
        let mut decision = trial.decision(0, "x", Answer::Approve);
        decision.by = Actor {
            name: name.to_owned(),
            account: "starter@here".to_owned(),
        };
        let refused = trial.send(Event::Decide(decision)).unwrap_err();
        assert!(
            matches!(refused, ProtocolError::Starter { .. }),
            "{refused}"
        );
    }
    assert_eq!(
        trial.answer(0, "ann", Answer::Approve).unwrap()[1],
        "done go"
    );
}

#[test]
fn a_gate_does_not_take_the_answers_of_an_interruption() {
    let mut trial = waiting(|_| {});
    for answer in [
        Answer::DidNotHappen,
        Answer::Failed,
        Answer::Succeeded {
            outputs: [].into(),
            evidence: None,
        },
    ] {
        let refused = trial.answer(0, "ann", answer).unwrap_err();
        assert!(
            matches!(refused, ProtocolError::WrongAnswer { .. }),
            "{refused}"
        );
    }
}

#[test]
fn nothing_is_decided_where_nothing_is_asked() {
    let mut trial = waiting(|_| {});
    let refused = trial.answer(1, "ann", Answer::Approve).unwrap_err();
    assert_eq!(
        refused,
        ProtocolError::NothingToDecide {
            node: "a".to_owned()
        }
    );
    let refused = trial.answer(9, "ann", Answer::Approve).unwrap_err();
    assert_eq!(refused, ProtocolError::NoSuchNode { number: 9 });
}
