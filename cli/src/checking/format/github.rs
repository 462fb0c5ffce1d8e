//! Commands of GitHub Actions, which show findings beside the lines of a pull request.

use super::{Reported, sentence};
use piton_dsl::diagnostic::Severity;
use std::fmt::Write;

pub(super) fn commands(all: &[Reported]) -> String {
    let mut text = String::new();
    for one in all {
        let source = &one.looked.source;
        for finding in &one.looked.found {
            let command = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Advice => "notice",
            };
            let span = finding.span();
            let (line, column) = source.position(span.start);
            let (end_line, end_column) = source.position(span.end);
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "::{command} file={},line={line},col={column},endLine={end_line},endColumn={end_column},title={}::{}",
                property(&source.name),
                property(finding.code),
                data(&sentence(finding))
            );
        }
    }
    text
}

/// A message as the runner reads it.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A value between commas.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
