//! Every code of the syntax: a file that gives it, and nothing else, in each syntax that can have the mistake.

use piton_dsl::check;
use piton_dsl::source::SourceFile;
use piton_dsl::syntax::{CODES, MAX_BYTES};
use std::collections::BTreeSet;

/// A line in a good `.runbook` file, and what it is replaced with.
const OWN: [(&str, &str, &str); 17] = [
    ("bad-escape", "title = \"x\"", r#"title = "\d""#),
    ("bad-value", "title = \"x\"", "title = 'x'"),
    (
        "duplicate-key",
        "title = \"x\"",
        "title = \"x\", title = \"x\"",
    ),
    ("missing-block", "timeout = 5m", "timeout = 5m\n  step t"),
    (
        "missing-comma",
        "roles = [\"a\", \"b\"]",
        "roles = [\"a\" \"b\"]",
    ),
    (
        "missing-name",
        "timeout = 5m",
        "timeout = 5m\n  step { run = \"true\", effect = none }",
    ),
    ("missing-sign", "title = \"x\"", "title \"x\""),
    ("missing-value", "title = \"x\"", "title ="),
    ("no-runbook", "", ""),
    (
        "outside-runbook",
        "}\n",
        "}\nstep t { run = \"true\", effect = none }\n",
    ),
    ("second-runbook", "}\n", "}\nrunbook b {}\n"),
    ("stray-brace", "}\n", "}\n}\n"),
    ("unclosed", "effect = none }", "effect = none"),
    ("unclosed-comment", "}\n", "}\n/* more"),
    ("unclosed-text", "title = \"x\"", "title = \"x"),
    ("unexpected", "title = \"x\"", "title = \"x\" \"y\""),
    ("wrong-sign", "title = \"x\"", "title: \"x\""),
];

/// The same in YAML.
const YAML: [(&str, &str, &str); 14] = [
    ("anchor", "title: x", "title: &t x"),
    ("bad-escape", "title: x", r#"title: "\d""#),
    ("bad-key", "title: x", "{a: b}: x"),
    ("directive", "runbook: a", "%YAML 2.0\n---\nrunbook: a"),
    ("duplicate-key", "title: x", "title: x\ntitle: x"),
    ("indentation", "title: x", "title: |9\n x"),
    ("invalid-yaml", "title: x", "title: >x"),
    ("line-end", "title: x", "title: x\rowner: y"),
    ("needs-quotes", "title: x", "title: a: b"),
    ("no-runbook", "", ""),
    (
        "second-document",
        "effect: none\n",
        "effect: none\n---\nrunbook: b\n",
    ),
    ("tab", "  - step", "\t- step"),
    ("tag", "title: x", "title: !!str x"),
    ("unclosed-text", "effect: none\n", "effect: \"none\n"),
];

const GOOD_OWN: &str = "runbook a {\n  title = \"x\"\n  timeout = 5m\n  param p {}\n  contact c { via = [{ command = [\"./page.sh\", \"${{ params.p }}\"] }], roles = [\"a\", \"b\"] }\n  step s { run = \"true\", effect = none }\n}\n";
const GOOD_YAML: &str =
    "runbook: a\ntitle: x\ntimeout: 5m\nsteps:\n  - step: s\n    run: \"true\"\n    effect: none\n";

fn codes(name: &str, text: &str) -> BTreeSet<&'static str> {
    let found = check(&SourceFile::new(name, text)).diagnostics;
    found.into_iter().map(|it| it.code).collect()
}

/// The mistake in a good file; without a line to replace, what is put there is the file.
fn with(good: &str, line: &str, mistake: &str) -> String {
    if line.is_empty() {
        return mistake.to_owned();
    }
    assert!(good.contains(line), "{line}");
    match line {
        "}\n" => good.strip_suffix(line).expect("its end").to_owned() + mistake,
        _ => good.replacen(line, mistake, 1),
    }
}

#[test]
fn the_good_files_are_clean() {
    assert_eq!(codes("a.runbook", GOOD_OWN), BTreeSet::new());
    assert_eq!(codes("a.runbook.yaml", GOOD_YAML), BTreeSet::new());
}

#[test]
fn every_mistake_gives_its_own_code_and_no_other() {
    for (name, good, mistakes) in [
        ("a.runbook", GOOD_OWN, &OWN[..]),
        ("a.runbook.yaml", GOOD_YAML, &YAML[..]),
    ] {
        for (code, line, mistake) in mistakes {
            let text = with(good, line, mistake);
            let wanted = format!("syntax::{code}");
            let found = codes(name, &text);
            assert_eq!(
                found.iter().copied().collect::<Vec<_>>(),
                [wanted.as_str()],
                "{name}:\n{text}"
            );
        }
    }
}

#[test]
fn what_only_large_files_have_gives_its_own_code() {
    let large = format!("title = \"{}\"", "x".repeat(MAX_BYTES));
    let deep = format!("title = {}1{}", "[".repeat(80), "]".repeat(80));
    for (code, mistake) in [("too-large", large), ("too-deep", deep)] {
        let text = GOOD_OWN.replacen("title = \"x\"", &mistake, 1);
        let found: Vec<_> = codes("a.runbook", &text).into_iter().collect();
        assert_eq!(found, [format!("syntax::{code}")]);
    }
    let many = "title: \"x\"\n".repeat(200);
    let text = format!("runbook a {{\n{many}}}\n");
    assert!(codes("a.runbook", &text).contains("syntax::too-many-errors"));
    let error = SourceFile::from_bytes("a.runbook", b"\xff").expect_err("it is not UTF-8");
    assert_eq!(error.code, "syntax::not-utf8");
}

#[test]
fn no_code_is_left_out() {
    // The last are what `fmt` and `convert` refuse.
    let alone = [
        "too-large",
        "too-deep",
        "too-many-errors",
        "not-utf8",
        "comments-move",
        "layout-not-kept",
        "no-single-name",
        "not-a-map",
        "unsayable",
    ];
    let tables = OWN.iter().chain(&YAML).map(|(code, ..)| *code);
    let tried: BTreeSet<String> = tables
        .chain(alone)
        .map(|code| format!("syntax::{code}"))
        .collect();
    let all: BTreeSet<String> = CODES.iter().map(|it| it.code.to_owned()).collect();
    assert_eq!(tried, all);
    for code in CODES {
        assert!(code.page.len() > 30, "{} says next to nothing", code.code);
    }
}
