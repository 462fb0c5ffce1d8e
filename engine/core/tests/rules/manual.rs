//! What people do and answer themselves.

use super::{Trial, for_purpose, in_pass, printed};
use piton_core::id::Purpose;
use piton_core::plan::AnswerType;
use piton_core::record::Answer;
use piton_core::run::{Effect, ProtocolError};
use piton_core::sim::plans::{gate, plan, step};
use piton_core::time::Millis;
use piton_core::value::Value;

fn done(answer: &str, ticked: u32) -> Answer {
    Answer::Done {
        answers: [("backup".to_owned(), Value::String(answer.to_owned()))].into(),
        ticked,
    }
}

#[test]
fn answers_are_checked_and_become_outputs() {
    let nodes = plan("p")
        .node(
            step("choose")
                .manual("choose a backup")
                .tick("the list is complete")
                .ask("backup", AnswerType::String)
                .validate("value != 'bad'")
                .looks(),
        )
        .node(
            step("use")
                .needs(&["choose"])
                .env("B", "${{ steps.choose.outputs.backup }}"),
        );
    let (mut trial, told) = Trial::create(nodes);
    assert_eq!(told.last().unwrap(), "ask choose to do it");
    for (answer, ticked) in [("good", 0), ("bad", 1)] {
        let refused = trial.answer(0, "ann", done(answer, ticked));
        assert!(matches!(refused, Err(ProtocolError::NotDone { .. })));
    }
    trial.answer(0, "ann", done("good", 1)).unwrap();
    let Some(Effect::Start(work)) = trial.run.outstanding().next() else {
        panic!("it does not go on")
    };
    assert_eq!(work.env()["B"].shown(), "good");
}

#[test]
fn an_answer_is_one_of_the_choices() {
    let nodes = plan("p").node(
        step("choose")
            .manual("choose a backup")
            .ask("backup", AnswerType::String)
            .choices("list"),
    );
    let (mut trial, told) = Trial::create(nodes);
    assert_eq!(told.last().unwrap(), "start n0.p1.choices1.k0");
    let choices = for_purpose(0, Purpose::Choices(0), 1);
    assert_eq!(
        trial.ended(choices, printed("one\ntwo\n"))[1..],
        ["ask choose to do it"]
    );
    let refused = trial.answer(0, "ann", done("three", 0));
    assert!(matches!(refused, Err(ProtocolError::NotDone { .. })));
    assert!(trial.answer(0, "ann", done("two", 0)).is_ok());
}

#[test]
fn what_was_answered_in_earlier_passes_can_be_left_out() {
    let untried = "!(value in steps.choose.history.map(h, h.backup))";
    let nodes = plan("p")
        .node(
            step("choose")
                .manual("choose a backup")
                .ask("backup", AnswerType::String)
                .validate(untried)
                .looks(),
        )
        .node(gate("g").needs(&["choose"]).rewind("choose", 2));
    let (mut trial, _) = Trial::create(nodes);
    trial.answer(0, "ann", done("one", 0)).unwrap();
    let gate = super::attempt(1, 1);
    assert_eq!(
        trial.ended(gate, super::failed("no"))[4..],
        [
            "back at choose: choose g",
            "begin choose",
            "ask choose to do it"
        ]
    );
    let refused = trial.answer(0, "ann", done("one", 0));
    assert!(matches!(refused, Err(ProtocolError::NotDone { .. })));
    assert!(trial.answer(0, "ann", done("two", 0)).is_ok());
    assert_eq!(
        trial.run.in_flight().collect::<Vec<_>>(),
        [in_pass(gate, 2)]
    );
}

#[test]
fn what_nobody_does_in_time_fails() {
    let nodes = plan("p").node(step("a").manual("do it").expires(Millis(1_000)));
    let (mut trial, _) = Trial::create(nodes);
    assert_eq!(
        trial.after(1_000).tick()[..2],
        ["expired a", "fail a: nobody did it within 1s"]
    );
    assert_eq!(trial.run.questions().count(), 0);
    let late = trial.answer(0, "ann", done("x", 0));
    assert!(late.is_err());
}

#[test]
fn a_manual_step_has_the_outputs_that_it_declares_beside_its_answers() {
    let nodes = plan("p")
        .node(step("find").output("moment", "'noon'").looks())
        .node(
            step("choose")
                .needs(&["find"])
                .manual("choose a backup")
                .ask("backup", AnswerType::String)
                .output("target", "steps.find.outputs.moment")
                .looks(),
        )
        .node(step("use").needs(&["choose"]).env(
            "B",
            "${{ steps.choose.outputs.backup }} ${{ steps.choose.outputs.target }}",
        ));
    let (mut trial, _) = Trial::create(nodes);
    trial.ended(super::attempt(0, 1), printed(""));
    trial.answer(1, "ann", done("good", 0)).unwrap();
    let Some(Effect::Start(work)) = trial.run.outstanding().next() else {
        panic!("it does not go on")
    };
    assert_eq!(work.env()["B"].shown(), "good noon");
}
