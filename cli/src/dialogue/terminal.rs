//! A dialogue in a terminal, for commands that answer: a line is shown, a line is read.

use super::stage::{Dialogue, Said};
use crate::failure::Failure;
use crate::output;
use piton_core::record::Answer;
use std::io::{self, BufRead, IsTerminal, Write};

/// Whether a person is there to be asked.
#[must_use]
pub fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks until there is an answer; `None` when the person leaves the question open. `details` tells more.
///
/// # Errors
/// When the terminal cannot be read.
pub fn on_terminal(
    dialogue: &mut Dialogue,
    details: impl Fn() -> Vec<String>,
) -> Result<Option<Answer>, Failure> {
    let mut shown = None;
    loop {
        // What is asked is repeated only when it has changed.
        let asked = (dialogue.rows(), dialogue.hint());
        if shown.as_ref() != Some(&asked) {
            asked.0.iter().for_each(|row| output::note(row));
            output::note(&format!("  {}", asked.1));
            shown = Some(asked);
        }
        let Some(line) = read_line("› ")? else {
            return Ok(None);
        };
        match dialogue.take(&line) {
            Said::Answer(answer) => return Ok(Some(answer)),
            Said::More => {}
            Said::Unclear(why) => output::note(&format!("  {why}")),
            Said::Details => details().iter().for_each(|line| output::note(line)),
            Said::Leave => return Ok(None),
        }
    }
}

/// Asks a question that takes yes or no; anything but yes is no.
///
/// # Errors
/// When the terminal cannot be read.
pub fn confirmed(question: &str) -> Result<bool, Failure> {
    let line = read_line(&format!("{question} [y/N] › "))?;
    Ok(line.is_some_and(|line| matches!(line.trim().to_lowercase().as_str(), "y" | "yes")))
}

/// A line as it was typed; `None` at the end of the input.
fn read_line(prompt: &str) -> Result<Option<String>, Failure> {
    let mut err = io::stderr().lock();
    let _ = err.write_all(prompt.as_bytes()).and_then(|()| err.flush());
    drop(err);
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(0) => Ok(None),
        Ok(_) => Ok(Some(line)),
        Err(error) => Err(
            Failure::new(format!("the terminal cannot be read: {error}"))
                .help("nothing was answered; the question is still open"),
        ),
    }
}
