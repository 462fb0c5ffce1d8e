//! What `shellcheck` finds in scripts is shown at its place in the file, in both syntaxes.

use crate::support::{Place, top};
use serde_json::Value;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;

/// A program in the place of `shellcheck`: it finds every `$LOOSE` that stands in no quotes, and keeps the arguments
/// it was given.
const STANDIN: &str = r#"#!/bin/sh
echo "$*" >> "$(dirname "$0")/asked"
awk '
  BEGIN { printf "{\"comments\":[" }
  # Columns count letters, and not every awk knows those of two bytes.
  { gsub("é", "e"); at = index($0, " $LOOSE")
    if (at) { printf "%s{\"file\":\"-\",\"line\":%d,\"endLine\":%d,\"column\":%d,\"endColumn\":%d,\"level\":\"info\",\"code\":2086,\"message\":\"Double quote to prevent globbing and word splitting.\",\"fix\":null}", comma, NR, NR, at + 1, at + 7; comma = "," } }
  END { printf "]}" }
'
exit 1
"#;

const RUNBOOK: &str = r#"runbook quotes {
  timeout = 1m
  env { LOOSE = "x" }
  step block {
    run = """
      true
      if true; then
        echo é $LOOSE
      fi
    """
    effect = none
  }
  step line  { run = "echo \"é\" $LOOSE", effect = none, shell = ["bash", "-euc"] }
  step other { run = "print('a $LOOSE')", effect = none, shell = ["python3", "-c"] }
}
"#;

const YAML: &str = "runbook: quotes
timeout: 1m
env: {LOOSE: x}
steps:
  - step: block
    run: |
      true
      if true; then
        echo é $LOOSE
      fi
    effect: none
  - step: line
    run: \"echo \\\"é\\\" $LOOSE\"
    shell: [bash, -euc]
    effect: none
  - step: other
    run: print('a $LOOSE')
    shell: [python3, -c]
    effect: none
";

/// A place with this program as its `shellcheck`.
fn place_with(program: &str) -> Place {
    let mut place = Place::new();
    let folder = place.dir.join("bin");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = place.file("bin/shellcheck", program);
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).expect("it is ours");
    let mut search = OsString::from(&folder);
    search.push(":");
    search.push(std::env::var_os("PATH").unwrap_or_default());
    place.settings.push(("PATH".to_owned(), search));
    place
}

/// What a span of a finding, on one line, shows of the text.
fn shown(text: &str, one: &Value) -> String {
    let number =
        |key: &str| usize::try_from(one[key].as_u64().expect("a number")).expect("a small one");
    assert_eq!(number("line"), number("end_line"));
    let line = text.lines().nth(number("line") - 1).expect("a line");
    let letters = line.chars().skip(number("column") - 1);
    letters
        .take(number("end_column") - number("column"))
        .collect()
}

#[test]
fn findings_stand_at_their_place_in_both_syntaxes() {
    for (name, text, lines) in [
        ("quotes.runbook", RUNBOOK, [8, 13]),
        ("quotes.runbook.yaml", YAML, [9, 13]),
    ] {
        let place = place_with(STANDIN);
        let file = place.file(name, text);
        let check = |more: &[&str]| {
            let file = file.to_string_lossy().into_owned();
            let arguments = [&["check", "--json"], more, &[file.as_str()]].concat();
            let ended = place.run(arguments).expect(0);
            let all: Value = serde_json::from_str(&ended.stdout).expect("JSON");
            all.as_array().expect("a list").clone()
        };
        let found = check(&[]);
        assert_eq!(found.len(), 2, "{found:#?}");
        for (one, line) in found.iter().zip(lines) {
            assert_eq!(one["code"], "shellcheck::SC2086");
            assert_eq!(one["severity"], "advice");
            assert_eq!(one["line"], line);
            assert_eq!(shown(text, one), "$LOOSE");
        }
        let asked = place.read("bin/asked");
        let shells: Vec<_> = asked
            .lines()
            .filter_map(|line| line.split(" -s ").nth(1)?.split(' ').next())
            .collect();
        assert_eq!(shells, ["sh", "bash"]);
        assert!(check(&["--no-shellcheck"]).is_empty());
    }
}

