//! Scenario files: every mistake at its place, what is given happens, and what came of it is compared.

use piton_core::plan::Plan;
use piton_core::prove::{Limits, assume, explore};
use piton_core::record::Start;
use piton_core::time::Timestamp;
use piton_dsl::scenario::{Edge, Played, Suite, keys, play, read, write};
use piton_dsl::source::SourceFile;
use piton_dsl::{check_text, compile};
use std::collections::{BTreeMap, BTreeSet};

/// Two steps and a gate; the gate goes back once, then asks, then takes everything back.
const RUNBOOK: &str = r#"runbook release {
  timeout = 1m
  page    = "ops"
  targets { rto { within = 10m, from = "go", to = "healthy" } }
  param notify { type = bool, default = true }
  contact ann { via = [{ command = ["true"] }] }
  contact bob { via = [{ command = ["true"] }] }
  escalation ops { level { page = ["ann"], ack_within = 5m } level { page = ["bob"], ack_within = 5m } }
  gate go { approve { by = ["ann"], expires = 30m } on_fail = [stop] }
  step deploy {
    run     = "./deploy"
    outputs { version = "int(value)" }
    undo { after = started  run = "./undeploy" }
    on_fail = [rollback]
  }
  step tell { when = "params.notify && steps.deploy.outputs.version > 1" run = "./tell" effect = none on_fail = [continue] }
  gate healthy {
    checks { check "it answers" { run = "curl -f localhost", expect = "value == 'ok'" } }
    on_fail = [rewind("deploy", times = 1), escalate("ops", expires = 1h), rollback]
  }
}
"#;

fn plan() -> Plan {
    let checked = check_text("release.runbook", RUNBOOK);
    compile(&checked.runbook.expect("a runbook"), &BTreeMap::new()).expect("a plan")
}

fn suite(text: &str) -> Suite {
    let (suite, found) = read(&SourceFile::new("release.test.yaml", text));
    assert!(found.is_empty(), "{found:#?}");
    suite
}

fn played(text: &str) -> Played {
    play(&plan(), &suite(text).scenarios[0]).expect("it can be played")
}

fn passes(text: &str) {
    let played = played(text);
    assert_eq!(played.mismatches, [], "{text}");
}

/// What differs: the key, what was expected and what was found.
fn differs(text: &str) -> Vec<(&'static str, String, String)> {
    let mismatches = played(text).mismatches.into_iter();
    mismatches
        .map(|it| (it.what, it.expected, it.found))
        .collect()
}

#[test]
fn all_goes_well_by_itself() {
    passes(
        "
- scenario: well
  expect:
    end: succeeded
    exit: 0
    path: [go, deploy, tell, healthy]
    undo: []
    pages: [{node: go, policy: ops, level: 1, to: [ann], after: 0s}]
    rto: {took: 3s, met: true}
",
    );
}

