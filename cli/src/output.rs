//! Standard output: results as text or JSON. A reader that has gone away (`piton runs | head`) is not an error.

use crate::failure::Failure;
use crate::logging;
use serde::Serialize;
use std::io::{self, Write};

/// Writes text to standard output.
///
/// # Errors
/// When it cannot be written, except that a closed pipe ends the process quietly, as tools in a pipe do.
pub fn text(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    written(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Writes a line to standard output.
///
/// # Errors
/// As [`text`].
pub fn line(line: &str) -> Result<(), Failure> {
    text(&format!("{line}\n"))
}

/// Writes a result as JSON, indented, to standard output.
///
/// # Errors
/// As [`text`].
pub fn json(value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::new(format!("the result has no JSON form: {error}")))?;
    text.push('\n');
    self::text(&text)
}

/// Writes lines to standard error, as one line of JSON where that was asked for; nobody reading them is no reason to
/// stop.
pub fn note(text: &str) {
    let _ = aside(text);
}

/// [`note`], for who wants to know whether anybody reads it.
///
/// # Errors
/// When it cannot be written.
pub fn aside(text: &str) -> io::Result<()> {
    let text = if logging::is_json() {
        logging::said(text)
    } else {
        format!("{text}\n")
    };
    io::stderr().lock().write_all(text.as_bytes())
}

/// What the end of a write means.
///
/// # Errors
/// As [`text`].
pub fn written(result: io::Result<()>) -> Result<(), Failure> {
    match result {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => Err(
            Failure::new(format!("standard output cannot be written: {error}"))
                .help("what was done stands; `piton show` prints it again"),
        ),
    }
}
