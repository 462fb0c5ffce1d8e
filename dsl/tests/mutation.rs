//! Damaged runbooks: whatever is done to one, checking it ends, without a panic, with places in the file.

use crate::compile::{FULL, FULL_YAML};
use crate::keys::{COMPLETE, COMPLETE_YAML};
use piton_dsl::source::SourceFile;
use piton_dsl::syntax::MAX_DIAGNOSTICS;
use piton_dsl::{CompileError, Params, check, compile};
use proptest::prelude::*;

/// What is done to a text.
#[derive(Clone, Debug)]
enum Damage {
    Cut { from: usize, length: usize },
    Repeat { from: usize, length: usize },
    Put { at: usize, text: String },
    Swap { a: usize, b: usize },
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = 0usize..6000;
    prop_oneof![
        (at.clone(), 1usize..40).prop_map(|(from, length)| Damage::Cut { from, length }),
        (at.clone(), 1usize..200).prop_map(|(from, length)| Damage::Repeat { from, length }),
        (
            at.clone(),
            "[ -~\n]{1,6}|\\$\\{\\{ [a-z.]{1,12} \\}\\}|null|\u{e9}|\\[\\]|needs|secrets\\.token"
        )
            .prop_map(|(at, text)| Damage::Put { at, text }),
        (at.clone(), at).prop_map(|(a, b)| Damage::Swap { a, b }),
    ]
}

fn apply(text: &str, damage: &Damage) -> String {
    let letters: Vec<char> = text.chars().collect();
    let place = |at: usize| at % letters.len().max(1);
    let mut out = letters.clone();
    match damage {
        Damage::Cut { from, length } => {
            let from = place(*from);
            out.drain(from..(from + length).min(letters.len()));
        }
        Damage::Repeat { from, length } => {
            let from = place(*from);
            let part = letters[from..(from + length).min(letters.len())].to_vec();
            out.splice(from..from, part);
        }
        Damage::Put { at, text } => {
            let at = place(*at);
            out.splice(at..at, text.chars());
        }
        Damage::Swap { a, b } => {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let mut lines = lines;
            let count = lines.len().max(1);
            lines.swap(a % count, b % count);
            return lines.concat();
        }
    }
    out.into_iter().collect()
}

fn holds(name: &str, text: &str) {
    let file = SourceFile::new(name, text);
    let checked = check(&file);
    assert!(checked.diagnostics.len() <= MAX_DIAGNOSTICS + 1);
    for diagnostic in &checked.diagnostics {
        for label in &diagnostic.labels {
            assert!(
                text.get(label.span.range()).is_some(),
                "{diagnostic:?} is not in the file"
            );
        }
        assert!(
            piton_dsl::explain(diagnostic.code).is_some(),
            "{} has no page",
            diagnostic.code
        );
        assert!(!diagnostic.message.is_empty());
    }
    assert_eq!(checked.runbook.is_some(), !checked.has_errors());
    // What was found to be without errors can be compiled: only values may be missing.
    if let Some(runbook) = checked.runbook
        && let Err(errors) = compile(&runbook, &Params::new())
    {
        for error in errors {
            assert!(
                matches!(error, CompileError::Missing { .. }),
                "{error}\n{text}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn damaged_runbooks_are_checked_in_both_syntaxes(all in proptest::collection::vec(damage(), 1..4)) {
        for (name, text) in [
            ("a.runbook", FULL),
            ("a.runbook.yaml", FULL_YAML),
            ("a.runbook", COMPLETE),
            ("a.runbook.yaml", COMPLETE_YAML),
        ] {
            let damaged = all.iter().fold(text.to_owned(), |text, damage| apply(&text, damage));
            holds(name, &damaged);
        }
    }
}

#[test]
fn files_of_nothing_but_mistakes_give_what_people_can_read() {
    let mut text = String::from("runbook a {\n");
    for n in 0..3000 {
        text += &format!(
            " step s{n} {{ needs = [\"gone{n}\"], when = \"steps.s{}.outputs.x == params.p{n}\", what{n} = 1, timeout = x }}\n",
            n + 1
        );
    }
    text += "}\n";
    holds("a.runbook", &text);
    let found = check(&SourceFile::new("a.runbook", text)).diagnostics;
    assert_eq!(found.len(), MAX_DIAGNOSTICS + 1);
    let last = found
        .last()
        .map(|diagnostic| (diagnostic.code, diagnostic.is_error()));
    assert_eq!(last, Some(("syntax::too-many-errors", true)));
    let mut text = String::from("runbook: a\nsteps:\n");
    for n in 0..3000 {
        text += &format!(
            "- step: s{n}\n  needs: [s{}, s{}]\n  when: steps.s2999.status == 'failed'\n",
            (n + 1) % 3000,
            (n + 7) % 3000
        );
    }
    holds("a.runbook.yaml", &text);
}
