//! People do, answer, decide and confirm from other processes: each answer counts once, and who comes second is told
//! who was first, and when.

use crate::support::{Ended, Place, until};

/// Somebody to call, so that nobody waits alone.
const PEOPLE: &str = r#"
  contact lead { roles = ["infra"]  via = [{ command = ["true"] }] }
  contact cto { via = [{ command = ["true"] }] }
  escalation infra { level { page = ["lead"] ack_within = 10m } decide_within = 20m }
  page = "infra"
"#;

/// A run of this runbook's nodes that waits for people.
fn waiting(nodes: &str) -> Place {
    let (place, ended) = begun(nodes, &[]);
    ended.expect(3);
    place
}

/// A run of this runbook's nodes, begun with these further arguments.
fn begun(nodes: &str, arguments: &[&str]) -> (Place, Ended) {
    let place = Place::new();
    place.file(
        "people.runbook",
        &format!("runbook people {{\n  timeout = 1m\n{PEOPLE}\n{nodes}\n}}\n"),
    );
    let ended = place.run(["run", "people.runbook"].iter().chain(arguments));
    (place, ended)
}

const CHOOSE: &str = r#"
  step choose {
    effect = none
    manual {
      instructions = "Pick a backup."
      ask backup { type = string  from { run = "printf 'base_1\nbase_2\n'" } }
      ask copies { type = int  default = "2"  validate = "value > 0" }
    }
  }
  step use {
    env { BACKUP = "${{ steps.choose.outputs.backup }}"  COPIES = "${{ steps.choose.outputs.copies }}" }
    run = "echo $BACKUP $COPIES > used"
    effect = abandoned("a test")
  }
"#;

#[test]
fn a_choice_is_answered_by_its_number_and_the_rest_by_defaults() {
    let place = waiting(CHOOSE);
    place
        .run(["show", "last"])
        .expect(0)
        .says("base_2")
        .says("piton answer");
    // The node may be left out: only one question is open.
    place.run(["answer", "last", "backup=2"]).expect(0);
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(place.read("used"), "base_2 2\n");
}

#[test]
fn an_answer_that_does_not_fit_is_refused_and_the_question_stays_open() {
    let place = waiting(CHOOSE);
    for (answer, why) in [
        ("backup=base_3", "base_1"),
        ("copies=many", "a whole number"),
        ("copies=0", "value > 0"),
    ] {
        place
            .run(["answer", "last", "choose", answer])
            .expect(1)
            .says(why);
    }
    place
        .run(["answer", "last", "choose", "bakup=1"])
        .expect(2)
        .says("did you mean `backup`");
    place
        .run(["answer", "last", "choose", "copies=1"])
        .expect(1)
        .says("backup");
    assert_eq!(place.state(), "waiting");
    place
        .run(["answer", "last", "choose", "backup=base_1", "copies=3"])
        .expect(0);
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(place.read("used"), "base_1 3\n");
}

const CHECKLIST: &str = r#"
  step announce { effect = none  manual { checklist = ["tell support", "tell the CEO"] } }
  step after { run = "echo after > after"  effect = abandoned("a test") }
"#;

#[test]
fn a_checklist_is_done_only_when_all_of_it_is() {
    let place = waiting(CHECKLIST);
    place
        .run(["done", "last", "announce"])
        .expect(1)
        .says("--all");
    assert_eq!(place.state(), "waiting");
    place
        .run(["done", "last", "announce", "--all", "--as", "lead"])
        .expect(0);
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(place.read("after"), "after\n");
    place
        .run(["done", "last", "announce", "--all", "--as", "cto"])
        .expect(1)
        .says("lead");
}

#[test]
fn a_task_that_cannot_be_done_fails() {
    let place = waiting(CHECKLIST);
    place
        .run(["decide", "last", "announce", "failed", "--note", "no phone"])
        .expect(0);
    until("the run ends", || place.state() == "failed");
    assert_eq!(place.read("after"), "");
}

