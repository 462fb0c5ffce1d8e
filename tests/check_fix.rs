//! `piton check --fix` and `piton.toml`: what is mended in files, and how findings count.

use crate::support::Place;
use std::os::unix::fs::PermissionsExt;

const BAD: &str = "# a remark  \nrunbook a {\n  timeuot: 1m\n  step s { run = \"true\", needs = [], effect = none }\n  step t { needs = [ss], run = \"./timeuot\", efect = none }\n}\n";
const MENDED: &str = "# a remark  \nrunbook a {\n  timeout = 1m\n  step s { run = \"true\", needs = [], effect = none }\n  step t { needs = [s], run = \"./timeuot\", effect = none }\n}\n";

#[test]
fn what_can_be_mended_is_written_and_the_rest_is_told() {
    let place = Place::new();
    let bad = BAD
        .replace("[ss]", "[step-s]")
        .replace("step s {", "step step-ss {");
    let good = MENDED
        .replace("[s]", "[step-ss]")
        .replace("step s {", "step step-ss {");
    let file = place.file("a.runbook", &bad);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("ours");
    place
        .run(["check", "a.runbook"])
        .expect(1)
        .says("--fix mends 4 of these");
    let shown = place
        .run(["check", "--fix", "--diff", "a.runbook"])
        .expect(0);
    assert!(shown.stdout.contains("\n-  timeuot: 1m\n"), "{shown:?}");
    assert!(shown.stdout.contains("\n+  timeout = 1m\n"), "{shown:?}");
    assert_eq!(place.read("a.runbook"), bad, "--diff only shows");
    let ended = place.run(["check", "--fix", "a.runbook"]).expect(0);
    assert!(
        ended
            .stdout
            .contains("mended a.runbook:3:10: write `=` [syntax::wrong-sign]\n"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("write `step-ss`"), "{ended:?}");
    assert!(ended.says("nothing to say").stderr.is_empty());
    assert_eq!(place.read("a.runbook"), good);
    let mode = std::fs::metadata(&file).expect("ours").permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let names = std::fs::read_dir(&place.dir).expect("ours").flatten();
    let left = names.filter(|entry| entry.file_name().to_string_lossy().ends_with(".piton"));
    assert_eq!(left.count(), 0, "nothing is left beside it");
    place.run(["check", "--diff", "a.runbook"]).expect(2);
}

#[test]
fn what_needs_a_person_is_left_and_told() {
    let place = Place::new();
    let text = "runbook a {\n  timeout = 1m\n  step s { run = \"true\", effect = nowhere_near }\n  step t { run = \"true\", effect = none, idempotent = yes }\n}\n";
    place.file("a.runbook", text);
    let ended = place
        .run(["check", "--fix", "--format=json", "a.runbook"])
        .expect(1);
    let left: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{ended:?}");
    assert!(ended.stderr.contains("mended a.runbook:4:"), "{ended:?}");
    assert_eq!(place.read("a.runbook"), text.replace("= yes", "= true"));
}

#[test]
fn a_file_that_cannot_be_written_stays_and_is_named() {
    let place = Place::new();
    let file = place.file("a.runbook", "runbook a {\n  timeuot = 1m\n}\n");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o440)).expect("ours");
    place
        .run(["check", "--fix", "a.runbook"])
        .expect(1)
        .says("a.runbook cannot be written");
    assert!(place.read("a.runbook").contains("timeuot"));
}

#[test]
fn piton_toml_says_how_warnings_count() {
    let place = Place::new();
    let warned = "runbook a {\n  step s { run = \"true\", effect = none }\n}\n";
    std::fs::create_dir_all(place.dir.join("repo/.git")).expect("ours");
    std::fs::create_dir_all(place.dir.join("repo/deep/er")).expect("ours");
    place.file("repo/deep/er/a.runbook", warned);
    let check = || place.run(["check", "repo"]);
    check().expect(0).says("1 warning");
    // Above the repository nothing counts.
    place.file("piton.toml", "[check]\nstrict = true\n");
    check().expect(0);
    place.file("repo/piton.toml", "[check]\nstrict = true\n");
    check().expect(1).says("by repo/piton.toml");
    place.file("repo/piton.toml", "[rules]\n\"time::*\" = \"off\"\n");
    check().expect(0).says("nothing to say");
    place.file(
        "repo/piton.toml",
        "[rules]\n\"time::no-timeout\" = \"error\"\n",
    );
    check().expect(1).says("1 error");
    // The nearest one counts, alone.
    place.file("repo/deep/piton.toml", "");
    check().expect(0).says("1 warning");
    // Without a repository, only the one beside the file.
    place.file("a.runbook", warned);
    place.run(["check", "a.runbook"]).expect(1);
    std::fs::create_dir_all(place.dir.join("other")).expect("ours");
    place.file("other/a.runbook", warned);
    place.run(["check", "other"]).expect(0);
    place.file(
        "repo/deep/piton.toml",
        "[rules]\n\"order::cycle\" = \"off\"\n\"time::*\" = \"of\"\n",
    );
    check()
        .expect(2)
        .says("repo/deep/piton.toml:2:1: `order::cycle` cannot be less than an error")
        .says("repo/deep/piton.toml:3:13")
        .says("did you mean `off`?");
}

#[test]
fn a_run_does_not_depend_on_how_findings_count() {
    let place = Place::new();
    place.file("piton.toml", "[rules]\n\"time::no-timeout\" = \"error\"\n");
    place.file(
        "a.runbook",
        "runbook a {\n  step s { run = \"true\", effect = none }\n}\n",
    );
    place.run(["check", "a.runbook"]).expect(1);
    place.run(["run", "a.runbook"]).expect(0);
}
