//! The way back, with real processes and real files: killed after any record, a rollback or a rewind goes on to the
//! same end, each undo is executed once, and nobody is asked without need.

use crate::support::{Ended, Place, Written, kill, until};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Twelve nodes that create, change and remove files, most of them in a way that shows when it is undone twice or
/// not at all, and one that runs at the end. Each says in a ledger beside the world what it does.
const STEPS: &str = r#"
  step directory {
    run  = "echo do directory >> $LEDGER; mkdir release"
    undo { run = "echo undo directory >> $LEDGER; rmdir release"  after = started }
  }
  step notice {
    run  = "echo do notice >> $LEDGER; echo down > notice"
    undo { run = "echo undo notice >> $LEDGER; rm notice" }
  }
  step replicas {
    capture { exec = ["cat", "replicas"] }
    run  = "echo do replicas >> $LEDGER; echo 0 > replicas"
    undo { env { WAS = "${{ capture.value }}" }  run = "echo undo replicas >> $LEDGER; echo $WAS > replicas" }
  }
  step config {
    capture { run = "cat config" }
    run  = "echo do config >> $LEDGER; sed s/blue/green/ config > config.new; mv config.new config"
    undo {
      env { WAS = "${{ capture.stdout }}" }
      run = "echo undo config >> $LEDGER; printf '%s\n' \"$WAS\" > config"
      after = started
    }
  }
  step old {
    capture { run = "cat old" }
    run  = "echo do old >> $LEDGER; rm old"
    undo { env { WAS = "${{ capture.stdout }}" }  run = "echo undo old >> $LEDGER; printf '%s\n' \"$WAS\" > old" }
  }
  step hosts {
    for_each = "['eu', 'us', 'ap']"
    env { HOST = "${{ item }}" }
    capture { run = "cat weight-$HOST" }
    run  = "echo do hosts $HOST >> $LEDGER; echo 0 > weight-$HOST; mkdir drained-$HOST"
    undo {
      env { WAS = "${{ capture.value }}" }
      run = "echo undo hosts $HOST >> $LEDGER; echo $WAS > weight-$HOST; rmdir drained-$HOST"
      after = started
    }
  }
  step link {
    run  = "echo do link >> $LEDGER; ln -s release current"
    undo { run = "echo undo link >> $LEDGER; rm current"  check { run = "test ! -e current" } }
  }
  step schema {
    run  = "echo do schema >> $LEDGER; echo 'alter table' >> schema"
    undo { run = "echo undo schema >> $LEDGER; sed '$d' schema > schema.new; mv schema.new schema" }
  }
  step rows {
    sql  { on = "sqlite:../rows.db"  script = "insert into rows values ('do')" }
    undo { sql { on = "sqlite:../rows.db"  script = "insert into rows values ('undo')" } }
  }
  step version {
    env  { PASS = "${{ node.pass }}" }
    run  = "echo do version >> $LEDGER; echo $PASS > version"
    undo { run = "echo undo version >> $LEDGER; rm version" }
  }
  step move {
    run  = "echo do move >> $LEDGER; mv a b"
    undo { run = "echo undo move >> $LEDGER; mv b a" }
  }
  gate healthy {
    checks { check "the version is healthy" { run = "cat version"  expect = "value > 1" } }
    on_fail = RESPONSE
  }
  step log-row {
    env    { OUTCOME = "${{ run.outcome }}" }
    run    = "echo finally $OUTCOME >> $LEDGER; echo $OUTCOME > outcome"
    effect = abandoned("a row of a log")
    finally = true
  }
"#;

