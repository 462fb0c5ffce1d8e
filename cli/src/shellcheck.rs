//! What `shellcheck` has to say about the scripts of a runbook, at their places in the file.
//!
//! It is not needed: without it nothing is said. Each script goes through its standard input, in the language of the
//! shell that runs it, and what it finds is mapped back line by line.
//!
//! What it calls an error or a warning counts as a warning here: the runbook runs, and whoever knows better allows it.
//! Its notes (`info`) are advice, which never fails a check. What it says about style is left out, unless `piton.toml`
//! names the code or all of `shellcheck::*`.

use crate::checking::settings::CheckSettings;
use crate::output;
use piton_dsl::diagnostic::{Diagnostic, Severity};
use piton_dsl::node::Scalar;
use piton_dsl::scripts;
use piton_dsl::source::{SourceFile, Span};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

/// What cannot be asked of a script in a runbook: `SC2154` is about variables that `env` sets, `SC1090` and `SC1091`
/// are about files that it includes, `SC3040` about `pipefail`, which is where `sh` has it.
const LEFT_OUT: &str = "SC1090,SC1091,SC2154,SC3040";

/// One finding, as `shellcheck` writes it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    line: usize,
    end_line: usize,
    column: usize,
    end_column: usize,
    level: String,
    code: u64,
    message: String,
}

#[derive(Debug, Deserialize)]
struct Answer {
    comments: Vec<Comment>,
}

/// Asks `shellcheck`, as long as it is there. Threads share it: most of the time of a check goes into its processes.
#[derive(Debug, Default)]
pub struct Shellcheck {
    /// Whether it is of no use: it is not installed, or gave no answer that can be read.
    gone: AtomicBool,
}

/// What it said about the scripts of a file.
#[derive(Debug)]
pub enum Asked {
    /// It was not asked, or cannot be.
    Nothing,
    /// Scripts, each with what it found there.
    Found(Vec<(Scalar, Vec<Comment>)>),
    /// It gave no answer, which people should know. Said of one file.
    Failed(String),
}

impl Shellcheck {
    /// One that is never asked.
    #[must_use]
    pub fn off() -> Shellcheck {
        Shellcheck {
            gone: AtomicBool::new(true),
        }
    }

    /// Asks it about each script of a file.
    #[must_use]
    pub fn ask(&self, file: &SourceFile) -> Asked {
        if self.gone.load(Ordering::Relaxed) {
            return Asked::Nothing;
        }
        let mut found = Vec::new();
        for script in scripts(file) {
            // Those it does not know are left to those who do.
            let shell = match script.shell.as_str() {
                "mksh" => "ksh",
                "ash" => "dash",
                known @ ("sh" | "bash" | "dash" | "ksh") => known,
                _ => continue,
            };
            match ask(shell, &script.source.text) {
                Ok(answer) => found.push((script.source, answer.comments)),
                // Only the first thread that meets it tells it.
                Err(_) if self.gone.swap(true, Ordering::Relaxed) => return Asked::Nothing,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Asked::Nothing,
                Err(error) => {
                    return Asked::Failed(format!(
                        "shellcheck gave no answer ({error}), so scripts were checked without it; --no-shellcheck leaves it out"
                    ));
                }
            }
        }
        Asked::Found(found)
    }
}

impl Asked {
    /// Adds what it found in the scripts of a file to what was found already, in the order of the file. That it gave no
    /// answer is told people.
    pub fn add(
        self,
        file: &SourceFile,
        settings: Option<&CheckSettings>,
        found: &mut Vec<Diagnostic>,
    ) {
        let scripts = match self {
            Asked::Nothing => return,
            Asked::Failed(message) => return output::note(&message),
            Asked::Found(scripts) => scripts,
        };
        let counts = |comment: &Comment| {
            let is_named = || settings.is_some_and(|it| it.names(code(comment.code)));
            comment.level != "style" || is_named()
        };
        let mut more = Vec::new();
        for (script, comments) in scripts {
            let comments = comments.into_iter().filter(counts);
            more.extend(comments.map(|comment| diagnostic(comment, &script)));
        }
        piton_dsl::allow::keep(file, &mut more);
        if !more.is_empty() {
            found.extend(more);
            found.sort_by_key(|it| (it.span(), it.severity));
        }
    }
}

