//! What `shellcheck` finds in scripts is shown at its place in the file, in both syntaxes.

use crate::support::Place;
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
