//! The heart of a restore on real servers: backup, archive, recovery to a moment, and what goes wrong on the way.
//! `fixtures/recovery.runbook` is a runbook of processes only.

use crate::support::account::account;
use crate::support::history::{DATABASE, LAST_GOOD, TOO_LATE, Until, history};
use crate::support::operator::Operator;
use crate::support::postgres::Cluster;
use crate::support::site::Site;
use crate::support::snapshot::Snapshot;
use crate::support::{Ended, Place, top, until};
use std::time::{Duration, Instant};

/// A site with the runbook in its folder.
fn site() -> Site {
    let site = Site::after(Until::Noticed);
    let runbook = top().join("tests/fixtures/recovery.runbook");
    std::fs::copy(runbook, site.place.dir.join("recovery.runbook")).expect("the runbook");
    site
}

/// The command that begins it.
fn begins(site: &Site) -> [String; 6] {
    let folder = format!("folder={}", site.restored("").display());
    let port = format!("port={}", site.port);
    [
        "run",
        "recovery.runbook",
        "--set",
        folder.trim_end_matches('/'),
        "--set",
        &port,
    ]
    .map(str::to_owned)
}

/// Chooses these backups up to these moments, one after another.
fn choosing(choices: &[(&str, &str)]) -> Operator {
    choices
        .iter()
        .fold(Operator::default(), |operator, (backup, target)| {
            let (backup, target) = (format!("backup={backup}"), format!("target={target}"));
            operator.at("choose", &["answer", &backup, &target])
        })
}

fn recovers(site: &Site, mut operator: Operator) -> Ended {
    let began = site.run(begins(site));
    let ended = operator.sees_to(site, began);
    assert_eq!(operator.left(), 0, "everything was asked: {ended:?}");
    ended
}

/// The server that was restored in this pass.
fn restored(site: &Site, pass: u32) -> Cluster {
    let mut cluster = Cluster::at(&site.restored(""), site.port, None);
    cluster.data = site.restored(&pass.to_string());
    cluster
}

/// What can be told apart of a restored database.
fn contents(cluster: &Cluster) -> String {
    cluster.psql(
        DATABASE,
        &format!(
            "select pg_is_in_recovery(), (select max(version) from schema_migrations), (select count(*) from guests), \
             (select count(*) from tokens), (select count(*) from events where title = '{LAST_GOOD}'), \
             (select count(*) from events where title = '{TOO_LATE}'), (select count(*) from monitoring.heartbeat)"
        ),
    )
}

#[test]
fn a_cluster_is_recovered_to_the_moment_before_the_damage() {
    let site = site();
    let (history, before) = (history(), history().before_damage.as_str());
    recovers(&site, choosing(&[(&history.good.name, before)])).expect(0);
    let restored = restored(&site, 1);
    assert_eq!(contents(&restored), "f|6|3600|3600|1|0|3");
    // Another timeline of the same cluster; the archive has nothing of it, because the copy does not archive.
    let identifier = "select system_identifier from pg_control_system()";
    let new = restored.psql(DATABASE, "select timeline_id from pg_control_checkpoint(); checkpoint; select timeline_id from pg_control_checkpoint()");
    assert!(new.ends_with('2'), "{new}");
    site.primary.start();
    assert_eq!(
        restored.psql(DATABASE, identifier),
        site.primary.psql(DATABASE, identifier)
    );
    let files = std::fs::read_dir(site.archive.folder.join("wal_005")).expect("the archive");
    let foreign: Vec<_> = files
        .flatten()
        .map(|file| file.file_name())
        .filter(|name| name.to_string_lossy().starts_with("00000002"))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}

