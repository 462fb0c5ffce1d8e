//! `piton cancel`: ends what runs, and keeps or takes back what was done.

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
Examples:
  piton cancel restore-7k3fq --reason \"wrong cluster\"
  piton cancel restore-7k3fq --rollback      and undo what was done

Steps that run get TERM, then KILL, with all that they started, whether or not an engine lives.
Exits 0 when the cancel counted and the run has ended. With --rollback: 4 when everything was taken back, 5 when
something is left, 3 when a person has to be asked on the way.")]
pub struct Cancel {
    /// The run: its id, a part of it, or `last`
    run: String,
    /// Why; kept with the run
    #[arg(long)]
    reason: Option<String>,
    /// Undo what was done, in reverse
    #[arg(long)]
    rollback: bool,
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
        block_on(async {
            let session = Session::open(store).await?;
            let run = session.resolve(Some(&self.run)).await?;
            let by = self.who.actor();
            let event = Event::Cancel {
                by: by.clone(),
                reason: self.reason,
                rollback: self.rollback,
            };
            let handing = Handing {
                no_resume: false,
                json: self.json,
            };
            deciding::hand_in(&session, &run, &event, &by, &handing).await
        })
    }
}
