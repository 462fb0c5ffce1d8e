//! What docs/ci.md says for CI systems: the YAML can be read, and the commands in it do what they are there for.

use crate::prose::blocks;
use crate::support::{Ended, Place, top};
use piton_dsl::json_schema::to_json;
use piton_dsl::source::SourceFile;
use serde_json::Value;
use std::process::{Command, Stdio};

fn yaml(text: &str) -> Value {
    let parsed = piton_dsl::syntax::yaml::parse(text);
    assert!(parsed.diagnostics.is_empty(), "{text}\n{parsed:?}");
    to_json(&parsed.root.expect("a tree")).expect("it can be read")
}

/// Every text under a key, wherever it is: `run`, or the items of `script`.
fn under<'v>(value: &'v Value, key: &str, found: &mut Vec<&'v str>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| under(item, key, found)),
        Value::Object(entries) => {
            for (name, inner) in entries {
                if name == key {
                    found.extend(inner.as_str());
                    found.extend(
                        inner
                            .as_array()
                            .into_iter()
                            .flatten()
                            .filter_map(Value::as_str),
                    );
                }
                under(inner, key, found);
            }
        }
        _ => {}
    }
}

/// A repository with a runbook in it, and `piton` on the PATH.
fn repository(runbook: &str) -> Place {
    let place = Place::new();
    std::fs::create_dir_all(place.dir.join("runbooks")).expect("ours");
    std::fs::create_dir_all(place.dir.join("bin")).expect("ours");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_piton"), place.dir.join("bin/piton"))
        .expect("a link");
    place.file("runbooks/a.runbook", runbook);
    let made =
        "git init -q . && git add runbooks && git -c user.name=a -c user.email=a@b commit -qm one";
    assert_eq!(shell(&place, made).code, Some(0));
    place
}

fn shell(place: &Place, command: &str) -> Ended {
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", command])
        .env(
            "PATH",
            format!("{}:{path}", place.dir.join("bin").display()),
        )
        .env("HOME", &place.dir)
        .env("CI_MERGE_REQUEST_DIFF_BASE_SHA", "HEAD")
        .current_dir(&place.dir)
        .stdin(Stdio::null())
        .output()
        .expect("sh");
    Ended::from(output).without_panic()
}

const GOOD: &str = "runbook a {\n  timeout = 1m\n  step s { run = \"true\", effect = none }\n}\n";
const BAD: &str = "runbook a {\n  timeout = 1m\n  step s { run = \"true\", efect = none }\n}\n";

fn page() -> String {
    std::fs::read_to_string(top().join("docs/ci.md")).expect("docs/ci.md")
}

#[test]
fn the_commands_for_ci_systems_pass_good_runbooks_and_stop_bad_ones() {
    let page = page();
    let mut commands: Vec<String> = Vec::new();
    for block in blocks(&page, "yml") {
        let value = yaml(&block);
        let mut found = Vec::new();
        for key in ["run", "script"] {
            under(&value, key, &mut found);
        }
        commands.extend(found.into_iter().map(str::to_owned));
    }
    // One that stands in the text.
    let (_, after) = page
        .split_once("In a merge request, `")
        .expect("it is there");
    let (command, _) = after.split_once('`').expect("it ends");
    commands.push(command.to_owned());
    commands.retain(|command| !command.starts_with("cargo install"));
    assert_eq!(commands.len(), 4, "{commands:?}");
    for command in &commands {
        let place = repository(GOOD);
        let ended = shell(&place, command);
        assert_eq!(ended.code, Some(0), "{command}: {ended:?}");
        place.file("runbooks/a.runbook", BAD);
        let ended = shell(&place, command);
        assert_eq!(ended.code, Some(1), "{command}: {ended:?}");
    }
    let place = repository(BAD);
    let told = |command: &str, file: &str| {
        let ended = shell(&place, command);
        format!("{}{}", ended.stdout, place.read(file))
    };
    assert!(told(&commands[0], "").starts_with("::error file=runbooks/a.runbook,line=3,"));
    let sarif: Value = serde_json::from_str(&told(&commands[1], "piton.sarif")).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "keys::unknown");
    assert!(told(&commands[2], "piton.xml").contains("<failure type=\"error\""));
}

