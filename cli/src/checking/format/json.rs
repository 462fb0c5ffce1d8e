//! One JSON array of findings.

use super::Reported;
use piton_dsl::diagnostic::Diagnostic;
use piton_dsl::source::SourceFile;
use serde::Serialize;

/// A finding. Lines and columns count from 1, columns in characters.
#[derive(Debug, Serialize)]
pub(super) struct Finding<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    help: Option<&'a str>,
    /// What `--fix` would do.
    fix: Option<&'a str>,
}

pub(super) fn findings(all: &[Reported]) -> Vec<Finding<'_>> {
    all.iter()
        .flat_map(|one| {
            let source = &one.looked.source;
            let found = one.looked.found.iter();
            found.map(move |found| finding(found, source))
        })
        .collect()
}

fn finding<'a>(found: &'a Diagnostic, source: &'a SourceFile) -> Finding<'a> {
    let span = found.span();
    let (line, column) = source.position(span.start);
    let (end_line, end_column) = source.position(span.end);
    Finding {
        code: found.code,
        severity: found.severity.word(),
        message: &found.message,
        file: &source.name,
        line,
        column,
        end_line,
        end_column,
        help: found.help.as_deref(),
        fix: found.fix.as_ref().map(|fix| fix.title.as_str()),
    }
}
