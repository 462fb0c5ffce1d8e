//! What `run` and `exec` have in common: how a process's end becomes an outcome.

use super::output_file;
use crate::keeper::{Ended, Status};
use crate::store::RunDirectory;
use piton_core::id::{AttemptId, Purpose};
use piton_core::record::OutcomeStatus;
use piton_core::run::{Outcome, Produced};
use piton_core::time::Millis;
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

/// Where what a process left can be read.
#[derive(Clone, Debug)]
pub struct ProcessFiles {
    /// Its standard output.
    pub out: PathBuf,
    /// Both its streams, line by line.
    pub log: PathBuf,
    /// What it wrote to `$PITON_OUTPUT`.
    pub values: PathBuf,
}

impl ProcessFiles {
    /// Those of this attempt.
    #[must_use]
    pub fn of(attempt: AttemptId, directory: &RunDirectory) -> ProcessFiles {
        ProcessFiles {
            out: directory.out(attempt),
            log: directory.log(attempt),
            values: directory.values(attempt),
        }
    }
}

/// The outcome of a process that ended this way. Not masked yet.
///
/// A process that exited with another code than 0 tells what it produced too: `success` and `until` look at that.
#[must_use]
pub fn outcome(
    ended: &Ended,
    files: &ProcessFiles,
    purpose: Purpose,
    limit: Option<Millis>,
) -> Outcome {
    let (status, message) = match &ended.status {
        // What it does is done, and what it said is lost: to do it again is not for the engine to decide, unless it
        // only looked. An undo says nothing that anybody needs.
        Status::Exited(0) if ended.output_lost && purpose != Purpose::Undo => (
            OutcomeStatus::Unknown,
            format!(
                "it ended well (exit code 0), but its output could not be written to {}: no space is left there, or it \
                 cannot be written",
                files.log.display()
            ),
        ),
        Status::Exited(0) => {
            return match read_produced(ended, files, purpose) {
                Ok(produced) => Outcome::succeeded(produced),
                // Nothing of it: no expression is to take an end for a good one whose results are not known.
                Err(message) => Outcome::not_succeeded(OutcomeStatus::Failed, message),
            };
        }
        Status::Exited(code) => (
            OutcomeStatus::Failed,
            with_last_words(format!("exit code {code}"), files),
        ),
        Status::Signalled(number) => (
            OutcomeStatus::Failed,
            with_last_words(format!("ended by signal {}", signal_name(*number)), files),
        ),
        Status::TimedOut => {
            let limit = limit.map_or_else(|| "its time".to_owned(), |limit| limit.to_string());
            (
                OutcomeStatus::TimedOut,
                with_last_words(format!("ran longer than {limit} and was ended"), files),
            )
        }
        Status::Stopped => (
            OutcomeStatus::Stopped,
            "was told to end, and was ended".to_owned(),
        ),
        Status::NotStarted { message, .. } => (OutcomeStatus::Failed, message.clone()),
        Status::Unknown(why) => (OutcomeStatus::Unknown, why.clone()),
    };
    let mut outcome = Outcome::not_succeeded(status, message);
    if let (Status::Exited(code), OutcomeStatus::Failed) = (&ended.status, status) {
        let code = *code;
        outcome.produced.exit_code = Some(i64::from(code));
        // Without the files the exit code still counts; what was printed is then not known.
        if let (false, Ok((stdout, cut))) = (ended.output_lost, read_stdout(ended, files)) {
            (outcome.produced.stdout, outcome.produced.stdout_cut) = (Some(stdout), cut);
        }
        if let Ok(lines) = read_output_lines(files, purpose) {
            outcome.produced.output_lines = lines;
        }
    }
    outcome
}

/// What was written to `$PITON_OUTPUT`, of attempts whose node can have outputs of it. Others have the file too, so
/// that the same script does, but it means nothing there and breaks nothing.
fn read_output_lines(
    files: &ProcessFiles,
    purpose: Purpose,
) -> Result<BTreeMap<String, String>, String> {
    match purpose {
        Purpose::Do | Purpose::Probe | Purpose::Check(_) => output_file::read(&files.values),
        Purpose::Choices(_)
        | Purpose::Target(_)
        | Purpose::Recheck
        | Purpose::Capture
        | Purpose::Undo
        | Purpose::UndoCheck => Ok(BTreeMap::new()),
    }
}

fn read_produced(
    ended: &Ended,
    files: &ProcessFiles,
    purpose: Purpose,
) -> Result<Produced, String> {
    let (stdout, stdout_cut) = read_stdout(ended, files)?;
    let output_lines = read_output_lines(files, purpose)?;
    Ok(Produced {
        exit_code: Some(0),
        stdout: Some(stdout),
        stdout_cut,
        output_lines,
        ..Produced::default()
    })
}

/// Standard output, and whether it was cut. No file means that nothing was printed.
fn read_stdout(ended: &Ended, files: &ProcessFiles) -> Result<(String, bool), String> {
    let mut bytes = Vec::new();
    match std::fs::File::open(&files.out).and_then(|file| {
        file.take(Produced::STDOUT_LIMIT as u64 + 1)
            .read_to_end(&mut bytes)
    }) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(format!(
                "its output in {} cannot be read: {error}",
                files.out.display()
            ));
        }
    }
    let cut = ended.stdout_cut || bytes.len() > Produced::STDOUT_LIMIT;
    bytes.truncate(Produced::STDOUT_LIMIT);
    Ok((String::from_utf8_lossy(&bytes).into_owned(), cut))
}