/// A world to change, and the runbook that changes it.
fn world(response: &str) -> Place {
    let place = Place::new();
    std::fs::create_dir(place.dir.join("world")).expect("a folder");
    for (name, text) in [
        ("replicas", "3\n"),
        ("config", "colour=blue\nsize=4\n"),
        ("old", "older\n"),
        ("weight-eu", "5\n"),
        ("weight-us", "6\n"),
        ("weight-ap", "7\n"),
        ("schema", "create table\n"),
        ("a", "moved\n"),
    ] {
        place.file(&format!("world/{name}"), text);
    }
    let rows = rusqlite::Connection::open(place.dir.join("rows.db")).expect("a database");
    rows.execute_batch("create table rows (what text)")
        .expect("a table");
    let nodes = STEPS.replace("RESPONSE", response);
    let head = "timeout = 1m\n  dir = \"world\"\n  env { LEDGER = \"../ledger\" }";
    place.file(
        "release.runbook",
        &format!("runbook release {{\n  {head}\n{nodes}\n}}\n"),
    );
    place
}

/// Everything in a folder, by name: what is in a file, where a link leads.
fn contents(dir: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(dir).expect("a folder");
    entries
        .map(|entry| {
            let entry = entry.expect("an entry");
            let kind = entry.file_type().expect("its kind");
            let what = if kind.is_symlink() {
                let to = std::fs::read_link(entry.path()).expect("a link");
                format!("a link to {}", to.display())
            } else if kind.is_dir() {
                "a folder".to_owned()
            } else {
                std::fs::read_to_string(entry.path()).expect("a text")
            };
            (entry.file_name().to_string_lossy().into_owned(), what)
        })
        .collect()
}

/// How a run ended, and everything that it left.
#[derive(Debug, PartialEq)]
struct End {
    code: Option<i32>,
    state: String,
    world: BTreeMap<String, String>,
    ledger: String,
    rows: Vec<String>,
}

fn end(place: &Place, ended: &Ended) -> End {
    let rows = rusqlite::Connection::open(place.dir.join("rows.db")).expect("the database");
    let mut rows = rows
        .prepare("select what from rows order by rowid")
        .expect("the table");
    let rows = rows.query_map([], |row| row.get(0)).expect("rows");
    End {
        code: ended.code,
        state: place.state(),
        world: contents(&place.dir.join("world")),
        ledger: place.read("ledger"),
        rows: rows.collect::<Result<_, _>>().expect("texts"),
    }
}

/// The run that nothing disturbs: how it ends, and what it writes down.
fn undisturbed(response: &str) -> (End, Vec<Written>) {
    let place = world(response);
    let ended = place.run(["run", "release.runbook"]).without_panic();
    let records = place.records(&place.last_run());
    (end(&place, &ended), records)
}

/// The same run, whose engine dies after each of these records and which another one takes over, ends the same.
fn dies_after_each(response: &str, expected: &End, points: &[usize]) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    dies_after(response, expected, *point);
                }
            });
        }
    });
    println!("died after records {points:?}");
}

fn dies_after(response: &str, expected: &End, record: usize) {
    let place = world(response);
    place.dies_after(record, ["run", "release.runbook"]);
    let resumed = place.run(["resume", "last"]).without_panic();
    let found = end(&place, &resumed);
    assert_eq!(&found, expected, "died after record {record}: {resumed:?}");
    let run = place.last_run();
    let asked = place.facts(&run, "question_opened");
    assert!(asked.is_empty(), "died after record {record}: {asked:?}");
    place.run(["audit", "last"]).expect(0);
}

/// Whether every record is tried, as in `./test --long`, rather than a choice that covers every kind of moment.
fn thorough() -> bool {
    let kills = std::env::var("PITON_TEST_KILLS").ok();
    kills
        .and_then(|text| text.parse::<usize>().ok())
        .is_some_and(|kills| kills > 100)
}

/// Of the records with these numbers the last one of each commit, which is where an engine can die. Two commits within
/// a millisecond count as one here; every single record is tried when that is asked for.
fn commits(records: &[Written], numbers: std::ops::Range<usize>) -> Vec<usize> {
    let last_of_commit = |number: &usize| {
        thorough() || records.get(*number).map(|next| next.at) != Some(records[number - 1].at)
    };
    numbers.filter(last_of_commit).collect()
}

