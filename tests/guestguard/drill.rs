//! A drill: the restore on a throwaway server, of which nothing stays but a line in the log.

use super::{begins, shown, site};
use crate::support::history::{Until, history};
use crate::support::postgres::data_directories;
use crate::support::site::Site;
use crate::support::snapshot::Snapshot;
use crate::support::{Ended, until};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

fn drill(site: &Site, more: &[&str]) -> Vec<String> {
    let mut words = begins(site, more);
    words.extend(["--mode", "drill", "--yes"].map(str::to_owned));
    words
}

/// The lines of the log below its head.
fn log(site: &Site) -> Vec<String> {
    let text = site.place.read("guestguard/RESTORE_DRILL_LOG.md");
    text.lines().skip(2).map(str::to_owned).collect()
}

/// Nothing of a drill's server is left.
fn nothing_is_left(site: &Site) {
    let left = data_directories(&site.restored(""));
    assert!(left.is_empty(), "{left:?}");
    let left = std::fs::read_dir(site.restored(""))
        .expect("the folder")
        .flatten();
    let left: Vec<_> = left
        .map(|entry| entry.file_name())
        .filter(|name| name != "sockets")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_drill_leaves_production_alone_and_one_line_in_the_log() {
    let site = site(Until::LastGood);
    // The primary is stopped: a running server writes to its files by itself.
    let look = || [&site.primary.data, &site.archive.folder].map(|folder| Snapshot::of(folder));
    let (before, secret) = (look(), site.secret());
    for number in 1..=2 {
        let ended = site.run(drill(&site, &[]));
        ended.expect(0).says("RTO met").says("RPO met");
        assert_eq!(log(&site).len(), number);
    }
    for (before, after) in before.iter().zip(&look()) {
        assert_eq!(before.differences(after), Vec::<String>::new());
    }
    let calls = site.calls();
    assert!(
        calls.iter().all(|call| call.starts_with("wal-g ")),
        "{calls:?}"
    );
    let archived = std::fs::read_dir(site.place.dir.join("new-archive"))
        .expect("a folder")
        .count();
    assert_eq!(archived, 0, "a copy does not archive");
    assert_eq!(
        (site.replicas("guestguard-api"), site.secret()),
        ("2".to_owned(), secret)
    );
    nothing_is_left(&site);
    let line = &log(&site)[1];
    assert!(
        line.contains(&site.place.last_run()) && line.contains("| succeeded |"),
        "{line}"
    );
    assert!(
        line.contains(&history().good.name) && line.contains(&history().last_good[..23]),
        "{line}"
    );
    assert!(site.api.posted("/hooks/ticket").is_empty());
}

#[test]
fn nothing_of_a_drill_reaches_production() {
    let site = site(Until::LastGood);
    let mut words = begins(&site, &[]);
    words[0] = "plan".to_owned();
    words.extend(["--mode", "drill"].map(str::to_owned));
    let plan = site.run(words).expect(0).stdout;
    for production in [
        "kubectl",
        "guestguard-database",
        "GG_DATABASE_URL",
        "serve.sh",
    ] {
        assert!(!plan.contains(production), "{production}: {plan}");
    }
}

#[test]
fn a_drill_that_fails_is_cleared_away_and_becomes_a_ticket() {
    let site = site(Until::Noticed);
    let ended = site.run(drill(&site, &[])).expect(3);
    ended
        .says("rewinding to `backups` (2 of 2)")
        .says("no token without a guest");
    site.run([
        "decide",
        "last",
        "verify/coherent",
        "rollback",
        "--as",
        "dba",
    ])
    .expect(0);
    assert_eq!(site.place.state(), "rolled back");
    nothing_is_left(&site);
    assert_eq!(log(&site).len(), 1);
    assert!(
        log(&site)[0].contains("| rolled back |"),
        "{:?}",
        log(&site)
    );
    let tickets = site.api.posted("/hooks/ticket");
    assert_eq!(tickets.len(), 1);
    assert!(
        tickets[0].contains("P1") && tickets[0].contains(&site.place.last_run()),
        "{tickets:?}"
    );
}

#[test]
fn a_drill_whose_engine_dies_at_its_end_has_one_line_and_nothing_left() {
    let undisturbed = site(Until::LastGood);
    undisturbed.run(drill(&undisturbed, &[])).expect(0);
    let facts = undisturbed.place.records(&undisturbed.place.last_run());
    let began = facts
        .iter()
        .rposition(|record| record.kind() == "finally_began");
    let (began, count) = (began.expect("what runs at the end"), facts.len());
    let mut killed = 0;
    for record in began + 1..count {
        let site = site(Until::LastGood);
        let mut engine = site.place.piton(drill(&site, &[]));
        engine.env("PITON_TEST_DIE_AFTER_RECORD", record.to_string());
        let ended = Ended::from(engine.output().expect("piton")).without_panic();
        if ended.code.is_none() {
            killed += 1;
            site.run(["resume", "last"]).expect(0);
        }
        assert_eq!(
            log(&site).len(),
            1,
            "after record {record}: {:?}",
            log(&site)
        );
        nothing_is_left(&site);
    }
    // A run that looked once less for what it waits for has fewer records, and is over before the last of them.
    assert!(killed * 2 >= count - began - 1, "{killed}");
}

fn milliseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.expect("a clock").as_millis()).expect("a time of this age")
}

