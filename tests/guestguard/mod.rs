//! GuestGuard's own runbooks (`runbooks/guestguard`) on real servers: restores, what goes wrong in them, drills, and
//! the promotion of a standby.

mod drill;
mod killed;
mod restore;
mod standby;

use crate::support::account::account;
use crate::support::api::TEST_USER;
use crate::support::history::{DATABASE, LAST_GOOD, TOO_LATE, Until};
use crate::support::operator::{Operator, asking};
use crate::support::postgres::{Cluster, done, pg_bin};
use crate::support::site::Site;
use crate::support::{Ended, top};
use serde_json::Value;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::process::Command;

/// The pretend site after this much of the history, with the runbooks in its folder.
fn site(until: Until) -> Site {
    let site = Site::after(until);
    let folder = site.place.dir.join("guestguard");
    done(
        Command::new("cp")
            .arg("-r")
            .arg(top().join("runbooks/guestguard"))
            .arg(&folder),
    );
    // Drills are written down beside the runbook.
    account().owns(&folder);
    account().folder(&site.place.dir.join("new-archive"));
    site
}

/// Parameters of this site that all runbooks share, and these.
fn command(site: &Site, runbook: &str, more: &[String]) -> Vec<String> {
    let mut words = vec!["run".to_owned(), format!("guestguard/{runbook}.runbook")];
    let api = site.api.url("");
    let own = [
        format!("api_url={api}"),
        format!("site_url={api}"),
        format!("test_user={TEST_USER}"),
        "watch=1s".to_owned(),
    ];
    for parameter in own.iter().chain(more) {
        words.extend(["--set".to_owned(), parameter.clone()]);
    }
    words
}

/// The command that begins a restore, with these further parameters.
fn begins(site: &Site, more: &[&str]) -> Vec<String> {
    let folder = |name: &str| site.place.dir.join(name).display().to_string();
    let own = [
        format!("root={}", folder("restored")),
        format!("port={}", site.port),
        format!("pg_bin={}", pg_bin().display()),
        "disk_gib=1".to_owned(),
        "listen=127.0.0.1".to_owned(),
        format!("new_archive={}", folder("new-archive")),
    ];
    let more = more.iter().map(|word| (*word).to_owned());
    command(
        site,
        "restore",
        &own.into_iter().chain(more).collect::<Vec<_>>(),
    )
}

/// The people of a restore that goes well: the approval, this choice, and what has to be done by hand.
fn people(choices: &[(&str, &str)]) -> Operator {
    let operator = Operator::default().at("go", &["approve", "--as", "cto"]);
    let operator = choices.iter().fold(operator, |operator, (backup, target)| {
        let (backup, target) = (format!("backup={backup}"), format!("target={target}"));
        operator
            .at("choose-target", &["answer", &target])
            .at("choose-backup", &["answer", &backup])
    });
    operator
        .at("open-the-site", &["done"])
        .at("rebuild-standby", &["done", "--all", "--as", "dba"])
}

/// Answers one question; who opens the site takes the page away first.
#[track_caller]
fn answers_one(site: &Site, operator: &mut Operator) {
    if asking(site).as_deref() == Some("open-the-site") {
        site.maintenance(false);
    }
    operator.answers_one(site);
}

/// Answers until nothing is asked any more.
#[track_caller]
fn sees_to(site: &Site, operator: &mut Operator, began: Ended) -> Ended {
    let mut ended = began.without_panic();
    while ended.code == Some(3) {
        answers_one(site, operator);
        ended = site.run(["resume", "last"]).without_panic();
    }
    ended
}

/// Restores with these choices, and fails unless everything was asked.
#[track_caller]
fn restores(site: &Site, choices: &[(&str, &str)], more: &[&str]) -> Ended {
    let mut operator = people(choices);
    let began = site.run(begins(site, more));
    let ended = sees_to(site, &mut operator, began);
    assert_eq!(operator.left(), 0, "everything was asked: {ended:?}");
    ended
}

/// The server that the last run restored in this pass. It ends with the site.
fn restored(site: &Site, pass: u32) -> ManuallyDrop<Cluster> {
    let mut cluster = Cluster::at(&site.restored(""), site.port, None);
    cluster.data = instance(site).join(pass.to_string()).join("data");
    ManuallyDrop::new(cluster)
}

/// The folder of what the last run restored.
fn instance(site: &Site) -> PathBuf {
    site.restored(&site.place.last_run())
}

/// What can be told apart of a restored database: version, guests, tokens, the last good event, one that is too late.
fn contents(cluster: &Cluster) -> String {
    cluster.psql(
        DATABASE,
        &format!(
            "select pg_is_in_recovery(), (select max(version) from schema_migrations), (select count(*) from guests), \
             (select count(*) from tokens), (select count(*) from events where title = '{LAST_GOOD}'), \
             (select count(*) from events where title = '{TOO_LATE}')"
        ),
    )
}

/// The last run, as `piton show --json` tells it.
fn shown(site: &Site) -> Value {
    site.place.json(["show", "last", "--json"])
}

/// One node of the last run.
fn node(site: &Site, id: &str) -> Value {
    let run = shown(site);
    let nodes = run["nodes"].as_array().expect("nodes");
    let node = nodes.iter().find(|node| node["id"] == id);
    node.unwrap_or_else(|| panic!("no node {id}")).clone()
}

/// Production goes on on what was restored: traffic, writes, an archive of its own with a base backup in it.
#[track_caller]
fn serves(site: &Site, restored: &Cluster) {
    assert_eq!(site.replicas("guestguard-api"), "2");
    assert_eq!(site.replicas("guestguard-notifier"), "1");
    assert_eq!(site.secret(), site.url(site.port));
    assert_eq!(restored.psql(DATABASE, "show archive_mode"), "on");
    let archive = node(site, "serve")["outputs"]["archive"].clone();
    let archive = PathBuf::from(archive.as_str().expect("the new archive"));
    let entries = |name: &str| {
        std::fs::read_dir(archive.join(name))
            .expect("a folder")
            .count()
    };
    assert!(entries("wal_005") > 0 && entries("basebackups_005") > 0);
    // Nothing of the new history is in the old archive.
    let old = std::fs::read_dir(site.archive.folder.join("wal_005")).expect("the archive");
    let foreign: Vec<_> = old
        .flatten()
        .map(|file| file.file_name())
        .filter(|name| name.to_string_lossy().starts_with("00000002"))
        .collect();
    assert!(foreign.is_empty(), "{foreign:?}");
}
