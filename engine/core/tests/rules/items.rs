//! Nodes that are done for each of a list.

use super::{Trial, attempt, failed, printed, undo};
use piton_core::id::AttemptId;
use piton_core::run::Effect;
use piton_core::sim::plans::{NodeBuilder, plan, step};
use piton_core::time::Millis;

fn each() -> NodeBuilder {
    step("a")
        .for_each("['x', 'y', 'z']")
        .env("ITEM", "${{ item }}")
        .undo("back")
        .undo_env("ITEM", "${{ item }}")
}

/// The environment variable that the attempt under way is given.
fn item(trial: &Trial) -> (AttemptId, String) {
    let Some(Effect::Start(work)) = trial.run.outstanding().next() else {
        panic!("nothing runs")
    };
    (work.attempt, work.env()["ITEM"].shown())
}

#[test]
fn a_retry_does_what_is_not_done_yet_and_undo_goes_in_reverse() {
    let nodes = plan("p").node(each().retry(1, Millis(0)));
    let (mut trial, _) = Trial::create(nodes);
    assert_eq!(item(&trial), (attempt(0, 1), "x".to_owned()));
    assert_eq!(
        trial.ended(attempt(0, 1), printed(""))[1..],
        ["done a 0", "start n0.p1.a2"]
    );
    assert_eq!(
        trial.ended(attempt(0, 2), failed("no"))[1..],
        ["retry a at 0", "start n0.p1.a3"]
    );
    assert_eq!(item(&trial), (attempt(0, 3), "y".to_owned()));
    trial.ended(attempt(0, 3), printed(""));
    assert_eq!(item(&trial), (attempt(0, 4), "z".to_owned()));
    trial.cancel_and_undo("ann").unwrap();
    assert_eq!(
        trial.ended(attempt(0, 4), printed(""))[1..],
        ["done a 2", "to undo: a", "undo a", "start n0.p1.undo1"]
    );
    for (number, name) in [(1, "z"), (2, "y"), (3, "x")] {
        assert_eq!(item(&trial), (undo(0, number), name.to_owned()));
        let told = trial.ended(undo(0, number), printed(""));
        assert_eq!(told[1], format!("undone a {}", 3 - number));
    }
    assert!(trial.run.outcome().is_some());
}

#[test]
fn only_items_that_were_done_are_undone() {
    let (mut trial, _) = Trial::create(plan("p").node(each().rollback()));
    trial.ended(attempt(0, 1), printed(""));
    assert_eq!(
        trial.ended(attempt(0, 2), failed("no"))[1..4],
        [
            "fail a: item `y`: no",
            "answer a: rollback",
            "to undo: a? HalfDone"
        ]
    );
    let told = trial
        .answer(0, "ann", piton_core::record::Answer::DidNotHappen)
        .unwrap();
    assert_eq!(told.last().unwrap(), "start n0.p1.undo1");
    assert_eq!(item(&trial), (undo(0, 1), "x".to_owned()));
    assert_eq!(
        trial.ended(undo(0, 1), printed(""))[1..],
        ["undone a 0", "undone a", "over RolledBack"]
    );
}

#[test]
fn without_items_there_is_nothing_to_do() {
    let (_, told) = Trial::create(plan("p").node(step("a").for_each("[]")));
    assert_eq!(told[1..], ["begin a", "done a", "over Succeeded"]);
}

#[test]
fn what_somebody_did_for_all_items_is_undone_for_all_items() {
    let policy: (&[&str], Option<Millis>) = (&["ann"], None);
    let nodes = plan("p")
        .contact("ann", &[])
        .escalation("pol", &[policy], Millis(1_000))
        .node(each().escalate("pol", None))
        .node(step("b").needs(&["a"]).rollback());
    let (mut trial, _) = Trial::create(nodes);
    trial.ended(attempt(0, 1), printed(""));
    trial.ended(attempt(0, 2), failed("no"));
    let done = piton_core::record::Answer::Succeeded {
        outputs: [].into(),
        evidence: Some("seen".to_owned()),
    };
    trial.answer(0, "ann", done).unwrap();
    trial.ended(attempt(1, 1), failed("no"));
    for (number, name) in [(1, "z"), (2, "y"), (3, "x")] {
        assert_eq!(item(&trial), (undo(0, number), name.to_owned()));
        trial.ended(undo(0, number), printed(""));
    }
    assert!(trial.run.outcome().is_some());
}
