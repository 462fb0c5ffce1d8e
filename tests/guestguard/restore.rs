//! A restore of production, and the ways in which it does not go well at once.

use super::{
    answers_one, begins, contents, instance, node, people, restored, restores, sees_to, serves,
    shown, site,
};
use crate::support::history::{Until, history};
use crate::support::operator::asking;
use crate::support::postgres::Cluster;
use crate::support::site::Site;
use crate::support::{Ended, until};
use std::time::{Duration, Instant};

/// The names of the checks that did not hold at the last try.
fn failed_checks(node: &serde_json::Value) -> Vec<String> {
    let checks = node["checks"].as_array().expect("checks");
    let failed = checks.iter().filter(|check| check["passed"] == false);
    failed
        .map(|check| check["name"].as_str().expect("a name").to_owned())
        .collect()
}

#[test]
fn a_lost_primary_is_restored_to_its_last_commit() {
    let site = site(Until::LastGood);
    let history = history();
    restores(&site, &[(&history.good.name, "latest")], &[]).expect(0);
    let restored = restored(&site, 1);
    assert_eq!(contents(&restored), "f|6|3600|3600|1|0");
    serves(&site, &restored);
    // All that was committed is there, and that is what the announcement says.
    let status = site.api.posted("/hooks/status").join("\n");
    assert!(status.contains(&history.last_good[..23]), "{status}");
    // What the gates went by is kept, and is what it was.
    let kept = |id: &str| {
        let node = node(&site, id);
        let attempts = node["attempts"].as_array().expect("attempts");
        let files = attempts
            .iter()
            .filter_map(|attempt| attempt["evidence"].as_array());
        files.map(Vec::len).sum::<usize>()
    };
    assert_eq!([kept("whole"), kept("replay"), kept("quiet")], [2, 2, 1]);
    site.run(["audit", "last"]).expect(0);
    // The user of the smoke test sees what they had, and nothing that the test made.
    let titles = "select count(*) from events where title like 'Smoke test%'";
    assert_eq!(restored.psql("guestguard", titles), "0");
    // The clock ran from the approval to the smoke test.
    let targets = shown(&site)["targets"].clone();
    assert_eq!(targets["rto"]["met"], true, "{targets}");
    assert_eq!(
        (&targets["rto"]["from"], &targets["rto"]["to"]),
        (&"go".into(), &"smoke-test".into())
    );
    // The password of the database was in a pipe only.
    let calls = site.calls().join("\n");
    assert!(
        !calls.contains(crate::support::history::PASSWORD),
        "{calls}"
    );
}

#[test]
fn a_corruption_is_undone_by_a_restore_to_the_moment_before() {
    let site = site(Until::Noticed);
    let history = history();
    let failed_at = format!("failed_at={}", history.damaged);
    let target_time = format!("target_time={}", history.before_damage);
    let more = ["situation=corruption", &failed_at, &target_time];
    let ended = restores(
        &site,
        &[(&history.good.name, &history.before_damage)],
        &more,
    );
    ended.expect(0).says("RTO met").says("RPO met");
    let restored = restored(&site, 1);
    assert_eq!(contents(&restored), "f|6|3600|3600|1|0");
    serves(&site, &restored);
}

#[test]
fn a_moment_that_is_not_good_is_refused_before_anything_is_fetched() {
    let site = site(Until::Noticed);
    let history = history();
    let failed_at = format!("failed_at={}", history.damaged);
    site.run(begins(&site, &["situation=corruption"]))
        .expect(1)
        .says("after a corruption, its time is given");
    let began = site.run(begins(&site, &["situation=corruption", &failed_at]));
    assert_eq!(began.code, Some(3), "{began:?}");
    let mut operator = people(&[]);
    operator.answers_one(&site);
    site.run(["resume", "last"]).expect(3);
    for wrong in [
        "latest",
        // Before the end of the first backup, and after the damage.
        "2020-01-01T00:00:00Z",
        history.noticed.as_str(),
        "yesterday",
    ] {
        let target = format!("target={wrong}");
        let answer = ["answer", "last", "choose-target", &target];
        site.run(answer).expect(1);
    }
    assert_eq!(asking(&site).as_deref(), Some("choose-target"));
    assert!(
        !site
            .calls()
            .iter()
            .any(|call| call.contains("backup-fetch"))
    );
    // To give up here brings the replicas back.
    site.run(["cancel", "last", "--rollback", "--as", "cto"])
        .expect(4);
    assert_eq!(site.replicas("guestguard-api"), "2");
}