/// The number of the first record of this kind.
fn first(records: &[Written], kind: &str) -> usize {
    let found = records.iter().position(|record| record.kind() == kind);
    found.unwrap_or_else(|| panic!("no {kind} in {records:?}")) + 1
}

const BACK: &str = "[rollback]";

/// What the ledger says when everything was done, and undone in reverse.
fn there_and_back() -> String {
    let there = [
        "directory",
        "notice",
        "replicas",
        "config",
        "old",
        "hosts eu",
        "hosts us",
        "hosts ap",
        "link",
        "schema",
        "version",
        "move",
    ];
    let mut text = String::new();
    for name in there {
        let _ = writeln!(text, "do {name}");
    }
    for name in there.iter().rev() {
        let _ = writeln!(text, "undo {name}");
    }
    text + "finally rolled back\n"
}

#[test]
fn a_rollback_leaves_the_world_as_it_was() {
    let before = contents(&world(BACK).dir.join("world"));
    let (end, records) = undisturbed(BACK);
    assert_eq!((end.code, end.state.as_str()), (Some(4), "rolled back"));
    assert_eq!(end.ledger, there_and_back());
    assert_eq!(end.rows, ["do", "undo"]);
    let mut world = end.world;
    assert_eq!(world.remove("outcome").as_deref(), Some("rolled back\n"));
    assert_eq!(world, before);
    println!("{} records", records.len());
}

#[test]
fn a_rollback_whose_engine_dies_after_any_record_goes_on_to_the_same_end() {
    let (end, records) = undisturbed(BACK);
    let from = first(&records, "response_taken");
    let points = commits(&records, from..records.len() + 1);
    assert!(points.len() > 12, "{points:?}");
    dies_after_each(BACK, &end, &points);
}

/// The first records are written when the run is made; the others are the engine's.
#[test]
fn a_run_whose_engine_dies_on_the_way_there_is_rolled_back_to_the_same_end() {
    let (end, records) = undisturbed(BACK);
    let made = records
        .iter()
        .take_while(|record| record.at == records[0].at);
    let points = commits(
        &records,
        made.count() + 1..first(&records, "response_taken"),
    );
    let step = if thorough() { 1 } else { 3 };
    let points: Vec<usize> = points.into_iter().step_by(step).collect();
    dies_after_each(BACK, &end, &points);
}

#[test]
fn engines_that_die_one_after_another_come_to_the_same_end() {
    let (expected, records) = undisturbed(BACK);
    let place = world(BACK);
    let (mut engines, mut record) = (1, 5);
    place.dies_after(record, ["run", "release.runbook"]);
    let last = loop {
        record += 4;
        let mut command = place.piton(["resume", "last"]);
        command.env("PITON_TEST_DIE_AFTER_RECORD", record.to_string());
        let ended = Ended::from(command.output().expect("piton starts"));
        engines += 1;
        if ended.code.is_some() {
            break ended;
        }
        // It died in the commit that this record was part of, and wrote all of that.
        record = place.records(&place.last_run()).len();
    };
    assert!(
        engines > 15,
        "{engines} engines for {} records",
        records.len()
    );
    assert_eq!(end(&place, &last), expected, "{last:?}");
    let asked = place.facts(&place.last_run(), "question_opened");
    assert!(asked.is_empty(), "{asked:?}");
    place.run(["audit", "last"]).expect(0);
}

const AGAIN: &str = "[rewind(\"hosts\", times = 2), rollback]";

