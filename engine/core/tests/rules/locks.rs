//! Named locks.

use super::{Trial, attempt, failed, printed};
use piton_core::record::Answer;
use piton_core::run::{Effect, Event};
use piton_core::sim::plans::{gate, plan, step};
use piton_core::time::Millis;

#[test]
fn a_node_waits_for_its_locks_and_lets_them_go() {
    let nodes = plan("p").node(step("a").lock(&["db"], Millis(1_000)));
    let (mut trial, told) = Trial::create(nodes);
    assert_eq!(told[1..], ["begin a", "lock db for a until 1000"]);
    assert_eq!(trial.outstanding(), ["lock n0"]);
    assert_eq!(trial.locked(Some(0)), ["locked a", "start n0.p1.a1"]);
    // Said again, it changes nothing.
    assert!(trial.locked(Some(0)).is_empty());
    let ended = Event::AttemptEnded {
        attempt: attempt(0, 1),
        outcome: printed(""),
    };
    let batch = trial.run.handle(ended, trial.now).unwrap();
    let unlocked = |effect: &Effect| matches!(effect, Effect::Unlock { .. });
    assert!(batch.effects.iter().any(unlocked), "{:?}", batch.effects);
}

#[test]
fn locks_that_do_not_come_fail_the_node() {
    let nodes = plan("p").node(step("a").lock(&["db"], Millis(1_000)));
    let (mut trial, _) = Trial::create(nodes);
    assert_eq!(
        trial.run.next_timeout(),
        Some(trial.now.after(Millis(1_000)))
    );
    let told = trial.after(1_000).tick();
    assert!(told[0].starts_with("fail a: "), "{told:?}");
    assert_eq!(told.last().unwrap(), "over Failed");
    assert!(trial.locked(Some(0)).is_empty());
}

#[test]
fn a_run_begins_when_it_has_its_own_locks() {
    let nodes = plan("p").lock(&["all"], Millis(1_000)).node(step("a"));
    let (mut trial, told) = Trial::create(nodes);
    assert_eq!(told[1..], ["lock all for the run until 1000"]);
    assert_eq!(
        trial.locked(None),
        ["locked the run", "begin a", "start n0.p1.a1"]
    );

    let nodes = plan("p").lock(&["all"], Millis(1_000)).node(step("a"));
    let (mut trial, _) = Trial::create(nodes);
    assert_eq!(trial.after(1_000).tick().last().unwrap(), "over Failed");
}

#[test]
fn what_runs_at_the_end_of_a_run_without_its_locks_wakes_nobody_for_them() {
    let nodes = plan("p")
        .lock(&["all"], Millis(1_000))
        .node(step("a"))
        .node(step("z").finally());
    let (mut trial, _) = Trial::create(nodes);
    trial.after(2_000).cancel("ann").unwrap();
    assert_eq!(trial.run.in_flight().collect::<Vec<_>>(), [attempt(1, 1)]);
    assert_eq!(trial.run.next_timeout(), None);
}

#[test]
fn locks_that_come_when_the_run_goes_back_are_let_go_with_the_pass() {
    let nodes = plan("p")
        .parallel(2)
        .node(step("a").irreversible())
        .node(step("b").needs(&["a"]).lock(&["db"], Millis(1_000)))
        .node(gate("g").needs(&["a"]).rewind("a", 1));
    let (mut trial, _) = Trial::create(nodes);
    trial.ended(attempt(0, 1), printed(""));
    let told = trial.ended(attempt(2, 1), failed("no"));
    assert_eq!(told.last().unwrap(), "ask a how to undo: Irreversible");
    assert!(trial.locked(Some(1)).is_empty());
    let decision = trial.decision(0, "ann", Answer::UndoneByHand);
    let batch = trial
        .run
        .handle(Event::Decide(decision), trial.now)
        .unwrap();
    let unlocked = |effect: &Effect| matches!(effect, Effect::Unlock { .. });
    assert!(batch.effects.iter().any(unlocked), "{:?}", batch.effects);
}
