//! Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write as _};

/// The format, as HTTP names it.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What kind of metric it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, from 0 when the process starts.
    Counter,
    /// What is so now.
    Gauge,
    /// How often something took how long.
    Histogram,
}

/// Metrics as they are written.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// Begins the metric of this name: what follows are its values.
    pub fn metric(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    /// A value of the metric that was begun last.
    pub fn value(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
            .collect();
        match labels.is_empty() {
            true => self.line(format_args!("{name} {value}")),
            false => self.line(format_args!("{name}{{{}}} {value}", labels.join(","))),
        }
    }

    /// A metric that has one value and no labels.
    pub fn single(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.metric(name, kind, help);
        self.value(name, &[], value);
    }

    /// All of it.
    #[must_use]
    pub fn done(self) -> String {
        self.0
    }

    fn line(&mut self, line: impl Display) {
        let _infallible = writeln!(self.0, "{line}");
    }
}

fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_their_labels_escaped() {
        let mut page = Page::default();
        page.metric("a_total", Kind::Counter, "What.");
        page.value("a_total", &[("x", "q\"\\\n"), ("y", "")], 3);
        page.single("b", Kind::Gauge, "That.", 0.5);
        let expected = "# HELP a_total What.\n# TYPE a_total counter\na_total{x=\"q\\\"\\\\\\n\",y=\"\"} 3\n\
                        # HELP b That.\n# TYPE b gauge\nb 0.5\n";
        assert_eq!(page.done(), expected);
    }
}