#[test]
fn what_is_given_is_worked_with_as_in_a_run() {
    passes(
        "
- scenario: the first version
  given:
    deploy: {stdout: \"1\", takes: 50s}
    healthy: {ends: succeeds}
  expect:
    end: succeeded
    excludes: [tell]
    outputs: {deploy: {version: 1}}
    rto: {took: 51s}
",
    );
    passes(
        "
- scenario: no number
  given: {deploy: {stdout: none}}
  expect: {end: rolled back, exit: 4, undo: [deploy], excludes: [tell]}
",
    );
    passes(
        "
- scenario: too slow
  given: {deploy: {takes: 2m}}
  expect: {end: rolled back, undo: [deploy]}
",
    );
}

#[test]
fn tries_passes_and_undos_go_their_own_ways() {
    passes(
        "
- scenario: back once
  given: {healthy: [fails, succeeds]}
  expect:
    end: succeeded
    path: [go, deploy, tell, healthy, deploy, tell, healthy]
    undo: [deploy]
    rto: {took: 7s}
",
    );
    passes(
        "
- scenario: back, asked, and taken back when nobody answers
  given: {healthy: fails}
  expect:
    end: rolled back
    undo: [deploy, deploy]
    pages:
      - {node: go}
      - {node: healthy, level: 1, to: [ann]}
      - {node: healthy, level: 2, to: [bob]}
",
    );
    passes("
- scenario: the undo fails
  given: {deploy: {passes: [[succeeds], [fails]], undo: {tries: [fails]}}, healthy: {passes: [fails, succeeds]}}
  expect: {end: waiting, exit: 3, waits: [deploy]}
");
    passes(
        "
- scenario: the undo fails, and somebody does it
  given: {healthy: [fails, succeeds], deploy: {undo: {ends: fails}}}
  decide: [{node: deploy, answer: undone-by-hand, by: bob, after: 3m}]
  expect: {end: succeeded, undo: [deploy]}
",
    );
}

#[test]
fn people_answer_when_and_what_they_are_said_to() {
    passes(
        "
- scenario: refused
  decide: [{node: go, answer: reject, by: ann}]
  expect: {end: failed, exit: 1, path: [go]}
",
    );
    passes(
        "
- scenario: nobody
  decide: [{node: go, answer: nothing}]
  expect: {end: failed}
",
    );
    passes(
        "
- scenario: too late
  decide: [{node: go, answer: approve, by: ann, after: 31m}]
  expect: {end: failed}
",
    );
    passes(
        "
- scenario: decided
  given: {healthy: [fails, fails, succeeds]}
  decide: [{node: healthy, answer: retry}]
  expect: {end: succeeded, undo: [deploy]}
",
    );
    passes(
        "
- scenario: back by hand
  given: {healthy: [fails, fails, succeeds]}
  decide: [{node: healthy, answer: rewind, to: deploy}]
  expect: {end: succeeded, undo: [deploy, deploy]}
",
    );
}

#[test]
fn differences_say_what_was_expected_and_what_came() {
    let found = differs(
        "
- scenario: all wrong
  expect:
    end: failed
    exit: 4
    path: [go, deploy]
    includes: [healthy, go]
    excludes: [tell]
    undo: [deploy]
    waits: [go]
    pages: [{node: go, to: [bob]}]
    rto: {took: 1m, met: false}
    outputs: {go: {nothing: 1}}
",
    );
    let whats: Vec<_> = found.iter().map(|(what, _, _)| *what).collect();
    assert_eq!(
        whats,
        [
            "end",
            "exit",
            "path",
            "undo",
            "waits",
            "includes",
            "excludes",
            "pages",
            "rto: took",
            "rto: met",
            "outputs"
        ]
    );
    assert_eq!(found[0].1, "failed");
    assert_eq!(found[0].2, "succeeded");
    assert_eq!(found[2].2, "go, deploy, tell, healthy");
    assert_eq!(found[7].1, "about go to bob");
    assert_eq!(found[8].2, "3s");
}

#[test]
fn an_answer_that_does_not_count_or_that_nobody_asked_for_is_told() {
    let found = differs(
        "
- scenario: not ann
  decide: [{node: go, answer: approve, by: bob}, {node: healthy, answer: retry}]
  expect: {end: failed}
",
    );
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].2.contains("nobody is asked"), "{found:?}");
    assert!(found[1].2.contains("bob"), "{found:?}");
}

#[test]
fn coverage_counts_nodes_and_every_edge() {
    let covered = played(
        "
- scenario: refused
  decide: [{node: go, answer: reject}]
",
    )
    .coverage;
    assert_eq!(covered.nodes.len(), 1);
    assert!(covered.edges.is_empty());
    let untaken: Vec<_> = covered.untaken().map(ToString::to_string).collect();
    for edge in [
        "go → deploy",
        "healthy rewinds to deploy",
        "healthy escalates to ops",
        "healthy rolls back",
        "deploy rolls back",
    ] {
        assert!(untaken.contains(&edge.to_owned()), "{untaken:?}");
    }
    let mut covered = played(
        "
- scenario: everything
  given: {healthy: fails}
",
    )
    .coverage;
    assert!(
        covered
            .edges
            .contains(&Edge::Rollback("healthy".to_owned()))
    );
    assert!(!covered.edges.contains(&Edge::Rollback("deploy".to_owned())));
    assert_eq!(covered.percent(), 90);
    covered.add(
        played(
            "
- scenario: no number
  given: {deploy: fails}
",
        )
        .coverage,
    );
    assert_eq!(covered.percent(), 100);
}

/// The code, and the text at its place.
fn mistakes(text: &str) -> Vec<(&'static str, String, Option<String>)> {
    let file = SourceFile::new("release.test.yaml", text);
    let (suite, mut found) = read(&file);
    if found.is_empty() {
        for scenario in &suite.scenarios {
            found.extend(play(&plan(), scenario).err().into_iter().flatten());
        }
    }
    let told = found.into_iter();
    told.map(|it| (it.code, file.slice(it.span()).to_owned(), it.help))
        .collect()
}

