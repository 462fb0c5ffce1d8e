//! Steps that print more, or other things, than anybody wants to read. Further limits have their tests where they are
//! kept; `docs/limits.md` lists them all.

use crate::support::{Place, top};
use crate::terminal::in_terminal;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A runbook of one step that runs `script.sh`.
fn runs_script(place: &Place, script: &str, more: &str) -> PathBuf {
    place.file("script.sh", script);
    place.file(
        "prints.runbook",
        &format!(
            "runbook prints {{\n  timeout = 5m\n  dir = \"{}\"\n  step say {{ exec = [\"sh\", \"script.sh\"] effect = none {more} }}\n}}\n",
            place.dir.display()
        ),
    )
}

/// How many bytes of the disk everything in a folder takes.
fn held(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => held(&entry.path()),
            Ok(metadata) => metadata.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}

#[test]
fn a_step_that_prints_a_gigabyte_does_not_fill_the_disk() {
    let place = Place::new();
    let file = runs_script(
        &place,
        "echo the first line\nyes \"$(printf '%0200d' 7)\" | head -c 1000000000\necho\necho the last line\n",
        "outputs { size = \"stdout.size()\" }",
    );
    place
        .run(["run".as_ref(), "--json".as_ref(), file.as_os_str()])
        .expect(0);
    let view = place.json(["show", "last", "--json"]);
    assert_eq!(
        view["nodes"][0]["outputs"]["size"],
        1024 * 1024,
        "what expressions see"
    );
    let held = held(&place.dir.join("store.db.d"));
    assert!(held < 80 * 1024 * 1024, "{held} bytes are held");
    let logs = place.run(["logs", "last", "say"]).expect(0).stdout;
    assert!(logs.starts_with("the first line\n"));
    assert!(logs.ends_with("\nthe last line\n"));
    let notes: Vec<_> = logs
        .lines()
        .filter(|line| line.starts_with("piton:"))
        .collect();
    assert!(
        notes.len() == 1 && notes[0].contains("what follows is left out"),
        "{notes:?}"
    );
    let zeros = logs.lines().filter(|line| line.len() == 200).count();
    assert!(
        zeros + 6 >= logs.lines().count(),
        "no line is torn but at the cut"
    );
    assert!(logs.len() < 80_000_000 && !logs.contains('\0'));
}

/// What would take a terminal over: title, clipboard, another screen, the cursor, a device's answer, C1 controls.
const HOSTILE: &str = r"
hostile() {
  printf '\033]0;pwned-title\007 \033]52;c;cHduZWQ=\007 \033[?1049h \033[2J\033[1;1H pwned-screen \033P$q\033\\ \033[6n'
  printf '\302\2330;5H \302\235pwned-c1\302\234 \r\b\b \342\200\256 bidi \000 nul \377\376 half\n'
}
hostile
hostile >&2
exit 1
";

#[test]
fn what_a_step_prints_cannot_take_over_the_terminal() {
    let place = Place::new();
    let file = runs_script(&place, HOSTILE, "");
    let file = file.display().to_string();
    let mut screens = vec![in_terminal(&place, &format!("run {file}"), "", "").1];
    for command in [
        "show last",
        "logs last",
        "logs last say",
        "resume last",
        "runs",
        "run --plain prints.runbook",
    ] {
        screens.push(in_terminal(&place, command, "", "").1);
    }
    assert!(
        screens.iter().any(|screen| screen.contains("pwned-screen")),
        "what is text is shown"
    );
    for screen in &screens {
        for sequence in [
            "\u{1b}]",
            "\u{1b}P",
            "\u{1b}[?1049h",
            "\u{1b}[2J",
            "\u{1b}[1;1H",
            "\u{1b}[6n",
            "\u{9b}",
            "\u{9d}",
            "\u{202e}",
            "\u{7}",
            "\u{8}",
            "\u{0}",
        ] {
            assert!(!screen.contains(sequence), "{sequence:?} in {screen:?}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_kept_as_they_were() {
    let place = Place::new();
    let file = runs_script(
        &place,
        "printf 'nul \\000 half \\377 end\\n'; head -c 3000 /dev/urandom >&2",
        "outputs { said = \"stdout\" }",
    );
    place.run(["run".as_ref(), file.as_os_str()]).expect(0);
    let view = place.json(["show", "last", "--json"]);
    assert_eq!(
        view["nodes"][0]["outputs"]["said"],
        "nul \u{0} half \u{fffd} end"
    );
    let run = place.last_run();
    let log = place
        .dir
        .join(format!("store.db.d/{run}/logs/n0.p1.a1.log"));
    let log = std::fs::read(log).expect("the log");
    let line = b"nul \x00 half \xff end\n";
    assert!(
        log.windows(line.len()).any(|part| part == line),
        "byte for byte"
    );
    place.run(["audit", "last"]).expect(0);
}

#[test]
fn a_very_long_line_is_one_line_of_the_log() {
    let place = Place::new();
    let file = runs_script(
        &place,
        "head -c 100000 /dev/zero | tr '\\000' x; echo; echo next",
        "",
    );
    place.run(["run".as_ref(), file.as_os_str()]).expect(0);
    let logs = place.run(["logs", "last", "say"]).expect(0).stdout;
    assert_eq!(logs, format!("{}\nnext\n", "x".repeat(100_000)));
}

#[test]
fn every_limit_that_is_stated_is_the_one_that_holds() {
    let text = std::fs::read_to_string(top().join("docs/limits.md")).expect("the page");
    let mib = |bytes: u64| format!("{} MiB", bytes / (1024 * 1024));
    use piton_core::record::HttpResponse;
    use piton_core::run::{ITEM_LIMIT, OUTPUT_LIMIT, Produced};
    use piton_runtime::action::{evidence, output_file, run, sql, watch};
    use piton_runtime::keeper::log_file::{LOG_HEAD_KEPT, LOG_TAIL_KEPT};
    use piton_runtime::store::{LOG_HEAD, LOG_TAIL};
    let bytes = |size: usize| mib(size as u64);
    for (what, limit) in [
        ("standard output", bytes(Produced::STDOUT_LIMIT)),
        ("One output of a step", bytes(OUTPUT_LIMIT)),
        ("`$PITON_OUTPUT`", bytes(output_file::LIMIT)),
        ("The log of an attempt", mib(LOG_HEAD_KEPT + LOG_TAIL_KEPT)),
        ("in a store on Postgres", mib(LOG_HEAD + LOG_TAIL)),
        ("Rows", sql::ROW_LIMIT.to_string()),
        ("Rows", bytes(sql::ROW_BYTES_LIMIT)),
        ("body", bytes(HttpResponse::BODY_LIMIT)),
        ("script", format!("{} bytes", run::SCRIPT_LIMIT)),
        ("evidence", mib(evidence::LIMIT)),
        ("`fail_when`", mib(watch::LIMIT)),
        ("`for_each`", ITEM_LIMIT.to_string()),
        (
            "secret",
            format!("{} KiB", piton_runtime::secrets::SIZE_LIMIT / 1024),
        ),
        ("A runbook file", bytes(piton_dsl::syntax::MAX_BYTES)),
        ("nested", piton_dsl::syntax::MAX_DEPTH.to_string()),
    ] {
        let line = text
            .lines()
            .find(|line| line.starts_with('|') && line.contains(what) && line.contains(&limit));
        assert!(line.is_some(), "no line says {what}: {limit}");
    }
}
