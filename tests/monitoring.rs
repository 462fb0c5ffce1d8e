//! `piton serve --listen`: metrics in Prometheus' format, and whether the server can work.

use crate::hosts::detach;
use crate::support::server::Server;
use crate::support::{Ended, Place, chain, top, until};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;

/// A step that does well at the second try, and a gate at which one of two people is reached.
const ASKS: &str = r#"
runbook asks {
  timeout = 1m
  contact lead { via = [{ command = ["false"] }, { command = ["true"] }] }
  contact cto { via = [{ command = ["false"] }] }
  escalation lead { level { page = ["lead", "cto"] ack_within = 10m } decide_within = 20m }
  page = "lead"
  step again {
    run = "test -e again || { touch again; exit 3; }"
    retry { times = 2, backoff = 10ms..10ms }
    effect = none
  }
  step ok { run = "true" effect = none }
  gate go { approve { } on_fail = [stop] }
}
"#;

/// A server that listens, and where.
fn listening(place: &Place) -> (Server, String) {
    let mut server = Server::start(place, &[], &["--listen", "127.0.0.1:0"]);
    server.says("/metrics");
    let said = server
        .said
        .iter()
        .find_map(|line| line.split_once("http://"));
    let (_, address) = said.expect("an address");
    let address = address.trim_end_matches("/metrics").to_owned();
    (server, address)
}

/// The status and the body of an answer.
fn get(address: &str, request: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!("{request} HTTP/1.1\r\nHost: piton\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status.expect("a status"), body.to_owned())
}

/// Metrics as a reader of the text format understands them.
#[derive(Debug, Default)]
struct Metrics {
    /// The kind of each metric.
    kinds: BTreeMap<String, String>,
    /// The values by name and labels, as they are written.
    values: BTreeMap<String, f64>,
}

impl Metrics {
    /// Reads them, and fails where the format is not kept: each metric is told once, its values follow what is said of
    /// it, and buckets grow.
    fn read(text: &str) -> Metrics {
        assert!(text.ends_with('\n'), "the last line ends");
        let (mut metrics, mut helped, mut current) = (Metrics::default(), None, String::new());
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').expect("a name and a text");
                assert!(!help.is_empty());
                helped = Some(name.to_owned());
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a name and a kind");
                assert_eq!(helped.take().as_deref(), Some(name), "{line}");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                let before = metrics.kinds.insert(name.to_owned(), kind.to_owned());
                assert_eq!(before, None, "{line}: twice");
                current = name.to_owned();
            } else {
                metrics.value(line, &current);
            }
        }
        metrics
    }

    fn value(&mut self, line: &str, current: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a series and a value");
        let value: f64 = value
            .parse()
            .unwrap_or_else(|_| panic!("no number: {line}"));
        let (name, labels) = match series.split_once('{') {
            None => (series, ""),
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("a closing brace")),
        };
        let histogram = self
            .kinds
            .get(current)
            .is_some_and(|kind| kind == "histogram");
        let of_it = match name.strip_prefix(current) {
            Some("") => !histogram,
            Some("_bucket" | "_sum" | "_count") => histogram,
            _ => false,
        };
        assert!(of_it, "{line} does not belong to {current}");
        for label in labels.split(',').filter(|label| !label.is_empty()) {
            let (name, value) = label.split_once('=').expect("a label and its value");
            assert!(
                name.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            );
            assert!(
                value.len() >= 2 && value.starts_with('"') && value.ends_with('"'),
                "{line}"
            );
        }
        if name.ends_with("_bucket") {
            let before = self.values.iter().filter(|(key, _)| key.starts_with(name));
            let most = before.map(|(_, value)| *value).fold(0.0, f64::max);
            assert!(value >= most, "{line}: buckets grow");
        }
        assert_eq!(
            self.values.insert(series.to_owned(), value),
            None,
            "{line}: twice"
        );
    }

    #[track_caller]
    fn of(&self, series: &str) -> f64 {
        let value = self.values.get(series).copied();
        value.unwrap_or_else(|| panic!("no {series} in {self:#?}"))
    }
}

fn metrics(address: &str) -> Metrics {
    let (status, text) = get(address, "GET /metrics");
    assert_eq!(status, 200, "{text}");
    Metrics::read(&text)
}