#[test]
fn what_was_tried_is_not_offered_again_and_the_next_one_passes() {
    let site = site(Until::Noticed);
    let history = history();
    let failed_at = format!("failed_at={}", history.last);
    let noticed = history.noticed.as_str();
    let [old, good, late] = [&history.old, &history.good, &history.late].map(|it| it.name.as_str());
    let began = site.run(begins(&site, &["situation=corruption", &failed_at]));
    let mut operator = people(&[(late, noticed)]);
    while asking(&site).as_deref() != Some("choose-backup") {
        answers_one(&site, &mut operator);
        site.run(["resume", "last"]).expect(3);
    }
    assert_eq!(choices(&site), [old, good, late]);
    assert_eq!(began.code, Some(3));
    // The backup of the damage: two checks fail, and the way leads back to the choice.
    operator.answers_one(&site);
    let back = site.run(["resume", "last"]).expect(3);
    back.says("no token without a guest")
        .says("rewinding to `backups` (1 of 2)");
    assert!(
        !restored(&site, 1).runs(),
        "the first is stopped before the second begins"
    );
    let target = format!("target={noticed}");
    site.run(["answer", "last", "choose-target", &target])
        .expect(0);
    assert_eq!(choices(&site), [old, good]);
    let tried = format!("backup={late}");
    site.run(["answer", "last", "choose-backup", &tried])
        .expect(1);
    // A good backup, replayed too far: for an earlier moment it is offered again.
    let again = format!("backup={good}");
    site.run(["answer", "last", "choose-backup", &again])
        .expect(0)
        .says("rewinding to `backups` (2 of 2)");
    let target = format!("target={}", history.before_damage);
    site.run(["answer", "last", "choose-target", &target])
        .expect(0);
    assert_eq!(choices(&site), [old, good]);
    let ended = site.run(["answer", "last", "choose-backup", &again]);
    let ended = sees_to(&site, &mut operator, site_state(&site, ended));
    ended.expect(0);
    assert_eq!(operator.left(), 0);
    let restored = restored(&site, 3);
    assert_eq!(contents(&restored), "f|6|3600|3600|1|0");
    serves(&site, &restored);
    let fetches = site
        .calls()
        .iter()
        .filter(|call| call.contains("backup-fetch"))
        .count();
    assert_eq!(fetches, 3);
    // Each pass has had a folder of its own.
    assert!((1..=3).all(|pass| instance(&site).join(pass.to_string()).join("data").exists()));
}

/// `answer` says whether it counted; how the run stands is for `resume` to say.
fn site_state(site: &Site, answered: Ended) -> Ended {
    answered.expect(0);
    site.run(["resume", "last"])
}

/// The backups that are offered now.
fn choices(site: &Site) -> Vec<String> {
    let question = node(site, "choose-backup")["question"].clone();
    let choices = &question["asks"][0]["choices"];
    let choices = choices.as_array().unwrap_or_else(|| panic!("{question}"));
    let words = choices.iter().filter_map(|choice| choice[0].as_str());
    words
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_moment_that_the_archive_does_not_reach_is_told_soon() {
    let site = site(Until::LastGood);
    let began = site.run(begins(&site, &["failed_at=2038-01-02T00:00:00Z"]));
    let mut operator = people(&[(&history().good.name, "2038-01-01T00:00:00Z")]);
    let mut ended = began.expect(3);
    let mut began = Instant::now();
    while operator.left() > 2 {
        began = Instant::now();
        answers_one(&site, &mut operator);
        ended = site.run(["resume", "last"]).expect(3);
    }
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "it may take 40 minutes"
    );
    ended.says("recovery ended before configured recovery target was reached");
    // A server that dies as quickly as this one may be found dead by either.
    let node = asking(&site).expect("somebody is asked what now");
    assert!(["start", "replay"].contains(&node.as_str()), "{node}");
    let pages = site.api.posted("/hooks/pager");
    assert!(pages.iter().any(|page| page.contains(&node)), "{pages:?}");
    // Nobody is let in, and whoever gives up has what was found.
    assert_eq!(site.replicas("guestguard-api"), "0");
    let old = site.secret();
    site.run(["decide", "last", &node, "rollback", "--as", "infra-lead"])
        .expect(0);
    assert_eq!(site.place.state(), "rolled back");
    assert_eq!(
        (site.replicas("guestguard-api"), site.secret()),
        ("2".to_owned(), old)
    );
    assert!(!restored(&site, 1).runs());
}

#[test]
fn a_backup_from_before_a_migration_passes_at_its_own_version_and_is_brought_up_to_date() {
    let site = site(Until::Noticed);
    let history = history();
    let failed_at = format!("failed_at={}", history.damaged);
    let more = ["situation=corruption", &failed_at];
    restores(&site, &[(&history.old.name, &history.at_version_5)], &more).expect(0);
    let restored = restored(&site, 1);
    assert_eq!(contents(&restored), "f|6|3600|3600|0|0");
    serves(&site, &restored);
    for (call, version) in [("verify", "5"), ("verify-again", "6")] {
        let checks = node(&site, &format!("{call}/coherent"))["checks"].clone();
        assert_eq!(checks.as_array().map(Vec::len), Some(28));
        assert_eq!(
            failed_checks(&node(&site, &format!("{call}/coherent"))),
            [""; 0],
            "{version}"
        );
    }
    // With the expectation of the newest version the backup fails that one check alone.
    let as_it_was = Cluster::of(
        &history.data(Until::LastGood),
        &site.place.dir.join("as-it-was"),
        None,
    );
    as_it_was.start();
    as_it_was.psql(
        "guestguard",
        "delete from schema_migrations where version = 6",
    );
    let database = format!(
        "database=postgres:///guestguard?host={}&port={}&user=postgres",
        as_it_was.sockets.display(),
        as_it_was.port
    );
    let verify = [
        "run",
        "guestguard/verify.runbook",
        "--set",
        &database,
        "--set",
        "version=6",
    ];
    site.run(verify).expect(1);
    let failed = failed_checks(&node(&site, "coherent"));
    assert_eq!(failed, ["every migration is in the ledger"]);
}

#[test]
fn an_operator_who_says_no_changes_nothing() {
    let site = site(Until::LastGood);
    site.run(begins(&site, &[])).expect(3);
    site.run([
        "reject",
        "last",
        "go",
        "--as",
        "cto",
        "--note",
        "the primary is back",
    ])
    .expect(0);
    until("somebody is asked what now", || {
        asking(&site).is_some() || site.place.state() == "failed"
    });
    assert_eq!(site.replicas("guestguard-api"), "2");
    assert!(!site.calls().iter().any(|call| call.contains("scale")));
}
