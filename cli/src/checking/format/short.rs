//! One line a finding, in the form of compilers, which editors and `grep` know: `FILE:LINE:COLUMN: error: … [CODE]`.

use super::Reported;
use std::fmt::Write;

pub(super) fn lines(all: &[Reported]) -> String {
    let mut text = String::new();
    for one in all {
        let source = &one.looked.source;
        for finding in &one.looked.found {
            let (line, column) = source.position(finding.span().start);
            // Writing to a string does not fail.
            let _ = writeln!(
                text,
                "{}:{line}:{column}: {}: {} [{}]",
                source.name,
                finding.severity.word(),
                finding.message.replace('\n', " "),
                finding.code
            );
        }
    }
    text
}