#[test]
fn a_rewind_whose_engine_dies_after_any_record_goes_on_to_the_same_end() {
    let (end, records) = undisturbed(AGAIN);
    assert_eq!((end.code, end.state.as_str()), (Some(0), "succeeded"));
    let again = [
        "hosts eu", "hosts us", "hosts ap", "link", "schema", "version", "move",
    ];
    for name in again {
        let times = |what: &str| end.ledger.lines().filter(|line| *line == what).count();
        assert_eq!(times(&format!("do {name}")), 2, "{}", end.ledger);
        assert_eq!(times(&format!("undo {name}")), 1, "{}", end.ledger);
    }
    assert_eq!(end.rows, ["do", "undo", "do"]);
    assert_eq!(end.world["version"], "2\n");
    let from = first(&records, "response_taken");
    let to = first(&records, "rewound");
    let mut points = commits(&records, from..to + 4);
    let rest = commits(&records, to + 4..records.len() + 1);
    points.extend(rest.into_iter().step_by(if thorough() { 1 } else { 5 }));
    dies_after_each(AGAIN, &end, &points);
}

/// A run whose rollback stands in the middle of an undo, which says what it does in `ledger` and goes on when there
/// is a file `go`.
fn in_the_middle_of_an_undo(check: &str) -> (Place, Child) {
    let place = Place::new();
    place.file(
        "slow.runbook",
        &format!(
            r#"
runbook slow {{
  timeout = 1m
  step first {{ run = "echo first >> ledger"  undo {{ run = "echo undo-first >> ledger" }} }}
  step slow {{
    run  = "echo slow >> ledger"
    undo {{
      run = "echo $$ > pid; echo began >> ledger; until test -e go; do sleep 0.02; done; rm pid; echo undo-slow >> ledger"
      {check}
    }}
  }}
  step fails {{ run = "exit 3"  effect = none  on_fail = [rollback] }}
}}
"#
        ),
    );
    let engine = place.spawn(["run", "slow.runbook"]);
    until("the undo runs", || place.read("ledger").contains("began"));
    (place, engine)
}

fn kill_engine_and_keeper(place: &Place, engine: &mut Child) {
    engine.kill().expect("our child");
    engine.wait().expect("a child");
    for keeper in place.keepers() {
        kill(keeper, "KILL");
    }
    until("the keeper is gone", || place.keepers().is_empty());
}

/// Ends the undo's own process too, so that it did not happen.
fn kill_undo(place: &Place) {
    let pid = place.read("pid").trim().parse().expect("a process id");
    kill(pid, "KILL");
    until("the undo is gone", || {
        !Path::new(&format!("/proc/{pid}")).exists()
    });
}

#[test]
fn an_undo_outlives_its_engine() {
    let (place, mut engine) = in_the_middle_of_an_undo("");
    engine.kill().expect("our child");
    engine.wait().expect("a child");
    let mut resumed = place.spawn(["resume", "last"]);
    place.file("go", "");
    assert_eq!(resumed.wait().expect("a child").code(), Some(4));
    assert_eq!(
        place.read("ledger"),
        "first\nslow\nbegan\nundo-slow\nundo-first\n"
    );
}

#[test]
fn an_undo_that_lost_its_keeper_and_happened_is_found_by_its_check() {
    let (place, mut engine) =
        in_the_middle_of_an_undo("check { run = \"grep -q undo-slow ledger\" }");
    kill_engine_and_keeper(&place, &mut engine);
    place.file("go", "");
    place.run(["resume", "last"]).expect(4);
    assert_eq!(
        place.read("ledger"),
        "first\nslow\nbegan\nundo-slow\nundo-first\n"
    );
    assert!(place.facts(&place.last_run(), "question_opened").is_empty());
}

#[test]
fn an_undo_that_did_not_happen_is_found_by_its_check_and_done_again() {
    let (place, mut engine) =
        in_the_middle_of_an_undo("check { run = \"grep -q undo-slow ledger\" }");
    kill_engine_and_keeper(&place, &mut engine);
    kill_undo(&place);
    place.file("go", "");
    place.run(["resume", "last"]).expect(4);
    assert_eq!(
        place.read("ledger"),
        "first\nslow\nbegan\nbegan\nundo-slow\nundo-first\n"
    );
    assert!(place.facts(&place.last_run(), "question_opened").is_empty());
}

