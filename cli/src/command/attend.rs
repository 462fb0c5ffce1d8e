//! `piton __attend`: stays with a run that waits for people while some of them are still to be called, or have only so
//! long to decide. Started by the command that left the run.

use crate::actor::As;
use crate::driving::{self, Manner};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Session, block_on};
use clap::Args;
use piton_runtime::driver::Until;

/// What the attendant takes.
#[derive(Args, Debug)]
pub struct Attend {
    /// The run
    run: String,
    #[command(flatten)]
    who: As,
}

impl Attend {
    /// Does it.
    ///
    /// # Errors
    /// When the run cannot be driven: another engine does, as a rule.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        // Whoever started it may end, and their terminal with them.
        let _ = rustix::process::setsid();
        block_on(async {
            let session = Session::open(store).await?;
            let run = session.resolve(Some(&self.run)).await?;
            let manner = Manner {
                plain: true,
                until: Some(Until::NobodyToCall),
                ..Manner::default()
            };
            // If this process dies, a server stays with the run.
            let local = &session.local;
            local
                .leave_to_servers_when_orphaned(&run)
                .await
                .map_err(driving::from_drive)?;
            let driven = driving::drive(&session, &run, &self.who.actor(), &manner).await?;
            Ok(driven.exit())
        })
    }
}
