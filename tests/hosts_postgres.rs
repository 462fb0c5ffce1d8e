//! Servers on two hosts over one Postgres: engines that are killed, stopped past their lease, or cut off from the store
//! while their keepers live. No two attempts of a node overlap, and each node runs once.

use crate::support::line::Line;
use crate::support::server::Server;
use crate::support::team::Team;
use crate::support::{Place, until};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

const RUNS: usize = 20;

/// Three steps, each of which tells the ledger when it begins and when it ends.
fn three_steps(dir: &Path, body: &str) -> String {
    let step = |name: &str, body: &str| {
        format!(
            "  step {name} {{\n    run = \"echo $AT $PITON_NODE begin $PITON_ATTEMPT >> ledger; {body}; echo $AT $PITON_NODE end $PITON_ATTEMPT >> ledger\"\n    effect = abandoned(\"a test\")\n  }}\n"
        )
    };
    format!(
        "runbook three {{\n  timeout = 2m\n  dir = \"{}\"\n  param at {{ type = string }}\n  env {{ AT = \"${{{{ params.at }}}}\" }}\n{}{}{}}}\n",
        dir.display(),
        step("a", body),
        step("b", "sleep 0.1"),
        step("c", "true")
    )
}

fn detach(place: &Place, file: &Path, at: &str) {
    let set = format!("at={at}");
    let words: [&std::ffi::OsStr; 5] = [
        "run".as_ref(),
        "--detach".as_ref(),
        "--set".as_ref(),
        set.as_ref(),
        file.as_os_str(),
    ];
    place.run(words).expect(0);
}

fn succeeded(place: &Place) -> usize {
    let listed = place.json(["runs", "--json"]);
    let listed = listed.as_array().cloned().unwrap_or_default();
    let succeeded = |run: &&serde_json::Value| run["state"] == "succeeded";
    listed.iter().filter(succeeded).count()
}

fn until_succeeded(place: &Place, runs: usize) {
    let end = Instant::now() + Duration::from_secs(240);
    while succeeded(place) < runs {
        assert!(Instant::now() < end, "{}", place.run(["runs"]).stdout);
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Each node of each run began once and ended once, the second after the first.
#[track_caller]
fn each_once(place: &Place, runs: usize) {
    let ledger = place.read("ledger");
    let mut under_way = BTreeSet::new();
    let mut ended: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for line in ledger.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [at, node, what, _attempt] = words[..] else {
            panic!("{line}");
        };
        if what == "begin" {
            assert!(
                under_way.insert((at, node)),
                "two at once: {line}\n{ledger}"
            );
        } else {
            assert!(under_way.remove(&(at, node)), "{line}\n{ledger}");
            *ended.entry((at, node)).or_default() += 1;
        }
    }
    assert_eq!(under_way.len(), 0, "{under_way:?}");
    assert_eq!(ended.len(), 3 * runs, "{ledger}");
    assert!(ended.values().all(|times| *times == 1), "{ledger}");
}

/// Long enough for a busy machine, and short enough to wait for its end.
const LEASE: [(&str, &str); 1] = [("PITON_TEST_LEASE_MS", "3000")];

#[test]
fn killing_either_of_two_servers_on_two_hosts_leaves_every_run_finished_and_each_node_run_once() {
    let team = Team::new();
    let (a, b) = (&team.a, &team.another("b"));
    let file = a.file("three.runbook", &three_steps(&a.dir, "sleep 0.3"));
    let mut first = Server::start(a, &LEASE, &["--name", "first"]);
    let mut second = Server::start(b, &LEASE, &["--name", "second"]);
    for number in 0..RUNS {
        detach(a, &file, &format!("r{number}"));
        if number == RUNS / 2 {
            first.kill();
            // As whoever watches over services does.
            first = Server::start(a, &LEASE, &["--name", "first"]);
        }
    }
    until("the middle of it", || succeeded(a) >= RUNS / 4);
    second.kill();
    let second = Server::start(b, &LEASE, &["--name", "second"]);
    until_succeeded(a, RUNS);
    each_once(a, RUNS);
    assert_eq!((first.end(), second.end()), (Some(0), Some(0)));
}

#[test]
fn killing_one_of_two_servers_on_a_host_for_good_leaves_its_runs_to_the_other() {
    let team = Team::new();
    let a = &team.a;
    let file = a.file("three.runbook", &three_steps(&a.dir, "sleep 0.3"));
    let mut first = Server::start(a, &[], &["--name", "first"]);
    let second = Server::start(a, &[], &["--name", "second"]);
    for number in 0..RUNS {
        detach(a, &file, &format!("r{number}"));
        if number == RUNS / 2 {
            first.kill();
        }
    }
    until_succeeded(a, RUNS);
    each_once(a, RUNS);
    assert_eq!(second.end(), Some(0));
}

/// A step under way on host a, and host b that has taken the run over and asks about it.
fn taken_over(team: &Team, near: &Place, first: &mut Server, part: impl FnOnce(&Server)) -> Server {
    let a = &team.a;
    let file = a.file(
        "three.runbook",
        &three_steps(&a.dir, "until [ -e go ]; do sleep 0.02; done"),
    );
    detach(near, &file, "only");
    until("the first step runs", || a.read("ledger").contains("begin"));
    part(first);
    let b = team.another("b");
    let mut second = Server::start(&b, &LEASE, &["--name", "second"]);
    second.says("taken over from");
    second.says("waits for people");
    assert_eq!(a.read("ledger").lines().count(), 1, "nothing is begun");
    second
}

#[test]
fn a_server_stopped_past_its_lease_overlaps_with_nobody() {
    let team = Team::new();
    let a = &team.a;
    let mut first = Server::start(a, &LEASE, &["--name", "first"]);
    let second = taken_over(&team, a, &mut first, |first| first.signal("STOP"));
    first.signal("CONT");
    first.says("cannot go on here");
    a.file("go", "");
    until_succeeded(a, 1);
    each_once(a, 1);
    assert_eq!((first.end(), second.end()), (Some(0), Some(0)));
}

#[test]
fn a_server_cut_off_from_the_store_with_its_keeper_alive_overlaps_with_nobody() {
    let team = Team::new();
    let line = Line::to(team.cluster.port);
    let mut near = Team::behind("a", line.port);
    // It waits for the store as long as that takes.
    near.settings
        .push(("PITON_STORE_PATIENCE".to_owned(), "10m".into()));
    let mut first = Server::start(&near, &LEASE, &["--name", "first"]);
    let second = taken_over(&team, &near, &mut first, |_| line.cut());
    // The step ends while nobody who could write it down hears of it.
    team.a.file("go", "");
    until("the step has ended", || {
        team.a.read("ledger").contains("end")
    });
    assert_eq!(
        team.a.read("ledger").lines().count(),
        2,
        "neither host begins the next one"
    );
    line.mend();
    until_succeeded(&team.a, 1);
    each_once(&team.a, 1);
    assert_eq!((first.end(), second.end()), (Some(0), Some(0)));
}
