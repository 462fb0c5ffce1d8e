//! Why a command could not do its work, as the person at the terminal reads it.

use crate::exit::Exit;
use std::fmt::{self, Display};

/// An error on its way to standard error: what happened and what is safe now, then the next commands to type.
#[derive(Debug)]
pub struct Failure {
    /// What happened, where, and what that means for the run.
    pub message: String,
    /// What to do next, most useful first.
    pub help: Vec<String>,
    /// What the command ends with.
    pub exit: Exit,
}

impl Failure {
    /// Something went wrong while doing the work.
    #[must_use]
    pub fn new(message: impl Display) -> Failure {
        Failure {
            message: message.to_string(),
            help: Vec::new(),
            exit: Exit::Failed,
        }
    }

    /// What was asked for makes no sense.
    #[must_use]
    pub fn usage(message: impl Display) -> Failure {
        Failure {
            message: message.to_string(),
            help: Vec::new(),
            exit: Exit::Usage,
        }
    }

    /// Adds a piece of advice.
    #[must_use]
    pub fn help(mut self, help: impl Display) -> Failure {
        self.help.push(help.to_string());
        self
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        self.help
            .iter()
            .try_for_each(|help| write!(f, "\nhelp: {help}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_and_then_what_to_do() {
        let failure = Failure::usage("there is no run `x`").help("`piton runs` lists them");
        assert_eq!(
            failure.to_string(),
            "error: there is no run `x`\nhelp: `piton runs` lists them"
        );
        assert_eq!(failure.exit.code(), 2);
    }
}
