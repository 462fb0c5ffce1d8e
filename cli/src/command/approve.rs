//! `piton approve`: a decision at a gate that waits.

use crate::actor::As;
use crate::deciding::{self, Handing};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Session, block_on};
use clap::Args;
use piton_core::digest::Digest;
use piton_core::record::Answer;

/// What `piton approve` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton approve last go --as on-call-lead
  piton approve restore-7k3fq go --note \"agreed on the call\"

The decision counts once. If no engine drives the run, this command drives it on until it is over or waits again.
Exits 0 when the decision counted, 1 when it was refused.")]
pub struct Approve {
    /// The run: its id, a part of it, or `last`
    run: String,
    /// The gate
    node: String,
    #[command(flatten)]
    who: As,
    /// What there is to say about it; kept with the decision
    #[arg(long)]
    note: Option<String>,
    /// Decide only if this is still what is shown: the digest that `piton show` prints
    #[arg(long, value_name = "DIGEST")]
    shown: Option<Digest>,
    #[command(flatten)]
    handing: Handing,
}

impl Approve {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run or node, or the decision is refused.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let session = Session::open(store)?;
        block_on(async {
            let run = session.resolve(Some(&self.run)).await?;
            let (_, view) = session.view(&run).await?;
            let by = self.who.actor();
            let event = deciding::decision(
                &view,
                &self.node,
                by.clone(),
                Answer::Approve,
                self.note,
                self.shown,
            )?;
            deciding::hand_in(&session, &run, &event, &by, &self.handing).await
        })
    }
}
