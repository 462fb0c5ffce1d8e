//! Waiting for something to become true, and for time to pass.

use super::{Trial, attempt, failed, printed};
use piton_core::sim::plans::{NodeBuilder, plan, step};
use piton_core::time::{Millis, Timestamp};

fn looking(node: NodeBuilder) -> Trial {
    Trial::create(plan("p").node(node)).0
}

fn node() -> NodeBuilder {
    step("a")
        .until("value == 'up'", Millis(1_000))
        .timeout(Millis(60_000))
        .looks()
}

#[test]
fn it_looks_again_until_it_is_true() {
    let mut trial = looking(node());
    assert_eq!(
        trial.ended(attempt(0, 1), printed("down")),
        ["ended n0.p1.a1 Succeeded", "look a at 1000"]
    );
    assert_eq!(trial.run.next_timeout(), Some(Timestamp(1_000)));
    assert_eq!(trial.after(1_000).tick(), ["start n0.p1.a2"]);
    // A look that fails is one at which it is not true.
    assert_eq!(
        trial.ended(attempt(0, 2), failed("no"))[1..],
        ["look a at 2000"]
    );
    trial.after(1_000).tick();
    assert_eq!(
        trial.ended(attempt(0, 3), printed("up"))[1..],
        ["done a", "over Succeeded"]
    );
}

#[test]
fn its_time_bounds_the_whole_of_it() {
    let mut trial = looking(node());
    trial.ended(attempt(0, 1), printed("down"));
    trial.after(59_500).tick();
    let told = trial.after(600).ended(attempt(0, 2), printed("down"));
    assert_eq!(told[1], "fail a: it was not true within 1m: value == 'up'");
}

#[test]
fn it_has_to_be_true_so_often_in_a_row() {
    let mut trial = looking(node().consecutive(2));
    for (number, found) in [(1, "up"), (2, "down"), (3, "up")] {
        let told = trial.ended(attempt(0, number), printed(found));
        assert!(told[1].starts_with("look a at "), "{told:?}");
        trial.after(1_000).tick();
    }
    assert_eq!(trial.ended(attempt(0, 4), printed("up"))[1], "done a");
}

#[test]
fn it_has_to_stay_true_for_so_long() {
    let mut trial = looking(node().hold_for(Millis(1_500)));
    for number in 1..=2 {
        let told = trial.ended(attempt(0, number), printed("up"));
        assert!(told[1].starts_with("look a at "), "{told:?}");
        trial.after(1_000).tick();
    }
    assert_eq!(trial.ended(attempt(0, 3), printed("up"))[1], "done a");
}

#[test]
fn what_is_in_vain_is_not_waited_for() {
    let mut trial = looking(node().fail_when("value == 'dead'"));
    let told = trial.ended(attempt(0, 1), printed("dead"));
    assert!(told[1].starts_with("fail a: "), "{told:?}");
}

#[test]
fn a_wait_takes_its_time_and_no_place() {
    let nodes = plan("p")
        .node(step("a").wait_for(Millis(5_000)).looks())
        .node(step("b"));
    let (mut trial, told) = Trial::create(nodes);
    assert_eq!(told[1..], ["begin a", "begin b", "start n1.p1.a1"]);
    assert_eq!(trial.run.next_timeout(), Some(Timestamp(5_000)));
    trial.ended(attempt(1, 1), printed(""));
    assert!(trial.after(4_999).tick().is_empty());
    assert_eq!(trial.after(1).tick(), ["done a", "over Succeeded"]);
}

#[test]
fn another_exit_code_can_be_a_success() {
    let outcome = || {
        let mut outcome = failed("it exited with code 1");
        outcome.produced.exit_code = Some(1);
        outcome
    };
    let mut trial = looking(step("a").success("exit_code == 1"));
    assert_eq!(trial.ended(attempt(0, 1), outcome())[1], "done a");
    let mut trial = looking(step("a").success("exit_code == 2"));
    assert!(trial.ended(attempt(0, 1), outcome())[1].starts_with("fail a"));
}
