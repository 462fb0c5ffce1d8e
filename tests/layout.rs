//! `piton fmt` and `piton convert` as commands: what they end with, what they write, and what they leave alone.

use crate::support::{Ended, Place};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

const UNTIDY: &str =
    "runbook   a {\n  timeout=1m\n\n  # why é\n  step s { run = \"true\",effect=none }\n}\n";
const TIDY: &str =
    "runbook a {\n  timeout = 1m\n\n  # why é\n  step s { run = \"true\", effect = none }\n}\n";
const BROKEN: &str = "runbook a {\n  step s { run = \"true\n}\n";
const YAML: &str =
    "runbook: a\ntimeout:   1m\nsteps:\n  # why é\n  - {step: s,  run: 'true', effect: none}\n";

/// Each file below a folder with its bytes, hidden ones included.
fn files(place: &Place) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(&place.dir).expect("our folder");
    let entries = entries.map(|entry| entry.expect("an entry"));
    entries
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            let bytes = std::fs::read(entry.path()).expect("a file");
            (entry.file_name().to_string_lossy().into_owned(), bytes)
        })
        .collect()
}

/// `piton` with this on its standard input.
fn fed(place: &Place, arguments: &[&str], input: &[u8]) -> Ended {
    let mut child = place
        .piton(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .expect("piton starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // One that refuses its arguments ends without a look at its standard input.
    if let Err(error) = stdin.write_all(input) {
        assert_eq!(error.kind(), ErrorKind::BrokenPipe, "{error}");
    }
    drop(stdin);
    Ended::from(child.wait_with_output().expect("it ends"))
}

#[test]
fn fmt_writes_files_in_place_and_names_those_it_changed() {
    let place = Place::new();
    place.file("a.runbook", UNTIDY);
    place.file("b.runbook.yaml", YAML);
    let path = place.dir.join("a.runbook");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).expect("it is ours");
    let ended = place.run(["fmt", "."]).expect(0);
    let mut named: Vec<_> = ended.stdout.lines().collect();
    named.sort_unstable();
    assert_eq!(
        named,
        ["a.runbook", "b.runbook.yaml"].map(|it| format!("./{it}"))
    );
    assert!(ended.stderr.contains("2 of 2 files changed"), "{ended:?}");
    assert_eq!(place.read("a.runbook"), TIDY);
    let mode = std::fs::metadata(&path).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o640);
    let after = files(&place);
    assert_eq!(after.len(), 2, "nothing else is left: {:?}", after.keys());
    let again = place.run(["fmt", "."]).expect(0);
    assert_eq!(again.stdout, "");
    assert_eq!(files(&place), after);
}

#[test]
fn fmt_only_looks_when_it_is_asked_to() {
    let place = Place::new();
    place.file("a.runbook", UNTIDY);
    place.file("b.runbook", TIDY);
    let before = files(&place);
    let ended = place
        .run(["fmt", "--check", "a.runbook", "b.runbook"])
        .expect(1);
    assert_eq!(ended.stdout, "a.runbook\n");
    assert!(
        ended.stderr.contains("1 of 2 files would change"),
        "{ended:?}"
    );
    let ended = place
        .run(["fmt", "--diff", "a.runbook", "b.runbook"])
        .expect(1);
    for line in ["--- a.runbook\n", "-  timeout=1m\n", "+  timeout = 1m\n"] {
        assert!(ended.stdout.contains(line), "{line} in {}", ended.stdout);
    }
    assert_eq!(files(&place), before);
    let ended = place.run(["fmt", "--check", "b.runbook"]).expect(0);
    assert_eq!(ended.stdout, "");
    place.run(["fmt", "--diff", "b.runbook"]).expect(0);
    place
        .run(["fmt", "--check", "--diff", "b.runbook"])
        .expect(2);
    place.run(["fmt"]).expect(2);
}

