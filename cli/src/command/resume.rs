//! `piton resume`: goes on with a run whose engine ended.

use crate::actor::As;
use crate::driving::{self, Manner};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on};
use clap::Args;

/// What `piton resume` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton resume                 the last run
  piton resume restore-7k3fq   a run by its id, or any part of it that is unique

What is done is not done again; steps that still run are attached to. A run that is over is reported, and the
command exits as the run ended.")]
pub struct Resume {
    /// The run: its id, a part of it, or `last`
    run: Option<String>,
    #[command(flatten)]
    who: As,
    #[command(flatten)]
    manner: Manner,
}

impl Resume {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run, or another engine drives it.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        block_on(async {
            let session = Session::open(store).await?;
            let run = session.resolve(self.run.as_deref()).await?;
            let (plan, view) = session.view(&run).await?;
            if let Some(outcome) = view.outcome {
                output::note(&format!("run {run} is over; there is nothing to resume"));
                if self.manner.json {
                    output::json(&super::show::json(&view))?;
                } else {
                    driving::print_report(&plan, &view)?;
                }
                return Ok(Exit::of(outcome, !view.cleanup_failed.is_empty()));
            }
            let driven = driving::drive(&session, &run, &self.who.actor(), &self.manner).await?;
            driving::finish(&driven, &self.manner)?;
            Ok(driven.exit())
        })
    }
}
