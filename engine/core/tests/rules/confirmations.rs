//! What has to hold before a step starts: its target, its confirmation, fresh evidence, and being in time.

use super::{Trial, attempt, failed, for_purpose, in_pass, printed};
use piton_core::id::Purpose;
use piton_core::record::Answer;
use piton_core::run::ProtocolError;
use piton_core::sim::plans::{gate, plan, step};
use piton_core::time::Millis;

#[test]
fn what_is_typed_has_to_be_what_is_about_to_be_changed() {
    let (mut trial, told) = Trial::create(plan("p").node(step("drop").confirm("prod-7")));
    assert_eq!(told.last().unwrap(), "ask drop to confirm prod-7");
    let typed = |text: &str| Answer::Confirm {
        typed: text.to_owned(),
    };
    let refused = trial.answer(0, "ann", typed("prod-8")).unwrap_err();
    assert!(matches!(refused, ProtocolError::NotConfirmed { .. }));
    assert_eq!(
        trial.answer(0, "ann", typed("prod-7")).unwrap()[1..],
        ["start n0.p1.a1"]
    );
}

#[test]
fn a_step_that_nobody_confirms_fails() {
    let (mut trial, _) = Trial::create(plan("p").node(step("drop").confirm("prod-7")));
    let told = trial.answer(0, "ann", Answer::Reject).unwrap();
    assert!(told[1].starts_with("fail drop: "), "{told:?}");
}

#[test]
fn a_target_that_changed_since_it_was_shown_is_not_touched() {
    let nodes = plan("p")
        .node(gate("go").approve(&[]))
        .node(step("drop").needs(&["go"]).target("which", None));
    let (mut trial, told) = Trial::create(nodes);
    assert_eq!(told.last().unwrap(), "start n0.p1.target1.k1");
    let shown = for_purpose(0, Purpose::Target(1), 1);
    assert_eq!(
        trial.ended(shown, printed("prod\n"))[1..],
        ["ask go to approve"]
    );
    assert_eq!(
        trial
            .answer(0, "ann", Answer::Approve)
            .unwrap()
            .last()
            .unwrap(),
        "start n1.p1.recheck1"
    );
    let recheck = for_purpose(1, Purpose::Recheck, 1);
    assert_eq!(
        trial.ended(recheck, printed("other\n"))[1],
        "fail drop: its target has changed: people were shown `prod`, and it is `other` now"
    );
}

#[test]
fn the_wrong_target_is_not_touched() {
    let nodes = plan("p").node(step("drop").target("which", Some("value == 'prod'")));
    let (mut trial, told) = Trial::create(nodes);
    assert_eq!(told.last().unwrap(), "start n0.p1.recheck1");
    let recheck = for_purpose(0, Purpose::Recheck, 1);
    let told = trial.ended(recheck, printed("other\n"));
    assert!(told[1].starts_with("fail drop: "), "{told:?}");
}

#[test]
fn old_evidence_is_gathered_again() {
    let nodes = plan("p")
        .node(gate("fresh").valid_for(Millis(1_000)))
        .node(step("slow"))
        .node(step("a").needs(&["fresh", "slow"]));
    let (mut trial, _) = Trial::create(nodes);
    trial.ended(attempt(0, 1), printed(""));
    let told = trial.after(1_001).ended(attempt(1, 1), printed(""));
    assert_eq!(
        told[2..],
        ["reopen fresh for a", "begin fresh", "start n0.p2.a1"]
    );
    assert_eq!(
        trial.ended(in_pass(attempt(0, 1), 2), printed(""))[1..],
        ["done fresh", "begin a", "start n2.p1.a1"]
    );
}

#[test]
fn what_has_to_follow_closely_fails_when_it_comes_too_late() {
    let nodes = plan("p")
        .node(step("a"))
        .node(step("b"))
        .node(step("c").needs(&["a", "b"]).within(Millis(1_000), "a"));
    let (mut trial, _) = Trial::create(nodes);
    trial.ended(attempt(0, 1), printed(""));
    let told = trial.after(1_500).ended(attempt(1, 1), printed(""));
    assert_eq!(
        told[3],
        "fail c: it has to start within 1s of `a`, and that was done 1s500ms ago"
    );
    let (mut trial, _) = Trial::create(
        plan("p").node(step("a")).node(
            step("b")
                .needs(&["a"])
                .within(Millis(1_000), "a")
                .retry(1, Millis(5_000)),
        ),
    );
    trial.ended(attempt(0, 1), printed(""));
    trial.ended(attempt(1, 1), failed("no"));
    // Only its first attempt has to be in time.
    assert_eq!(trial.after(5_000).tick(), ["start n1.p1.a2"]);
}
