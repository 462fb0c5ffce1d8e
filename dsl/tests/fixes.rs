//! What `--fix` changes: the slip and nothing else, in both syntaxes.

use piton_dsl::fix::{Fixed, apply};
use piton_dsl::source::SourceFile;
use piton_dsl::{Checked, check_with};

use crate::files::Files;

/// A slip, how it is written, and what the fix makes of it; each in a place of its own.
const SLIPS: [(&str, &str, &str, &str, &str); 9] = [
    // Code, then the runbook's form and the mended one, then the same in YAML.
    (
        "keys::unknown",
        "timeuot = 5m",
        "timeout = 5m",
        "timeuot: 5m",
        "timeout: 5m",
    ),
    (
        "keys::unknown",
        "\"timeuot\" = 5m",
        "\"timeout\" = 5m",
        "'timeuot': 5m",
        "'timeout': 5m",
    ),
    (
        "names::unknown-node",
        "needs = [\"frist\"]",
        "needs = [\"first\"]",
        "needs: [frist]",
        "needs: [first]",
    ),
    (
        "names::unknown-node",
        "env { OF = \"${{ steps['frist'].status }}\" }",
        "env { OF = \"${{ steps['first'].status }}\" }",
        "env: {OF: \"${{ steps['frist'].status }}\"}",
        "env: {OF: \"${{ steps['first'].status }}\"}",
    ),
    (
        "names::unknown",
        "env { OF = \"é ${{ params.bakcup }}\" }",
        "env { OF = \"é ${{ params.backup }}\" }",
        "env: {OF: \"é ${{ params.bakcup }}\"}",
        "env: {OF: \"é ${{ params.backup }}\"}",
    ),
    (
        "names::undeclared-output",
        "env { OF = \"${{ steps.first.outputs.coutn }}\" }",
        "env { OF = \"${{ steps.first.outputs.count }}\" }",
        "env: {OF: \"${{ steps.first.outputs.coutn }}\"}",
        "env: {OF: \"${{ steps.first.outputs.count }}\"}",
    ),
    (
        "people::unknown-policy",
        "on_fail = [escalate(\"infar\")]",
        "on_fail = [escalate(\"infra\")]",
        "on_fail: [{escalate: infar}]",
        "on_fail: [{escalate: infra}]",
    ),
    (
        "keys::wrong-type",
        "idempotent = yes",
        "idempotent = true",
        "idempotent: yes",
        "idempotent: true",
    ),
    (
        "keys::wrong-type",
        "skip = nevr",
        "skip = never",
        "skip: nevr",
        "skip: never",
    ),
];

/// A runbook in which one step has this key.
fn runbook(key: &str) -> String {
    format!(
        r#"# what stands here stays  as it is
runbook nightly {{
  param backup {{ default = "é" }}   # ü
  contact ann {{ via = [{{ command = ["./page.sh", "${{{{ params.backup }}}}"] }}] }}
  escalation infra {{ level {{ page = ["ann"] }} }}
  timeout = 5m
  step first {{ run = "true", effect = none, outputs {{ count = "1" }} }}
  step second {{
    {key}   # a remark
    run  =   "echo timeuot frist"
    effect = none
  }}
}}
"#
    )
}

fn yaml(key: &str) -> String {
    format!(
        r#"# what stands here stays  as it is
runbook: nightly
params: {{backup: {{default: "é"}}}}   # ü
contacts: {{ann: {{via: [{{command: [./page.sh, "${{{{ params.backup }}}}"]}}]}}}}
escalations: {{infra: {{levels: [{{page: [ann]}}]}}}}
timeout: 5m
steps:
  - {{step: first, run: "true", effect: none, outputs: {{count: "1"}}}}
  - step: second
    {key}   # a remark
    run:   "echo timeuot frist"
    effect: none
"#
    )
}

fn check(name: &str, text: &str) -> Checked {
    check_with(&SourceFile::new(name, text), &Files::called())
}

fn fixed(name: &str, text: &str) -> Fixed {
    apply(text, &check(name, text).diagnostics)
}

#[test]
fn a_slip_is_mended_and_nothing_else_is_touched() {
    for (code, own, own_mended, in_yaml, yaml_mended) in SLIPS {
        for (name, text, mended) in [
            ("a.runbook", runbook(own), runbook(own_mended)),
            ("a.runbook.yaml", yaml(in_yaml), yaml(yaml_mended)),
        ] {
            let before = check(name, &text).diagnostics;
            let codes: Vec<_> = before.iter().map(|it| it.code).collect();
            assert!(codes.contains(&code), "{own}: {before:#?}");
            let fixed = apply(&text, &before);
            assert_eq!(fixed.text, mended, "{code}");
            assert!(!fixed.made.is_empty());
            let after = check(name, &fixed.text).diagnostics;
            assert!(after.len() < before.len(), "{own}: {after:#?}");
            assert!(after.iter().all(|it| it.code != code), "{own}: {after:#?}");
        }
    }
}