#[test]
fn one_that_gives_no_answer_is_told_once() {
    let place = place_with("#!/bin/sh\nexit 4\n");
    place.file("quotes.runbook", RUNBOOK);
    place.file("more.runbook", RUNBOOK);
    let ended = place
        .run(["check", "quotes.runbook", "more.runbook"])
        .expect(0);
    assert_eq!(ended.stderr.matches("shellcheck gave no answer").count(), 1);
    ended.says("nothing to say");
}

#[test]
fn without_it_nothing_is_said() {
    let mut place = Place::new();
    place.settings.push(("PATH".to_owned(), "/nowhere".into()));
    place.file("quotes.runbook", RUNBOOK);
    let ended = place.run(["check", "quotes.runbook"]).expect(0);
    assert_eq!(ended.stderr, "");
    ended.says("nothing to say");
}

/// Whether the real one is here; says so when it is not.
fn is_installed() -> bool {
    let found = std::process::Command::new("shellcheck")
        .arg("--version")
        .output();
    let is_installed = found.is_ok_and(|it| it.status.success());
    if !is_installed {
        eprintln!("PASSED OVER: shellcheck is not installed, so nothing was tried with it");
    }
    is_installed
}

/// A variable without quotes (SC2086, a note), one nobody uses (SC2034, a warning) and old backquotes (SC2006, style),
/// each in another place where scripts may stand.
const PLACES: [(&str, &str); 2] = [
    (
        "places.runbook",
        r#"runbook places {
  timeout = 1m
  env { STEP = "1", TAKEN = "2", SURE = "4", PROBED = "5", CHECKED = "6", ARGUMENT = "7" }
  step all {
    # é stands before it, and the block is indented.
    run = """
      if true; then
        echo "é" $STEP
        unused=`date`
      fi
    """
    capture { run = "echo \"\u{e9}\" $TAKEN" }
    undo {
      after = started
      env { BACK = "${{ capture.value }}" }
      run   = "\techo $BACK"
      check { run = "test -n $SURE" }
    }
    interrupted = probe { run = "echo a; echo $PROBED" }
  }
  step after { env { OF = "${{ steps.all.status }}" }, exec = ["sh", "-c", "echo $ARGUMENT"], effect = none }
  gate whole {
    checks { check "there" { run = "echo $CHECKED" } }
    on_fail = [stop]
  }
}
"#,
    ),
    (
        "places.runbook.yaml",
        r#"runbook: places
timeout: 1m
env: {STEP: "1", TAKEN: "2", SURE: "4", PROBED: "5", CHECKED: "6", ARGUMENT: "7"}
steps:
  - step: all
    # é stands before it, and the block is indented.
    run: |
      if true; then
        echo "é" $STEP
        unused=`date`
      fi
    capture: {run: "echo \"\u00e9\" $TAKEN"}
    undo:
      after: started
      env: {BACK: "${{ capture.value }}"}
      run: >-
        echo
        $BACK
      check: {run: test -n $SURE}
    interrupted: {probe: {run: 'echo a; echo $PROBED'}}
  - step: after
    env: {OF: "${{ steps.all.status }}"}
    exec: [sh, -c, echo $ARGUMENT]
    effect: none
  - gate: whole
    checks:
      - {check: there, run: echo $CHECKED}
    on_fail: [stop]
"#,
    ),
];

/// What the real one finds, each as its code, severity and what it shows of the text.
fn found(place: &Place, name: &str, text: &str, exit: i32) -> Vec<(String, String, String)> {
    let ended = place.run(["check", "--json", name]).expect(exit);
    let all: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let word = |one: &Value, key: &str| one[key].as_str().expect("a word").to_owned();
    let all = all.as_array().expect("a list").iter();
    all.map(|one| {
        let code = word(one, "code").replace("shellcheck::", "");
        (code, word(one, "severity"), shown(text, one))
    })
    .collect()
}

