//! Nobody waits alone: people are called, then others, also when the command that began the run has long ended; and
//! when their time is over the run goes on without them.

use crate::support::{Ended, Place, kill, until};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

/// A channel that keeps what it is given in a file of this name.
fn into(place: &Place, name: &str) -> String {
    let file = place.dir.join(name);
    format!(
        "{{ command = [\"sh\", \"-c\", \"cat >> {}\"] }}",
        file.display()
    )
}

/// A runbook with these levels and nodes, in which `lead` and `cto` are called through files of their names.
fn runbook(place: &Place, levels: &str, nodes: &str) {
    let (lead, cto) = (into(place, "lead"), into(place, "cto"));
    place.file(
        "call.runbook",
        &format!(
            r#"
runbook call {{
  timeout = 1m
  contact lead {{ roles = ["infra"]  via = [{lead}] }}
  contact cto {{ via = [{cto}] }}
  escalation infra {{ {levels} }}
  page = "infra"
{nodes}
}}
"#
        ),
    );
}

const TWO_LEVELS: &str =
    "level { page = [\"lead\"] ack_within = 300ms } level { page = [\"cto\"] } decide_within = 1h";

const GATE: &str = r#"
  gate go { approve { by = ["infra", "cto"] } on_fail = [stop] }
  step after { run = "echo after > after"  effect = abandoned("a test") }
"#;

