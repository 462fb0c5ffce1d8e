//! `piton done`: what a person was to do is done.

use crate::deciding::Saying;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::filling::Filling;
use clap::Args;

/// What `piton done` takes.
#[derive(Args, Debug)]
#[command(
    override_usage = "piton done [OPTIONS] <RUN> [NODE] [NAME=VALUE]...",
    after_help = "\
Examples:
  piton done last announce --all                 everything on the checklist is done
  piton done last choose-backup backup=base_17   with the answer to a question, or the number of a choice
  piton done last drop-old --typed prod-db-2     confirms what a destructive step is about to change

In a terminal, what is not given is asked: each entry of the checklist, each question with its choices and, in
brackets, its default. Elsewhere questions that are not answered get their defaults.
Exits 0 when it counted, 1 when it was refused."
)]
pub struct Done {
    /// The run: its id, a part of it, or `last`
    run: String,
    /// The node, which may be left out when only one question is open, and answers by the names of the questions
    #[arg(value_name = "NODE|NAME=VALUE")]
    what: Vec<String>,
    /// Tick off everything on the checklist, without being asked
    #[arg(long)]
    all: bool,
    /// What a destructive step is about to change, typed out
    #[arg(long, value_name = "VALUE")]
    typed: Option<String>,
    #[command(flatten)]
    saying: Saying,
}

impl Done {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run or node, something is missing, or it is refused.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let filling = Filling::of(&self.what, self.all, self.typed)?;
        filling.hand_in(&self.run, &self.saying, store)
    }
}
