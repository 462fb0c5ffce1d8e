//! A team's store on a real Postgres: a colleague on another host sees, decides and takes over; engines and the server
//! die in the middle; no password is shown anywhere.

use crate::support::team::{PASSWORD, Team, clean};
use crate::support::{Ended, chain, kill, until};
use std::collections::BTreeMap;
use std::path::Path;

/// How often each step of a chain was started and done.
fn counts(dir: &Path) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let of = |name: &str| {
        let mut counts = BTreeMap::new();
        let text = std::fs::read_to_string(dir.join(name)).unwrap_or_default();
        for line in text.lines() {
            *counts.entry(line.to_owned()).or_insert(0) += 1;
        }
        counts
    };
    (of("started"), of("done"))
}

/// All steps of a chain were done once.
#[track_caller]
fn each_once(dir: &Path, steps: usize) {
    let (started, done) = counts(dir);
    let expected: BTreeMap<_, _> = (0..steps).map(|step| (format!("s{step}"), 1)).collect();
    assert_eq!(started, expected);
    assert_eq!(done, expected);
}

#[test]
fn a_colleague_on_another_host_sees_decides_and_takes_over() {
    let team = Team::new();
    let b = team.another("b");
    let text = format!(
        r#"
runbook shared {{
  timeout = 1m
  dir     = "{}"
  step first {{ run = "echo hello from the first step"  effect = none }}
  gate go {{ approve {{ by = ["ada"] }}  on_fail = [stop] }}
  step second {{
    run      = "echo hello from the second step | tee kept"
    evidence = ["kept"]
    effect   = abandoned("a test")
  }}
}}
"#,
        team.a.dir.display()
    );
    team.a.file("shared.runbook", &text);
    clean(team.a.run(["run", "shared.runbook"])).expect(3);
    let run = team.a.last_run();
    assert_eq!(b.last_run(), run);
    clean(b.run(["show", "last"])).expect(0).says("go");
    clean(b.run(["show", "last", "--json"])).expect(0);
    clean(b.run(["logs", "last", "first"]))
        .expect(0)
        .says("hello from the first step");
    clean(b.run(["audit", "last"])).expect(0);
    clean(b.run(["approve", "last", "go", "--as", "ada"])).expect(0);
    assert_eq!(team.a.state(), "succeeded");
    clean(team.a.run(["logs", "last", "second"]))
        .expect(0)
        .says("hello from the second step");
    // What was kept is on the host that ran the step.
    clean(b.run(["audit", "last"]))
        .expect(0)
        .says("and the kept file are as they were");
    clean(team.a.run(["audit", "last"]))
        .expect(0)
        .says("1 files were kept on other hosts");
    // The test's server does not wait for its disk, which is worth a word.
    clean(b.run(["doctor"]))
        .expect(1)
        .says("schema `piton`")
        .says("`fsync` or `full_page_writes` is off");
    clean(b.run(["doctor", "--json"])).expect(1);
    clean(b.run(["lock", "list"])).expect(0).says(&format!(
        "postgres://team@127.0.0.1:{}/postgres",
        team.cluster.port
    ));
}

#[test]
fn a_decision_on_another_host_wakes_the_engine_at_once() {
    let team = Team::new();
    let b = team.another("b");
    let text = r#"
runbook shared {
  timeout = 1m
  gate go { approve { by = ["ada"] }  on_fail = [stop] }
  step after { run = "echo after"  effect = none }
}
"#;
    team.a.file("shared.runbook", text);
    let waiting = team.a.spawn(["run", "--wait", "shared.runbook"]);
    until("the run waits", || b.state() == "waiting");
    clean(b.run(["approve", "last", "go", "--as", "ada"])).expect(0);
    let ended = Ended::from(waiting.wait_with_output().expect("piton"));
    clean(ended).expect(0);
}

#[test]
fn an_engine_that_is_killed_is_followed_by_another_and_each_step_runs_once() {
    let team = Team::new();
    team.a.file("chain.runbook", &chain(6, "0.3", &team.a.dir));
    let mut engine = team.a.spawn(["run", "chain.runbook"]);
    until("the third step runs", || {
        team.a.read("started").contains("s2")
    });
    kill(engine.id(), "KILL");
    engine.wait().expect("piton");
    clean(team.a.run(["resume"])).expect(0);
    each_once(&team.a.dir, 6);
    clean(team.a.run(["audit"])).expect(0);
}

#[test]
fn a_server_that_dies_in_the_middle_and_comes_back_loses_nothing() {
    let team = Team::new();
    team.a.file("chain.runbook", &chain(12, "0.1", &team.a.dir));
    let engine = team.a.spawn(["run", "chain.runbook"]);
    for step in [2, 6, 9] {
        until("the chain goes on", || {
            team.a.read("started").contains(&format!("s{step}\n"))
        });
        team.cluster.crash();
        team.cluster.start();
    }
    let ended = Ended::from(engine.wait_with_output().expect("piton"));
    clean(ended).expect(0);
    each_once(&team.a.dir, 12);
    clean(team.a.run(["audit"])).expect(0);
}

#[test]
fn a_server_that_stays_away_is_told_and_the_run_goes_on_when_it_is_back() {
    let mut team = Team::new();
    let patience = ("PITON_STORE_PATIENCE".to_owned(), "1s".into());
    team.a.settings.push(patience);
    team.a.file("chain.runbook", &chain(3, "1", &team.a.dir));
    let engine = team.a.spawn(["run", "chain.runbook"]);
    until("the first step runs", || !team.a.read("started").is_empty());
    team.cluster.crash();
    let ended = Ended::from(engine.wait_with_output().expect("piton"));
    let run = ended.stderr.clone() + &ended.stdout;
    clean(ended)
        .expect(1)
        .says("cannot be reached")
        .says("what runs goes on");
    assert!(run.contains("piton resume chain-"), "{run}");
    team.cluster.start();
    clean(team.a.run(["resume"])).expect(0);
    each_once(&team.a.dir, 3);
}

#[test]
fn a_password_on_the_command_line_is_warned_of_and_never_repeated() {
    let team = Team::new();
    let mut url = format!(
        "postgres://team:{PASSWORD}@127.0.0.1:{}/postgres",
        team.cluster.port
    );
    clean(team.a.run(["runs", "--store", &url]))
        .expect(0)
        .says("everybody on this machine can read the password");
    let port = team.cluster.port;
    team.cluster.crash();
    clean(team.a.run(["runs"]))
        .expect(1)
        .says("cannot be reached");
    clean(team.a.run(["doctor"])).expect(1);
    url.push_str("?nonsense=1");
    clean(team.a.run(["runs", "--store", &url])).expect(2);
    let wrong = format!("postgre://team:{PASSWORD}@127.0.0.1:{port}/postgres");
    clean(team.a.run(["runs", "--store", &wrong])).expect(2);
}
