//! The other commands: what they print and how they exit.

use crate::support::{Place, top};

fn example() -> String {
    top()
        .join("examples/01-restore-drill.runbook")
        .to_string_lossy()
        .into_owned()
}

#[test]
fn runs_in_json_is_a_list_of_objects() {
    let place = Place::new();
    assert_eq!(place.run(["runs", "--json"]).expect(0).stdout.trim(), "[]");
    place.run(["run", &example(), "--yes"]).expect(0);
    let runs = place.json(["runs", "--json"]);
    let run = &runs[0];
    assert_eq!(run["runbook"], "restore-drill");
    assert_eq!(run["state"], "succeeded");
    assert!(
        run["id"]
            .as_str()
            .is_some_and(|id| id.starts_with("restore-drill")),
        "{run}"
    );
    assert!(
        run["started"]
            .as_str()
            .is_some_and(|time| time.contains('T')),
        "{run}"
    );
}

#[test]
fn plan_and_graph_show_without_running() {
    let place = Place::new();
    let plan = place.run(["plan", &example()]).expect(0);
    for word in ["make", "proved", "cp shop.backup", "abandoned"] {
        assert!(plan.stdout.contains(word), "no {word} in {plan:?}");
    }
    let mermaid = place
        .run(["graph", &example(), "--format", "mermaid"])
        .expect(0);
    assert!(
        mermaid.stdout.starts_with("flowchart") || mermaid.stdout.starts_with("graph"),
        "{mermaid:?}"
    );
    let dot = place
        .run(["graph", &example(), "--format", "dot"])
        .expect(0);
    assert!(dot.stdout.starts_with("digraph"), "{dot:?}");
    assert_eq!(place.run(["runs", "--json"]).expect(0).stdout.trim(), "[]");
}

#[test]
fn show_and_logs_tell_what_happened() {
    let place = Place::new();
    place.run(["run", &example(), "--yes"]).expect(0);
    place
        .run(["show", "last"])
        .expect(0)
        .says("the total is right");
    place
        .run(["logs", "last"])
        .expect(0)
        .says("restored from a backup");
    place
        .run(["logs", "last", "report"])
        .expect(0)
        .says("restored from a backup");
    let run = place.last_run();
    place
        .run(["show", run.rsplit('-').next().expect("a part")])
        .expect(0);
    place
        .run(["show", "no-such-run"])
        .expect(2)
        .says("no-such-run");
    place
        .run(["logs", "last", "no-such-node"])
        .expect(2)
        .says("no-such-node");
}

#[test]
fn usage_and_bad_files_exit_2() {
    let place = Place::new();
    place.run(["frobnicate"]).expect(2);
    place.run(["run"]).expect(2);
    place
        .run(["run", "no-such-file.runbook"])
        .expect(2)
        .says("no-such-file.runbook");
    place.run(["check", "no-such-file.runbook"]).expect(2);
    let file = place.file("bad.runbook", "runbook bad {\n  step a {\n");
    place.run(["run".as_ref(), file.as_os_str()]).expect(2);
    let file = place.file("param.runbook", "runbook p {\n  param n { type = int }\n  step a { exec = [\"echo\", \"${{ params.n }}\"] effect = none timeout = 1m }\n}\n");
    let file = file.to_string_lossy();
    place.run(["run", &file]).expect(2).says("--set");
    place.run(["run", &file, "--set", "n=x"]).expect(2);
    place.run(["run", &file, "--set", "m=1"]).expect(2);
    place.run(["run", &file, "--set", "n=1"]).expect(0);
}

#[test]
fn doctor_and_completions_and_help() {
    let place = Place::new();
    place.run(["doctor"]).expect(0).says("store");
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            place
                .run(["completions", shell])
                .expect(0)
                .stdout
                .contains("approve")
        );
    }
    let help = place.run(["--help"]).expect(0);
    for command in [
        "check",
        "explain",
        "plan",
        "graph",
        "run",
        "resume",
        "runs",
        "show",
        "logs",
        "approve",
        "reject",
        "done",
        "answer",
        "decide",
        "ack",
        "take",
        "cancel",
        "rollback",
        "audit",
        "doctor",
        "completions",
    ] {
        assert!(help.stdout.contains(command), "{help:?}");
        place.run([command, "--help"]).expect(0);
    }
    assert!(!help.stdout.contains("__keeper"), "{help:?}");
}

#[test]
fn a_failed_check_tells_what_was_expected_and_what_was_found() {
    let place = Place::new();
    let file = place.file(
        "checks.runbook",
        r#"
runbook checks {
  timeout = 1m
  gate all {
    checks {
      check "one is one" { run = "echo 1" expect = "value == 1" }
      check "two is three" { run = "echo 2" expect = "value == 3" }
      check "it exits well" { run = "exit 4" }
    }
    on_fail = [stop]
  }
  step after { run = "echo after >> after" effect = abandoned("a test") }
}
"#,
    );
    let ended = place.run(["run".as_ref(), file.as_os_str()]).expect(1);
    let ended = ended
        .says("two is three")
        .says("value == 3")
        .says("it exits well");
    assert!(
        ended.stdout.contains("one is one"),
        "all are reported: {ended:?}"
    );
    assert_eq!(place.read("after"), "");
}

#[test]
fn a_pipe_that_closes_is_no_error() {
    let place = Place::new();
    place.run(["run", &example(), "--yes"]).expect(0);
    let line = format!("{} show last | head -n 1", env!("CARGO_BIN_EXE_piton"));
    let output = std::process::Command::new("sh")
        .args(["-c", &line])
        .env("PITON_STORE", place.store())
        .output()
        .expect("sh");
    assert!(output.stderr.is_empty(), "{output:?}");
}
