//! `piton take`: one person takes a question, so that two do not decide it against each other.

use crate::actor::As;
use crate::deciding::{Handing, hand_in, which};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Session, block_on};
use clap::Args;
use piton_core::run::Event;

/// What `piton take` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton take last verified --as infra-lead
  piton take last verified --over          even though somebody else has it

Nobody else decides the question for the time that the policy gives to decide, and paging pauses. If no engine
drives the run, none is started. Exits 0 when it counted, 1 when it was refused: the message says who has it, and
since when.")]
pub struct Take {
    /// The run: its id, a part of it, or `last`
    run: String,
    /// The node whose question it is; may be left out when only one is open
    node: Option<String>,
    /// Take it from whoever has it
    #[arg(long)]
    over: bool,
    #[command(flatten)]
    who: As,
    /// Write the result as JSON
    #[arg(long)]
    json: bool,
}

impl Take {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run or node, or it is refused.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        block_on(async {
            let session = Session::open(store).await?;
            let run = session.resolve(Some(&self.run)).await?;
            let (_, view) = session.view(&run).await?;
            let by = self.who.actor();
            let event = Event::Take {
                node: which(&view, self.node.as_deref())?,
                by: by.clone(),
                over: self.over,
            };
            let handing = Handing {
                no_resume: true,
                json: self.json,
            };
            hand_in(&session, &run, &event, &by, &handing).await
        })
    }
}
