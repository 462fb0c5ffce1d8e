//! SARIF 2.1.0, the form in which code scanning takes findings.

use super::Reported;
use piton_dsl::diagnostic::{Diagnostic, Severity};
use piton_dsl::source::{SourceFile, Span};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The whole log: one run of `piton check`.
pub(super) fn log(all: &[Reported], unread: &[String]) -> Value {
    let found = || all.iter().flat_map(|one| &one.looked.found);
    let codes: BTreeMap<&str, Severity> = found().map(|it| (it.code, it.severity)).collect();
    let rules: Vec<Value> = codes
        .iter()
        .map(|(code, as_is)| rule(code, *as_is))
        .collect();
    let index = |code: &str| codes.keys().position(|known| *known == code);
    let results: Vec<Value> = all
        .iter()
        .flat_map(|one| {
            let source = &one.looked.source;
            let found = one.looked.found.iter();
            found.map(|finding| result(finding, source, index(finding.code)))
        })
        .collect();
    let notes: Vec<Value> = unread
        .iter()
        .map(|why| json!({"level": "error", "message": {"text": why}}))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "piton",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "utf16CodeUnits",
            "invocations": [{
                "executionSuccessful": unread.is_empty(),
                "toolExecutionNotifications": notes,
            }],
            "results": results,
        }],
    })
}

/// What `piton explain` says of a code.
fn rule(code: &str, as_is: Severity) -> Value {
    let Some(page) = piton_dsl::explain(code) else {
        return json!({"id": code, "defaultConfiguration": {"level": level(as_is)}});
    };
    json!({
        "id": code,
        "shortDescription": {"text": page.summary},
        "help": {"text": page.text, "markdown": page.text},
        "defaultConfiguration": {"level": level(page.severity)},
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Advice => "note",
    }
}

fn result(finding: &Diagnostic, source: &SourceFile, index: Option<usize>) -> Value {
    let mut text = finding.message.clone();
    if let Some(help) = &finding.help {
        text.push_str(". Help: ");
        text.push_str(help);
    }
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.severity),
        "message": {"text": text},
        "locations": [place(source, finding.span())],
    });
    let related: Vec<Value> = finding
        .labels
        .iter()
        .enumerate()
        .skip(1)
        .map(|(id, label)| {
            let mut related = place(source, label.span);
            related["id"] = json!(id);
            if !label.text.is_empty() {
                related["message"] = json!({"text": label.text});
            }
            related
        })
        .collect();
    if let Some(index) = index {
        result["ruleIndex"] = json!(index);
    }
    if !related.is_empty() {
        result["relatedLocations"] = json!(related);
    }
    if let Some(fix) = &finding.fix {
        let replacements: Vec<Value> = fix
            .edits
            .iter()
            .map(|edit| {
                json!({
                    "deletedRegion": region(source, edit.span),
                    "insertedContent": {"text": edit.text},
                })
            })
            .collect();
        result["fixes"] = json!([{
            "description": {"text": fix.title},
            "artifactChanges": [{
                "artifactLocation": artifact(&source.name),
                "replacements": replacements,
            }],
        }]);
    }
    result
}

fn place(source: &SourceFile, span: Span) -> Value {
    json!({"physicalLocation": {
        "artifactLocation": artifact(&source.name),
        "region": region(source, span),
    }})
}

fn region(source: &SourceFile, span: Span) -> Value {
    let (line, column) = source.position_utf16(span.start);
    let (end_line, end_column) = source.position_utf16(span.end);
    json!({
        "startLine": line,
        "startColumn": column,
        "endLine": end_line,
        "endColumn": end_column,
    })
}

/// A file as a URI: relative where the path is, which code scanning takes as below the top of the repository.
fn artifact(name: &str) -> Value {
    let path = name.strip_prefix("./").unwrap_or(name);
    let scheme = if Path::new(path).is_absolute() {
        "file://"
    } else {
        ""
    };
    json!({"uri": format!("{scheme}{}", encode(path))})
}

/// A path as it may stand in a URI.
fn encode(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