#[test]
fn the_hook_checks_the_files_that_it_is_for() {
    let text = std::fs::read_to_string(top().join(".pre-commit-hooks.yaml")).expect("hooks");
    // A file of ours is a map; this is a list.
    let hooks = yaml(&format!("hooks:\n{text}"));
    let hooks = hooks["hooks"].as_array().expect("a list");
    let used = blocks(&page(), "yml")
        .iter()
        .map(|block| yaml(block))
        .find_map(|value| Some(value.get("repos")?[0]["hooks"][0].clone()));
    let used = used.expect("the page shows the hook");
    let hook = hooks
        .iter()
        .find(|hook| hook["id"] == used["id"])
        .expect("it is there");
    assert_eq!(hook["language"], "system");
    let (entry, pattern) = (hook["entry"].as_str(), hook["files"].as_str());
    let arguments = used["args"].as_array().expect("a list").iter();
    let arguments: Vec<_> = arguments.filter_map(Value::as_str).collect();
    let command = format!(
        "git ls-files | grep -E '{}' | xargs {} {}",
        pattern.expect("a pattern"),
        entry.expect("a command"),
        arguments.join(" ")
    );
    let place = repository(GOOD);
    shell(&place, &command).expect(0).says("1 file checked");
    // `xargs` ends with 123 when what it started does not end well.
    shell(&repository(BAD), &command)
        .expect(123)
        .says("keys::unknown");
}

#[test]
fn the_settings_on_the_page_are_taken() {
    let settings = blocks(&page(), "toml");
    assert_eq!(settings.len(), 1);
    let place = repository(GOOD);
    place.file("piton.toml", &settings[0]);
    place
        .run(["check", "runbooks"])
        .expect(0)
        .says("by piton.toml");
}

#[test]
fn the_schema_is_printed_as_it_stands_in_the_docs() {
    let place = Place::new();
    let printed = place.run(["schema"]).expect(0).stdout;
    let written = std::fs::read_to_string(top().join("docs/runbook.schema.json"));
    assert_eq!(printed, written.expect("docs/runbook.schema.json"));
    let schema: Value = serde_json::from_str(&printed).expect("JSON");
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
}

/// What SARIF 2.1.0 asks of a log, as far as ours has it.
#[test]
fn sarif_has_what_its_specification_asks_for() {
    let place = Place::new();
    let text = "runbook a {\n  title = \"𝄞\", timeuot = 5m\n  step s { run = \"true\", effect = none }\n  step s { run = \"true\", effect = none, timeout = 1m }\n}\n";
    place.file("a b.runbook", text);
    let ended = place
        .run(["check", "--format", "sarif", "a b.runbook"])
        .expect(1);
    let log: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    assert!(
        log["$schema"]
            .as_str()
            .is_some_and(|it| it.ends_with("sarif-schema-2.1.0.json"))
    );
    let run = &log["runs"][0];
    assert_eq!(run["columnKind"], "utf16CodeUnits");
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);
    let driver = &run["tool"]["driver"];
    assert_eq!(driver["name"], "piton");
    let rules = driver["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    assert!(results.len() >= 2, "{results:#?}");
    let source = SourceFile::new("a b.runbook", text);
    let mut fixes = 0;
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(
            rules[index]["help"]["text"]
                .as_str()
                .is_some_and(|it| it.len() > 50)
        );
        assert!(matches!(
            result["level"].as_str(),
            Some("error" | "warning" | "note")
        ));
        assert!(
            result["message"]["text"]
                .as_str()
                .is_some_and(|it| !it.is_empty())
        );
        let related = result["relatedLocations"].as_array().into_iter().flatten();
        for place in result["locations"]
            .as_array()
            .into_iter()
            .flatten()
            .chain(related)
        {
            let physical = &place["physicalLocation"];
            assert_eq!(physical["artifactLocation"]["uri"], "a%20b.runbook");
            let of = |key: &str| physical["region"][key].as_u64().expect("a number from 1");
            let (start, end) = (
                (of("startLine"), of("startColumn")),
                (of("endLine"), of("endColumn")),
            );
            assert!(start <= end && start.0 >= 1 && start.1 >= 1 && end.1 >= 1);
        }
        for change in result["fixes"].as_array().into_iter().flatten() {
            let replaced = &change["artifactChanges"][0]["replacements"][0];
            assert_eq!(replaced["insertedContent"]["text"], "timeout");
            // In UTF-16 the sign before it counts twice.
            let at = source.position(text.find("timeuot").expect("it is there"));
            assert_eq!(replaced["deletedRegion"]["startColumn"], at.1 + 1);
            fixes += 1;
        }
    }
    assert_eq!(fixes, 1);
    let missing = place
        .run(["check", "--format", "sarif", "gone.runbook"])
        .expect(2);
    let log: Value = serde_json::from_str(&missing.stdout).expect("JSON");
    assert_eq!(
        log["runs"][0]["invocations"][0]["executionSuccessful"],
        false
    );
}
