//! `piton check --changed-since`: what git says was changed, and what calls it.

use crate::support::Place;
use std::process::{Command, Stdio};

fn git(place: &Place, arguments: &[&str]) {
    let status = Command::new("git")
        .args([
            "-c",
            "user.name=a",
            "-c",
            "user.email=a@b",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(arguments)
        .current_dir(&place.dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("HOME", &place.dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("git");
    assert!(status.success(), "git {arguments:?}");
}

fn runbook(name: &str, step: &str) -> String {
    format!("runbook {name} {{\n  timeout = 1m\n  step s {{ {step} }}\n}}\n")
}

/// The files that are looked at, by a finding that each has.
fn looked_at(place: &Place, arguments: &[&str]) -> Vec<String> {
    let mut all = vec!["check", "--format=json", "--changed-since"];
    all.extend(arguments);
    let ended = place.run(&all).without_panic();
    let found: serde_json::Value =
        serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"));
    let files = found.as_array().expect("a list").iter();
    let mut files: Vec<String> = files
        .filter_map(|one| one["file"].as_str())
        .map(str::to_owned)
        .collect();
    files.sort();
    files.dedup();
    files
}

/// A repository of runbooks, each of which gives a warning wherever it is looked at.
fn repository() -> Place {
    let place = Place::new();
    git(&place, &["init", "-q"]);
    let warned = "run = \"true\"";
    for name in ["called", "changed", "renamed", "same", "staged"] {
        place.file(&format!("{name}.runbook"), &runbook(name, warned));
    }
    place.file(
        "caller.runbook",
        "runbook caller {\n  param p { default = \"x\" }\n  step s { call { runbook = \"called.runbook\" } }\n}\n",
    );
    git(&place, &["add", "."]);
    git(&place, &["commit", "-qm", "one"]);
    place
}

#[test]
fn what_was_changed_and_what_calls_it_is_checked() {
    let place = repository();
    assert!(looked_at(&place, &["HEAD"]).is_empty());
    place
        .run(["check", "--changed-since", "HEAD"])
        .expect(0)
        .says("no runbook was changed since HEAD");
    let more = |name: &str| {
        place.file(
            &format!("{name}.runbook"),
            &(place.read(&format!("{name}.runbook")) + "\n"),
        );
    };
    more("changed");
    assert_eq!(looked_at(&place, &["HEAD"]), ["./changed.runbook"]);
    more("staged");
    git(&place, &["add", "staged.runbook"]);
    git(&place, &["mv", "renamed.runbook", "another.runbook"]);
    std::fs::create_dir_all(place.dir.join("new")).expect("ours");
    place.file("new/untracked.runbook", &runbook("new", "run = \"true\""));
    assert_eq!(
        looked_at(&place, &["HEAD"]),
        [
            "./another.runbook",
            "./changed.runbook",
            "./new/untracked.runbook",
            "./staged.runbook"
        ]
    );
    assert_eq!(
        looked_at(&place, &["HEAD", "new"]),
        ["new/untracked.runbook"]
    );
    git(&place, &["add", "."]);
    git(&place, &["commit", "-qm", "two"]);
    assert!(looked_at(&place, &["HEAD"]).is_empty());
    assert_eq!(looked_at(&place, &["HEAD~1"]).len(), 4);
}

#[test]
fn callers_are_checked_with_what_they_call() {
    let place = repository();
    place.file("called.runbook", &(place.read("called.runbook") + "\n"));
    assert_eq!(
        looked_at(&place, &["HEAD"]),
        ["./called.runbook", "./caller.runbook"]
    );
    std::fs::remove_file(place.dir.join("called.runbook")).expect("ours");
    assert_eq!(looked_at(&place, &["HEAD"]), ["./caller.runbook"]);
}

#[test]
fn settings_that_were_changed_concern_all_below_them() {
    let place = repository();
    place.file("piton.toml", "[rules]\n");
    assert_eq!(looked_at(&place, &["HEAD"]).len(), 6);
}

#[test]
fn what_was_changed_elsewhere_since_a_branch_left_is_not_its_matter() {
    let place = repository();
    git(&place, &["checkout", "-qb", "branch"]);
    place.file("changed.runbook", &(place.read("changed.runbook") + "\n"));
    git(&place, &["commit", "-qam", "on the branch"]);
    git(&place, &["checkout", "-q", "main"]);
    place.file("same.runbook", &(place.read("same.runbook") + "\n"));
    git(&place, &["commit", "-qam", "on main"]);
    git(&place, &["checkout", "-q", "branch"]);
    assert_eq!(looked_at(&place, &["main"]), ["./changed.runbook"]);
}

#[test]
fn what_git_does_not_know_is_an_error_with_its_reason() {
    let place = repository();
    for revision in ["no-such", "--output=x", "HEAD:same.runbook"] {
        let argument = format!("--changed-since={revision}");
        place
            .run(["check", argument.as_str(), "."])
            .expect(2)
            .says(&format!("there is no revision `{revision}`"));
    }
    assert!(!place.dir.join("x").exists());
    let outside = Place::new();
    outside.file("a.runbook", &runbook("a", "run = \"true\""));
    outside
        .run(["check", "--changed-since", "HEAD", "a.runbook"])
        .expect(2)
        .says("is in no git repository");
    let mut without_git = place.piton(["check", "--changed-since", "HEAD"]);
    let output = without_git.env("PATH", &place.dir).output().expect("piton");
    let ended = crate::support::Ended::from(output);
    ended.expect(2).says("`git` cannot be started");
}