/// How many lines of a failed process's output its message repeats.
const LAST_WORDS: usize = 2;

/// The message with the last lines that the process wrote: to standard error if there are any, else to standard
/// output.
fn with_last_words(message: String, files: &ProcessFiles) -> String {
    let Some(tail) = read_tail(&files.log) else {
        return message;
    };
    let lines_of = |stream: &str| -> Vec<String> {
        let lines: Vec<&str> = tail
            .lines()
            .filter_map(|line| {
                // `TIME STREAM text`
                let (_, rest) = line.split_once(' ')?;
                let (of, text) = rest.split_once(' ').unwrap_or((rest, ""));
                (of == stream && !text.trim().is_empty()).then_some(text.trim_end())
            })
            .collect();
        let skip = lines.len().saturating_sub(LAST_WORDS);
        lines.into_iter().skip(skip).map(shortened).collect()
    };
    let errors = lines_of("e");
    let lines = if errors.is_empty() {
        lines_of("o")
    } else {
        errors
    };
    if lines.is_empty() {
        message
    } else {
        format!("{message}: {}", lines.join(" / "))
    }
}

fn shortened(line: &str) -> String {
    const LONGEST: usize = 300;
    if line.chars().count() <= LONGEST {
        return line.to_owned();
    }
    line.chars().take(LONGEST).chain("…".chars()).collect()
}

fn read_tail(path: &std::path::Path) -> Option<String> {
    const TAIL: u64 = 8 * 1024;
    let mut file = std::fs::File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))
        .ok()?;
    let mut bytes = Vec::new();
    file.take(TAIL).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    // The first line may be cut in its middle.
    Some(if length > TAIL {
        text.split_once('\n')?.1.to_owned()
    } else {
        text
    })
}

/// The name of a signal, as `kill -l` writes it; the number where it has none here.
#[must_use]
pub fn signal_name(number: i32) -> String {
    let name = match number {
        1 => "HUP",
        2 => "INT",
        3 => "QUIT",
        4 => "ILL",
        5 => "TRAP",
        6 => "ABRT",
        7 => "BUS",
        8 => "FPE",
        9 => "KILL",
        10 => "USR1",
        11 => "SEGV",
        12 => "USR2",
        13 => "PIPE",
        14 => "ALRM",
        15 => "TERM",
        24 => "XCPU",
        25 => "XFSZ",
        31 => "SYS",
        _ => return number.to_string(),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use piton_core::plan::NodeIndex;

    /// A folder with what an attempt left, removed at the end.
    struct Left(RunDirectory, PathBuf);

    impl Left {
        fn new(out: &str, values: &str) -> Left {
            let path = std::env::temp_dir().join(crate::store::new_run_id("piton-process").0);
            let directory = RunDirectory::at(path.clone());
            directory.create().unwrap();
            std::fs::create_dir_all(directory.outs()).unwrap();
            std::fs::write(directory.out(attempt()), out).unwrap();
            std::fs::write(directory.values(attempt()), values).unwrap();
            Left(directory, path)
        }

        fn outcome(&self, code: i32, purpose: Purpose, output_lost: bool) -> Outcome {
            let ended = Ended {
                status: Status::Exited(code),
                stdout_cut: false,
                output_lost,
            };
            let files = ProcessFiles::of(attempt(), &self.0);
            outcome(&ended, &files, purpose, None)
        }
    }

    impl Drop for Left {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.1);
        }
    }

    fn attempt() -> AttemptId {
        AttemptId {
            node: NodeIndex(1),
            pass: 1,
            purpose: Purpose::Do,
            number: 1,
        }
    }

    #[test]
    fn a_failed_process_tells_what_it_produced() {
        let left = Left::new("not ready\n", "lag=12\n");
        let outcome = left.outcome(1, Purpose::Do, false);
        assert_eq!(outcome.status, OutcomeStatus::Failed);
        let produced = outcome.produced;
        assert_eq!(produced.exit_code, Some(1));
        assert_eq!(produced.stdout.as_deref(), Some("not ready\n"));
        assert_eq!(
            produced.output_lines.get("lag").map(String::as_str),
            Some("12")
        );
    }

    #[test]
    fn what_a_process_could_not_write_is_not_taken_for_its_output() {
        let left = Left::new("half of it", "");
        let lost = left.outcome(1, Purpose::Do, true).produced;
        assert_eq!((lost.exit_code, lost.stdout), (Some(1), None));
        let lost = left.outcome(0, Purpose::Do, true);
        assert_eq!(
            lost.status,
            OutcomeStatus::Unknown,
            "`retry` must not take what has happened"
        );
        assert_eq!(lost.produced, Produced::default());
        let undone = left.outcome(0, Purpose::Undo, true);
        assert_eq!(undone.status, OutcomeStatus::Succeeded);
    }

    #[test]
    fn output_lines_that_are_none_fail_a_step_and_do_not_matter_to_an_undo() {
        let left = Left::new("", "no line of the form\n");
        let step = left.outcome(0, Purpose::Do, false);
        assert_eq!(step.status, OutcomeStatus::Failed);
        assert_eq!(step.produced.exit_code, None, "`success` must not save it");
        let undo = left.outcome(0, Purpose::Undo, false);
        assert_eq!(undo.status, OutcomeStatus::Succeeded);
        assert!(undo.produced.output_lines.is_empty());
    }
}
