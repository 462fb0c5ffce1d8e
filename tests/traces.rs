//! Traces: spans arrive whoever drove the run, the same ones however often they are sent, and a collector that is away
//! changes nothing for the run.

use crate::support::collector::{Collector, attribute};
use crate::support::{Ended, Place, chain, kill, until};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

fn place_for(collector: &Collector) -> Place {
    let mut place = Place::new();
    let endpoint = (
        "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(),
        collector.url().into(),
    );
    place.settings.push(endpoint);
    place
}

/// The spans by their names.
fn named(collector: &Collector) -> BTreeMap<String, Value> {
    let spans = collector.spans().into_values();
    let name = |span: &Value| span["name"].as_str().expect("a name").to_owned();
    spans.map(|span| (name(&span), span)).collect()
}

fn time(span: &Value, which: &str) -> i64 {
    let text = span[which].as_str().expect("a text of digits");
    text.parse().expect("nanoseconds")
}

#[test]
fn a_run_is_one_trace_although_its_engine_was_killed() {
    let collector = Collector::serve();
    let place = place_for(&collector);
    let text = format!(
        "runbook traced {{\n  timeout = 1m\n  dir = \"{}\"\n  step first {{ run = \"test -e again || {{ touch again; exit 3; }}\" retry {{ times = 2, backoff = 10ms..10ms }} effect = none }}\n  step long {{ run = \"echo x >> started; until [ -e go ]; do sleep 0.02; done\" effect = abandoned(\"a test\") }}\n  gate go {{ approve {{ }} on_fail = [stop] }}\n}}\n",
        place.dir.display()
    );
    let file = place.file("traced.runbook", &text);
    let mut engine = place.spawn(["run".as_ref(), file.as_os_str()]);
    until("the long step runs", || place.read("started") == "x\n");
    engine.kill().expect("our child");
    engine.wait().expect("our child");
    place.file("go", "");
    place.run(["resume"]).expect(3);
    let run = place.last_run();
    place.run(["approve", &run, "go", "--as", "cto"]).expect(0);
    until("the span of the run arrives", || {
        named(&collector).contains_key("traced")
    });
    let spans = named(&collector);
    let names: Vec<&str> = spans.keys().map(String::as_str).collect();
    let expected = [
        "first",
        "first n0.p1.a1",
        "first n0.p1.a2",
        "go",
        "long",
        "long n1.p1.a1",
        "traced",
    ];
    assert_eq!(names, expected);
    let root = &spans["traced"];
    assert!(root["parentSpanId"].is_null());
    assert_eq!(root["status"]["code"], 1);
    for (name, span) in &spans {
        assert_eq!(span["traceId"], root["traceId"], "{name}");
        let parent = match name.split_once(' ') {
            Some((node, _)) => &spans[node],
            None if name == "traced" => continue,
            None => root,
        };
        assert_eq!(span["parentSpanId"], parent["spanId"], "{name}");
        assert!(
            time(parent, "startTimeUnixNano") <= time(span, "startTimeUnixNano"),
            "{name}"
        );
        assert!(
            time(span, "endTimeUnixNano") <= time(parent, "endTimeUnixNano"),
            "{name}"
        );
        assert_eq!(attribute(span, "piton.run"), run, "{name}");
    }
    let failed = &spans["first n0.p1.a1"];
    assert_eq!(failed["status"]["code"], 2);
    assert_eq!(attribute(failed, "process.exit.code"), "3");
    assert_eq!(attribute(failed, "piton.outcome"), "failed");
    assert_eq!(attribute(&spans["first"], "piton.attempts"), "2");
    let events = |name: &str| {
        let events = spans[name]["events"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        events
            .into_iter()
            .map(|event| (event["name"].as_str().unwrap_or_default().to_owned(), event))
    };
    assert!(events("first").any(|(name, _)| name == "retry"));
    let answer = events("go")
        .find(|(name, _)| name == "answer")
        .expect("an answer")
        .1;
    assert_eq!(attribute(&answer, "piton.answer"), "approve");
    assert!(
        attribute(&answer, "piton.by").starts_with("cto"),
        "{answer}"
    );
    // Whoever knows the run finds its trace.
    let sum = format!("printf %s {run} | sha256sum | cut -c 1-32");
    let sum = std::process::Command::new("sh")
        .args(["-c", &sum])
        .output()
        .expect("sh");
    assert_eq!(root["traceId"], String::from_utf8_lossy(&sum.stdout).trim());
}

#[test]
fn what_is_said_of_the_origin_is_sent_and_switching_off_is_heard() {
    let collector = Collector::serve();
    let mut place = place_for(&collector);
    let file = place.file("chain.runbook", &chain(1, "0", &place.dir));
    place
        .settings
        .push(("OTEL_SDK_DISABLED".into(), "true".into()));
    place.run(["run".as_ref(), file.as_os_str()]).expect(0);
    assert_eq!(collector.asked(), 0);
    place.settings.pop();
    for (name, value) in [
        ("OTEL_SERVICE_NAME", "restores"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=drill"),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Basic%20k9-CANARY",
        ),
        ("PITON_HOST", "rack-7"),
        ("PITON_LOG", "trace"),
    ] {
        place.settings.push((name.into(), value.into()));
    }
    let ended = place.run(["run".as_ref(), file.as_os_str()]).expect(0);
    assert!(!ended.stderr.contains("k9-CANARY"), "{}", ended.stderr);
    let posted = collector.posted();
    let last = posted.last().expect("spans");
    assert_eq!(last.path, "/v1/traces");
    assert!(last.head.contains("Basic k9-CANARY"), "{}", last.head);
    let resource = &last.body["resourceSpans"][0]["resource"];
    assert_eq!(attribute(resource, "service.name"), "restores");
    assert_eq!(attribute(resource, "deployment.environment"), "drill");
    assert_eq!(attribute(resource, "host.name"), "rack-7");
}

#[test]
fn a_collector_that_is_away_costs_a_warning_and_what_is_missing_is_sent_later() {
    let collector = Collector::serve();
    let place = place_for(&collector);
    collector.refuses(true);
    let text = format!(
        "runbook asks {{\n  dir = \"{}\"\n  timeout = 1m\n  step a {{ run = \"true\" effect = none }}\n  gate go {{ approve {{ }} on_fail = [stop] }}\n}}\n",
        place.dir.display()
    );
    let file = place.file("asks.runbook", &text);
    let ended = place.run(["run".as_ref(), file.as_os_str()]).expect(3);
    let warnings = ended
        .stderr
        .matches("traces do not reach 127.0.0.1")
        .count();
    assert_eq!(warnings, 1, "{ended:?}");
    assert!(collector.asked() > 0);
    assert_eq!(collector.posted().len(), 0);
    collector.refuses(false);
    place
        .run(["approve", "last", "go", "--as", "cto"])
        .expect(0);
    until("all of it arrives", || named(&collector).len() == 4);
    assert_eq!(named(&collector)["a"]["status"]["code"], 1);
}

#[test]
fn a_collector_that_never_answers_holds_nobody_up() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut place = Place::new();
    let endpoint = format!("http://{}", silent.local_addr().expect("an address"));
    let name = "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned();
    place.settings.push((name, endpoint.into()));
    let file = place.file("chain.runbook", &chain(3, "0", &place.dir));
    let began = Instant::now();
    let ended = Ended::from(
        place
            .piton(["run".as_ref(), file.as_os_str()])
            .output()
            .expect("piton"),
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        began.elapsed() < Duration::from_secs(8),
        "{:?}",
        began.elapsed()
    );
    assert!(ended.stderr.contains("did not answer in time"), "{ended:?}");
    drop(silent);
}

#[test]
fn nothing_is_sent_twice_without_need() {
    let collector = Collector::serve();
    let place = place_for(&collector);
    let text = "runbook asks {\n  timeout = 1m\n  step a { run = \"true\" effect = none }\n  gate go { approve { } on_fail = [stop] }\n}\n";
    let file = place.file("asks.runbook", text);
    let mut engine = place.spawn(["run".as_ref(), "--wait".as_ref(), file.as_os_str()]);
    until("the step's spans arrive", || named(&collector).len() == 2);
    kill(engine.id(), "KILL");
    engine.wait().expect("our child");
    place
        .run(["approve", "last", "go", "--as", "cto"])
        .expect(0);
    until("all of it arrives", || named(&collector).len() == 4);
    let sent = collector.posted().into_iter();
    let sent: usize = sent
        .map(|posted| {
            posted.body["resourceSpans"][0]["scopeSpans"][0]["spans"]
                .as_array()
                .map_or(0, Vec::len)
        })
        .sum();
    assert_eq!(sent, 4);
}