#[test]
fn a_server_counts_what_it_does() {
    let place = Place::new();
    let (server, address) = listening(&place);
    let empty = metrics(&address);
    assert_eq!(empty.of("piton_runs{state=\"succeeded\"}"), 0.0);
    assert_eq!(empty.of("piton_attempts_total{outcome=\"succeeded\"}"), 0.0);
    assert_eq!(empty.of("piton_question_oldest_age_seconds"), 0.0);
    detach(
        &place,
        &place.file("chain.runbook", &chain(3, "0", &place.dir)),
    );
    let run = detach(&place, &place.file("asks.runbook", ASKS));
    until("the runs are where they get", || {
        let now = metrics(&address);
        now.of("piton_runs{state=\"succeeded\"}") == 1.0
            && now.of("piton_runs{state=\"waiting\"}") == 1.0
            && now.of("piton_runs_driven") == 0.0
    });
    let now = metrics(&address);
    assert_eq!(now.of("piton_attempts_started_total"), 6.0);
    assert_eq!(now.of("piton_attempts_total{outcome=\"succeeded\"}"), 5.0);
    assert_eq!(now.of("piton_attempts_total{outcome=\"failed\"}"), 1.0);
    assert_eq!(now.of("piton_pages_total{result=\"sent\"}"), 1.0);
    assert_eq!(now.of("piton_pages_total{result=\"failed\"}"), 1.0);
    assert_eq!(now.of("piton_questions_open"), 1.0);
    assert!(now.of("piton_commit_duration_seconds_count") >= 5.0);
    assert_eq!(
        now.of("piton_commit_duration_seconds_bucket{le=\"+Inf\"}"),
        now.of("piton_commit_duration_seconds_count")
    );
    until("the question grows older", || {
        metrics(&address).of("piton_question_oldest_age_seconds") > 0.5
    });
    place.run(["approve", &run, "go", "--as", "cto"]).expect(0);
    until("it is over", || {
        metrics(&address).of("piton_runs{state=\"succeeded\"}") == 2.0
    });
    let now = metrics(&address);
    assert_eq!(now.of("piton_questions_open"), 0.0);
    assert_eq!(now.of("piton_question_oldest_age_seconds"), 0.0);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn every_metric_is_documented_and_every_one_that_is_documented_is_there() {
    let place = Place::new();
    let (server, address) = listening(&place);
    let exported: BTreeSet<String> = metrics(&address).kinds.into_keys().collect();
    let text = std::fs::read_to_string(top().join("docs/observability.md")).expect("a text");
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `piton_"));
    let documented: BTreeSet<String> = rows
        .filter_map(|row| row.split(['`', '{']).next())
        .map(|name| format!("piton_{name}"))
        .collect();
    assert_eq!(exported, documented);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn health_is_that_of_the_store_and_nothing_else_is_served() {
    let place = Place::new();
    let (server, address) = listening(&place);
    assert_eq!(get(&address, "GET /healthz"), (200, "ok\n".to_owned()));
    for (request, status) in [
        ("GET /", 404),
        ("GET /metrics/x", 404),
        ("GET /../../etc/passwd", 404),
        ("POST /metrics", 405),
    ] {
        assert_eq!(get(&address, request).0, status, "{request}");
    }
    let store = rusqlite::Connection::open(place.dir.join("store.db")).expect("the store");
    store
        .execute_batch("alter table progress rename to gone")
        .expect("our table");
    assert_eq!(get(&address, "GET /healthz").0, 503);
    let now = metrics(&address);
    assert_eq!(now.of("piton_store_up"), 0.0);
    assert!(!now.kinds.contains_key("piton_runs"), "nothing is made up");
    store
        .execute_batch("alter table gone rename to progress")
        .expect("our table");
    until("it is well again", || {
        get(&address, "GET /healthz").0 == 200
    });
    assert_eq!(server.end(), Some(0));
}

#[test]
fn somebody_who_connects_and_says_nothing_keeps_nobody_from_anything() {
    let place = Place::new();
    let (server, address) = listening(&place);
    let _silent: Vec<TcpStream> = (0..20)
        .map(|_| TcpStream::connect(&address).expect("it listens"))
        .collect();
    assert_eq!(get(&address, "GET /healthz").0, 200);
    assert_eq!(server.end(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_said() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let mut command = place.piton(["serve", "--listen", &address]);
    let ended = Ended::from(command.output().expect("piton starts"));
    ended
        .expect(1)
        .says(&format!("cannot listen at `{address}`"))
        .says("help: ");
    place
        .run(["serve", "--listen", "nowhere"])
        .expect(1)
        .says("cannot listen");
}
