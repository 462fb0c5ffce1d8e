//! Calling people, level by level.

use super::Trial;
use piton_core::record::{Answer, Delivery, PageId};
use piton_core::run::Event;
use piton_core::sim::plans::{gate, plan};
use piton_core::time::Millis;

/// A gate that waits; two levels, of which the last one is paged again after ten seconds.
fn waiting() -> (Trial, Vec<String>) {
    let nodes = plan("p")
        .contact("ann", &[])
        .contact("bob", &[])
        .escalation(
            "pol",
            &[
                (&["ann"], Some(Millis(5_000))),
                (&["bob"], Some(Millis(10_000))),
            ],
            Millis(60_000),
        )
        .node(gate("go").approve(&[]).page("pol"));
    Trial::create(nodes)
}

fn nobody(number: u32, contact: &str) -> Event {
    Event::PageEnded {
        page: PageId {
            question: 1,
            number,
        },
        deliveries: vec![Delivery {
            contact: contact.to_owned(),
            failed: Some("the line is dead".to_owned()),
        }],
    }
}

#[test]
fn the_next_level_is_called_when_nobody_acknowledges() {
    let (mut trial, told) = waiting();
    assert_eq!(told[2..], ["ask go to approve", "page q1.1 ann about go"]);
    assert_eq!(
        trial.run.next_timeout(),
        Some(trial.now.after(Millis(5_000)))
    );
    assert!(trial.after(4_999).tick().is_empty());
    assert_eq!(trial.after(1).tick(), ["page q1.2 bob about go"]);
    // The last level is called again and again.
    assert_eq!(trial.after(10_000).tick(), ["page q1.3 bob about go"]);
}

#[test]
fn an_acknowledgement_pauses_the_calling_and_then_it_goes_on() {
    let (mut trial, _) = waiting();
    assert_eq!(
        trial.after(1_000).acknowledge(0, "ann").unwrap(),
        ["ann has seen go until 61000"]
    );
    assert!(trial.after(59_999).tick().is_empty());
    assert_eq!(trial.after(1).tick(), ["page q1.2 ann about go"]);
    assert_eq!(trial.after(5_000).tick(), ["page q1.3 bob about go"]);
    assert!(trial.answer(0, "ann", Answer::Approve).is_ok());
    assert_eq!(trial.run.next_timeout(), None);
}

#[test]
fn who_cannot_be_reached_is_not_waited_for() {
    let (mut trial, _) = waiting();
    assert_eq!(
        trial.after(100).send(nobody(1, "ann")).unwrap(),
        [
            "paged q1.1 not ann: the line is dead",
            "page q1.2 bob about go"
        ]
    );
    // There is nobody after the last level: it is called again at its time.
    let told = trial.send(nobody(2, "bob")).unwrap();
    assert_eq!(told, ["paged q1.2 not bob: the line is dead"]);
}

#[test]
fn a_call_that_fails_after_an_acknowledgement_calls_nobody_else() {
    let (mut trial, _) = waiting();
    trial.acknowledge(0, "ann").unwrap();
    let told = trial.send(nobody(1, "ann")).unwrap();
    assert_eq!(told, ["paged q1.1 not ann: the line is dead"]);
}

#[test]
fn a_call_whose_end_nobody_told_is_outstanding() {
    let (mut trial, _) = waiting();
    assert_eq!(trial.outstanding(), ["ask n0.p1 q1", "page q1.1"]);
    trial.send(nobody(1, "ann")).unwrap();
    assert_eq!(trial.outstanding(), ["ask n0.p1 q1", "page q1.2"]);
}
