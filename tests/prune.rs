//! Runs that are deleted, and copies of a store.

use crate::support::{Ended, Place, until};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

const QUICK: &str = r#"runbook quick {
  timeout = 1m
  step a { run = "echo done"  effect = abandoned("a test")  evidence = ["kept.txt"] }
}
"#;

const ASKS: &str = r#"runbook asks {
  timeout = 1m
  step a { run = "echo a"  undo { run = "echo back" } }
  gate go { approve { }  on_fail = [stop] }
}
"#;

/// A place with this many runs that are over, oldest first, and one that waits.
fn with_runs(count: usize) -> (Place, Vec<String>, String) {
    let place = Place::new();
    place.file("quick.runbook", QUICK);
    place.file("asks.runbook", ASKS);
    place.file("kept.txt", "kept");
    let over = (0..count).map(|_| {
        place.run(["run", "quick.runbook"]).expect(0);
        place.last_run()
    });
    let over = over.collect();
    place.run(["run", "asks.runbook"]).expect(3);
    let open = place.last_run();
    (place, over, open)
}

fn directory(place: &Place, run: &str) -> PathBuf {
    place.dir.join("store.db.d").join(run)
}

fn ids(place: &Place) -> Vec<String> {
    let runs = place.json(["runs", "--json"]);
    let ids = runs
        .as_array()
        .expect("a list")
        .iter()
        .map(|run| run["id"].as_str().expect("an id").to_owned());
    ids.collect()
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).expect("JSON")
}

#[test]
fn runs_that_are_over_go_by_age_and_number_and_open_ones_stay() {
    let (place, over, open) = with_runs(3);
    place.run(["prune"]).expect(2);
    until("keepers of what is over end", || place.keepers().len() <= 1);
    let would = place
        .run(["prune", "--keep", "1", "--dry-run", "--json"])
        .expect(0);
    let would = json(&would);
    assert_eq!(would["runs"].as_array().unwrap().len(), 2);
    assert!(would["bytes"].as_u64().unwrap() > 0);
    assert_eq!(ids(&place).len(), 4, "a dry run deletes nothing");
    place
        .run(["prune", "--older-than", "1h"])
        .expect(0)
        .says("0 runs deleted");
    place
        .run(["prune", "--keep", "1"])
        .expect(0)
        .says("2 runs deleted");
    assert_eq!(ids(&place), [open.clone(), over[2].clone()]);
    assert!(!directory(&place, &over[0]).exists() && directory(&place, &over[2]).exists());
    place
        .run(["prune", "--keep", "0", "--runbook", "asks"])
        .expect(0)
        .says("0 runs deleted");
    place
        .run(["prune", "--older-than", "0s"])
        .expect(0)
        .says("1 run deleted");
    assert_eq!(ids(&place), [open]);
    place.run(["audit", "last"]).expect(0);
    place.run(["approve", "last"]).expect(0);
    until("the run ends", || place.state() == "succeeded");
}

#[test]
fn a_run_that_took_back_another_stands_for_that() {
    let (place, _, open) = with_runs(0);
    place.run(["approve", "last"]).expect(0);
    until("the run ends", || place.state() == "succeeded");
    place.run(["rollback", "last", "--yes"]).expect(4);
    until("the keepers end", || place.keepers().is_empty());
    // The newer of the two alone would let the older one be taken back once more.
    let rollback = format!("{open}-rollback");
    let store = rusqlite::Connection::open(place.dir.join("store.db")).unwrap();
    let old = "update progress set ended = 0 where run = (select number from run where id = ?1)";
    store.execute(old, [&rollback]).unwrap();
    place
        .run(["prune", "--older-than", "1h"])
        .expect(1)
        .says("stands for that");
    place
        .run(["prune", "--older-than", "0s"])
        .expect(0)
        .says("2 runs deleted");
    assert!(ids(&place).is_empty());
}

#[test]
fn what_a_crash_between_rows_and_directory_leaves_is_removed_later() {
    let (place, _, _) = with_runs(0);
    let left = directory(&place, "quick-zzzzz");
    std::fs::create_dir_all(left.join("logs")).unwrap();
    std::fs::write(left.join("logs/n0.p1.a1.log"), "old").unwrap();
    place.run(["prune", "--keep", "0"]).expect(0);
    assert!(
        left.exists(),
        "a run that is just being made has no rows yet"
    );
    let then = SystemTime::now() - Duration::from_secs(2 * 3600);
    std::fs::File::open(&left)
        .unwrap()
        .set_modified(then)
        .unwrap();
    place
        .run(["prune", "--keep", "0"])
        .expect(0)
        .says("of a run that is gone");
    assert!(!left.exists());
}

#[test]
fn a_copy_is_a_store_and_says_whether_the_store_is_as_it_was() {
    let (place, over, open) = with_runs(2);
    let copy = place.dir.join("backup.db");
    place
        .run(["backup", "backup.db"])
        .expect(0)
        .says("3 runs copied");
    let mode = |name: &str| {
        let about = std::fs::metadata(place.dir.join(name)).unwrap();
        about.permissions().mode() & 0o777
    };
    assert_eq!((mode("backup.db"), mode("backup.db.heads")), (0o600, 0o600));
    place
        .run(["backup", "backup.db"])
        .expect(1)
        .says("nothing was written");

    let there = format!("sqlite:{}", copy.display());
    let on_copy = |arguments: &[&str]| {
        let first = ["--store", there.as_str()];
        place.run([first.as_slice(), arguments].concat())
    };
    on_copy(&["runs"]).expect(0).says(&over[0]).says(&open);
    on_copy(&["logs", &over[0], "a"]).expect(0).says("done");
    on_copy(&["audit", &over[1]]).expect(0).says("kept file");

    let against = ["audit", "--against", "backup.db.heads"];
    place.run(against).expect(0).says("3 of 3 runs");
    // The store goes on, and what was noted is still there.
    place.run(["approve", &open]).expect(0);
    place.run(against).expect(0);
    let store = rusqlite::Connection::open(place.dir.join("store.db")).unwrap();
    let forged = "update record set body = replace(body, 'quick', 'other') where seq = 1";
    store.execute(forged, []).unwrap();
    place.run(against).expect(1).says(&over[0]);
}

/// What was under way when a store was copied may have been done since: nobody who goes on with the copy may begin it
/// again unasked.
#[test]
fn a_copy_asks_about_what_was_under_way() {
    let place = Place::new();
    place.file(
        "slow.runbook",
        "runbook slow {\n  timeout = 1m\n  step a { run = \"echo a >> done; sleep 30\"  effect = abandoned(\"a test\") }\n}\n",
    );
    let mut engine = place.spawn(["run", "slow.runbook"]);
    until("a runs", || place.read("done") == "a\n");
    place.run(["backup", "copy.db"]).expect(0);
    crate::support::kill(engine.id(), "KILL");
    engine.wait().unwrap();
    let there = format!("sqlite:{}", place.dir.join("copy.db").display());
    place.run(["--store", &there, "resume", "last"]).expect(3);
    assert_eq!(place.read("done"), "a\n", "it was not begun again");
}
