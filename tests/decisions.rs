//! Decisions come from another process, count once, and only while they may.

use crate::support::{Place, until};

const GATED: &str = r#"
runbook gated {
  timeout = 1m
  step before { run = "echo before" effect = none }
  gate go { approve { by = ["on-call-lead", "cto"], expires = 30m } on_fail = [stop] }
  step after { run = "echo after >> after" effect = abandoned("a test") }
}
"#;

fn gated(text: &str) -> Place {
    let place = Place::new();
    let file = place.file("gated.runbook", text);
    place
        .run(["run".as_ref(), file.as_os_str()])
        .expect(3)
        .says("piton approve");
    assert_eq!(place.state(), "waiting");
    place
}

#[test]
fn an_approval_from_another_process_moves_a_waiting_run_on() {
    let place = gated(GATED);
    let run = place.last_run();
    place
        .run(["approve", &run, "go", "--as", "on-call-lead"])
        .expect(0);
    until("the run goes on", || place.state() == "succeeded");
    assert_eq!(place.read("after"), "after\n");
    let second = place.run(["approve", &run, "go", "--as", "cto"]).expect(1);
    assert!(
        second.stderr.contains("on-call-lead"),
        "it says who decided: {second:?}"
    );
    place.run(["resume", &run]).expect(0);
}

#[test]
fn a_second_decision_is_refused_while_the_run_still_waits_for_something_else() {
    let place = gated(&GATED.replace(
        "step after",
        "gate again { approve { } on_fail = [stop] }\n  step after",
    ));
    place
        .run(["approve", "last", "go", "--as", "cto"])
        .expect(0);
    place
        .run(["reject", "last", "go", "--as", "on-call-lead"])
        .expect(1)
        .says("cto");
    assert_eq!(place.state(), "waiting");
    place.run(["approve", "last", "again"]).expect(0);
    until("the run ends", || place.state() == "succeeded");
}

#[test]
fn somebody_who_may_not_approve_is_refused() {
    let place = gated(GATED);
    place
        .run(["approve", "last", "go", "--as", "intern"])
        .expect(1)
        .says("on-call-lead");
    assert_eq!(place.state(), "waiting");
}

#[test]
fn an_expired_question_takes_no_answer_and_says_why() {
    let place = gated(&GATED.replace("30m", "1s"));
    std::thread::sleep(std::time::Duration::from_millis(1200));
    place
        .run(["approve", "last", "go", "--as", "cto"])
        .expect(1)
        .says("expired");
    until("the run ends", || place.state() == "failed");
    assert_eq!(place.read("after"), "");
}

#[test]
fn a_rejection_stops_the_run() {
    let place = gated(GATED);
    place
        .run(["reject", "last", "go", "--as", "cto", "--note", "not today"])
        .expect(0);
    until("the run ends", || place.state() == "failed");
    place.run(["resume", "last"]).expect(1).says("not today");
    assert_eq!(place.read("after"), "");
}

#[test]
fn an_answer_to_what_was_not_shown_is_refused() {
    let place = gated(GATED);
    let zeros = "0".repeat(64);
    place
        .run(["approve", "last", "go", "--as", "cto", "--shown", &zeros])
        .expect(1);
    assert_eq!(place.state(), "waiting");
}

#[test]
fn an_engine_that_waits_takes_a_decision_at_once() {
    let place = Place::new();
    let file = place.file("gated.runbook", GATED);
    let mut engine = place.spawn(["run".as_ref(), file.as_os_str(), "--wait".as_ref()]);
    until("the run waits", || place.state() == "waiting");
    place
        .run(["approve", "last", "go", "--as", "cto"])
        .expect(0);
    assert_eq!(engine.wait().expect("a child").code(), Some(0));
    assert_eq!(place.read("after"), "after\n");
}

#[test]
fn yes_approves_only_what_the_starter_may() {
    let place = Place::new();
    let file = place.file("gated.runbook", GATED);
    place
        .run(["run".as_ref(), file.as_os_str(), "--yes".as_ref()])
        .expect(3);
    let other = Place::new();
    let file = other.file("gated.runbook", GATED);
    other
        .run([
            "run".as_ref(),
            file.as_os_str(),
            "--yes".as_ref(),
            "--as".as_ref(),
            "cto".as_ref(),
        ])
        .expect(0);
}

#[test]
fn two_answers_at_once_count_as_one() {
    let place = gated(GATED);
    let mut both: Vec<_> = ["on-call-lead", "cto"]
        .into_iter()
        .map(|name| place.spawn(["approve", "last", "go", "--as", name]))
        .collect();
    let codes: Vec<_> = both
        .iter_mut()
        .map(|child| child.wait().expect("a child").code())
        .collect();
    assert!(
        codes.contains(&Some(0)) && codes.contains(&Some(1)),
        "{codes:?}"
    );
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(place.read("after"), "after\n");
}
