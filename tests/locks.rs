//! Locks that runs share: one at a time, also across a crash, and taken away only by somebody who says why.

use crate::support::{Place, until};
use std::process::Child;

/// A run that works until there is a file with its name, under the lock `production`.
const LOCKED: &str = r#"
runbook locked {
  timeout = 1m
  param name { type = string }
  lock = "production"
  lock_timeout = 1m
  step work {
    env { NAME = "${{ params.name }}" }
    run = "echo begin $NAME >> log; until test -e go-$NAME; do sleep 0.02; done; echo end $NAME >> log"
    effect = abandoned("a test")
  }
}
"#;

/// Two runs, of which the first works and the second waits for it.
fn two_runs(text: &str) -> (Place, Child, Child) {
    let place = Place::new();
    place.file("locked.runbook", text);
    let first = place.spawn(["run", "locked.runbook", "--set", "name=a"]);
    until("the first run works", || place.read("log") == "begin a\n");
    let second = place.spawn(["run", "locked.runbook", "--set", "name=b"]);
    until("the second run waits", || {
        let locks = place.json(["lock", "list", "--json"]);
        locks["waiting"]
            .as_array()
            .is_some_and(|all| !all.is_empty())
    });
    (place, first, second)
}

fn ends_with(child: &mut Child, code: i32) {
    assert_eq!(child.wait().expect("a child").code(), Some(code));
}

#[test]
fn of_two_runs_one_waits_for_the_other() {
    let (place, mut first, mut second) = two_runs(LOCKED);
    let locks = place.json(["lock", "list", "--json"]);
    assert_eq!(locks["held"][0]["lock"], "production");
    assert_eq!(locks["held"][0]["driven"], true);
    assert_eq!(locks["waiting"][0]["run"], place.last_run());
    place.run(["lock", "list"]).expect(0).says("waiting");
    assert_eq!(place.read("log"), "begin a\n");
    place.file("go-a", "");
    ends_with(&mut first, 0);
    until("the second run works", || {
        place.read("log").contains("begin b")
    });
    place.file("go-b", "");
    ends_with(&mut second, 0);
    assert_eq!(place.read("log"), "begin a\nend a\nbegin b\nend b\n");
    let locks = place.json(["lock", "list", "--json"]);
    assert_eq!(locks["held"].as_array().map(Vec::len), Some(0), "{locks}");
}

#[test]
fn a_lock_outlives_its_engine() {
    let (place, mut first, mut second) = two_runs(LOCKED);
    let run = place.json(["lock", "list", "--json"])["held"][0]["run"].clone();
    let run = run.as_str().expect("a run");
    first.kill().expect("our child");
    first.wait().expect("a child");
    place
        .run(["lock", "list"])
        .expect(0)
        .says(&format!("piton resume {run}"));
    place.file("go-a", "");
    assert_eq!(second.try_wait().expect("a child"), None);
    place.run(["resume", run]).expect(0);
    until("the second run works", || {
        place.read("log").contains("begin b")
    });
    place.file("go-b", "");
    ends_with(&mut second, 0);
    assert_eq!(place.read("log"), "begin a\nend a\nbegin b\nend b\n");
}

#[test]
fn a_lock_is_taken_away_by_somebody_who_says_why() {
    let (place, mut first, mut second) = two_runs(LOCKED);
    place
        .run(["lock", "break", "production"])
        .expect(2)
        .says("--reason");
    place
        .run(["lock", "break", "produktion", "--reason", "late"])
        .expect(2)
        .says("production");
    let why = "its host burned down";
    place
        .run([
            "lock",
            "break",
            "production",
            "--reason",
            why,
            "--as",
            "ada",
        ])
        .expect(0)
        .says("goes on without it");
    until("the second run works", || {
        place.read("log").contains("begin b")
    });
    place.run(["lock", "list"]).expect(0).says(why).says("ada");
    place.file("go-a", "");
    place.file("go-b", "");
    ends_with(&mut first, 0);
    ends_with(&mut second, 0);
    let locks = place.json(["lock", "list", "--json"]);
    assert_eq!(locks["broken"][0]["by"], "ada", "{locks}");
    assert!(!locks["broken"][0]["let_go"].is_null(), "{locks}");
}

#[test]
fn a_run_that_does_not_get_its_lock_in_time_does_nothing_and_says_so() {
    let place = Place::new();
    place.file("locked.runbook", LOCKED);
    let short = LOCKED.replace("lock_timeout = 1m", "lock_timeout = 200ms");
    place.file("short.runbook", &short);
    let mut first = place.spawn(["run", "locked.runbook", "--set", "name=a"]);
    until("the first run works", || place.read("log") == "begin a\n");
    place
        .run(["run", "short.runbook", "--set", "name=b"])
        .expect(1)
        .says("production");
    place.run(["show", "last"]).expect(0).says("production");
    place.file("go-a", "");
    ends_with(&mut first, 0);
    assert_eq!(place.read("log"), "begin a\nend a\n");
}

#[test]
fn a_lock_is_held_until_everything_is_undone() {
    let text = r#"
runbook locked {
  timeout = 1m
  param name { type = string }
  lock = "production"
  step work {
    env { NAME = "${{ params.name }}" }
    run = "echo begin $NAME >> log"
    undo { run = "until test -e go-$NAME; do sleep 0.02; done; echo undo $NAME >> log" }
  }
  gate good {
    checks { check "the first fails" { run = "true"  expect = "params.name != 'a'" } }
    on_fail = [rollback]
  }
}
"#;
    let (place, mut first, mut second) = two_runs(text);
    assert_eq!(place.read("log"), "begin a\n");
    place.file("go-a", "");
    ends_with(&mut first, 4);
    ends_with(&mut second, 0);
    assert_eq!(place.read("log"), "begin a\nundo a\nbegin b\n");
}

#[test]
fn steps_of_two_runs_take_turns() {
    let text = LOCKED
        .replace("  lock = \"production\"\n  lock_timeout = 1m\n", "")
        .replace(
            "    run =",
            "    lock = [\"db-${{ params.name == 'x' ? 'x' : 'eu' }}\", \"net\"]\n    run =",
        );
    let (place, mut first, mut second) = two_runs(&text);
    let locks = place.json(["lock", "list", "--json"]);
    assert_eq!(locks["held"].as_array().map(Vec::len), Some(2), "{locks}");
    assert_eq!(locks["held"][0]["node"], "work", "{locks}");
    place.file("go-a", "");
    ends_with(&mut first, 0);
    place.file("go-b", "");
    ends_with(&mut second, 0);
    assert_eq!(place.read("log"), "begin a\nend a\nbegin b\nend b\n");
}
