//! A step may start a server that stays: Postgres is there after the step, after the run, and whoever dies meanwhile.

use crate::support::account::account;
use crate::support::history::{DATABASE, Until};
use crate::support::site::Site;
use crate::support::{Written, kill, until};

/// Starts the primary in one step, asks it in the next.
fn serve(site: &Site) {
    let text = format!(
        r#"
runbook serve {{
  timeout = 1m
  step start {{ exec = ["pg_ctl", "start", "-w", "-D", "{data}", "-l", "{log}"]  effect = abandoned("it stays")  idempotent = true }}
  step ask {{
    run     = "psql -X -A -t -h {sockets} -p {port} -U postgres -d {DATABASE} -c 'select count(*) from events'"
    effect  = none
    outputs {{ events = "int(stdout.trim())" }}
  }}
  step after {{ run = "echo after >> after"  effect = abandoned("a test") }}
}}
"#,
        data = site.primary.data.display(),
        log = site.place.dir.join("server.log").display(),
        sockets = site.primary.sockets.display(),
        port = site.primary.port,
    );
    account().file(&site.place.dir.join("serve.runbook"), &text);
}

/// How often a server was started since its log was removed.
fn starts(site: &Site) -> usize {
    site.place
        .read("server.log")
        .matches("starting PostgreSQL")
        .count()
}

#[test]
fn a_server_outlives_the_run_that_started_it() {
    let site = Site::after(Until::LastGood);
    serve(&site);
    site.run(["run", "serve.runbook"]).expect(0);
    until("the keeper is gone", || site.place.keepers().is_empty());
    assert!(site.primary.runs());
    assert_eq!(site.primary.psql(DATABASE, "select 1"), "1");
}

#[test]
fn a_server_is_started_once_wherever_the_engine_dies() {
    let site = Site::after(Until::LastGood);
    serve(&site);
    site.run(["run", "serve.runbook"]).expect(0);
    let records = site.place.records(&site.place.last_run());
    let kinds: Vec<&str> = records.iter().map(Written::kind).collect();
    let ended = |kind: &&str| *kind == "attempt_ended";
    let first = kinds.iter().position(ended).expect("an end") + 1;
    for record in first..=records.len() {
        site.primary.crash();
        let _ = std::fs::remove_file(site.place.dir.join("server.log"));
        site.place.dies_after(record, ["run", "serve.runbook"]);
        site.run(["resume", "last"]).expect(0);
        assert!(site.primary.runs(), "record {record}");
        assert_eq!(starts(&site), 1, "record {record}");
    }
}

#[test]
fn a_server_is_started_once_when_the_engine_dies_while_it_starts() {
    let site = Site::after(Until::LastGood);
    serve(&site);
    let mut engine = site.place.spawn(["run", "serve.runbook"]);
    until("the server starts", || site.primary.runs());
    engine.kill().expect("our child");
    engine.wait().expect("our child");
    site.run(["resume", "last"]).expect(0);
    assert!(site.primary.runs());
    assert_eq!(starts(&site), 1);
    assert_eq!(site.place.read("after"), "after\n");
}

#[test]
fn a_server_outlives_the_engine_and_the_keeper() {
    let site = Site::after(Until::LastGood);
    serve(&site);
    site.place.dies_after(4, ["run", "serve.runbook"]);
    until("the server is there", || site.primary.runs());
    for keeper in site.place.keepers() {
        kill(keeper, "KILL");
    }
    assert!(site.primary.runs());
    site.primary.psql(DATABASE, "select 1");
}
