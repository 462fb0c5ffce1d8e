//! What `run` and `exec` have in common: how a process's end becomes an outcome.

use super::output_file;
use crate::keeper::{Ended, Status};
use crate::store::RunDirectory;
use piton_core::id::AttemptId;
use piton_core::record::OutcomeStatus;
use piton_core::run::{Outcome, Produced};
use piton_core::time::Millis;
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
#[must_use]
pub fn outcome(ended: &Ended, files: &ProcessFiles, limit: Option<Millis>) -> Outcome {
    let (status, message) = match &ended.status {
        Status::Exited(0) => match read_produced(ended, files) {
            Ok(produced) => return Outcome::succeeded(produced),
            Err(message) => (OutcomeStatus::Failed, message),
        },
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
            "was ended because the run was cancelled".to_owned(),
        ),
        Status::NotStarted { message, .. } => (OutcomeStatus::Failed, message.clone()),
        Status::Unknown(why) => (OutcomeStatus::Unknown, why.clone()),
    };
    let mut outcome = Outcome::not_succeeded(status, message);
    if let Status::Exited(code) = ended.status {
        outcome.produced.exit_code = Some(i64::from(code));
        // A check may expect a failure and look at what was printed; without the file the exit code still counts.
        if let Ok((stdout, cut)) = read_stdout(ended, files) {
            (outcome.produced.stdout, outcome.produced.stdout_cut) = (Some(stdout), cut);
        }
    }
    outcome
}

fn read_produced(ended: &Ended, files: &ProcessFiles) -> Result<Produced, String> {
    if ended.output_lost {
        return Err("it succeeded, but its output could not be written: no space is left in the run's directory, \
                    or it cannot be written".to_owned());
    }
    let (stdout, stdout_cut) = read_stdout(ended, files)?;
    let output_lines = output_file::read(&files.values)?;
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