#[test]
fn the_real_one_is_asked_about_every_place_where_scripts_stand() {
    if !is_installed() {
        return;
    }
    for (name, text) in PLACES {
        let place = Place::new();
        place.file(name, text);
        let found = found(&place, name, text, 0);
        let mut unquoted: Vec<&str> = Vec::new();
        for (code, severity, shown) in &found {
            match code.as_str() {
                "SC2086" => {
                    assert_eq!(severity, "advice", "{found:#?}");
                    unquoted.push(shown);
                }
                "SC2034" => {
                    assert_eq!((severity.as_str(), shown.as_str()), ("warning", "unused"));
                }
                other => panic!("{name}: {other}: {found:#?}"),
            }
        }
        unquoted.sort_unstable();
        assert_eq!(
            unquoted,
            [
                "$ARGUMENT",
                "$BACK",
                "$CHECKED",
                "$PROBED",
                "$STEP",
                "$SURE",
                "$TAKEN"
            ],
            "{name}"
        );
        assert_eq!(found.len(), 8, "{found:#?}");
        place.run(["check", "--strict", name]).expect(1);
        let ended = place.run(["check", "--strict", "--no-shellcheck", name]);
        assert_eq!(ended.expect(0).stderr, "");
    }
}

#[test]
fn settings_say_how_the_codes_of_the_real_one_count() {
    if !is_installed() {
        return;
    }
    for (name, text) in PLACES {
        let place = Place::new();
        place.file(name, text);
        let with = |rules: &str, exit: i32| {
            place.file("piton.toml", &format!("[rules]\n{rules}\n"));
            let mut found: Vec<_> = found(&place, name, text, exit)
                .into_iter()
                .map(|(code, severity, _)| (code, severity))
                .collect();
            found.sort();
            found.dedup();
            found
        };
        let is = |code: &str, severity: &str| (code.to_owned(), severity.to_owned());
        assert_eq!(
            with("\"shellcheck::SC2086\" = \"error\"", 1),
            [is("SC2034", "warning"), is("SC2086", "error")]
        );
        assert_eq!(
            with(
                "\"shellcheck::*\" = \"off\"\n\"shellcheck::SC2006\" = \"warning\"",
                0
            ),
            [is("SC2006", "warning")],
            "style is told where it is named"
        );
        assert_eq!(with("\"shellcheck::*\" = \"off\"", 0), []);
        assert_eq!(
            with("\"shellcheck::*\" = \"warning\"", 0),
            [
                is("SC2006", "warning"),
                is("SC2034", "warning"),
                is("SC2086", "warning")
            ]
        );
    }
}

#[test]
fn what_the_real_one_finds_is_allowed_with_a_reason() {
    if !is_installed() {
        return;
    }
    let (name, text) = PLACES[0];
    let place = Place::new();
    let text = text
        .replacen(
            "  step all",
            "  # piton: allow(shellcheck::SC2086) each is one word\n  step all",
            1,
        )
        .replacen(
            "  unused=",
            "  # piton: allow(shellcheck::SC2034) read by what comes later\n        unused=",
            1,
        )
        .replacen(
            "  step after {",
            "  # piton: allow(shellcheck::SC2048) none has it\n  step after {",
            1,
        );
    place.file(name, &text);
    let found = found(&place, name, &text, 0);
    let shown: Vec<_> = found
        .iter()
        .map(|(code, severity, shown)| (code.as_str(), severity.as_str(), shown.as_str()))
        .collect();
    assert_eq!(
        shown,
        [
            ("allow::unused", "advice", "shellcheck::SC2048"),
            ("SC2086", "advice", "$ARGUMENT"),
            ("SC2086", "advice", "$CHECKED"),
        ]
    );
}

#[test]
fn the_real_one_has_nothing_to_say_of_what_comes_with_the_project() {
    if !is_installed() {
        return;
    }
    let place = Place::new();
    let folders = ["runbooks", "examples"].map(|folder| top().join(folder));
    let words = ["check", "--json"].map(std::ffi::OsStr::new);
    let folders = folders.iter().map(|folder| folder.as_os_str());
    let ended = place.run(words.into_iter().chain(folders)).expect(0);
    assert_eq!(ended.stdout.trim(), "[]");
}