#[test]
fn an_undo_of_which_nobody_knows_whether_it_happened_is_asked_about() {
    for decision in ["undone-by-hand", "retry"] {
        let (place, mut engine) = in_the_middle_of_an_undo("");
        kill_engine_and_keeper(&place, &mut engine);
        kill_undo(&place);
        place.file("go", "");
        place.run(["resume", "last"]).expect(3).says("piton decide");
        place
            .run(["show", "last"])
            .expect(0)
            .says("undone-by-hand")
            .says("nobody knows whether its undo happened");
        assert_eq!(place.state(), "waiting");
        assert_eq!(
            place.read("ledger"),
            "first\nslow\nbegan\n",
            "nothing goes on meanwhile"
        );
        place.run(["decide", "last", "slow", decision]).expect(0);
        until("the run ends", || place.state() == "rolled back");
        let again = if decision == "retry" {
            "began\nundo-slow\n"
        } else {
            ""
        };
        assert_eq!(
            place.read("ledger"),
            format!("first\nslow\nbegan\n{again}undo-first\n")
        );
        place.run(["resume", "last"]).expect(4);
        place.run(["audit", "last"]).expect(0);
    }
}

#[test]
fn a_cancel_does_not_cut_an_undo_short_and_is_written_down() {
    let (place, mut engine) = in_the_middle_of_an_undo("");
    place
        .run(["cancel", "last", "--as", "ada", "--reason", "in a hurry"])
        .expect(1)
        .says("is being rolled back")
        .says("not cut short");
    place
        .run(["cancel", "last", "--rollback"])
        .expect(1)
        .says("is being rolled back");
    place.file("go", "");
    assert_eq!(engine.wait().expect("a child").code(), Some(4));
    assert_eq!(
        place.read("ledger"),
        "first\nslow\nbegan\nundo-slow\nundo-first\n"
    );
    let refused = place.facts(&place.last_run(), "cancel_refused");
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert_eq!(refused[0]["by"]["name"], "ada");
}

#[test]
fn a_cancel_with_rollback_ends_what_runs_and_undoes_what_was_done() {
    let place = Place::new();
    place.file(
        "long.runbook",
        r#"
runbook long {
  timeout = 10m
  step first { run = "echo first >> ledger"  undo { run = "echo undo-first >> ledger" } }
  step half  { run = "echo half >> ledger; sleep 304"  undo { run = "echo undo-half >> ledger"  after = started } }
  step last  { run = "echo last >> ledger"  undo { run = "echo undo-last >> ledger" } }
  step tell  { env { OUTCOME = "${{ run.outcome }}" }  run = "echo $OUTCOME >> ledger"  effect = none  finally = true }
}
"#,
    );
    let mut engine = place.spawn(["run", "long.runbook"]);
    until("the step runs", || place.read("ledger").contains("half"));
    place
        .run([
            "cancel",
            "last",
            "--rollback",
            "--reason",
            "the wrong cluster",
        ])
        .expect(4);
    assert_eq!(engine.wait().expect("a child").code(), Some(4));
    assert_eq!(
        place.read("ledger"),
        "first\nhalf\nundo-half\nundo-first\nrolled back\n"
    );
    let left = crate::support::processes(|line| line.starts_with("sleep 304"));
    assert_eq!(left, Vec::<u32>::new(), "nothing of it is left");
    place
        .run(["show", "last"])
        .expect(0)
        .says("the wrong cluster")
        .says("undone");
}

#[test]
fn what_ran_half_way_is_asked_about_before_anything_is_undone() {
    let place = Place::new();
    place.file(
        "half.runbook",
        r#"
runbook half {
  timeout = 1m
  step first { run = "echo first >> ledger"  undo { run = "echo undo-first >> ledger" } }
  step half  { run = "echo half >> ledger; exit 3"  undo { run = "echo undo-half >> ledger" }  on_fail = [rollback] }
}
"#,
    );
    place.run(["run", "half.runbook"]).expect(3);
    assert_eq!(place.read("ledger"), "first\nhalf\n");
    place.run(["decide", "last", "half", "succeeded"]).expect(0);
    until("the run ends", || place.state() == "rolled back");
    assert_eq!(place.read("ledger"), "first\nhalf\nundo-half\nundo-first\n");
}