#[test]
fn a_recovery_that_stopped_in_a_migration_holds_its_locks_until_it_is_opened() {
    let site = site();
    let history = history();
    // Up to the question whether to open it, so to speak: the run is stopped there.
    let text = site.place.read("recovery.runbook");
    let (text, _) = text
        .split_once("  # Before anybody looks")
        .expect("the step");
    account().file(
        &site.place.dir.join("recovery.runbook"),
        &format!("{text}}}\n"),
    );
    recovers(
        &site,
        choosing(&[(&history.good.name, &history.before_damage)]),
    )
    .expect(0);
    let restored = restored(&site, 1);
    let look = |table: &str| {
        let sql = format!("set lock_timeout = '200ms'; select count(*) > 0 from {table}");
        restored.try_psql(DATABASE, &sql)
    };
    assert_eq!(look("events").expect(0).stdout, "t\n");
    look("tokens").expect(1).says("lock timeout");
    restored.psql(DATABASE, "select pg_promote()");
    assert_eq!(look("tokens").expect(0).stdout, "t\n");
}

#[test]
fn a_recovery_leaves_production_as_it_was() {
    let site = site();
    // The primary is stopped: a running server writes to its files by itself.
    let look = || [&site.primary.data, &site.archive.folder].map(|folder| Snapshot::of(folder));
    let before = look();
    recovers(
        &site,
        choosing(&[(&history().good.name, &history().before_damage)]),
    )
    .expect(0);
    let restored = restored(&site, 1);
    restored.psql(
        DATABASE,
        "insert into monitoring.heartbeat default values; select pg_switch_wal()",
    );
    restored.stop();
    for (before, after) in before.iter().zip(&look()) {
        assert_eq!(before.differences(after), Vec::<String>::new());
    }
    assert!(
        site.calls().iter().all(|call| call.starts_with("wal-g ")),
        "{:?}",
        site.calls()
    );
    // And what would have changed is noticed.
    account().file(&site.archive.folder.join("wal_005/00000002.history"), "");
    assert_eq!(
        before[1].differences(&look()[1]),
        ["wal_005", "wal_005/00000002.history"]
    );
}

#[test]
fn a_backup_of_the_damage_is_found_out_and_another_is_taken() {
    let site = site();
    let history = history();
    let wrong = (history.late.name.as_str(), history.noticed.as_str());
    let right = (history.good.name.as_str(), history.before_damage.as_str());
    let began = site.run(begins(&site));
    let mut first = choosing(&[wrong, right]);
    let ended = first.sees_to(&site, began).expect(0);
    assert!(
        ended.stdout.contains("no tokens without a guest"),
        "{ended:?}"
    );
    assert_eq!(contents(&restored(&site, 2)), "f|6|3600|3600|1|0|3");
    assert!(
        !restored(&site, 1).runs(),
        "the first was stopped before the second began"
    );
}

#[test]
fn a_backup_that_was_tried_is_not_taken_again() {
    let site = site();
    let history = history();
    let wrong = (history.late.name.as_str(), history.noticed.as_str());
    let began = site.run(begins(&site));
    let words = |target: &str| {
        [
            "answer".to_owned(),
            "last".to_owned(),
            "choose".to_owned(),
            format!("backup={}", wrong.0),
            format!("target={target}"),
        ]
    };
    assert_eq!(began.code, Some(3), "{began:?}");
    site.run(words(wrong.1)).expect(0);
    let refused = site.run(words(wrong.1)).without_panic();
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert!(refused.stderr.contains(wrong.0), "{refused:?}");
}

#[test]
fn a_moment_that_the_archive_does_not_reach_is_told_soon() {
    let site = site();
    let began = Instant::now();
    let ended = recovers(
        &site,
        choosing(&[(&history().good.name, "2038-01-01T00:00:00Z")]),
    )
    .expect(1);
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "its time limit is a minute"
    );
    ended.says("FATAL").says("recovery ended before");
}

