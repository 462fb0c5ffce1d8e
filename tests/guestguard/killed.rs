//! A restore of production whose engine is killed, or whose server is.

use super::{
    answers_one, begins, contents, instance, node, people, restored, restores, sees_to, serves,
    site,
};
use crate::support::account::account;
use crate::support::history::{Until, history};
use crate::support::operator::{Operator, asking};
use crate::support::postgres::pg_bin;
use crate::support::site::Site;
use crate::support::{Ended, until};
use std::collections::BTreeMap;

/// How many moments the engine is killed at: all that `./test --long` asks for, else a few.
fn moments() -> usize {
    match std::env::var("PITON_TEST_KILLS") {
        Ok(_) => 20,
        Err(_) => 3,
    }
}

/// What there is at the end, and what was done to get there.
#[derive(Debug, PartialEq, Eq)]
struct Ending {
    contents: String,
    secret: String,
    replicas: [String; 2],
    /// How often the outside was asked to change something, by what.
    changes: BTreeMap<String, usize>,
    announced: usize,
}

impl Ending {
    fn of(site: &Site) -> Ending {
        let port = site.port.to_string();
        let changes = [
            "wal-g backup-fetch",
            "wal-g backup-push",
            "kubectl scale",
            "kubectl apply",
        ];
        let calls = site.calls();
        let count = |what: &&str| calls.iter().filter(|call| call.starts_with(what)).count();
        Ending {
            contents: contents(&restored(site, 1)),
            secret: site.secret().replace(&port, "PORT"),
            replicas: ["guestguard-api", "guestguard-notifier"].map(|name| site.replicas(name)),
            changes: changes
                .iter()
                .map(|what| ((*what).to_owned(), count(what)))
                .collect(),
            announced: site.api.posted("/hooks/status").len(),
        }
    }
}

#[test]
fn an_engine_that_is_killed_at_any_moment_of_a_restore_changes_nothing_of_its_end() {
    let choices = [(history().good.name.as_str(), "latest")];
    let undisturbed = site(Until::LastGood);
    restores(&undisturbed, &choices, &[]).expect(0);
    let expected = Ending::of(&undisturbed);
    let records = undisturbed
        .place
        .records(&undisturbed.place.last_run())
        .len();
    // From the creation to the last record; what waits writes a little more or less each time.
    let (count, first, last) = (moments(), 3, records - 4);
    let mut killed = 0;
    for moment in 0..count {
        let record = first + (last - first) * moment / (count - 1);
        let site = site(Until::LastGood);
        killed += usize::from(killed_after(&site, record, people(&choices)));
        assert_eq!(Ending::of(&site), expected, "after record {record}");
        serves(&site, &restored(&site, 1));
    }
    // A run that looks once less for what it waits for writes less, and may end before the last moment.
    assert!(
        killed + 1 >= count,
        "{killed} of {count} engines were killed"
    );
}

/// Restores with an engine that dies right after this record, and one that goes on. Whether it died there.
fn killed_after(site: &Site, record: usize, mut operator: Operator) -> bool {
    // What people say is written down by processes of their own: then it dies of the record after that.
    let dies = |words: &[String], written: usize| {
        let mut engine = site.place.piton(words);
        engine.env(
            "PITON_TEST_DIE_AFTER_RECORD",
            record.max(written + 1).to_string(),
        );
        Ended::from(engine.output().expect("piton")).without_panic()
    };
    let resume = ["resume", "last"].map(str::to_owned);
    let mut ended = dies(&begins(site, &[]), 0);
    while ended.code == Some(3) {
        answers_one(site, &mut operator);
        let written = site.place.records(&site.place.last_run()).len();
        ended = dies(&resume, written);
    }
    let died = ended.code.is_none();
    if died {
        ended = site.run(["resume", "last"]);
        ended = sees_to(site, &mut operator, ended);
    }
    assert_eq!(ended.code, Some(0), "after record {record}: {ended:?}");
    assert_eq!(operator.left(), 0);
    site.run(["audit", "last"]).expect(0);
    died
}

#[test]
fn a_server_that_is_killed_while_it_is_opened_is_started_again_and_opened() {
    let site = site(Until::LastGood);
    // A server that is promoted asks the archive first which timelines there are.
    site.tell_standin("wal-g/hold-wal-fetch-00000002.history", "");
    let mut operator = people(&[(&history().good.name, "latest")]);
    let mut began = site.run(begins(&site, &[])).without_panic();
    while asking(&site).as_deref() != Some("choose-backup") {
        assert_eq!(began.code, Some(3), "{began:?}");
        answers_one(&site, &mut operator);
        began = site.run(["resume", "last"]);
    }
    operator.answers_one(&site);
    let engine = site.place.spawn(["resume", "last"]);
    until("it is being opened", || {
        site.calls()
            .iter()
            .any(|call| call.contains("wal-fetch 00000002.history"))
    });
    assert_eq!(node(&site, "open")["state"], "running");
    restored(&site, 1).crash();
    site.untell_standin("wal-g/hold-wal-fetch-00000002.history");
    let ended = Ended::from(engine.wait_with_output().expect("piton"));
    ended.expect(3).says("open");
    assert_eq!(asking(&site).as_deref(), Some("open"));
    starts_again(&site);
    site.run(["decide", "last", "open", "retry", "--as", "infra-lead"])
        .expect(0);
    let ended = site.run(["resume", "last"]);
    sees_to(&site, &mut operator, ended).expect(0);
    assert_eq!(contents(&restored(&site, 1)), "f|6|3600|3600|1|0");
    serves(&site, &restored(&site, 1));
}

/// Starts the server with the configuration of its recovery, as whoever looks after it would.
fn starts_again(site: &Site) {
    let folder = instance(site).join("1");
    let mut pg_ctl = account().command(pg_bin().join("pg_ctl"));
    pg_ctl
        .args(["start", "-w", "-D"])
        .arg(folder.join("data"))
        .arg("-l")
        .arg(folder.join("server.log"))
        .arg("-o")
        .arg(format!(
            "-c config_file='{}'",
            folder.join("server.conf").display()
        ));
    let settings = site.place.settings.iter();
    pg_ctl.envs(settings.map(|(name, value)| (name, value)));
    pg_ctl.stdout(std::process::Stdio::null());
    pg_ctl.stderr(std::process::Stdio::null());
    assert!(pg_ctl.status().expect("pg_ctl").success());
}