#[test]
fn the_second_to_decide_is_told_who_was_first_and_when() {
    let gates = r#"
      gate go { approve { by = ["lead", "cto"] } on_fail = [stop] }
      gate again { approve { } on_fail = [stop] }
    "#;
    let place = waiting(gates);
    place
        .run(["approve", "last", "go", "--as", "lead"])
        .expect(0);
    let second = place
        .run(["reject", "last", "go", "--as", "cto"])
        .expect(1)
        .says("lead")
        .says("approved");
    assert!(second.stderr.contains("20"), "it says when: {second:?}");
    assert_eq!(place.state(), "waiting");
    let json = place
        .run(["approve", "last", "go", "--as", "cto", "--json"])
        .expect(1);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["accepted"], false);
    assert!(
        json["message"]
            .as_str()
            .is_some_and(|text| text.contains("lead")),
        "{json}"
    );
}

const GATE: &str = r#"
  gate go { approve { by = ["lead", "cto"] } on_fail = [stop] }
  step after { run = "echo after > after"  effect = abandoned("a test") }
"#;

#[test]
fn who_takes_a_question_decides_it() {
    let place = waiting(GATE);
    place.run(["take", "last", "go", "--as", "lead"]).expect(0);
    place
        .run(["approve", "last", "--as", "cto"])
        .expect(1)
        .says("lead")
        .says("--over");
    place
        .run(["take", "last", "--as", "cto"])
        .expect(1)
        .says("lead");
    place
        .run(["take", "last", "--as", "cto", "--over"])
        .expect(0);
    place
        .run(["approve", "last", "--as", "lead"])
        .expect(1)
        .says("cto");
    assert_eq!(place.state(), "waiting");
    place.run(["approve", "last", "--as", "cto"]).expect(0);
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(place.read("after"), "after\n");
}

#[test]
fn an_acknowledgement_counts_and_keeps_nobody_from_deciding() {
    let place = waiting(GATE);
    place
        .run(["ack", "last", "--as", "lead"])
        .expect(0)
        .says("lead");
    place.run(["show", "last"]).expect(0).says("lead");
    assert_eq!(place.state(), "waiting");
    place
        .run(["approve", "last", "go", "--as", "cto"])
        .expect(0);
    until("the run ends", || place.state() == "succeeded");
    place.run(["ack", "last", "--as", "lead"]).expect(1);
}

#[test]
fn a_command_that_does_not_fit_the_question_says_which_does() {
    let place = waiting(GATE);
    place
        .run(["done", "last", "go"])
        .expect(1)
        .says("piton approve");
    place
        .run(["decide", "last", "go", "retry", "--as", "lead"])
        .expect(1);
    place
        .run(["decide", "last", "go", "retyr"])
        .expect(2)
        .says("did you mean `retry`");
    assert_eq!(place.state(), "waiting");
}

const FAILS: &str = r#"
  step before { run = "echo before >> log"  undo { run = "echo undo-before >> log" } }
  step fetch {
    run = "test -e ready && echo rows=7 >> $PITON_OUTPUT"
    outputs { rows = "output.rows" }
    undo { run = "echo undo-fetch >> log"  after = started }
    on_fail = [escalate("infra")]
  }
  step after {
    env { ROWS = "${{ steps.fetch.outputs.rows }}" }
    run = "echo after $ROWS >> log"
    effect = abandoned("a test")
  }
"#;

#[test]
fn a_failed_node_is_tried_again_when_somebody_says_so() {
    let place = waiting(FAILS);
    place
        .run(["show", "last"])
        .expect(0)
        .says("piton decide")
        .says("rollback");
    place.run(["decide", "last", "fetch", "retry"]).expect(0);
    until("it fails again", || {
        let run = place.json(["show", "last", "--json"]);
        let tries = run["nodes"][1]["attempts"].as_array().map_or(0, Vec::len);
        tries == 2 && place.state() == "waiting"
    });
    place.file("ready", "");
    place.run(["decide", "last", "retry"]).expect(0);
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(place.read("log"), "before\nafter 7\n");
}