#[test]
fn a_server_that_dies_after_its_start_is_found_out_soon() {
    let site = site();
    // Consistent, and taking connections, long before the end of the archive; there it waits.
    let files = std::fs::read_dir(site.archive.folder.join("wal_005")).expect("the archive");
    let names = files
        .flatten()
        .filter_map(|file| file.file_name().into_string().ok());
    let last = names
        .filter(|name| name.len() == 24)
        .max()
        .expect("a segment");
    let held = format!("wal-g/hold-wal-fetch-{last}");
    site.tell_standin(&held, "");
    site.run(begins(&site)).expect(3);
    choosing(&[(&history().good.name, "2038-01-01T00:00:00Z")]).answers_one(&site);
    let engine = site.place.spawn(["resume", "last"]);
    until("the run waits for the end of recovery", || {
        let run = site.place.json(["show", "last", "--json"]);
        let nodes = run["nodes"].as_array().into_iter().flatten();
        nodes
            .into_iter()
            .any(|node| node["id"] == "replay" && node["state"] == "running")
    });
    site.untell_standin(&held);
    let began = Instant::now();
    let ended = Ended::from(engine.wait_with_output().expect("piton"));
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "its time limit is a minute"
    );
    ended
        .expect(1)
        .says("✗ replay")
        .says("recovery ended before");
}

#[test]
fn a_backup_from_before_a_migration_is_recovered_as_it_was() {
    let site = site();
    let history = history();
    recovers(
        &site,
        choosing(&[(&history.old.name, &history.at_version_5)]),
    )
    .expect(0);
    assert_eq!(contents(&restored(&site, 1)), "f|5|3600|3600|0|0|2");
}

/// How many moments the engine is killed at: all that `./test --long` asks for, else a few.
fn moments() -> usize {
    match std::env::var("PITON_TEST_KILLS") {
        Ok(_) => 20,
        Err(_) => 3,
    }
}

#[test]
fn an_engine_that_is_killed_at_any_moment_changes_nothing_of_the_end() {
    let history = history();
    let choice = choosing(&[(&history.good.name, &history.before_damage)]);
    let undisturbed = site();
    recovers(&undisturbed, choice.clone()).expect(0);
    let expected = (
        contents(&restored(&undisturbed, 1)),
        kinds(&undisturbed.place),
    );
    let records = expected.1.len();
    // From the end of the fetch to the last one. The first attempt finds out what there is to choose from.
    let ends = expected
        .1
        .iter()
        .enumerate()
        .filter(|(_, kind)| *kind == "attempt_ended");
    let first = ends.map(|(at, _)| at + 1).nth(1).expect("the fetch");
    let count = moments();
    let points = (0..count).map(|moment| first + (records - first) * moment / (count - 1));
    let killed = points
        .filter(|record| killed_after(*record, &choice, &expected.0))
        .count();
    assert!(
        killed + 1 >= count,
        "{killed} of {count} engines were killed"
    );
}

fn kinds(place: &Place) -> Vec<String> {
    let records = place.records(&place.last_run());
    records
        .iter()
        .map(|record| record.kind().to_owned())
        .collect()
}

/// Whether the engine came to this record, and died there. A run that looks once less for what it waits for writes less.
fn killed_after(record: usize, choice: &Operator, expected: &str) -> bool {
    let site = site();
    site.run(begins(&site)).expect(3);
    let mut operator = choice.clone();
    operator.answers_one(&site);
    let mut engine = site.place.piton(["resume", "last"]);
    engine.env("PITON_TEST_DIE_AFTER_RECORD", record.to_string());
    let ended = Ended::from(engine.output().expect("piton"));
    if ended.code.is_some() {
        let written = kinds(&site.place).len();
        assert!(written < record, "alive after record {record}: {ended:?}");
        return false;
    }
    let resumed = site.run(["resume", "last"]).without_panic();
    assert_eq!(resumed.code, Some(0), "after record {record}: {resumed:?}");
    let found = contents(&restored(&site, 1));
    assert_eq!(found, expected, "after record {record}");
    site.run(["audit", "last"]).expect(0);
    let fetches = site
        .calls()
        .iter()
        .filter(|call| call.contains("backup-fetch"))
        .count();
    assert_eq!(fetches, 1, "after record {record}");
    true
}
