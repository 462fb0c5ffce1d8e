//! `piton prove` and `piton test`: every runbook that comes with the project is proved and has scenarios that pass; and
//! what they find is found, told and counted.

use crate::prose::blocks;
use crate::runbooks::{modes, runbooks, values};
use crate::support::{Place, top};

/// Nothing is said of what a failure of `look` gets, and something was done before it that could be taken back.
const HALF_DONE: &str = r#"runbook half {
  timeout = 1m
  step scale { run = "true"  undo { after = started  run = "true" }  on_fail = [rollback] }
  step look  { run = "true"  effect = none }
}
"#;

#[test]
fn every_runbook_is_proved_in_every_mode() {
    let place = Place::new();
    let mut files = Vec::new();
    for folder in ["runbooks", "examples"] {
        runbooks(&top().join(folder), &mut files);
    }
    assert!(files.len() > 20, "{files:?}");
    for file in &files {
        let name = file.display().to_string();
        let mut words = vec!["prove".to_owned(), name.clone()];
        words.extend(values(&place, &name));
        place.run(&words).expect(0).says("every run ends well");
        let text = std::fs::read_to_string(file).expect("a runbook");
        for mode in modes(&text) {
            let in_mode = ["--mode".to_owned(), mode.to_owned()];
            place.run(words.iter().chain(&in_mode)).expect(0).says(mode);
        }
    }
}

#[test]
fn every_runbook_has_scenarios_and_they_pass() {
    let place = Place::new();
    let mut files = Vec::new();
    let folders = ["runbooks", "examples"].map(|folder| top().join(folder));
    for folder in &folders {
        runbooks(folder, &mut files);
    }
    let all = place.json([
        "test".as_ref(),
        "--json".as_ref(),
        folders[0].as_os_str(),
        folders[1].as_os_str(),
    ]);
    let all = all.as_array().expect("a list");
    for tested in all {
        assert_eq!(tested["passed"], true, "{tested:#}");
        assert!(
            !tested["scenarios"]
                .as_array()
                .expect("scenarios")
                .is_empty()
        );
    }
    // One for each file: both of two twins.
    assert_eq!(all.len(), files.len());
    let words = ["test", "--min-coverage", "101"];
    place.run(words).expect(2);
}

#[test]
fn what_prove_finds_is_a_scenario_that_passes() {
    let place = Place::new();
    let file = place.file("half.runbook", HALF_DONE);
    let ended = place.run(["prove".as_ref(), file.as_os_str()]).expect(1);
    let ended = ended.says("✗ left half done").says("`look` fails once");
    assert!(ended.stdout.contains("- scenario: left half done at look"));
    let ended = place
        .run(["prove".as_ref(), "--json".as_ref(), file.as_os_str()])
        .expect(1);
    let proof: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(proof["proved"], false);
    let errors = proof["errors"].as_array().expect("errors");
    assert_eq!(errors.len(), 1, "{errors:#?}");
    let scenario = errors[0]["scenario"].as_str().expect("a scenario");
    place.file("half.test.yaml", scenario);
    place
        .run(["test".as_ref(), file.as_os_str()])
        .expect(0)
        .says("✓ 1 scenario passed");
    // Said once for the runbook, it is no error.
    place.file(
        "half.runbook",
        &HALF_DONE.replace("timeout = 1m", "timeout = 1m\n  on_fail = [stop]"),
    );
    place.run(["prove".as_ref(), file.as_os_str()]).expect(0);
    place.run(["test".as_ref(), file.as_os_str()]).expect(0);
}

#[test]
fn nothing_is_left_out_silently() {
    let place = Place::new();
    let file = top().join("examples/02-approval.runbook");
    let words = ["prove".as_ref(), "--limit=10".as_ref(), file.as_os_str()];
    place.run(words).expect(1).says("not all was tried");
    let alone = ["prove".as_ref(), "--failures=1".as_ref(), file.as_os_str()];
    place.run(alone).expect(0).says("each failure alone");
    let nothing = ["prove", "--failures=9", "x.runbook"];
    place.run(nothing).expect(2);
}

#[test]
fn a_scenario_that_differs_says_how_and_where() {
    let place = Place::new();
    let file = place.file("half.runbook", HALF_DONE);
    let wrong = "- scenario: it is < well\n  given: {look: fails}\n  expect:\n    end: succeeded\n- scenario: fine\n";
    place.file("half.test.yaml", wrong);
    let ended = place.run(["test".as_ref(), file.as_os_str()]).expect(1);
    let ended = ended.says("✗ it is < well").says("half.test.yaml:4:10");
    let ended = ended.says("expected  succeeded").says("found     failed");
    ended
        .says("✗ 1 scenario failed, 1 passed")
        .says("no scenario takes: scale rolls back");
    let junit = place
        .run(["test".as_ref(), "--format=junit".as_ref(), file.as_os_str()])
        .expect(1)
        .says("<testcase name=\"it is &lt; well\"");
    assert!(junit.stdout.contains("tests=\"2\" failures=\"1\""));
    let least = [
        "test".as_ref(),
        "--min-coverage=100".as_ref(),
        file.as_os_str(),
    ];
    place.file(
        "half.test.yaml",
        "- scenario: fine\n  expect: {end: succeeded}\n",
    );
    let ended = place.run(least).expect(1);
    assert!(
        ended.stderr.contains("--min-coverage asks for 100%"),
        "{ended:?}"
    );
}

#[test]
fn mistakes_in_scenarios_are_shown_at_their_places() {
    let place = Place::new();
    let file = place.file("half.runbook", HALF_DONE);
    place.file("half.test.yaml", "- scenario: x\n  given: {lok: fails}\n");
    let ended = place.run(["test".as_ref(), file.as_os_str()]).expect(2);
    assert!(ended.stderr.contains("did you mean `look`?"), "{ended:?}");
    assert!(ended.stderr.contains("half.test.yaml:2:11"), "{ended:?}");
    place.run(["explain", "scenario::unknown-node"]).expect(0);
    place.file("half.test.yaml", "- scenario: x\n  expect: {end: sucess}\n");
    place.run(["test".as_ref(), file.as_os_str()]).expect(2);
    place.file("alone.test.yaml", "- scenario: x\n");
    place.run(["test", "alone.test.yaml"]).expect(2);
    place.run(["test", "gone.test.yaml"]).expect(2);
    place.run(["test", "half.txt"]).expect(2);
}

#[test]
fn the_scenarios_of_the_prose_pass_and_its_tables_are_those_of_the_code() {
    let place = Place::new();
    let text = std::fs::read_to_string(top().join("docs/testing.md")).expect("a page");
    let (runbooks, scenarios) = (blocks(&text, "runbook"), blocks(&text, "scenario"));
    assert_eq!((runbooks.len(), scenarios.len()), (1, 1));
    let file = place.file("release.runbook", &runbooks[0]);
    place.file("release.test.yaml", &scenarios[0]);
    place
        .run(["test".as_ref(), file.as_os_str()])
        .expect(0)
        .says("✓ 5 scenarios passed");
    place.run(["prove".as_ref(), file.as_os_str()]).expect(0);
}