/// The messages that somebody got.
fn messages(place: &Place, name: &str) -> Vec<Value> {
    let text = place.read(name);
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

#[test]
fn the_second_level_is_called_when_no_command_of_a_person_is_there_any_more() {
    let place = Place::new();
    runbook(&place, TWO_LEVELS, GATE);
    place.run(["run", "call.runbook"]).expect(3).says("lead");
    let run = place.last_run();
    until("the second level is called", || {
        !place.read("cto").is_empty()
    });
    let (first, second) = (messages(&place, "lead"), messages(&place, "cto"));
    assert_eq!((first.len(), second.len()), (1, 1));
    for (message, number) in [(&first[0], 1), (&second[0], 2)] {
        assert_eq!(message["key"], format!("{run}/q1.{number}"));
        assert_eq!(message["level"], number);
        assert_eq!(message["run"], run);
        assert_eq!(message["runbook"], "call");
        assert_eq!(message["node"], "go");
        assert_eq!(message["decide"], format!("piton show {run}"));
    }
    until("`show` tells it", || {
        let shown = place.run(["show", "last"]);
        shown.stdout.contains("paged cto (level 2)")
    });
    place
        .run(["approve", "last", "go", "--as", "cto"])
        .expect(0);
    until("the run ends", || place.state() == "succeeded");
    assert_eq!(place.read("after"), "after\n");
    until("nobody stays with it", || place.attendants().is_empty());
    assert_eq!(messages(&place, "lead").len(), 1);
}

#[test]
fn whoever_stays_with_a_run_goes_on_with_it_when_somebody_decides() {
    let place = Place::new();
    let levels = "level { page = [\"lead\"] ack_within = 1h } level { page = [\"cto\"] }";
    runbook(&place, levels, GATE);
    place.run(["run", "call.runbook"]).expect(3);
    until("somebody stays with it", || !place.attendants().is_empty());
    place
        .run(["show", "last"])
        .expect(0)
        .says("the next page goes out");
    // The lead has the role that the gate asks for.
    place
        .run(["approve", "last", "go", "--as", "lead", "--no-resume"])
        .expect(0);
    until("the run ends", || place.state() == "succeeded");
    until("nobody stays with it", || place.attendants().is_empty());
    assert_eq!(place.read("cto"), "", "nobody was called in vain");
}

#[test]
fn whoever_resumes_a_run_is_not_turned_away_by_one_who_has_just_come_to_stay_with_it() {
    let place = Place::new();
    let levels = "level { page = [\"lead\"] ack_within = 1h } level { page = [\"cto\"] }";
    runbook(&place, levels, GATE);
    place.run(["run", "call.runbook"]).expect(3);
    let run = place.last_run();
    for _ in 0..15 {
        // Three want the run at once.
        let mut others: Vec<_> = (0..2).map(|_| place.spawn(["__attend", &run])).collect();
        place.run(["resume", &run]).expect(3);
        for other in &mut others {
            kill(other.id(), "TERM");
            other.wait().expect("a child");
        }
    }
}

#[test]
fn a_run_whose_attendant_was_killed_is_still_decided() {
    let place = Place::new();
    runbook(
        &place,
        "level { page = [\"lead\"] ack_within = 1h } level { page = [\"cto\"] }",
        GATE,
    );
    place.run(["run", "call.runbook"]).expect(3);
    until("somebody stays with it", || !place.attendants().is_empty());
    for attendant in place.attendants() {
        kill(attendant, "KILL");
    }
    until("it is gone", || place.attendants().is_empty());
    place
        .run(["approve", "last", "go", "--as", "cto"])
        .expect(0);
    assert_eq!(place.state(), "succeeded");
}

const FAILS: &str = r#"
  step one { run = "echo one >> log"  undo { run = "echo undo-one >> log" } }
  step bad { run = "exit 3"  effect = none  on_fail = [escalate("infra", expires = 700ms), rollback] }
"#;

#[test]
fn a_decision_that_nobody_takes_gives_way_to_the_next_response() {
    // Calling goes on, or everybody was called: either way somebody keeps the time.
    for levels in [
        "level { page = [\"lead\"] ack_within = 200ms }",
        "level { page = [\"lead\"] }",
    ] {
        let place = Place::new();
        runbook(&place, levels, FAILS);
        place.run(["run", "call.runbook"]).expect(3);
        until("the run ends", || place.state() == "rolled back");
        assert_eq!(place.read("log"), "one\nundo-one\n");
        place
            .run(["decide", "last", "bad", "retry"])
            .expect(1)
            .says("expired");
        place.run(["resume", "last"]).expect(4);
        until("nobody stays with it", || place.attendants().is_empty());
    }
}

#[test]
fn a_gate_that_nobody_approves_in_time_fails_by_itself() {
    let place = Place::new();
    let nodes = r#"
  step one { run = "echo one >> log"  undo { run = "echo undo-one >> log" } }
  gate go { approve { expires = 500ms } on_fail = [rollback] }
"#;
    place.file(
        "alone.runbook",
        &format!("runbook alone {{\n  timeout = 1m\n{nodes}\n}}\n"),
    );
    place.run(["run", "alone.runbook"]).expect(3);
    until("the run ends", || place.state() == "rolled back");
    assert_eq!(place.read("log"), "one\nundo-one\n");
}

#[test]
fn a_page_that_its_engine_did_not_send_is_sent_by_the_next_one() {
    // After a step, because the first records are written before there is an engine that could die.
    let nodes = format!("step first {{ run = \"true\" effect = none }}\n{GATE}");
    let place = Place::new();
    runbook(&place, "level { page = [\"lead\"] }", &nodes);
    place.run(["run", "call.runbook"]).expect(3);
    let records = place.records(&place.last_run());
    let paged = records.iter().position(|record| record.kind() == "paged");
    let paged = paged.expect("a page") + 1;
    let place = Place::new();
    runbook(&place, "level { page = [\"lead\"] }", &nodes);
    place.dies_after(paged, ["run", "call.runbook"]);
    assert_eq!(place.read("lead"), "");
    place.run(["resume", "last"]).expect(3);
    let messages = messages(&place, "lead");
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(messages[0]["key"], format!("{}/q1.1", place.last_run()));
}

#[test]
fn a_page_of_which_nobody_knows_whether_it_arrived_is_sent_again_under_its_key() {
    let place = Place::new();
    runbook(&place, "level { page = [\"lead\"] }", GATE);
    let text = place.read("call.runbook");
    let slow = format!(
        "cat >> {0}/lead; until test -e {0}/go || ! test -e {0}; do sleep 0.02; done",
        place.dir.display()
    );
    let cat = format!("cat >> {}/lead", place.dir.display());
    place.file("call.runbook", &text.replace(&cat, &slow));
    let mut engine = place.spawn(["run", "call.runbook"]);
    until("the lead is called", || place.read("lead").ends_with('\n'));
    engine.kill().expect("our child");
    engine.wait().expect("a child");
    place.file("go", "");
    place.run(["resume", "last"]).expect(3);
    let messages = messages(&place, "lead");
    assert_eq!(messages.len(), 2, "{messages:?}");
    assert_eq!(messages[0], messages[1]);
}

/// Takes one request, answers it, and gives its head and body.
fn take(listener: &TcpListener, answer: &str) -> (String, String) {
    let (stream, _) = listener.accept().expect("a connection");
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).expect("a head") > 0, "{head}");
    }
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.parse().ok())
        .expect("a length");
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    let mut stream: TcpStream = reader.into_inner();
    write!(
        stream,
        "HTTP/1.1 {answer}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
    .expect("an answer");
    (head, String::from_utf8(body).expect("UTF-8"))
}