/// The data directory of the drill's server, once it has one.
fn data(site: &Site) -> Option<PathBuf> {
    data_directories(&site.restored("")).pop()
}

/// How long the drill takes, and what it loses, by clocks that are not Piton's.
#[test]
fn the_rto_and_rpo_of_a_drill_are_what_others_measure() {
    let site = site(Until::LastGood);
    let history = history();
    let failed_at = parsed(&history.last_good) + 90_000;
    site.tell_standin("wal-g/hold-backup-fetch", "");
    let failed = format!(
        "failed_at={}",
        site.shell(&format!(
            "date -u -d @{}.{:03} +%Y-%m-%dT%H:%M:%S.%3NZ",
            failed_at / 1000,
            failed_at % 1000
        ))
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .expect("date")
    );
    let engine = site.place.spawn(drill(&site, &[&failed]));
    // The clock starts with the end of the preflight; the fetch is what comes next that can be seen from outside.
    until("the fetch has begun", || {
        site.calls()
            .iter()
            .any(|call| call.contains("backup-fetch"))
    });
    let began = milliseconds();
    until("three seconds have passed", || {
        milliseconds() > began + 3_000
    });
    site.untell_standin("wal-g/hold-backup-fetch");
    until("the server runs", || {
        data(&site).is_some_and(|data| data.join("postmaster.pid").exists())
    });
    // It stops with the second look at the data, after which the server is taken down.
    let data = data(&site).expect("its data");
    until("the server is taken down", || {
        !data.join("postmaster.pid").exists()
    });
    let over = milliseconds();
    let ended = Ended::from(engine.wait_with_output().expect("piton"));
    ended.expect(0);
    let targets = shown(&site)["targets"].clone();
    let took = targets["rto"]["took_ms"].as_i64().expect("a length");
    let seen = over - began;
    // Between what was seen and the clock's ends are: on the left two lists and two questions, on the right a stop.
    assert!(
        (seen - took).abs() < 1_500,
        "seen {seen} ms, measured {took} ms"
    );
    assert!(took > 3_000);
    assert_eq!(targets["rpo"]["lost_ms"], 90_000, "{targets}");
    assert_eq!(targets["rpo"]["met"], true);
    let line = &log(&site)[0];
    assert!(line.contains("1m30s"), "{line}");
}

/// A time of the history, in milliseconds, cut as the database's own microseconds are when they are told as
/// milliseconds.
fn parsed(time: &str) -> i64 {
    let output = std::process::Command::new("date")
        .args(["-u", "-d", time, "+%s%3N"])
        .output()
        .expect("date");
    String::from_utf8_lossy(&output.stdout)
        .trim()
        .parse()
        .expect("a number")
}
