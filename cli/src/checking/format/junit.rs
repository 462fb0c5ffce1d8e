//! JUnit XML: a test suite for each file, with a case for each rule that found something; a file without findings is a
//! suite of one case that passed. Warnings that do not count are told by cases that passed.

use super::{Reported, sentence};
use piton_dsl::diagnostic::Diagnostic;
use std::collections::BTreeMap;
use std::fmt::Write;

pub(super) fn report(all: &[Reported], unread: &[String]) -> String {
    let (mut suites, mut tests, mut failures) = (String::new(), 0, 0);
    for one in all {
        let by_code = by_code(&one.looked.found);
        let failed = by_code.values().filter(|found| fails(one, found)).count();
        let count = by_code.len().max(1);
        let name = escape(&one.looked.source.name);
        // Writing to a string does not fail.
        let _ = writeln!(
            suites,
            "  <testsuite name=\"{name}\" tests=\"{count}\" failures=\"{failed}\" errors=\"0\" skipped=\"0\">"
        );
        if by_code.is_empty() {
            let _ = writeln!(
                suites,
                "    <testcase classname=\"{name}\" name=\"check\"/>"
            );
        }
        for (code, found) in by_code {
            suites.push_str(&case(one, code, &found));
        }
        suites.push_str("  </testsuite>\n");
        (tests, failures) = (tests + count, failures + failed);
    }
    for why in unread {
        suites.push_str(&unread_suite(why));
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"piton check\" tests=\"{}\" failures=\"{failures}\" errors=\"{}\">\n{suites}</testsuites>\n",
        tests + unread.len(),
        unread.len()
    )
}

fn by_code(found: &[Diagnostic]) -> BTreeMap<&'static str, Vec<&Diagnostic>> {
    let mut by_code: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for finding in found {
        by_code.entry(finding.code).or_default().push(finding);
    }
    by_code
}

fn fails(one: &Reported, found: &[&Diagnostic]) -> bool {
    found.iter().any(|finding| one.counts(finding))
}

/// What one rule found in one file.
fn case(one: &Reported, code: &str, found: &[&Diagnostic]) -> String {
    let source = &one.looked.source;
    let told: Vec<String> = found
        .iter()
        .map(|finding| {
            let (line, column) = source.position(finding.span().start);
            format!("{}:{line}:{column}: {}", source.name, sentence(finding))
        })
        .collect();
    let text = escape(&told.join("\n"));
    let (name, code) = (escape(&source.name), escape(code));
    let open = format!("    <testcase classname=\"{name}\" name=\"{code}\">\n");
    let inside = match found.iter().find(|finding| one.counts(finding)) {
        Some(first) => format!(
            "      <failure type=\"{}\" message=\"{}\">{text}</failure>\n",
            first.severity.word(),
            escape(&first.message)
        ),
        None => format!("      <system-out>{text}</system-out>\n"),
    };
    format!("{open}{inside}    </testcase>\n")
}

/// A file or folder that could not be read.
fn unread_suite(why: &str) -> String {
    let why = escape(why);
    format!(
        "  <testsuite name=\"unread\" tests=\"1\" failures=\"0\" errors=\"1\" skipped=\"0\">\n    <testcase classname=\"unread\" name=\"read\">\n      <error message=\"{why}\"/>\n    </testcase>\n  </testsuite>\n"
    )
}

/// Text as it may stand in XML, in quotes too. What XML 1.0 cannot hold becomes U+FFFD.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push_str("&#10;"),
            '\t' => out.push_str("&#9;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
