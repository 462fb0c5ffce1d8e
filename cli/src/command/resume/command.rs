//! What `piton resume` takes, and what it does with it.

use super::edited::{Giving, edited};
use super::{json, text};
use crate::actor::As;
use crate::display::clean::one_line;
use crate::display::style;
use crate::driving::{self, Manner};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on};
use clap::Args;
use piton_core::id::RunId;
use piton_core::run::{ReplanError, Revision};
use piton_runtime::driver::{DriveError, NotReplanned};
use piton_runtime::owner::Owner;
use piton_runtime::store::StoreError;
use std::io;
use std::path::{Path, PathBuf};

/// What `piton resume` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton resume                 the last run
  piton resume restore-7k3fq   a run by its id, or any part of it that is unique
  piton resume last --diff restore.runbook      what would the edited file change?
  piton resume last --replan restore.runbook --reason \"the bucket has moved\"

What is done is not done again; steps that still run are attached to. A run that is over is reported, and the
command exits as the run ended.
A run keeps its plan when its file is edited. --diff shows node by node what the file would change, and changes
nothing: it exits 0 when there is no difference, 1 when there is one, 2 when the file does not check. --replan takes
the file over, all of it or nothing, and goes on: only steps and gates that have not begun may differ. Questions about
them are asked anew, and so are approvals of what has not begun.")]
pub struct Resume {
    /// The run: its id, a part of it, or `last`
    run: Option<String>,
    /// Show what this edited runbook would change in the run, and change nothing
    #[arg(long, value_name = "FILE", conflicts_with = "replan")]
    diff: Option<PathBuf>,
    /// Take this edited runbook over for what has not begun, and go on
    #[arg(long, value_name = "FILE")]
    replan: Option<PathBuf>,
    #[command(flatten)]
    giving: Giving,
    /// With --replan: why; kept with the run
    #[arg(long, requires = "replan", value_name = "TEXT")]
    reason: Option<String>,
    /// With --replan: take it over and leave it at that
    #[arg(long, requires = "replan")]
    no_resume: bool,
    #[command(flatten)]
    who: As,
    #[command(flatten)]
    manner: Manner,
}

