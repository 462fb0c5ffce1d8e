//! The engine's log as lines of JSON. A line is flat: what is known of the run, the node and the attempt stands beside
//! what happened.

use serde_json::{Map, Value};
use std::fmt;
use std::io::Write as _;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// Writes what happens to standard error.
pub struct Lines;

/// What is known of a span, or said by an event.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        for span in context
            .event_scope(event)
            .into_iter()
            .flat_map(|it| it.from_root())
        {
            if let Some(of_it) = span.extensions().get::<Fields>() {
                fields.0.extend(of_it.0.clone());
            }
        }
        event.record(&mut fields);
        let about = event.metadata();
        let line = line(*about.level(), about.target(), fields.0);
        // Nobody reading it is no reason to stop.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}

/// A line of JSON with these fields, and its end.
pub fn line(
    level: Level,
    target: &str,
    fields: impl IntoIterator<Item = (String, Value)>,
) -> String {
    let mut all = Map::new();
    all.extend(fields);
    // Whatever a field is called, these mean the same in every line.
    let now = format!("{:.3}", jiff::Timestamp::now());
    all.insert("time".to_owned(), now.into());
    all.insert(
        "level".to_owned(),
        level.as_str().to_ascii_lowercase().into(),
    );
    all.insert("target".to_owned(), target.into());
    let mut text = Value::Object(all).to_string();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_object_whatever_is_in_it() {
        let message = "a \"quoted\"\nline \u{1b}[2J";
        let fields = [
            ("message".to_owned(), message.into()),
            ("level".to_owned(), "high".into()),
        ];
        let text = line(Level::WARN, "piton", fields);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.contains('\u{1b}'));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["message"], message);
        assert_eq!(
            (&value["level"], &value["target"]),
            (&"warn".into(), &"piton".into())
        );
        let time: jiff::Timestamp = value["time"].as_str().unwrap().parse().unwrap();
        assert!(jiff::Timestamp::now().duration_since(time).as_secs() < 60);
    }
}
