//! How many runs `piton prove` explores a second, on one core: each is taken from its beginning, or from where it
//! parts from another one, to its end.

use crate::Outcome;
use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a second, of the fastest of these rounds: what disturbs a round is not what is measured.
pub fn rate(piton: &Path, file: &Path, rounds: usize) -> Outcome<(u64, u64)> {
    let mut best = (0, 0);
    for _ in 0..rounds.max(1) {
        let output = Command::new(piton)
            .args(["prove", "--json"])
            .arg(file)
            .stdin(Stdio::null())
            .output()?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let runs = number(&told, "\"runs\": ").ok_or_else(|| {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            format!("`piton prove` says nothing of runs: {said}")
        })?;
        let milliseconds = number(&told, "\"milliseconds\": ").unwrap_or(1).max(1);
        best = best.max((runs * 1000 / milliseconds, runs));
    }
    Ok(best)
}

/// The number behind this word.
fn number(text: &str, word: &str) -> Option<u64> {
    let (_, after) = text.split_once(word)?;
    let digits = after.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

/// Forty nodes as they stand in runbooks: most can be taken back, some look, every tenth is a gate, and somebody is
/// asked before anything is taken back.
pub fn forty() -> String {
    let mut text = String::from(
        "runbook forty {\n  timeout = 1m\n  page = \"ops\"\n  \
         contact ann { via = [{ command = [\"true\"] }] }\n  \
         escalation ops { level { page = [\"ann\"] } }\n  \
         on_fail = [escalate(\"ops\", expires = 1h), rollback]\n",
    );
    for node in 0..40 {
        let _ = match node % 10 {
            9 => writeln!(
                text,
                "  gate g{node} {{ checks {{ check \"x\" {{ run = \"true\" }} }}  on_fail = [rewind(\"s{}\", times = 1), rollback] }}",
                node - 1
            ),
            3 | 6 => writeln!(
                text,
                "  step s{node} {{ run = \"true\"  effect = none  retry {{ times = 2 }} }}"
            ),
            _ => writeln!(
                text,
                "  step s{node} {{ run = \"true\"  undo {{ after = started  run = \"true\" }} }}"
            ),
        };
    }
    text + "}\n"
}