/// Gives a script to `shellcheck`.
fn ask(shell: &str, script: &str) -> io::Result<Answer> {
    let mut child = Command::new("shellcheck")
        .args(["--norc", "-f", "json1", "-s", shell, "-e", LEFT_OUT, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let input = child.stdin.take();
    let output = std::thread::scope(|threads| {
        threads.spawn(move || {
            // One that does not read to the end says why in its answer, or gives none.
            input.map(|mut input| input.write_all(script.as_bytes()))
        });
        child.wait_with_output()
    })?;
    serde_json::from_slice(&output.stdout).map_err(|error| {
        let reason = match output.status.success() {
            true => error.to_string(),
            false => format!("it ended with {}", output.status),
        };
        io::Error::new(io::ErrorKind::InvalidData, reason)
    })
}

fn diagnostic(comment: Comment, script: &Scalar) -> Diagnostic {
    let severity = match comment.level.as_str() {
        "error" | "warning" => Severity::Warning,
        _ => Severity::Advice,
    };
    let start = offset(&script.text, comment.line, comment.column);
    let end = offset(&script.text, comment.end_line, comment.end_column);
    let span = match start >= end {
        // A place between two letters: the one behind it.
        true => script.source_span(start..next(&script.text, start)),
        false => script.source_span(start..end),
    };
    let message = comment.message.trim().trim_end_matches('.').to_owned();
    Diagnostic::new(code(comment.code), severity, message)
        .label(span_in(span, script), "")
        .help(format!(
            "https://www.shellcheck.net/wiki/SC{} says more",
            comment.code
        ))
}

/// A span that has a place, whatever the program said.
fn span_in(span: Span, script: &Scalar) -> Span {
    match span.is_empty() {
        true => script.span,
        false => span,
    }
}

/// The byte of a line and column, both counted from 1, the column in characters; the end of the line, or of the text,
/// where there are fewer.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let mut at = 0;
    for (number, content) in text.split_inclusive('\n').enumerate() {
        if number + 1 == line {
            let content = content.trim_end_matches('\n');
            let mut letters = content.char_indices().map(|(at, _)| at);
            return at
                + letters
                    .nth(column.saturating_sub(1))
                    .unwrap_or(content.len());
        }
        at += content.len();
    }
    text.len()
}

/// The place behind the letter at this one.
fn next(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.chars().next().map_or(0, char::len_utf8)
}

/// The code of a finding. Codes live as long as the program; each is made once, and there are some hundreds.
fn code(number: u64) -> &'static str {
    static CODES: LazyLock<Mutex<BTreeMap<u64, &'static str>>> = LazyLock::new(Mutex::default);
    let mut codes = CODES.lock().unwrap_or_else(PoisonError::into_inner);
    codes
        .entry(number)
        .or_insert_with(|| Box::leak(format!("shellcheck::SC{number:04}").into_boxed_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_are_places_in_the_text() {
        let text = "a b\né c\n";
        for ((line, column), at) in [
            ((1, 1), 0),
            ((1, 3), 2),
            ((1, 9), 3),
            ((2, 2), 6),
            ((2, 3), 7),
            ((9, 9), 9),
            ((0, 0), 9),
        ] {
            assert_eq!(offset(text, line, column), at, "{line}:{column}");
        }
        assert_eq!(next(text, 4), 6);
        assert_eq!(next(text, 9), 9);
    }

    #[test]
    fn codes_are_made_once() {
        assert_eq!(code(2086), "shellcheck::SC2086");
        assert!(std::ptr::eq(code(1009), code(1009)));
    }
}
