//! Servers: runs that were left to them, servers that are killed or stopped, and hosts that do not answer.

use crate::support::server::Server;
use crate::support::{Place, chain, until};
use std::time::{Duration, Instant};

pub fn detach(place: &Place, file: &std::path::Path) -> String {
    let ended = place.run(["run".as_ref(), "--detach".as_ref(), file.as_os_str()]);
    ended.expect(0).stdout.trim().to_owned()
}

fn state(place: &Place, run: &str) -> String {
    let shown = place.json(["show", run, "--json"]);
    shown["state"].as_str().unwrap_or("none").to_owned()
}

#[test]
fn a_detached_run_says_who_will_take_it_and_can_be_resumed() {
    let place = Place::new();
    let file = place.file("chain.runbook", &chain(1, "0", &place.dir));
    let ended = place.run(["run".as_ref(), "--detach".as_ref(), file.as_os_str()]);
    let ended = ended.expect(0);
    let run = ended.stdout.trim().to_owned();
    assert_eq!(run, place.last_run());
    assert!(
        ended.stderr.contains("no `piton serve` works on")
            && ended.stderr.contains(&format!("piton resume {run}")),
        "{ended:?}"
    );
    assert_eq!(place.read("started"), "");
    place.run(["resume", &run]).expect(0);
    let server = Server::start(&place, &[], &["--name", "one"]);
    let detached = place.json([
        "run".as_ref(),
        "--detach".as_ref(),
        "--json".as_ref(),
        file.as_os_str(),
    ]);
    assert_eq!(detached["servers"], serde_json::json!(["one"]));
    let run = detached["run"].as_str().expect("an id").to_owned();
    until("the server has done it", || {
        state(&place, &run) == "succeeded"
    });
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_server_stays_with_a_run_that_waits_for_people() {
    let place = Place::new();
    let text = format!(
        "runbook asks {{\n  dir = \"{}\"\n  gate go {{ approve {{ }} on_fail = [stop] }}\n  step s {{ run = \"echo x >> done\" effect = abandoned(\"a test\") timeout = 1m }}\n}}\n",
        place.dir.display()
    );
    let file = place.file("asks.runbook", &text);
    let mut server = Server::start(&place, &[], &[]);
    let run = detach(&place, &file);
    server.says("waits for people");
    assert_eq!(place.attendants(), [0; 0], "the server does that");
    place.run(["approve", &run, "go", "--as", "cto"]).expect(0);
    until("it is over", || state(&place, &run) == "succeeded");
    server.says("succeeded");
    assert_eq!(place.read("done"), "x\n");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn twenty_runs_end_although_their_servers_are_killed() {
    let place = Place::new();
    let runs = 20;
    let text = "runbook many {\n  timeout = 1m\n  param at { type = string }\n  env { AT = \"${{ params.at }}\" }\n  step a { run = \"echo $AT a >> started; sleep 0.2\" effect = abandoned(\"a test\") }\n  step b { run = \"echo $AT b >> started; sleep 0.2\" effect = abandoned(\"a test\") }\n  step c { run = \"echo $AT c >> started\" effect = abandoned(\"a test\") }\n}\n";
    let text = text.replacen(
        "{\n",
        &format!("{{\n  dir = \"{}\"\n", place.dir.display()),
        1,
    );
    let file = place.file("many.runbook", &text);
    let mut first = Server::start(&place, &[], &["--name", "first"]);
    let mut second = Server::start(&place, &[], &["--name", "second"]);
    for number in 0..runs {
        let set = format!("at=r{number}");
        let ended = place.run([
            "run".as_ref(),
            "--detach".as_ref(),
            "--set".as_ref(),
            std::ffi::OsStr::new(&set),
            file.as_os_str(),
        ]);
        ended.expect(0);
        if number == runs / 2 {
            first.kill();
        }
    }
    let third = Server::start(&place, &[], &["--name", "third"]);
    second.kill();
    let over = || {
        let listed = place.json(["runs", "--json"]);
        let listed = listed.as_array().cloned().unwrap_or_default();
        listed
            .iter()
            .filter(|run| run["state"] == "succeeded")
            .count()
            == runs
    };
    let end = Instant::now() + Duration::from_secs(180);
    while !over() {
        assert!(Instant::now() < end, "{}", place.run(["runs"]).stdout);
        std::thread::sleep(Duration::from_millis(200));
    }
    let mut started: Vec<_> = place.read("started").lines().map(str::to_owned).collect();
    assert_eq!(started.len(), 3 * runs);
    started.sort();
    started.dedup();
    assert_eq!(started.len(), 3 * runs, "each node once");
    assert_eq!(third.end(), Some(0));
}

#[test]
fn a_server_that_was_stopped_past_its_lease_begins_nothing_when_it_goes_on() {
    let place = Place::new();
    let text = format!(
        "runbook two {{\n  timeout = 1m\n  dir = \"{}\"\n  step a {{ run = \"echo x >> a; until [ -e go ]; do sleep 0.02; done\" effect = abandoned(\"a test\") }}\n  step b {{ run = \"echo x >> b\" effect = abandoned(\"a test\") }}\n}}\n",
        place.dir.display()
    );
    let file = place.file("two.runbook", &text);
    let short = [("PITON_TEST_LEASE_MS", "1500")];
    let mut first = Server::start(&place, &short, &[]);
    let run = detach(&place, &file);
    until("the first step runs", || place.read("a") == "x\n");
    first.signal("STOP");
    let mut second = Server::start(&place, &short, &[]);
    second.says("taken over from");
    place.file("go", "");
    second.says("succeeded");
    first.signal("CONT");
    first.says("cannot go on here");
    assert_eq!(
        (place.read("a"), place.read("b")),
        ("x\n".into(), "x\n".into())
    );
    assert_eq!(state(&place, &run), "succeeded");
    assert_eq!((first.end(), second.end()), (Some(0), Some(0)));
}

#[test]
fn what_is_said_of_a_host_is_listed_and_holds() {
    let place = Place::new();
    let file = place.file("chain.runbook", &chain(1, "0", &place.dir));
    let mut run = place.piton(["run".as_ref(), file.as_os_str()]);
    run.env("PITON_HOST", "rack-7");
    assert!(run.output().expect("piton starts").status.success());
    place.run(["hosts"]).expect(0).says("rack-7");
    place
        .run(["hosts", "dead", "rack-8", "--reason", "x"])
        .expect(2)
        .says("known are rack-7");
    place
        .run([
            "hosts", "dead", "rack-7", "--reason", "on fire", "--as", "ann",
        ])
        .expect(0);
    let listed = place.json(["hosts", "--json"]);
    assert_eq!(listed[0]["dead"]["reason"], "on fire");
    let mut again = place.piton(["run".as_ref(), file.as_os_str()]);
    let again = again.env("PITON_HOST", "rack-7").output().expect("piton");
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(said.contains("piton hosts alive rack-7"), "{said}");
    place
        .run(["hosts", "alive", "rack-7", "--reason", "repaired"])
        .expect(0);
    let mut again = place.piton(["run".as_ref(), file.as_os_str()]);
    again.env("PITON_HOST", "rack-7");
    assert!(again.output().expect("piton starts").status.success());
}
