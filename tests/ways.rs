//! The ways in which a node is done: for each of a list, again and again until something is true, only on the right
//! target, in a mode, or not at all because somebody says that it is done.

use crate::support::{Ended, Place, until};

/// A place with this runbook, `r.runbook`.
fn place(nodes: &str) -> Place {
    let place = Place::new();
    place.file(
        "r.runbook",
        &format!("runbook r {{\n  timeout = 1m\n{nodes}\n}}\n"),
    );
    place
}

fn run(nodes: &str) -> (Place, Ended) {
    let place = place(nodes);
    let ended = place.run(["run", "r.runbook"]);
    (place, ended)
}

const ITEMS: &str = r#"
  contact lead { via = [{ command = ["true"] }] }
  escalation infra { level { page = ["lead"] } }
  step hosts {
    for_each = "['a', 'b', 'c']"
    env { HOST = "${{ item }}" }
    run = "echo do $HOST >> log; test $HOST != b || test -e ready; echo \"size=$HOST$HOST\" >> $PITON_OUTPUT"
    outputs { size = "output.size" }
    undo { run = "echo undo $HOST >> log" }
    on_fail = [escalate("infra"), rollback]
  }
  step after {
    env { SIZE = "${{ steps.hosts.outputs.size['b'] }}" }
    run = "echo $SIZE > after"
    effect = abandoned("a test")
  }
"#;

#[test]
fn a_retry_does_only_the_items_that_are_not_done() {
    let (place, ended) = run(ITEMS);
    ended.expect(3).says("item `b`");
    assert_eq!(place.read("log"), "do a\ndo b\n");
    place.file("ready", "");
    place.run(["decide", "last", "hosts", "retry"]).expect(0);
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(place.read("log"), "do a\ndo b\ndo b\ndo c\n");
    assert_eq!(place.read("after"), "bb\n");
}

#[test]
fn items_that_are_done_are_undone_and_the_one_in_the_middle_is_asked_about() {
    let (place, ended) = run(ITEMS);
    ended.expect(3);
    place.run(["decide", "last", "hosts", "rollback"]).expect(0);
    until("somebody is asked", || place.state() == "waiting");
    place
        .run(["decide", "last", "hosts", "succeeded"])
        .expect(0);
    until("the run ends", || place.state() == "rolled back");
    assert_eq!(place.read("log"), "do a\ndo b\nundo b\nundo a\n");
}

const UNTIL: &str = r#"
  step ready {
    run = "echo look >> looks; cat state"
    until = "value == 'ready'"
    every = 20ms
    fail_when = "value == 'broken'"
    effect = none
    outputs { state = "value" }
  }
"#;

#[test]
fn what_is_not_there_yet_is_looked_at_again() {
    let place = place(UNTIL);
    place.file("state", "starting\n");
    let mut engine = place.spawn(["run", "r.runbook"]);
    until("it looked again", || {
        place.read("looks").lines().count() > 2
    });
    // Between two looks nothing runs, and another engine goes on looking.
    engine.kill().expect("our child");
    engine.wait().expect("a child");
    let looks = place.read("looks").lines().count();
    let mut engine = place.spawn(["resume", "last"]);
    until("the next engine looks", || {
        place.read("looks").lines().count() > looks + 1
    });
    place.file("new", "ready\n");
    std::fs::rename(place.dir.join("new"), place.dir.join("state")).expect("a file");
    assert_eq!(engine.wait().expect("a child").code(), Some(0));
    let view = place.json(["show", "last", "--json"]);
    assert_eq!(view["nodes"][0]["outputs"]["state"], "ready", "{view}");
}

#[test]
fn what_cannot_come_true_any_more_is_not_waited_for() {
    let place = place(UNTIL);
    place.file("state", "broken\n");
    place.run(["run", "r.runbook"]).expect(1).says("broken");
    assert_eq!(place.read("looks"), "look\n");
}

#[test]
fn what_never_comes_true_runs_out_of_time() {
    let place = place(&UNTIL.replace("every = 20ms", "every = 20ms  timeout = 300ms"));
    place.file("state", "starting\n");
    place.run(["run", "r.runbook"]).expect(1).says("300ms");
    assert!(place.read("looks").lines().count() > 1);
}