#[test]
fn fmt_leaves_alone_what_it_cannot_read_and_does_the_rest() {
    let place = Place::new();
    place.file("a.runbook", UNTIDY);
    place.file("broken.runbook", BROKEN);
    std::fs::write(place.dir.join("bytes.runbook"), b"runbook \xff {}\n").expect("ours");
    let mut expected = files(&place);
    let words = [
        "fmt",
        "a.runbook",
        "broken.runbook",
        "bytes.runbook",
        "gone.runbook",
    ];
    let ended = place.run(words).expect(2);
    assert_eq!(ended.stdout, "a.runbook\n");
    for name in ["broken.runbook", "bytes.runbook"] {
        assert!(
            ended.stderr.contains(&format!("{name} is left as it is")),
            "{ended:?}"
        );
    }
    assert!(ended.stderr.contains("gone.runbook"), "{ended:?}");
    expected.insert("a.runbook".to_owned(), TIDY.into());
    assert_eq!(files(&place), expected);
}

#[test]
fn fmt_reads_standard_input() {
    let place = Place::new();
    let ended = fed(&place, &["fmt", "-"], UNTIDY.as_bytes()).expect(0);
    assert_eq!(ended.stdout, TIDY);
    let ended = fed(&place, &["fmt", "--yaml", "-"], YAML.as_bytes()).expect(0);
    assert!(ended.stdout.contains("timeout: 1m\n"), "{ended:?}");
    let again = fed(
        &place,
        &["fmt", "--yaml", "--check", "-"],
        ended.stdout.as_bytes(),
    )
    .expect(0);
    assert_eq!(again.stdout, "");
    fed(&place, &["fmt", "--check", "-"], UNTIDY.as_bytes()).expect(1);
    let diff = fed(&place, &["fmt", "--diff", "-"], UNTIDY.as_bytes()).expect(1);
    assert!(diff.stdout.contains("+  timeout = 1m\n"), "{diff:?}");
    for input in [BROKEN.as_bytes(), b"runbook \xff"] {
        let ended = fed(&place, &["fmt", "-"], input).expect(2);
        assert_eq!(ended.stdout, "", "nothing that could be taken for the file");
    }
    place.file("a.runbook", TIDY);
    fed(&place, &["fmt", "-", "a.runbook"], TIDY.as_bytes()).expect(2);
}

#[test]
fn convert_prints_or_writes_the_other_syntax_and_overwrites_nothing() {
    let place = Place::new();
    place.file("a.runbook", TIDY);
    let printed = place.run(["convert", "a.runbook"]).expect(0).stdout;
    assert!(printed.contains("# why é\n"), "{printed}");
    place
        .run(["convert", "a.runbook", "-o", "a.runbook.yaml"])
        .expect(0);
    assert_eq!(place.read("a.runbook.yaml"), printed);
    let back = place.run(["convert", "a.runbook.yaml"]).expect(0).stdout;
    assert_eq!(back, TIDY, "there and back");
    let same = place.run(["convert", "a.runbook.yaml", "--to", "yaml"]);
    assert_eq!(same.expect(0).stdout, printed);
    let before = files(&place);
    for (words, why) in [
        (["-o", "a.runbook.yaml"], "is there already"),
        (["-o", "b.runbook"], "says another syntax"),
        (["-o", "nowhere/b.runbook.yaml"], "cannot be written"),
    ] {
        let ended = place.run(["convert", "a.runbook"].into_iter().chain(words));
        assert!(matches!(ended.code, Some(1 | 2)), "{ended:?}");
        assert!(ended.stderr.contains(why), "{ended:?}");
        assert_eq!((ended.stdout.as_str(), files(&place)), ("", before.clone()));
    }
}

#[test]
fn convert_refuses_what_it_cannot_read_and_writes_nothing() {
    let place = Place::new();
    place.file("broken.runbook", BROKEN);
    let before = files(&place);
    for file in ["broken.runbook", "gone.runbook"] {
        let ended = place
            .run(["convert", file, "-o", "out.runbook.yaml"])
            .expect(2);
        assert!(ended.stderr.contains(file), "{ended:?}");
        assert_eq!((ended.stdout.as_str(), files(&place)), ("", before.clone()));
    }
}
