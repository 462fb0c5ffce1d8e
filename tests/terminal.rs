//! In a terminal, `run` shows every node live and asks at gates. `script` stands in for the terminal.

use crate::support::{Place, SOON, until};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Runs `piton` in a terminal of its own, types `typed` once `after` is on the screen, and gives what was shown.
pub fn in_terminal(
    place: &Place,
    arguments: &str,
    after: &str,
    typed: &str,
) -> (Option<i32>, String) {
    let log = place.dir.join("screen.log");
    let line = format!(
        "stty cols 100 rows 30; exec {} {arguments}",
        env!("CARGO_BIN_EXE_piton")
    );
    let mut child = Command::new("script")
        .args(["-qefc", &line])
        .arg(&log)
        .env("PITON_STORE", place.store())
        .env("TERM", "xterm-256color")
        .env("SHELL", "/bin/sh")
        .current_dir(&place.dir)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("script starts");
    let screen = || String::from_utf8_lossy(&std::fs::read(&log).unwrap_or_default()).into_owned();
    let mut keys = child.stdin.take().expect("a pipe");
    if !after.is_empty() {
        let began = Instant::now();
        while !screen().contains(after) {
            assert!(
                began.elapsed() < SOON,
                "no `{after}` on the screen:\n{}",
                screen()
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        keys.write_all(typed.as_bytes()).expect("a pipe");
        keys.flush().expect("a pipe");
    }
    let status = child.wait().expect("a child");
    drop(keys);
    (status.code(), screen())
}

const GATED: &str = r#"
runbook gated {
  timeout = 1m
  step before { run = "echo one line of output" effect = none }
  gate go { title = "Shall it go on?" approve { } on_fail = [stop] }
  step after { run = "echo after >> after" effect = abandoned("a test") }
}
"#;

#[test]
fn a_gate_asks_and_yes_goes_on() {
    let place = Place::new();
    place.file("gated.runbook", GATED);
    let (code, screen) = in_terminal(&place, "run gated.runbook", "Shall it go on?", "y\n");
    assert_eq!(code, Some(0), "{screen}");
    assert_eq!(place.read("after"), "after\n");
    for node in ["before", "go", "after"] {
        assert!(screen.contains(node), "{screen}");
    }
}

#[test]
fn a_gate_asks_and_no_stops() {
    let place = Place::new();
    place.file("gated.runbook", GATED);
    let (code, screen) = in_terminal(&place, "run gated.runbook", "Shall it go on?", "n\n");
    assert_eq!(code, Some(1), "{screen}");
    assert_eq!(place.read("after"), "");
}

#[test]
fn a_question_answered_elsewhere_goes_away() {
    let place = Place::new();
    place.file("gated.runbook", GATED);
    std::thread::scope(|scope| {
        let terminal = scope.spawn(|| in_terminal(&place, "run gated.runbook", "", ""));
        until("the run waits", || {
            place.run(["runs", "--json"]).stdout.contains("waiting")
        });
        place
            .run(["approve", "last", "go", "--as", "cto"])
            .expect(0);
        let (code, screen) = terminal.join().expect("the terminal's thread");
        assert_eq!(code, Some(0), "{screen}");
        assert!(screen.contains("cto"), "it says who decided:\n{screen}");
    });
}