#[test]
fn people_modes_and_calls_are_mended_too() {
    let text = r#"runbook nightly {
  contact ann { via = [{ command = ["./page.sh"] }], roles = ["dba"] }
  escalation infra { level { page = ["anm"] } }
  param region { default = "eu" }
  timeout = 5m
  gate go { approve { by = ["dab"], expires = 5m }, on_fail = [stop] }
  step report { env { R = "${{ params.region }}" }, run = "true", effect = none }
  mode test { only = ["go", "reprot"], set { regoin = "us" } }
}
"#;
    let fixed = fixed("a.runbook", text);
    let wanted = text
        .replace("anm", "ann")
        .replace("dab", "dba")
        .replace("reprot", "report")
        .replace("regoin", "region");
    assert_eq!(fixed.text, wanted);
    assert_eq!(fixed.made.len(), 4);
}

#[test]
fn signs_commas_and_quotes_of_other_languages_are_mended() {
    let text = "runbook nightly {\n  timeout: 5m\n  step a { run := 'true', effect=>none, needs = [] }\n  step b { exec = [\"a\" \"b\"], effect = none }\n}\n";
    let wanted = "runbook nightly {\n  timeout = 5m\n  step a { run = \"true\", effect = none, needs = [] }\n  step b { exec = [\"a\", \"b\"], effect = none }\n}\n";
    assert_eq!(fixed("a.runbook", text).text, wanted);
    assert!(check("a.runbook", wanted).diagnostics.is_empty());
}

#[test]
fn what_may_mean_something_else_is_left_to_people() {
    for step in [
        // Two names are near.
        "run = \"true\", needs = [\"firs\"]",
        // The key would be there twice.
        "run = \"true\", timeout = 1m, timeuot = 5m",
        // It would be a subtraction.
        "run = \"true\", env { OF = \"${{ steps.thirt_step.status }}\" }",
        // It may be a block with a name.
        "chekcs { check \"x\" { run = \"true\" } }",
        // Nobody knows what it was to add to.
        "run = \"true\", title += \"x\"",
    ] {
        let text = format!(
            "runbook nightly {{\n  timeout = 5m\n  step first {{ run = \"true\", effect = none }}\n  step firsd {{ run = \"true\", effect = none }}\n  step third-step {{ run = \"true\", effect = none }}\n  step second {{ {step}, effect = none }}\n}}\n"
        );
        assert!(check("a.runbook", &text).has_errors(), "{step}");
        let fixed = fixed("a.runbook", &text);
        assert_eq!((fixed.text, fixed.made.len()), (text, 0), "{step}");
    }
}

/// Whatever a file is like, its fixes fit, and what they are not about stays as it was.
#[test]
fn fixes_of_all_bad_examples_leave_the_rest_as_it_was() {
    let mut count = 0;
    for page in piton_dsl::catalogue() {
        for ending in ["runbook", "runbook.yaml"] {
            let folder = page.code.replace("::", "--");
            let path = std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join(format!("tests/fixtures/{folder}/bad.{ending}"));
            #[allow(clippy::disallowed_methods, reason = "a test reads its fixtures")]
            let Ok(text) = std::fs::read_to_string(path) else {
                continue;
            };
            let found = check(&format!("bad.{ending}"), &text).diagnostics;
            let fixed = apply(&text, &found);
            let fixes = found.iter().filter_map(|it| it.fix.as_ref());
            let spans: Vec<_> = fixes
                .flat_map(|fix| fix.edits.iter().map(|edit| edit.span))
                .collect();
            assert!(spans.iter().all(|span| text.get(span.range()).is_some()));
            let first = spans.iter().map(|span| span.start).min();
            let last = spans.iter().map(|span| span.end).max();
            let (first, last) = (first.unwrap_or(text.len()), last.unwrap_or(text.len()));
            assert!(fixed.text.starts_with(&text[..first]), "{folder}");
            assert!(fixed.text.ends_with(&text[last..]), "{folder}");
            if !fixed.made.is_empty() {
                count += 1;
                let left = check(&format!("bad.{ending}"), &fixed.text).diagnostics;
                let is_gone = left.iter().all(|it| it.code != page.code);
                assert!(is_gone || left.len() < found.len(), "{folder}: {left:#?}");
            }
        }
    }
    assert!(count >= 12, "only {count} examples have a fix");
}

/// Scripts with one thing to mend, each with what becomes of it.
const SCRIPTS: [(&str, &str, &str); 7] = [
    (
        "shell::psql-goes-on",
        "psql -X -d shop -f shop.sql",
        "psql -v ON_ERROR_STOP=1 -X -d shop -f shop.sql",
    ),
    (
        "shell::psql-goes-on",
        "cat 'é: # x.sql' | /usr/bin/psql shop",
        "cat 'é: # x.sql' | /usr/bin/psql -v ON_ERROR_STOP=1 shop",
    ),
    (
        "shell::psql-goes-on",
        "\"$BIN/psql\" shop < x.sql",
        "\"$BIN/psql\" -v ON_ERROR_STOP=1 shop < x.sql",
    ),
    (
        "shell::psql-goes-on",
        "true\nsudo -u postgres psql shop <<EOF\nselect 1;\nEOF",
        "true\nsudo -u postgres psql -v ON_ERROR_STOP=1 shop <<EOF\nselect 1;\nEOF",
    ),
    (
        "shell::curl-without-fail",
        "curl -s http://localhost/health",
        "curl --fail -s http://localhost/health",
    ),
    // Nobody knows what else it is there for.
    (
        "shell::curl-without-fail",
        "curl -s http://localhost/health\n./more",
        "curl -s http://localhost/health\n./more",
    ),
    ("shell::never-ends", "tail -f x.log", "tail -f x.log"),
];

