//! A run is measured against its targets: the clock is right, people hear of it while something can still be done, and
//! none of it keeps the work waiting.

use crate::support::{Place, SOON, kill, until};
use serde_json::Value;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A runbook whose clock runs from `go` to `serve`, and calls `lead` through a file of that name.
fn runbook(place: &Place, within: &str, at_risk: &str, nodes: &str) {
    let pages = place.dir.join("lead");
    place.file(
        "restore.runbook",
        &format!(
            r#"
runbook restore {{
  timeout = 1m
  targets {{
    rto {{ within = {within}, from = "go", to = "serve", at_risk = {at_risk}, page = "infra" }}
    rpo {{ within = 5m, achieved = "timestamp('2026-01-31T03:00:00Z') - steps.replay.outputs.last" }}
  }}
  contact lead {{ via = [{{ command = ["sh", "-c", "cat >> {}"] }}] }}
  escalation infra {{ level {{ page = ["lead"] }} }}
{nodes}
}}
"#,
            pages.display()
        ),
    );
}

/// What `lead` was told, and what is known of the run's targets.
fn messages(place: &Place) -> Vec<Value> {
    let text = place.read("lead");
    let lines = text.lines().map(serde_json::from_str);
    lines.map(|line| line.expect("a line of JSON")).collect()
}

fn targets(place: &Place) -> Value {
    place.json(["show", "last", "--json"])["targets"].clone()
}

fn milliseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.expect("a clock").as_millis()).expect("a time of this age")
}

const STEPS: &str = r#"
  step go { run = "true"  effect = none }
  step replay {
    run = """
      date +%s%3N > began
      while ! test -e over; do sleep 0.02; done
      echo last=2026-01-31T02:58:00Z >> "$PITON_OUTPUT"
    """
    outputs { last = "timestamp(output.last)" }
    effect = none
  }
  step serve { run = "date +%s%3N > served"  effect = none }
  step tell { exec = ["sh", "-c", "echo $1 $2 > told", "tell", "${{ run.rto }}", "${{ run.rpo }}"]  effect = none }
"#;

#[test]
fn an_engine_killed_before_the_target_is_at_risk_pages_when_it_is_resumed() {
    let place = Place::new();
    runbook(&place, "1h", "0.05%", STEPS);
    let mut engine = place.spawn(["run", "restore.runbook"]);
    until("it is at work", || !place.read("began").is_empty());
    kill(engine.id(), "KILL");
    engine.wait().expect("it ends");
    let run = place.last_run();
    assert!(
        place.facts(&run, "target_paged").is_empty(),
        "it was too late to kill it"
    );
    // The mark is 1.8 seconds after the clock's start.
    let started = place.facts(&run, "clock_started")[0]["at"]
        .as_i64()
        .expect("a time");
    until("the mark has passed", || milliseconds() > started + 1_800);
    assert!(messages(&place).is_empty(), "nobody was there to call");
    let mut engine = place.spawn(["resume", &run]);
    until("the lead is called", || !messages(&place).is_empty());
    let message = &messages(&place)[0];
    assert_eq!(message["key"], format!("{run}/rto.1"));
    assert_eq!(message["run"], run);
    assert_eq!(message["decide"], format!("piton show {run}"));
    assert!(message.get("node").is_none(), "{message}");
    let text = message["message"].as_str().expect("a text");
    assert!(
        text.contains("at risk") && text.contains("`serve` is not done"),
        "{text}"
    );
    // Nobody has to decide anything.
    assert_eq!(place.state(), "running");
    place
        .run(["ack", "last", "rto", "--as", "lead"])
        .expect(0)
        .says("has seen it");
    place
        .run(["ack", "last", "--as", "lead"])
        .expect(1)
        .says("already");
    place
        .run(["show", "last"])
        .expect(0)
        .says("so far")
        .says("acknowledged by lead");
    place.file("over", "");
    assert_eq!(engine.wait().expect("it ends").code(), Some(0));
    measured(&place, &run, started);
    assert_eq!(messages(&place).len(), 1, "once is enough");
}

/// What was written down agrees with what the steps saw by the machine's clock.
fn measured(place: &Place, run: &str, started: i64) {
    let number = |name: &str| place.read(name).trim().parse::<i64>().expect("a time");
    let targets = targets(place);
    let took = targets["rto"]["took_ms"].as_i64().expect("a length");
    assert!(started <= number("began"));
    assert!(took >= number("served") - number("began"), "{targets}");
    let stopped = place.facts(run, "clock_stopped")[0]["at"]
        .as_i64()
        .expect("a time");
    assert_eq!(stopped - started, took);
    assert!(stopped >= number("served"));
    assert_eq!(targets["rto"]["met"], true);
    assert_eq!(targets["rpo"]["lost_ms"], 120_000);
    assert_eq!(targets["rpo"]["met"], true);
    assert!(
        place.read("told").trim().ends_with("2m"),
        "{}",
        place.read("told")
    );
    place
        .run(["show", "last"])
        .expect(0)
        .says("RTO met")
        .says("RPO met");
}

#[test]
fn a_run_that_waits_for_people_is_still_watched_when_the_command_has_left() {
    let place = Place::new();
    let nodes = r#"
  step go { run = "true"  effect = none }
  step replay { run = "echo last=2026-01-31T02:00:00Z >> \"$PITON_OUTPUT\""  outputs { last = "timestamp(output.last)" }  effect = none }
  gate ok { approve { }  on_fail = [stop] }
  step serve { run = "true"  effect = none }
"#;
    runbook(&place, "2s", "20%", nodes);
    let began = Instant::now();
    place.run(["run", "restore.runbook"]).expect(3).says("rto");
    // Nobody is called about the gate: the attendant stays for the clock alone.
    until("it is at risk, and then missed", || {
        messages(&place).len() == 2
    });
    assert!(began.elapsed() < SOON);
    let texts: Vec<_> = messages(&place)
        .iter()
        .map(|one| one["message"].clone())
        .collect();
    assert!(
        texts[0]
            .as_str()
            .is_some_and(|text| text.contains("at risk")),
        "{texts:?}"
    );
    assert!(
        texts[1]
            .as_str()
            .is_some_and(|text| text.contains("missed")),
        "{texts:?}"
    );
    until("nobody is left to be called", || {
        place.attendants().is_empty()
    });
    assert_eq!(place.state(), "waiting");
    place
        .run(["approve", "last", "ok", "--as", "lead"])
        .expect(0);
    assert_eq!(place.state(), "succeeded");
    let targets = targets(&place);
    assert_eq!(
        (&targets["rto"]["met"], &targets["rto"]["reached"]),
        (&Value::from(false), &Value::from(true))
    );
    assert_eq!(
        (&targets["rpo"]["met"], &targets["rpo"]["lost_ms"]),
        (&Value::from(false), &Value::from(3_600_000))
    );
    // To have missed a target is no failure of the run.
    place
        .run(["show", "last"])
        .expect(0)
        .says("RTO missed")
        .says("RPO missed");
}
