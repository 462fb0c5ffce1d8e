//! `piton check`: every mistake at its place, in both syntaxes; and nothing makes it hang or panic.

use crate::support::Place;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Six different mistakes, and where each is, as `line:column`.
const SIX: &str = r#"runbook six {
  timeout = 1m
  step a { run = "true" efect = none effect = none }
  step b { run = "echo ${{ params.nope }}" effect = none }
  step c { needs = [d] run = "true" effect = none }
  step e { exec = ["echo", "${{ steps.f.outputs.x }}"] effect = none }
  gate g { checks { check "x" { run = "true" } } }
  step a { run = "true" exec = ["true"] effect = none }
}
"#;

const SIX_YAML: &str = r#"runbook: six
timeout: 1m
steps:
  - {step: a, run: "true", efect: none, effect: none}
  - {step: b, run: "echo ${{ params.nope }}", effect: none}
  - {step: c, needs: [d], run: "true", effect: none}
  - {step: e, exec: [echo, "${{ steps.f.outputs.x }}"], effect: none}
  - {gate: g, checks: [{check: x, run: "true"}]}
  - {step: a, run: "true", exec: ["true"], effect: none}
"#;

fn found(place: &Place, name: &str, text: &str) -> Vec<Value> {
    let file = place.file(name, text);
    let ended = place
        .run(["check".as_ref(), "--format=json".as_ref(), file.as_os_str()])
        .expect(1);
    let all: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let all = all.as_array().expect("a list").clone();
    for one in &all {
        for key in [
            "code",
            "severity",
            "message",
            "file",
            "line",
            "column",
            "end_line",
            "end_column",
        ] {
            assert!(!one[key].is_null(), "no {key} in {one}");
        }
        assert!(one.get("help").is_some(), "no help in {one}");
    }
    all.into_iter()
        .filter(|one| one["severity"] == "error")
        .collect()
}

/// The text that a diagnostic points at.
fn pointed_at(text: &str, one: &Value) -> String {
    let line = text
        .lines()
        .nth(one["line"].as_u64().expect("a line") as usize - 1)
        .expect("that line");
    let (from, to) = (
        one["column"].as_u64().expect("a column"),
        one["end_column"].as_u64().expect("a column"),
    );
    line.chars()
        .skip(from as usize - 1)
        .take((to - from) as usize)
        .collect()
}

#[test]
fn six_mistakes_are_six_errors_each_at_its_place_in_both_syntaxes() {
    let place = Place::new();
    for (name, text, first_line) in [("six.runbook", SIX, 3), ("six.runbook.yaml", SIX_YAML, 4)] {
        let all = found(&place, name, text);
        let at = |line: u64| -> Vec<String> {
            all.iter()
                .filter(|one| one["line"] == first_line + line)
                .map(|one| pointed_at(text, one))
                .collect()
        };
        let summary: Vec<String> = all
            .iter()
            .map(|one| format!("{} {} {}", one["line"], one["code"], pointed_at(text, one)))
            .collect();
        assert!(at(0).iter().any(|text| text == "efect"), "{summary:#?}");
        assert!(
            at(1).iter().any(|text| text.contains("${{")),
            "{summary:#?}"
        );
        assert!(at(2).iter().any(|text| text == "d"), "{summary:#?}");
        assert!(at(3).iter().any(|text| text.contains('f')), "{summary:#?}");
        assert!(!at(4).is_empty(), "a gate without on_fail: {summary:#?}");
        assert!(
            at(5).iter().any(|text| text == "a"),
            "a duplicate id: {summary:#?}"
        );
        assert!(at(5).len() >= 2, "two actions besides: {summary:#?}");
        let codes: std::collections::BTreeSet<_> =
            all.iter().map(|one| one["code"].to_string()).collect();
        assert!(codes.len() >= 6, "six different codes: {summary:#?}");
    }
}

#[test]
fn a_good_file_is_silent_and_exits_0() {
    let place = Place::new();
    let file = place.file(
        "good.runbook",
        "runbook good {\n  timeout = 1m\n  step a { run = \"true\" effect = none }\n}\n",
    );
    let ended = place
        .run([
            "check".as_ref(),
            "--strict".as_ref(),
            "--format=json".as_ref(),
            file.as_os_str(),
        ])
        .expect(0);
    assert_eq!(ended.stdout.trim(), "[]");
}

#[test]
fn every_code_it_reports_can_be_explained() {
    let place = Place::new();
    for one in found(&place, "six.runbook", SIX) {
        let code = one["code"].as_str().expect("a code");
        let page = place.run(["explain", code]).expect(0);
        assert!(page.stdout.len() > 100, "{code}: {page:?}");
    }
    place.run(["explain", "no::such-code"]).expect(2);
}

#[test]
fn hostile_files_end_within_a_second_with_an_error() {
    let place = Place::new();
    let mut noise = Vec::with_capacity(200_000);
    let mut chance = crate::support::Chance::new(7);
    for _ in 0..200_000 {
        noise.push(chance.below(256) as u8);
    }
    let printable: Vec<u8> = noise.iter().map(|byte| byte % 96 + 31).collect();
    let bomb = (1..30).fold(
        String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n"),
        |text, level| {
            let before = level - 1;
            text + &format!(
                "a{level}: &a{level} [{}]\n",
                vec![format!("*a{before}"); 9].join(", ")
            )
        },
    );
    let big = format!("\"{}\"", "x".repeat(50 * 1024 * 1024));
    let nested = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("noise", noise),
        ("printable", printable),
        ("bomb", bomb.into_bytes()),
        (
            "big",
            format!("runbook x {{\n  title = {big}\n}}\n").into_bytes(),
        ),
        (
            "big-yaml",
            format!("runbook: x\ntitle: {big}\n").into_bytes(),
        ),
        (
            "nested",
            format!("runbook x {{\n  title = {nested}\n}}\n").into_bytes(),
        ),
        (
            "nested-yaml",
            format!("runbook: x\ntitle: {nested}\n").into_bytes(),
        ),
        ("open", "[".repeat(100_000).into_bytes()),
        ("blocks", "x {\n".repeat(100_000).into_bytes()),
        (
            "parentheses",
            format!(
                "runbook x {{\n step a {{ when = \"{}\" }}\n}}",
                "(".repeat(60_000)
            )
            .into_bytes(),
        ),
        ("empty", Vec::new()),
    ];
    for (name, bytes) in cases {
        for ending in ["runbook", "runbook.yaml"] {
            let path = place.dir.join(format!("{name}.{ending}"));
            std::fs::write(&path, &bytes).expect("a writable temporary folder");
            let look = || {
                let began = Instant::now();
                let ended = place.run(["check".as_ref(), path.as_os_str()]);
                (began.elapsed(), ended.without_panic())
            };
            let (mut took, ended) = look();
            // Where the machine was busy with something else, the quickest of three tells.
            for _ in 0..2 {
                if took >= Duration::from_secs(1) {
                    took = took.min(look().0);
                }
            }
            assert!(
                matches!(ended.code, Some(1 | 2)),
                "{name}.{ending}: {:?}",
                ended.code
            );
            assert!(
                ended.stderr.len() + ended.stdout.len() > 10,
                "{name}.{ending} says nothing"
            );
            assert!(
                took < Duration::from_secs(1),
                "{name}.{ending} took {took:?}"
            );
            std::fs::remove_file(&path).expect("our file");
        }
    }
}
