//! Driving a run and showing it meanwhile: what `run`, `resume`, `approve`, `decide` and `cancel` have in common.
//!
//! [`drive`] chooses between a live display that asks ([`live`]) and plain lines ([`plain`]); both let the engine
//! and the display take turns on one thread. [`watched`] is what they share with the engine.

pub mod attendant;
mod desk;
pub mod keys;
mod live;
mod plain;
pub mod signals;
pub mod watched;

use crate::display::report::report;
use crate::display::style;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::{clock, output};
use clap::Args;
use piton_core::id::{Actor, RunId};
use piton_core::plan::Plan;
use piton_core::run::RunState;
use piton_core::view::RunView;
use piton_runtime::driver::{DriveEnd, DriveError, Until};
use piton_runtime::store::StoreError;
use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Notify;
use watched::{Watched, Watcher};

/// How many attendants in a row may be quicker than a command that drives the run.
const ATTENDANTS: u32 = 5;

/// How a run is driven and shown.
#[derive(Args, Clone, Debug, Default)]
pub struct Manner {
    /// Approve at gates as the one who starts, where they allow it
    #[arg(long, short)]
    pub yes: bool,
    /// Stay while only people are waited for
    #[arg(long)]
    pub wait: bool,
    /// Plain lines even in a terminal; nothing is asked
    #[arg(long)]
    pub plain: bool,
    /// Write the result as JSON; progress goes to standard error
    #[arg(long)]
    pub json: bool,
    /// Leave when people are waited for, even in a terminal.
    #[arg(skip)]
    pub leaves: bool,
    /// When to leave, if that does not follow from the rest.
    #[arg(skip)]
    pub until: Option<Until>,
}

/// How driving ended, and what the run looks like then.
pub struct Driven {
    /// How.
    pub end: DriveEnd,
    /// The plan.
    pub plan: Arc<Plan>,
    /// The run.
    pub view: RunView,
}

impl Driven {
    /// What the command exits with.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self.end {
            DriveEnd::Over(outcome) => Exit::of(outcome, !self.view.cleanup_failed.is_empty()),
            DriveEnd::Waiting => Exit::Waiting,
            DriveEnd::Detached if self.view.state == RunState::Waiting => Exit::Waiting,
            DriveEnd::Detached => Exit::Failed,
        }
    }
}

/// Drives a run until it is over, waits for people, or the engine is asked to leave, and shows it meanwhile.
///
/// # Errors
/// When the run is held by another engine, or the store or the terminal fails.
pub async fn drive(
    session: &Session,
    run: &RunId,
    actor: &Actor,
    manner: &Manner,
) -> Result<Driven, Failure> {
    try_drive(session, run, actor, manner)
        .await?
        .map_err(from_drive)
}

/// [`drive`], with what the engine fails with told apart from the rest.
///
/// # Errors
/// When the store or the terminal fails.
pub async fn try_drive(
    session: &Session,
    run: &RunId,
    actor: &Actor,
    manner: &Manner,
) -> Result<Result<Driven, DriveError>, Failure> {
    for _ in 0..ATTENDANTS {
        let driven = drive_once(session, run, actor, manner).await?;
        // An attendant that had only just been started was quicker, and gives way.
        let held = matches!(&driven, Err(DriveError::Store(StoreError::Held { .. })));
        let again = held
            && manner.until.is_none()
            && (attendant::relieve(session, run).await?
                || session.summary(run).await?.driven_by.is_none());
        if !again {
            return Ok(driven);
        }
    }
    drive_once(session, run, actor, manner).await
}

async fn drive_once(
    session: &Session,
    run: &RunId,
    actor: &Actor,
    manner: &Manner,
) -> Result<Result<Driven, DriveError>, Failure> {
    if manner.until.is_none() {
        attendant::relieve(session, run).await?;
    }
    let (plan, view) = session.view(run).await?;
    let watched = Rc::new(RefCell::new(Watched::new(
        Arc::clone(&plan),
        view,
        session.directory(run),
    )));
    let watcher = Watcher {
        watched: Rc::clone(&watched),
        changed: Rc::new(Notify::new()),
    };
    let live = io::stdout().is_terminal() && !style::dumb() && !manner.plain && !manner.json;
    let asks = live && io::stdin().is_terminal() && !manner.leaves;
    let until = if let Some(until) = manner.until {
        until
    } else if asks || manner.wait {
        Until::Over
    } else {
        Until::WaitingOrOver
    };
    let desk = desk::Desk::new(session, run, actor, manner.yes);
    let end = if live {
        live::drive(session, run, until, watcher, desk, asks).await?
    } else {
        plain::drive(session, run, until, watcher, desk, manner.json).await?
    };
    crate::session::warn_of_traces(&session.local);
    // What is printed at the end is what is recorded, also when the engine failed in between.
    let (plan, view) = session.view(run).await.unwrap_or_else(|_| {
        let watched = watched.borrow();
        (Arc::clone(&watched.plan), watched.view.clone())
    });
    if end
        .as_ref()
        .is_ok_and(|end| !matches!(end, DriveEnd::Over(_)))
        && manner.until.is_none()
        && !session.local.is_served(run).await.unwrap_or(false)
    {
        attendant::leave_one(session, run, &view);
    }
    Ok(end.map(|end| Driven { end, plan, view }))
}

/// The record after which this process dies, for tests of what a crash leaves.
fn die_after() -> Option<u64> {
    std::env::var("PITON_TEST_DIE_AFTER_RECORD")
        .ok()?
        .parse()
        .ok()
}

/// The report at the end: text, or JSON for other programs.
///
/// # Errors
/// When the output cannot be written.
pub fn finish(driven: &Driven, manner: &Manner) -> Result<(), Failure> {
    if driven.end == DriveEnd::Detached {
        output::note(&format!(
            "left run {}: what runs goes on under its keeper; `piton resume {}` attaches again",
            driven.view.id, driven.view.id
        ));
    }
    if manner.json {
        return output::json(&crate::command::show::json(&driven.view));
    }
    print_report(&driven.plan, &driven.view)
}

/// Prints how a run stands.
///
/// # Errors
/// When the output cannot be written.
pub fn print_report(plan: &Plan, view: &RunView) -> Result<(), Failure> {
    let colour = style::colour(&io::stdout());
    let text: String = report(plan, view, clock::now())
        .iter()
        .map(|line| line.render(colour) + "\n")
        .collect();
    output::text(&text)
}

/// A driver's error as a failure.
#[must_use]
pub fn from_drive(error: DriveError) -> Failure {
    match error {
        DriveError::Store(error) => crate::session::from_store(error),
        error => Failure::new(error),
    }
}