/// A runbook that calls somebody by a webhook whose address is a secret, and then the boss.
fn hooked(place: &Place) {
    let boss = into(place, "boss");
    place.file(
        "hook.runbook",
        &format!(
            r#"
runbook hook {{
  timeout = 1m
  secret pager {{ env = "PITON_TEST_PAGER" }}
  contact lead {{ via = [{{ webhook = "${{{{ secrets.pager }}}}" }}] }}
  contact boss {{ via = [{boss}] }}
  escalation infra {{ level {{ page = ["lead"] ack_within = 1h }} level {{ page = ["boss"] }} }}
  gate go {{ approve {{ page = "infra" }} on_fail = [stop] }}
}}
"#
        ),
    );
}

fn run_with_pager(place: &Place, address: &str) -> Ended {
    let mut command = place.piton(["run", "hook.runbook"]);
    let output = command.env("PITON_TEST_PAGER", address).output();
    Ended::from(output.expect("piton starts"))
}

#[test]
fn a_webhook_is_posted_and_its_address_stays_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let place = Place::new();
    hooked(&place);
    let taking = std::thread::spawn(move || take(&listener, "204 No Content"));
    run_with_pager(&place, &format!("http://127.0.0.1:{port}/hook/t0p-s3cret"))
        .expect(3)
        .says("reached");
    let (head, body) = taking.join().expect("a request");
    assert!(head.starts_with("POST /hook/t0p-s3cret HTTP/1.1"), "{head}");
    let message: Value = serde_json::from_str(&body).expect("JSON");
    assert_eq!(message["key"], format!("{}/q1.1", place.last_run()));
    assert_eq!(message["node"], "go");
    let shown = place.run(["show", "last"]).expect(0);
    assert!(!shown.stdout.contains("t0p-s3cret"), "{shown:?}");
    for record in place.records(&place.last_run()) {
        assert!(
            !record.fact.to_string().contains("t0p-s3cret"),
            "{record:?}"
        );
    }
    assert_eq!(place.read("boss"), "", "the next level's time has not come");
}

#[test]
fn when_nobody_is_reached_the_next_level_is_called_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let place = Place::new();
    hooked(&place);
    let taking = std::thread::spawn(move || take(&listener, "503 Service Unavailable"));
    run_with_pager(&place, &format!("http://127.0.0.1:{port}/hook/t0p-s3cret")).expect(3);
    taking.join().expect("a request");
    until("the boss is called", || !place.read("boss").is_empty());
    until("`show` tells why", || {
        let shown = place.run(["show", "last"]).expect(0);
        assert!(!shown.stdout.contains("t0p-s3cret"), "{shown:?}");
        shown.stdout.contains("503")
    });
}

#[test]
fn people_are_told_by_a_step() {
    let place = Place::new();
    runbook(
        &place,
        TWO_LEVELS,
        r#"
  param backup { type = string  default = "LATEST" }
  step tell { notify { to = ["lead", "cto"]  message = "${{ params.backup }} is restored" } }
"#,
    );
    place.run(["run", "call.runbook"]).expect(0);
    for name in ["lead", "cto"] {
        let messages = messages(&place, name);
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert_eq!(messages[0]["message"], "LATEST is restored");
        assert_eq!(messages[0]["node"], "tell");
    }
}
