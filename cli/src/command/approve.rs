//! `piton approve`: a decision at a gate that waits.

use crate::deciding::Answering;
use crate::exit::Exit;
use crate::failure::Failure;
use clap::Args;
use piton_core::record::Answer;

/// What `piton approve` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton approve last go --as on-call-lead
  piton approve restore-7k3fq --note \"agreed on the call\"

The decision counts once. If no engine drives the run, this command drives it on until it is over or waits again.
Exits 0 when the decision counted, 1 when it was refused.")]
pub struct Approve {
    #[command(flatten)]
    answering: Answering,
}

impl Approve {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run or node, or the decision is refused.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        self.answering.hand_in(Answer::Approve, store)
    }
}