impl Resume {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run, another engine drives it, or an edited runbook cannot be taken over.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        block_on(async {
            let session = Session::open(store).await?;
            let run = session.resolve(self.run.as_deref()).await?;
            if let Some(file) = &self.diff {
                return self.compare(&session, &run, file).await;
            }
            if let Some(file) = &self.replan {
                self.take_over(&session, &run, file).await?;
                if self.no_resume {
                    return Ok(Exit::Success);
                }
            } else if !self.giving.is_empty() {
                return Err(Failure::usage("a run keeps the values of its parameters")
                    .help("`--set` gives a value to a parameter that an edited file brings: with `--diff` or `--replan`"));
            }
            self.go_on(&session, &run).await
        })
    }

    async fn go_on(&self, session: &Session, run: &RunId) -> Result<Exit, Failure> {
        let (plan, view) = session.view(run).await?;
        if let Some(outcome) = view.outcome {
            output::note(&format!("run {run} is over; there is nothing to resume"));
            if self.manner.json {
                output::json(&crate::command::show::json(&view))?;
            } else {
                driving::print_report(&plan, &view)?;
            }
            return Ok(Exit::of(outcome, !view.cleanup_failed.is_empty()));
        }
        let driven = driving::drive(session, run, &self.who.actor(), &self.manner).await?;
        driving::finish(&driven, &self.manner)?;
        Ok(driven.exit())
    }

    async fn compare(&self, session: &Session, run: &RunId, file: &Path) -> Result<Exit, Failure> {
        let machine = session.local.run(run).await.map_err(driving::from_drive)?;
        let plan = edited(file, machine.plan(), &self.giving)?;
        let revision = machine.revision(&plan);
        if let Some(refused @ (ReplanError::OtherRunbook { .. } | ReplanError::TakesBack(_))) =
            &revision.refused
        {
            return Err(Failure::usage(refused).help("`piton show` names the file of a run"));
        }
        if self.manner.json {
            output::json(&json::compared(run, file, &revision))?;
        } else {
            print(&text::compared(run, file, &revision))?;
        }
        Ok(match revision.is_empty() {
            true => Exit::Success,
            false => Exit::Failed,
        })
    }

    async fn take_over(&self, session: &Session, run: &RunId, file: &Path) -> Result<(), Failure> {
        let machine = session.local.run(run).await.map_err(driving::from_drive)?;
        let plan = edited(file, machine.plan(), &self.giving)?;
        drop(machine);
        // Whoever only calls people gives way, as to every command that drives the run.
        driving::attendant::relieve(session, run).await?;
        let by = self.who.actor();
        let reason = self.reason.clone();
        match session.local.replan(run, &plan, by, reason).await {
            Ok(revision) => self.told(run, &revision),
            Err(NotReplanned::Refused(ReplanError::Same)) => {
                output::note(&format!(
                    "{} says what the plan of run {run} says; nothing was changed",
                    file.display()
                ));
                Ok(())
            }
            Err(error) => {
                // What was asked to give way is to call people still.
                if let Ok((_, view)) = session.view(run).await {
                    driving::attendant::leave_one(session, run, &view);
                }
                Err(failure(run, file, error))
            }
        }
    }

    /// Says what was taken over. Where the result is JSON, standard output is for that.
    fn told(&self, run: &RunId, revision: &Revision) -> Result<(), Failure> {
        let lines = text::taken(run, revision);
        if self.manner.json && !self.no_resume {
            let colour = style::colour(&io::stderr());
            lines
                .iter()
                .for_each(|line| output::note(&line.render(colour)));
            return Ok(());
        }
        match self.manner.json {
            true => output::json(&json::taken(run, revision)),
            false => print(&lines),
        }
    }
}

fn print(lines: &[style::Line]) -> Result<(), Failure> {
    let colour = style::colour(&io::stdout());
    let text: String = lines
        .iter()
        .map(|line| line.render(colour) + "\n")
        .collect();
    output::text(&text)
}

/// Why nothing was taken over.
fn failure(run: &RunId, file: &Path, error: NotReplanned) -> Failure {
    let file = file.display();
    match error {
        NotReplanned::Refused(ReplanError::Begun(blocked)) => {
            let list: String = blocked
                .iter()
                .map(|line| format!("\n  {}", one_line(line)))
                .collect();
            Failure::new(format!(
                "nothing was changed: what has begun keeps what it was begun with, and {file} changes it:{list}"
            ))
            .help(format!("`piton resume {run} --diff {file}` shows every difference"))
            .help("put these parts back as they were; say what is to be done now in a new step after them")
        }
        NotReplanned::Refused(refused @ (ReplanError::OtherRunbook { .. } | ReplanError::TakesBack(_))) => {
            Failure::usage(format!("{refused}; nothing was changed"))
        }
        NotReplanned::Refused(refused) => {
            Failure::new(format!("nothing was changed: {refused}"))
                .help(format!("`piton show {run}` tells how far it is"))
        }
        NotReplanned::Drive(DriveError::Store(StoreError::Held { by, since, .. })) => {
            Failure::new(format!(
                "nothing was changed: run {run} is driven by {by} since {since}, and a run takes over an edited runbook only while no engine drives it"
            ))
            .help(leave(&by))
            .help("what runs goes on meanwhile; then type the same again")
        }
        NotReplanned::Drive(error) => driving::from_drive(error),
    }
}

/// How the engine that drives the run is made to leave.
fn leave(by: &Owner) -> String {
    format!(
        "have that engine leave: `kill {}` on its host (it leaves the run and ends nothing of it)",
        by.pid
    )
}