const TARGET: &str = r#"
  param database { type = string  default = "shop" }
  step drop {
    target { probe { exec = ["cat", "host"] }  expect = "value == 'db-2'" }
    confirm = "drop ${{ params.database }}"
    run = "echo dropped >> dropped"
    irreversible = "the database is gone"
  }
"#;

#[test]
fn what_is_about_to_be_changed_is_shown_and_typed() {
    let place = place(TARGET);
    place.file("host", "db-2\n");
    place
        .run(["run", "r.runbook"])
        .expect(3)
        .says("db-2")
        .says("drop shop");
    place
        .run(["done", "last", "drop", "--typed", "drop shop"])
        .expect(0);
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(place.read("dropped"), "dropped\n");
}

#[test]
fn a_target_that_changed_since_it_was_confirmed_is_left_alone() {
    let place = place(TARGET);
    place.file("host", "db-2\n");
    place.run(["run", "r.runbook"]).expect(3);
    place.file("host", "db-1\n");
    place
        .run(["done", "last", "drop", "--typed", "drop shop"])
        .expect(0);
    until("the run ends", || place.state() == "failed");
    assert_eq!(place.read("dropped"), "");
    place
        .run(["show", "last"])
        .expect(0)
        .says("its target is not the right one")
        .says("db-1");
}

#[test]
fn a_target_is_looked_at_again_right_before_it_is_changed() {
    // Without anybody to confirm it, and with another fingerprint that nobody expected.
    let place = place(&TARGET.replace("    confirm = \"drop ${{ params.database }}\"\n", ""));
    place.file("host", "db-3\n");
    place.run(["run", "r.runbook"]).expect(1).says("db-3");
    assert_eq!(place.read("dropped"), "");
}

const MODES: &str = r#"
  param dir { type = string  default = "prod" }
  mode drill { only = ["fetch", "look"]  set { dir = "drill" } }
  step fetch { env { DIR = "${{ params.dir }}" }  run = "echo fetch $DIR >> log"  undo { run = "echo undo-fetch $DIR >> log" } }
  step serve { run = "echo serve >> log"  irreversible = "customers have seen it" }
  step look  { env { MODE = "${{ mode }}" }  run = "echo look $MODE >> log"  effect = none }
"#;

#[test]
fn a_drill_does_only_what_it_keeps_and_elsewhere() {
    let place = place(MODES);
    place.run(["run", "r.runbook", "--mode", "drill"]).expect(0);
    assert_eq!(place.read("log"), "fetch drill\nlook drill\n");
    place.run(["show", "last"]).expect(0).says("mode drill");
    place
        .run(["run", "r.runbook", "--mode", "dril"])
        .expect(2)
        .says("did you mean `drill`");
    assert_eq!(place.read("log").lines().count(), 2);
}

#[test]
fn what_somebody_did_before_is_asked_about_before_it_is_undone() {
    let place = place(&MODES.replace("effect = none }", "effect = none  on_fail = [rollback] }"));
    // In the drill, so that nothing irreversible is on the way.
    let text = place
        .read("r.runbook")
        .replace("echo look $MODE", "exit 3; echo $MODE");
    place.file("r.runbook", &text);
    place
        .run([
            "run",
            "r.runbook",
            "--mode",
            "drill",
            "--assume-done",
            "fetch",
        ])
        .expect(3)
        .says("done outside this run");
    assert_eq!(place.read("log"), "");
    place
        .run(["decide", "last", "fetch", "did-not-happen"])
        .expect(0);
    until("the run ends", || place.state() == "rolled back");
    assert_eq!(place.read("log"), "");
}

#[test]
fn what_a_runbook_says_for_all_its_steps_is_not_for_those_that_it_calls() {
    let place = Place::new();
    place.file(
        "called.runbook",
        "runbook called { timeout = 30s, step look { run = \"echo \\\"${NAME-nobody}\\\"\", effect = none } }",
    );
    place.file(
        "calls.runbook",
        "runbook calls {\n timeout = 30s\n param name { default = \"ada\" }\n env { NAME = \"${{ params.name }}\" }\n \
         dir = \"${{ run.base }}/${{ params.name }}\"\n step other { call { runbook = \"called.runbook\" } }\n}",
    );
    let ended = place.run(["run", "calls.runbook"]).expect(0);
    assert!(ended.stdout.contains("│ nobody"), "{ended:?}");
}
