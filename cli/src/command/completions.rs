//! `piton completions`: a completion script for a shell.

use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// What `piton completions` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  piton completions bash > ~/.local/share/bash-completion/completions/piton"
)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Does it.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn execute(self) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "piton", &mut script);
        output::text(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Success)
    }
}
