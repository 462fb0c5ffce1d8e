//! `piton cancel`: ends what runs and keeps what was done.

use crate::actor::As;
use crate::deciding::{self, Handing};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Session, block_on};
use clap::Args;
use piton_core::run::Event;

/// What `piton cancel` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  piton cancel restore-7k3fq --reason \"wrong cluster\"

Steps that run get TERM, then KILL, with all that they started, whether or not an engine lives.
Exits 0 when the cancel counted and the run has ended.")]
pub struct Cancel {
    /// The run: its id, a part of it, or `last`
    run: String,
    /// Why; kept with the run
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    who: As,
    /// Write the result as JSON
    #[arg(long)]
    json: bool,
}

impl Cancel {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run, or it is over.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let session = Session::open(store)?;
        block_on(async {
            let run = session.resolve(Some(&self.run)).await?;
            let by = self.who.actor();
            let event = Event::Cancel {
                by: by.clone(),
                reason: self.reason,
            };
            let handing = Handing {
                no_resume: false,
                json: self.json,
            };
            deciding::hand_in(&session, &run, &event, &by, &handing).await
        })
    }
}