#[test]
fn a_rollback_that_leaves_something_says_what() {
    let place = Place::new();
    place.file(
        "mail.runbook",
        r#"
runbook mail {
  timeout = 1m
  step first { run = "echo first >> ledger"  undo { run = "echo undo-first >> ledger" } }
  step send  { run = "echo send >> ledger"  irreversible = "customers have read it" }
  step last  { run = "echo last >> ledger"  undo { run = "echo undo-last >> ledger" } }
  gate good  { checks { check "never" { run = "false" } }  on_fail = [rollback] }
}
"#,
    );
    place
        .run(["run", "mail.runbook"])
        .expect(3)
        .says("abandon-undo");
    assert_eq!(
        place.read("ledger"),
        "first\nsend\nlast\n",
        "nothing is undone before somebody decided"
    );
    let decided = place.run([
        "decide",
        "last",
        "send",
        "abandon-undo",
        "--note",
        "we write a second mail",
        "--as",
        "ada",
    ]);
    decided.expect(0);
    until("the run ends", || place.state() == "partly rolled back");
    assert_eq!(
        place.read("ledger"),
        "first\nsend\nlast\nundo-last\nundo-first\n"
    );
    place.run(["resume", "last"]).expect(5);
    place
        .run(["show", "last"])
        .expect(0)
        .says("send")
        .says("nothing takes it back")
        .says("we write a second mail")
        .says("ada");
    place.run(["audit", "last"]).expect(0);
}

#[test]
fn an_undo_that_fails_is_a_state_of_its_own() {
    let place = Place::new();
    place.file(
        "stuck.runbook",
        r#"
runbook stuck {
  timeout = 1m
  step first { run = "echo first >> ledger"  undo { run = "echo undo-first >> ledger" } }
  step stuck { run = "echo stuck >> ledger"  undo { run = "echo try >> ledger; test -e key"  retry { times = 1, backoff = 10ms } } }
  step fails { run = "exit 3"  effect = none  on_fail = [rollback] }
}
"#,
    );
    place.run(["run", "stuck.runbook"]).expect(3);
    assert_eq!(place.read("ledger"), "first\nstuck\ntry\ntry\n");
    assert_eq!(place.state(), "waiting");
    place.file("key", "");
    place.run(["decide", "last", "stuck", "retry"]).expect(0);
    until("the run ends", || place.state() == "rolled back");
    assert_eq!(
        place.read("ledger"),
        "first\nstuck\ntry\ntry\ntry\nundo-first\n"
    );
}

#[test]
fn a_run_that_is_over_is_taken_back_with_what_it_had_noted() {
    let place = world(BACK);
    let before = contents(&place.dir.join("world"));
    // A gate that passes: everything stays.
    let text = place
        .read("release.runbook")
        .replace("value > 1", "value == 1");
    place.file("release.runbook", &text);
    place.run(["run", "release.runbook"]).expect(0);
    let run = place.last_run();
    let back = format!("{run}-rollback");
    place.dies_after(9, ["rollback", &run]);
    place
        .run(["rollback", &run])
        .expect(1)
        .says(&format!("piton resume {back}"));
    place.run(["resume", &back]).expect(4);
    let mut after = contents(&place.dir.join("world"));
    assert_eq!(after.remove("outcome").as_deref(), Some("succeeded\n"));
    assert_eq!(after, before);
    let expected = there_and_back();
    let expected = expected.trim_end_matches("finally rolled back\n");
    let (there, back_again) = expected.split_at(expected.find("undo").expect("the way back"));
    assert_eq!(
        place.read("ledger"),
        format!("{there}finally succeeded\n{back_again}")
    );
    place.run(["rollback", &run]).expect(1).says(&back);
    place.run(["audit", &back]).expect(0);
    place.run(["show", &back]).expect(0).says(&run);
}