/// A gate with this script, in every form that a script has.
fn gates(script: &str) -> Vec<(&'static str, String)> {
    let lines = |margin: &str| {
        let lines = script.lines().map(|line| format!("{margin}{line}\n"));
        lines.collect::<String>()
    };
    let escaped = script.replace('\\', "\\\\").replace('"', "\\\"");
    let escaped = escaped.replace('\n', "\\n");
    let own = |run: &str| {
        format!(
            "runbook a {{\n  timeout = 5m\n  gate g {{\n    {run}\n    on_fail = [stop]\n  }}\n}}\n"
        )
    };
    let yaml = |run: &str| {
        format!("runbook: a\ntimeout: 5m\nsteps:\n  - gate: g\n    {run}\n    on_fail: [stop]\n")
    };
    let mut all = vec![
        (
            "a.runbook",
            own(&format!("run = \"\"\"\n{}    \"\"\"", lines("      "))),
        ),
        ("a.runbook", own(&format!("run = \"{escaped}\""))),
        (
            "a.runbook",
            own(&format!(
                "checks {{ check \"x\" {{ run = \"{escaped}\" }} }}"
            )),
        ),
        (
            "a.runbook",
            own(&format!("exec = [\"sh\", \"-ec\", \"{escaped}\"]")),
        ),
        (
            "a.runbook.yaml",
            yaml(&format!("run: |\n{}", lines("      "))),
        ),
        ("a.runbook.yaml", yaml(&format!("run: \"{escaped}\""))),
        (
            "a.runbook.yaml",
            yaml(&format!("exec: [sh, -ec, \"{escaped}\"]")),
        ),
    ];
    if !script.contains('\n') {
        let quoted = script.replace('\'', "''");
        all.push(("a.runbook.yaml", yaml(&format!("run: '{quoted}'"))));
        all.push((
            "a.runbook.yaml",
            yaml(&format!("run: >-\n{}", lines("      "))),
        ));
        if !script.contains(['#', '"']) {
            all.push(("a.runbook.yaml", yaml(&format!("run: {script}"))));
        }
    }
    all
}

/// The texts of the only gate's script.
fn script_of(name: &str, text: &str) -> String {
    let scripts = piton_dsl::scripts(&SourceFile::new(name, text));
    assert_eq!(scripts.len(), 1, "{text}");
    scripts[0].source.text.trim_end().to_owned()
}

#[test]
fn scripts_are_mended_in_every_form_they_are_written_in() {
    for (code, script, mended) in SCRIPTS {
        for (name, text) in gates(script) {
            let before = check(name, &text).diagnostics;
            let codes: Vec<_> = before.iter().map(|it| it.code).collect();
            assert_eq!(codes, [code], "{text}");
            let fixed = apply(&text, &before);
            assert_eq!(script_of(name, &fixed.text), mended, "{}", fixed.text);
            if fixed.made.is_empty() {
                continue;
            }
            let after = check(name, &fixed.text).diagnostics;
            assert!(after.is_empty(), "{}\n{after:#?}", fixed.text);
            let again = apply(&fixed.text, &after);
            assert_eq!(again.text, fixed.text, "a second time changes nothing");
        }
    }
}

/// Each fix of a warning alone: the file can still be read, the finding is gone, and no other one has come.
#[test]
fn a_fix_of_a_warning_brings_nothing_else_to_light() {
    let mut count = 0;
    for (name, text) in crate::format::all() {
        let before = check(&name, &text);
        let codes = |found: &[piton_dsl::diagnostic::Diagnostic]| {
            let mut codes: Vec<_> = found.iter().map(|it| it.code).collect();
            codes.sort_unstable();
            codes
        };
        for (at, finding) in before.diagnostics.iter().enumerate() {
            // What was meant by a misspelt name may be another mistake.
            let is_sure = finding.code.starts_with("shell::") || finding.code == "allow::unused";
            if !is_sure || finding.fix.is_none() {
                continue;
            }
            count += 1;
            let mut expected = before.diagnostics.clone();
            expected.remove(at);
            let fixed = apply(&text, std::slice::from_ref(finding));
            assert_eq!(fixed.made, [0], "{name}");
            let after = check(&name, &fixed.text).diagnostics;
            assert_eq!(codes(&after), codes(&expected), "{name}\n{}", fixed.text);
        }
    }
    assert!(count >= 6, "only {count} fixes of warnings were tried");
}
