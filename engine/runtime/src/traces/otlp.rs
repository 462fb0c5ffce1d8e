//! Spans as OTLP has them in JSON: the body of a request to `/v1/traces`.

use super::ids;
use super::trace::{Happened, Span, Status};
use piton_core::id::RunId;
use piton_core::time::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What OTLP calls a span that is not about a request.
const INTERNAL: u32 = 1;

/// The body for these spans of a run.
pub fn body(resource: &BTreeMap<String, String>, run: &RunId, spans: &[Span]) -> String {
    let resource: Vec<Value> = resource
        .iter()
        .map(|(name, value)| attribute(name, &Value::from(value.as_str())))
        .collect();
    let trace = ids::of_trace(run);
    let spans: Vec<Value> = spans.iter().map(|span| written(&trace, span)).collect();
    let scope = json!({ "name": "piton", "version": env!("CARGO_PKG_VERSION") });
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{ "scope": scope, "spans": spans }],
    }] })
    .to_string()
}

fn written(trace: &str, span: &Span) -> Value {
    let status = match &span.status {
        Status::Unset => json!({}),
        Status::Well => json!({ "code": 1 }),
        Status::Failed(why) => json!({ "code": 2, "message": why }),
    };
    let mut written = json!({
        "traceId": trace,
        "spanId": span.id,
        "name": span.name,
        "kind": INTERNAL,
        "startTimeUnixNano": nanoseconds(span.start),
        "endTimeUnixNano": nanoseconds(span.end),
        "attributes": attributes(&span.attributes),
        "events": span.events.iter().map(event).collect::<Vec<_>>(),
        "status": status,
    });
    if let (Some(parent), Some(written)) = (&span.parent, written.as_object_mut()) {
        written.insert("parentSpanId".to_owned(), parent.as_str().into());
    }
    written
}

fn event(happened: &Happened) -> Value {
    json!({
        "timeUnixNano": nanoseconds(happened.at),
        "name": happened.what,
        "attributes": attributes(&happened.attributes),
    })
}

fn attributes(attributes: &[(&'static str, Value)]) -> Vec<Value> {
    attributes
        .iter()
        .map(|(name, value)| attribute(name, value))
        .collect()
}

/// Whole numbers are texts in OTLP's JSON, because some readers have only floating-point numbers.
fn attribute(name: &str, value: &Value) -> Value {
    let value = match value {
        Value::Bool(value) => json!({ "boolValue": value }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        Value::String(text) => json!({ "stringValue": text }),
        other => json!({ "stringValue": other.to_string() }),
    };
    json!({ "key": name, "value": value })
}

/// Likewise a text.
fn nanoseconds(at: Timestamp) -> String {
    (i128::from(at.0.max(0)) * 1_000_000).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_as_the_format_has_it() {
        let span = Span {
            id: "00f067aa0ba902b7".to_owned(),
            parent: Some("53995c3f42cd8ad8".to_owned()),
            name: "restore".to_owned(),
            start: Timestamp(1_700_000_000_123),
            end: Timestamp(1_700_000_001_000),
            attributes: vec![("piton.pass", 2.into()), ("piton.node", "restore".into())],
            events: vec![Happened {
                at: Timestamp(1_700_000_000_500),
                what: "retry",
                attributes: Vec::new(),
            }],
            status: Status::Failed("it exited with 3".to_owned()),
        };
        let resource = BTreeMap::from([("service.name".to_owned(), "piton".to_owned())]);
        let body = body(&resource, &RunId("r".to_owned()), &[span]);
        let body: Value = serde_json::from_str(&body).unwrap();
        let of = &body["resourceSpans"][0];
        let name = json!({ "key": "service.name", "value": { "stringValue": "piton" } });
        assert_eq!(of["resource"]["attributes"][0], name);
        let expected = json!({
            "traceId": ids::of_trace(&RunId("r".to_owned())),
            "spanId": "00f067aa0ba902b7",
            "parentSpanId": "53995c3f42cd8ad8",
            "name": "restore",
            "kind": 1,
            "startTimeUnixNano": "1700000000123000000",
            "endTimeUnixNano": "1700000001000000000",
            "attributes": [
                { "key": "piton.pass", "value": { "intValue": "2" } },
                { "key": "piton.node", "value": { "stringValue": "restore" } },
            ],
            "events": [{ "timeUnixNano": "1700000000500000000", "name": "retry", "attributes": [] }],
            "status": { "code": 2, "message": "it exited with 3" },
        });
        assert_eq!(of["scopeSpans"][0]["spans"][0], expected);
    }
}
