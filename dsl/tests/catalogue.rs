//! Every code has a page, an example that shows it, and a better form that is clean.

use crate::files::Files;
use piton_dsl::source::SourceFile;
use piton_dsl::{Checked, catalogue, check_with, explain};
use std::path::PathBuf;

/// The fenced blocks of a page, under the heading.
fn block(page: &str, heading: &str) -> Option<String> {
    let (_, after) = page.split_once(&format!("## {heading}\n"))?;
    let (_, code) = after.split_once("```runbook\n")?;
    let (code, _) = code.split_once("```")?;
    Some(code.to_owned())
}

/// Checks a file beside which there are those of `fixtures/called`.
fn check(name: &str, text: &str) -> Checked {
    let files = Files::called().with(name, text);
    check_with(&SourceFile::new(name, text), &files)
}

/// The codes that a file gives, in order.
fn codes(name: &str, text: &str) -> Vec<&'static str> {
    check(name, text)
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code)
        .collect()
}

fn rules() -> impl Iterator<Item = &'static piton_dsl::Page> {
    catalogue().iter().filter(|page| {
        let area = page.code.split("::").next().unwrap_or_default();
        !matches!(area, "syntax" | "yaml" | "scenario" | "format")
    })
}

fn fixture(code: &str, name: &str) -> (String, String) {
    let file = format!("{}/{name}", code.replace("::", "--"));
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(&file);
    #[allow(clippy::disallowed_methods, reason = "a test reads its fixtures")]
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    (file, text)
}

#[test]
fn codes_are_unique_and_well_formed() {
    for pair in catalogue().windows(2) {
        assert!(
            pair[0].code < pair[1].code,
            "{} is there twice",
            pair[0].code
        );
    }
    for page in catalogue() {
        assert!(!page.summary.is_empty(), "{}", page.code);
        assert!(!page.text.is_empty(), "{}", page.code);
        assert!(page.code.split_once("::").is_some_and(|(area, name)| {
            [area, name].iter().all(|part| {
                part.chars()
                    .all(|c| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit())
            })
        }));
    }
    assert!(explain("order::cycle").is_some());
    assert!(explain("order::circle").is_none());
}

#[test]
fn every_page_has_its_parts_and_its_examples_hold() {
    for page in rules() {
        for heading in ["What it does", "Why it is bad", "Example", "Use instead"] {
            assert!(
                page.text.contains(&format!("## {heading}\n")),
                "{}: no `{heading}`",
                page.code
            );
        }
        let bad = block(&page.text, "Example").expect(page.code);
        let found = codes("example.runbook", &bad);
        assert!(
            !found.is_empty() && found.iter().all(|code| *code == page.code),
            "{}: {found:?}",
            page.code
        );
        let good = block(&page.text, "Use instead").expect(page.code);
        let found = check("good.runbook", &good).diagnostics;
        assert!(found.is_empty(), "{}: {found:#?}", page.code);
    }
}

#[test]
fn every_rule_has_fixtures_in_both_syntaxes() {
    for page in rules() {
        for ending in ["runbook", "runbook.yaml"] {
            let (name, text) = fixture(page.code, &format!("bad.{ending}"));
            let found = check(&name, &text).diagnostics;
            assert!(
                !found.is_empty()
                    && found
                        .iter()
                        .all(|found| found.code == page.code && found.severity == page.severity),
                "{name}: {found:#?}"
            );
            let (name, text) = fixture(page.code, &format!("good.{ending}"));
            let found = check(&name, &text).diagnostics;
            assert!(found.is_empty(), "{name}: {found:#?}");
        }
    }
}

#[test]
fn the_better_forms_mean_the_same_in_both_syntaxes() {
    for page in rules() {
        let plans = ["runbook", "runbook.yaml"].map(|ending| {
            let (name, text) = fixture(page.code, &format!("good.{ending}"));
            let runbook = check(&name, &text).runbook.expect("it is clean");
            piton_dsl::compile(&runbook, &piton_dsl::Params::new()).expect(page.code)
        });
        assert_eq!(plans[0], plans[1], "{}", page.code);
    }
}

/// Every text of the form `area::kebab-name` in quotes, in the sources of this crate.
fn codes_in_sources() -> Vec<String> {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            #[allow(clippy::disallowed_methods, reason = "a test reads the sources")]
            let text = std::fs::read_to_string(&path).expect("a source");
            found.extend(
                text.split('"')
                    .filter(|part| is_code(part))
                    .map(str::to_owned),
            );
        }
    }
    found
}

fn is_code(text: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '-' || c.is_ascii_digit())
    };
    text.split_once("::")
        .is_some_and(|(area, name)| word(area) && word(name))
}

#[test]
fn every_code_in_the_sources_is_in_the_catalogue() {
    let found = codes_in_sources();
    assert!(found.len() > 40, "{found:?}");
    for code in found {
        assert!(explain(&code).is_some(), "{code} has no page");
    }
}