#[test]
fn a_failed_node_is_skipped_with_the_outputs_that_others_use() {
    let place = waiting(FAILS);
    place
        .run(["decide", "last", "fetch", "skip", "--output", "row=3"])
        .expect(1)
        .says("`row`");
    place
        .run(["decide", "last", "fetch", "skip", "--output", "rows=3"])
        .expect(0);
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(place.read("log"), "before\nafter 3\n");
}

#[test]
fn a_failed_node_goes_back_where_somebody_says() {
    let place = waiting(FAILS);
    place.file("ready", "");
    place
        .run(["decide", "last", "fetch", "rewind", "--to", "befor"])
        .expect(2)
        .says("did you mean `before`");
    place
        .run(["decide", "last", "fetch", "rewind", "--to", "before"])
        .expect(0);
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(
        place.read("log"),
        "before\nundo-fetch\nundo-before\nbefore\nafter 7\n"
    );
}

#[test]
fn a_failed_node_rolls_everything_back() {
    let place = waiting(FAILS);
    place.run(["decide", "last", "fetch", "rollback"]).expect(0);
    until("the run ends", || place.state() == "rolled back");
    assert_eq!(place.read("log"), "before\nundo-fetch\nundo-before\n");
    place.run(["resume", "last"]).expect(4);
}

#[test]
fn a_cancel_may_take_back_what_was_done() {
    let place = waiting(FAILS);
    place
        .run(["cancel", "last", "--rollback", "--reason", "wrong cluster"])
        .expect(4);
    assert_eq!(place.read("log"), "before\nundo-fetch\nundo-before\n");
    place.run(["cancel", "last", "--rollback"]).expect(1);
}

#[test]
fn what_a_destructive_step_changes_is_typed() {
    let drop = r#"
      step drop {
        confirm = "prod-db-2"
        run = "echo dropped > dropped"
        irreversible = "the database is gone"
      }
    "#;
    let place = waiting(drop);
    place
        .run(["done", "last", "drop"])
        .expect(1)
        .says("--typed");
    place
        .run(["done", "last", "drop", "--typed", "prod-db-1"])
        .expect(1)
        .says("prod-db-2");
    assert_eq!(place.state(), "waiting");
    assert_eq!(place.read("dropped"), "");
    place
        .run(["done", "last", "drop", "--typed", "prod-db-2"])
        .expect(0);
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(place.read("dropped"), "dropped\n");
}

#[test]
fn yes_takes_defaults_and_ticks_but_confirms_nothing() {
    let nodes = r#"
      step choose { effect = none  manual { checklist = ["look"]  ask backup { type = string  default = "LATEST" } } }
      step drop {
        confirm = "${{ steps.choose.outputs.backup }}"
        run = "true"
        irreversible = "it is gone"
      }
    "#;
    let (place, ended) = begun(nodes, &["--yes"]);
    ended.expect(3);
    let open = place.json(["runs", "--json"]);
    assert_eq!(open[0]["questions"][0], "drop", "{open}");
    place.run(["done", "last", "--typed", "LATEST"]).expect(0);
    until("the run ends", || place.state() == "succeeded");
}

const UNDOABLE: &str = r#"
  step one { run = "echo one >> log"  undo { run = "echo undo-one >> log" } }
  step two { run = "echo two >> log"  undo { run = "echo undo-two >> log" } }
"#;

#[test]
fn a_run_that_is_over_is_taken_back_once() {
    let (place, ended) = begun(UNDOABLE, &[]);
    ended.expect(0);
    let run = place.last_run();
    place
        .run(["rollback", &run])
        .expect(4)
        .says("undo-two")
        .says(&format!("{run}-rollback"));
    assert_eq!(place.read("log"), "one\ntwo\nundo-two\nundo-one\n");
    place
        .run(["rollback", &run])
        .expect(1)
        .says(&format!("{run}-rollback"));
    let back = format!("{run}-rollback");
    place.run(["rollback", &back]).expect(1).says(&run);
    assert_eq!(place.read("log"), "one\ntwo\nundo-two\nundo-one\n");
}

