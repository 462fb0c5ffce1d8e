//! `piton answer`: answers to the questions that a step asks.

use crate::deciding::Saying;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::filling::Filling;
use clap::Args;

/// What `piton answer` takes.
#[derive(Args, Debug)]
#[command(
    override_usage = "piton answer [OPTIONS] <RUN> [NODE] [NAME=VALUE]...",
    after_help = "\
Examples:
  piton answer last choose-backup                  asks, in a terminal
  piton answer last choose-backup backup=base_17
  piton answer last choose-backup backup=2         the second of the choices that `piton show` lists

Values are read by the type of the question. Questions that are not answered are asked in a terminal, and get their
defaults elsewhere. A checklist is ticked off in a terminal, or with `piton done --all`.
Exits 0 when the answers counted, 1 when they were refused."
)]
pub struct Answer {
    /// The run: its id, a part of it, or `last`
    run: String,
    /// The node, which may be left out when only one question is open, and answers by the names of the questions
    #[arg(value_name = "NODE|NAME=VALUE")]
    what: Vec<String>,
    #[command(flatten)]
    saying: Saying,
}

impl Answer {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run or node, an answer is missing or wrong, or it is refused.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let filling = Filling::of(&self.what, false, None)?;
        filling.hand_in(&self.run, &self.saying, store)
    }
}
