//! `fmt` and `convert`: layout changes, meaning and comments stay.

mod layout;
mod made;
pub(crate) mod promises;

use piton_dsl::source::Syntax;
use promises::{convert_holds, format_holds};
use std::path::{Path, PathBuf};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    #[allow(clippy::disallowed_methods, reason = "a test reads its fixtures")]
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    for entry in entries.flatten() {
        let path = entry.path();
        match path.extension().and_then(|ending| ending.to_str()) {
            _ if path.is_dir() => walk(&path, found),
            Some("runbook" | "yaml" | "yml" | "md") => found.push(path),
            _ => {}
        }
    }
}

/// The blocks of this kind in a Markdown text.
fn blocks(text: &str, kind: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => found.extend(open.take()),
            (Some(block), _) => *block += &format!("{line}\n"),
            (None, Some(word)) if word == kind => open = Some(String::new()),
            (None, _) => {}
        }
    }
    found
}

/// Every runbook in the repository: its name and its text.
pub(crate) fn all() -> Vec<(String, String)> {
    let mut paths = vec![top().join("README.md")];
    for folder in ["runbooks", "examples", "docs", "dsl/tests/fixtures"] {
        walk(&top().join(folder), &mut paths);
    }
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        let (name, text) = (path.display().to_string(), read(&path));
        if !name.ends_with(".md") {
            texts.push((name, text));
            continue;
        }
        for (kind, ending) in [("runbook", "runbook"), ("yaml", "runbook.yaml")] {
            for (number, block) in blocks(&text, kind).into_iter().enumerate() {
                texts.push((format!("{name}-{number}.{ending}"), block));
            }
        }
    }
    texts.push((
        "complete.runbook".to_owned(),
        crate::keys::COMPLETE.to_owned(),
    ));
    texts.push((
        "complete.runbook.yaml".to_owned(),
        crate::keys::COMPLETE_YAML.to_owned(),
    ));
    texts.push(("full.runbook".to_owned(), crate::compile::FULL.to_owned()));
    texts.push((
        "full.runbook.yaml".to_owned(),
        crate::compile::FULL_YAML.to_owned(),
    ));
    texts
}

#[test]
fn every_runbook_in_the_repository_keeps_its_meaning_and_its_comments() {
    let (mut formatted, mut converted) = (0, 0);
    for (name, text) in all() {
        formatted += usize::from(format_holds(&name, &text));
        converted += usize::from(convert_holds(&name, &text));
    }
    assert!(
        formatted > 200 && converted > 200,
        "{formatted} {converted}"
    );
}

#[test]
fn what_people_are_given_to_read_has_our_layout() {
    for (name, text) in all() {
        let shipped = ["runbooks/", "examples/"]
            .iter()
            .any(|folder| name.contains(folder));
        let runbook = !name.contains(".test.");
        if shipped && runbook && !name.contains("fixtures") && !name.contains(".md-") {
            let file = piton_dsl::source::SourceFile::new(name.as_str(), text.as_str());
            let formatted = piton_dsl::print::format(&file).expect("it parses");
            assert_eq!(text, formatted, "{name}: run `piton fmt` on it");
        }
    }
}

#[test]
fn files_with_mistakes_are_refused_with_them() {
    for (name, text, code) in [
        (
            "a.runbook",
            "runbook a {\n  title == 1\n}\n",
            "syntax::wrong-sign",
        ),
        (
            "a.runbook.yaml",
            "runbook: a\nx: &y 1\nz: *y\n",
            "syntax::anchor",
        ),
        (
            "a.runbook.yaml",
            "runbook: a\n---\nrunbook: b\n",
            "syntax::second-document",
        ),
        ("a.runbook.yaml", "- a\n- b\n", "syntax::not-a-map"),
    ] {
        let file = piton_dsl::source::SourceFile::new(name, text);
        for refused in [
            piton_dsl::print::format(&file),
            piton_dsl::print::convert(&file),
        ] {
            let found = refused.expect_err("it is refused").diagnostics();
            assert_eq!(found.first().map(|found| found.code), Some(code), "{text}");
        }
        assert_eq!(Syntax::of(name) == Syntax::Yaml, name.ends_with("yaml"));
    }
}