#[test]
fn a_run_that_goes_on_is_taken_back_by_itself() {
    let place = waiting(&format!("{UNDOABLE}{GATE}"));
    place
        .run(["rollback", "last", "--reason", "a drill"])
        .expect(4)
        .says("undo-two");
    assert_eq!(place.read("log"), "one\ntwo\nundo-two\nundo-one\n");
    assert_eq!(place.state(), "rolled back");
}

#[test]
fn two_people_answer_at_the_very_same_time_and_one_of_them_counts() {
    for _ in 0..3 {
        let place = waiting(CHOOSE);
        let mut both: Vec<_> = ["1", "2"]
            .into_iter()
            .map(|choice| {
                let answer = format!("backup={choice}");
                place.spawn([
                    "answer",
                    "last",
                    "choose",
                    &answer,
                    "--as",
                    &format!("p{choice}"),
                ])
            })
            .collect();
        let ends: Vec<_> = both
            .drain(..)
            .map(|child| Ended::from(child.wait_with_output().expect("a child")))
            .collect();
        let codes: Vec<_> = ends.iter().map(|end| end.code).collect();
        let what = format!("the run ends after {ends:#?}");
        until(&what, || place.state() == "succeeded");
        let winner = codes.iter().position(|code| *code == Some(0));
        let winner = winner.unwrap_or_else(|| panic!("{codes:?}"));
        assert_eq!(codes[1 - winner], Some(1), "{codes:?}");
        assert_eq!(place.read("used"), format!("base_{} 2\n", winner + 1));
        let answered = place.facts(&place.last_run(), "answered");
        assert_eq!(answered.len(), 1, "{answered:?}");
    }
}

#[test]
fn whoever_answers_goes_on_when_the_engine_that_took_the_answer_dies_of_it() {
    // How many records there are when somebody is waited for.
    let place = waiting(CHOOSE);
    let asked = place.records(&place.last_run()).len();
    let place = Place::new();
    place.file(
        "people.runbook",
        &format!("runbook people {{\n  timeout = 1m\n{PEOPLE}\n{CHOOSE}\n}}\n"),
    );
    let mut engine = place.piton(["run", "people.runbook", "--wait"]);
    engine.env("PITON_TEST_DIE_AFTER_RECORD", (asked + 1).to_string());
    let mut engine = engine.spawn().expect("piton starts");
    until("it asks", || {
        let runs = place.json(["runs", "--json"]);
        runs[0]["questions"][0] == "choose"
    });
    place
        .run(["answer", "last", "choose", "backup=1"])
        .expect(0)
        .says("it counts");
    assert_eq!(engine.wait().expect("a child").code(), None);
    assert_eq!(place.state(), "succeeded");
    assert_eq!(place.read("used"), "base_1 2\n");
}

const ASSUMED: &str = r#"
  step fetch { run = "echo fetch >> log; echo rows=7 >> $PITON_OUTPUT"  outputs { rows = "output.rows" }  effect = abandoned("a test") }
  step load {
    env { ROWS = "${{ steps.fetch.outputs.rows }}" }
    run = "echo load $ROWS >> log"
    effect = abandoned("a test")
  }
"#;

#[test]
fn what_is_taken_as_done_is_not_done_and_gives_its_outputs() {
    let arguments = [
        "--assume-done",
        "fetch",
        "--output",
        "rows=3",
        "--as",
        "lead",
    ];
    let (place, ended) = begun(ASSUMED, &arguments);
    ended.expect(0).says("fetch  taken as done (said by lead");
    assert_eq!(place.read("log"), "load 3\n");
}

#[test]
fn what_cannot_be_taken_as_done_starts_nothing() {
    for (arguments, why) in [
        (vec!["--assume-done", "fech"], "did you mean `fetch`"),
        (vec!["--assume-done", "fetch"], "rows"),
        (
            vec!["--assume-done", "load", "--output", "x=1"],
            "no output `x`",
        ),
        (vec!["--output", "rows=1"], "--assume-done"),
    ] {
        let (place, ended) = begun(ASSUMED, &arguments);
        ended.expect(2).says(why);
        assert_eq!(place.read("log"), "");
        place.run(["runs"]).expect(0).says("no runs");
    }
}
