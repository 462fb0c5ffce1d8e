//! What people can decide about a node that failed.

use super::{Trial, attempt, failed, printed};
use piton_core::plan::NodeIndex;
use piton_core::record::Answer;
use piton_core::run::ProtocolError;
use piton_core::sim::plans::{NodeBuilder, PlanBuilder, plan, step};
use piton_core::time::Millis;
use piton_core::value::Value;

/// Ann is called first, then Bob and Cat.
fn with_policy(plan: PlanBuilder) -> PlanBuilder {
    plan.contact("ann", &[]).contact("bob", &[]).escalation(
        "pol",
        &[(&["ann"], Some(Millis(900_000))), (&["bob"], None)],
        Millis(600_000),
    )
}

/// A step that failed, with people being asked what now; `b` needs it.
fn failing(node: NodeBuilder) -> Trial {
    let nodes = plan("p")
        .node(step("first").undo("back"))
        .node(node.needs(&["first"]))
        .node(step("b").needs(&["a"]));
    let (mut trial, _) = Trial::create(with_policy(nodes));
    trial.ended(attempt(0, 1), printed(""));
    let told = trial.ended(attempt(1, 1), failed("no"));
    assert_eq!(
        told[1..],
        [
            "fail a: no",
            "answer a: escalate to pol",
            "ask a what now: no",
            "page q1.1 ann about a"
        ]
    );
    trial
}

fn escalating() -> NodeBuilder {
    step("a")
        .output("x", "stdout")
        .undo("back")
        .escalate("pol", None)
}

#[test]
fn each_decision_does_what_it_says() {
    let outputs = || [("x".to_owned(), Value::Int(1))].into();
    for (answer, then) in [
        (Answer::Retry, &["reopen a", "start n1.p1.a2"][..]),
        (
            Answer::Skip { outputs: outputs() },
            &["skip a", "begin b", "start n2.p1.a1"],
        ),
        (
            Answer::Succeeded {
                outputs: outputs(),
                evidence: Some("seen".to_owned()),
            },
            &["done a", "begin b", "start n2.p1.a1"],
        ),
        (Answer::Stop, &["answer a: stop by ann", "over Failed"]),
        (
            Answer::Rollback,
            &[
                "answer a: rollback by ann",
                "to undo: a? HalfDone, first",
                "ask a how to undo: HalfDone",
                "page q2.1 ann about a",
            ],
        ),
        (
            Answer::Rewind { to: NodeIndex(0) },
            &[
                "answer a: back to first by ann",
                "to undo: a? HalfDone, first",
                "ask a how to undo: HalfDone",
                "page q2.1 ann about a",
            ],
        ),
    ] {
        let mut trial = failing(escalating());
        assert_eq!(trial.answer(1, "ann", answer).unwrap()[1..], *then);
    }
}

#[test]
fn a_run_goes_back_only_to_what_is_before() {
    let mut trial = failing(escalating());
    let refused = trial.answer(1, "ann", Answer::Rewind { to: NodeIndex(2) });
    assert!(matches!(refused, Err(ProtocolError::NotBefore { .. })));
}

#[test]
fn what_nobody_may_skip_is_not_skipped() {
    let mut trial = failing(escalating().never_skip());
    let skip = Answer::Skip { outputs: [].into() };
    let refused = trial.answer(1, "ann", skip);
    assert!(matches!(refused, Err(ProtocolError::NeverSkip { .. })));
}

#[test]
fn an_expired_decision_takes_the_next_rung() {
    let node = step("a")
        .undo("back")
        .undo_after_started()
        .escalate("pol", Some(Millis(60_000)))
        .rollback();
    let mut trial = failing(node);
    assert_eq!(
        trial.run.next_timeout(),
        Some(trial.now.after(Millis(60_000)))
    );
    assert_eq!(
        trial.after(60_000).tick(),
        [
            "expired a",
            "answer a: rollback",
            "to undo: a, first",
            "undo a",
            "start n1.p1.undo1"
        ]
    );
}

#[test]
fn what_somebody_took_is_theirs() {
    let mut trial = failing(escalating());
    assert_eq!(
        trial.after(5).take(1, "ann", false).unwrap(),
        ["ann takes a until 600005"]
    );
    let refused = trial.answer(1, "bob", Answer::Stop).unwrap_err();
    let ProtocolError::TakenBy { by, at, until, .. } = &refused else {
        panic!("{refused}")
    };
    assert_eq!((by.name.as_str(), at.0, until.0), ("ann", 5, 600_005));
    assert!(
        refused
            .to_string()
            .starts_with("ann (ann@elsewhere) took the question at `a`")
    );
    assert!(trial.take(1, "bob", false).is_err());
    assert_eq!(
        trial.take(1, "bob", true).unwrap(),
        ["bob takes a until 600005"]
    );
    assert!(trial.answer(1, "ann", Answer::Stop).is_err());
    assert!(trial.answer(1, "bob", Answer::Stop).is_ok());
}

#[test]
fn nothing_irreversible_is_done_again_while_people_decide() {
    let nodes = plan("p")
        .parallel(2)
        .node(escalating())
        .node(step("b").irreversible().retry(1, Millis(0)))
        .node(step("c").irreversible().needs(&[]));
    let (mut trial, _) = Trial::create(with_policy(nodes));
    trial.ended(attempt(0, 1), failed("no"));
    // `b` runs on; its further try and `c` wait for the decision.
    assert_eq!(
        trial.ended(attempt(1, 1), failed("no"))[1..],
        ["retry b at 0"]
    );
    assert!(trial.after(1_000).tick().is_empty());
    let skip = Answer::Skip {
        outputs: [("x".to_owned(), Value::Null)].into(),
    };
    assert_eq!(
        trial.answer(0, "ann", skip).unwrap()[1..],
        ["skip a", "start n1.p1.a2", "begin c", "start n2.p1.a1"]
    );
}

#[test]
fn what_somebody_did_before_any_attempt_is_undone_too() {
    let node = step("a")
        .capture("before")
        .undo("back")
        .escalate("pol", None);
    let nodes = with_policy(
        plan("p")
            .node(node)
            .node(step("b").needs(&["a"]).rollback()),
    );
    let (mut trial, _) = Trial::create(nodes);
    let capture = super::for_purpose(0, piton_core::id::Purpose::Capture, 1);
    trial.ended(capture, failed("no"));
    let done = Answer::Succeeded {
        outputs: [].into(),
        evidence: Some("seen".to_owned()),
    };
    trial.answer(0, "ann", done).unwrap();
    assert_eq!(
        trial.ended(attempt(1, 1), failed("no"))[3..],
        ["to undo: a", "undo a", "start n0.p1.undo1"]
    );
}
