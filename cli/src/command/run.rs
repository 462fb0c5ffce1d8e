//! `piton run`: a runbook from its file to its end.

use crate::actor::As;
use crate::driving::{self, Manner};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::runbook::{Loaded, Settings, load_plan};
use crate::session::{Session, block_on};
use clap::Args;
use piton_runtime::driver::Begin;
use std::path::PathBuf;

/// What `piton run` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton run restore.runbook --set backup=LATEST
  piton run restore.runbook --yes      approve at gates where the starter may

In a terminal every node is shown live, and gates ask. Elsewhere there is one line for each thing that happens,
and when only people are waited for the command ends with exit code 3 and says how to decide.
Ctrl-C twice cancels the run. Killed, it goes on with `piton resume`.")]
pub struct Run {
    /// The runbook
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    who: As,
    #[command(flatten)]
    manner: Manner,
}

impl Run {
    /// Does it.
    ///
    /// # Errors
    /// When the file does not check, or the run cannot be made or driven.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let Loaded { plan, file, base } = load_plan(&self.file, &self.settings)?;
        let session = Session::open(store)?;
        let actor = self.who.actor();
        block_on(async {
            let begin = Begin {
                by: actor.clone(),
                base,
                file,
            };
            let run = session
                .local
                .submit(plan, begin)
                .await
                .map_err(driving::from_drive)?;
            let driven = driving::drive(&session, &run, &actor, &self.manner).await?;
            driving::finish(&driven, &self.manner)?;
            Ok(driven.exit())
        })
    }
}