#[test]
fn every_mistake_is_found_at_its_place() {
    let of = |text: &str| {
        let mut found = mistakes(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        found.remove(0)
    };
    let (code, at, help) = of("- {scenario: x, gven: {}}");
    assert_eq!((code, at.as_str()), ("scenario::unknown-key", "gven"));
    assert_eq!(help.unwrap(), "did you mean `given`?");
    let (code, at, help) = of("- {scenario: x, given: {depoy: fails}}");
    assert_eq!((code, at.as_str()), ("scenario::unknown-node", "depoy"));
    assert_eq!(help.unwrap(), "did you mean `deploy`?");
    let (code, at, help) = of("- {scenario: x, given: {deploy: fail}}");
    assert_eq!((code, at.as_str()), ("scenario::bad-value", "fail"));
    assert_eq!(help.unwrap(), "did you mean `fails`?");
    let (code, at, _) = of("- {scenario: x, given: {deploy: {takes: soon}}}");
    assert_eq!((code, at.as_str()), ("scenario::bad-value", "soon"));
    let (code, at, _) = of("- {scenario: x, given: {go: fails}}");
    assert_eq!((code, at.as_str()), ("scenario::cannot-happen", "go"));
    let (code, at, _) = of("- {scenario: x, given: {deploy: skipped}}");
    assert_eq!((code, at.as_str()), ("scenario::cannot-happen", "deploy"));
    let (code, at, _) = of("- {scenario: x, decide: [{node: go}]}");
    assert_eq!((code, at.as_str()), ("scenario::missing-key", "{node: go}"));
    let (code, at, help) = of("- {scenario: x, decide: [{node: go, answer: aprove}]}");
    assert_eq!((code, at.as_str()), ("scenario::bad-value", "aprove"));
    assert_eq!(help.unwrap(), "did you mean `approve`?");
    let (code, _, _) = of("- {expect: {end: failed}}");
    assert_eq!(code, "scenario::missing-key");
    let (code, at, _) = of("- scenario: x\n- scenario: x\n");
    assert_eq!((code, at.as_str()), ("scenario::same-name", "x"));
    let (code, at, _) = of("- {scenario: x, expect: {end: finished}}");
    assert_eq!((code, at.as_str()), ("scenario::bad-value", "finished"));
    let (code, _, _) = of("scenario: x");
    assert_eq!(code, "scenario::bad-value");
    assert!(
        mistakes("- {scenario: x")
            .iter()
            .any(|(code, _, _)| code.starts_with("syntax::"))
    );
}

#[test]
fn every_key_that_is_documented_is_read() {
    let names = |block: keys::Block| block.keys.iter().map(|key| key.name).collect::<Vec<_>>();
    for block in keys::BLOCKS {
        let unique: BTreeSet<_> = names(block).into_iter().collect();
        assert_eq!(unique.len(), block.keys.len(), "{}", block.name);
    }
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a test reads what is documented")]
fn the_documented_keys_are_these() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/testing.md");
    let text = std::fs::read_to_string(page).expect("the page");
    let (before, tables) = text
        .split_once("a test compares them. -->\n\n")
        .expect("the mark");
    if std::env::var_os("PITON_WRITE_REFERENCE").is_some() {
        let written = format!("{before}a test compares them. -->\n\n{}", keys::tables());
        std::fs::write(page, written.trim_end().to_owned() + "\n").expect("it is written");
        return;
    }
    assert_eq!(
        tables.trim_end(),
        keys::tables().trim_end(),
        "PITON_WRITE_REFERENCE=1 cargo test --release -p piton-dsl documented_keys"
    );
}

/// Everything that goes wrong in one of all ways, as a scenario: played, it comes to what it says.
#[test]
fn what_prove_finds_can_be_kept_and_played() {
    let text = RUNBOOK
        .replace("escalate(\"ops\", expires = 1h), rollback]", "]")
        .replace(
            "rewind(\"deploy\", times = 1), ]",
            "rewind(\"deploy\", times = 1)]",
        )
        .replace("page    = \"ops\"", "");
    let checked = check_text("release.runbook", &text);
    let plan = compile(&checked.runbook.expect("a runbook"), &BTreeMap::new()).expect("a plan");
    let assumed = assume(&plan, &BTreeSet::new());
    let by = piton_core::id::Actor {
        name: "starter".to_owned(),
        account: "starter@here".to_owned(),
    };
    let start = Start {
        by,
        base: "/".to_owned(),
        work: "/".to_owned(),
        file: String::new(),
        assumed: Vec::new(),
    };
    let limits = Limits {
        failures: 2,
        runs: 100_000,
    };
    let explored = explore(&assumed, &start, Timestamp(0), limits);
    assert!(!explored.faults.is_empty(), "{explored:#?}");
    for found in &explored.faults {
        let ending = piton_core::prove::Ending::Fault(found.fault);
        let text = write(
            &plan,
            "found: \"it\"",
            &BTreeMap::new(),
            &found.steps,
            ending,
        );
        let scenario = &suite(&text).scenarios[0];
        assert_eq!(scenario.name.value, "found: \"it\"");
        let played = play(&plan, scenario).expect(&text);
        assert_eq!(played.mismatches, [], "{text}");
    }
}
