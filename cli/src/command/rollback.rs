//! `piton rollback`: takes back what a run did, whether it still goes on or is over.

use crate::actor::As;
use crate::deciding::{self, Handing};
use crate::dialogue::{confirmed, is_interactive};
use crate::display::clean::one_line;
use crate::driving::{self, Manner};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on};
use crate::way_back::{self, Step};
use clap::Args;
use piton_core::id::{Actor, RunId};
use piton_core::plan::Plan;
use piton_core::record::RunOutcome;
use piton_core::run::{Event, Run};
use piton_core::view::NodeStanding;
use piton_runtime::driver::Begin;
use piton_runtime::store::{Created, Store, StoreError};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What `piton rollback` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton rollback last                  shows what would be undone, and asks
  piton rollback restore-7k3fq --yes

A run that goes on is cancelled and undone. What a run did that is over is undone by a run of its own, named after
it: `restore-7k3fq-rollback`. People are asked first about what nothing takes back and what is half done.
Exits 4 when everything was taken back, 5 when something is left, 3 when it waits for a person, 1 when there is
nothing to undo or it was refused.")]
pub struct Rollback {
    /// The run: its id, a part of it, or `last`
    run: String,
    /// Why; kept with the run
    #[arg(long)]
    reason: Option<String>,
    /// Do not ask whether it is meant
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    who: As,
    /// Write the result as JSON; progress goes to standard error
    #[arg(long)]
    json: bool,
}

impl Rollback {
    /// Does it.
    ///
    /// # Errors
    /// When there is no such run, nothing to undo, or it is refused.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        block_on(async {
            let session = Session::open(store).await?;
            let run = session.resolve(Some(&self.run)).await?;
            let machine = session.local.run(&run).await.map_err(driving::from_drive)?;
            match machine.outcome() {
                None => self.live(&session, &run, &machine).await,
                Some(_) => self.over(&session, &run, &machine).await,
            }
        })
    }

    /// A run that goes on: it is cancelled, and undone.
    async fn live(&self, session: &Session, run: &RunId, machine: &Run) -> Result<Exit, Failure> {
        let by = self.who.actor();
        let event = Event::Cancel {
            by: by.clone(),
            reason: self.reason.clone(),
            rollback: true,
        };
        let now = crate::clock::now();
        let handing = Handing {
            no_resume: false,
            json: self.json,
        };
        // A refusal is the run's to tell, so that it is written down where it has to be.
        if let Some(steps) = way_back::of_live(machine, &event, now) {
            self.agreed(run, &steps)?;
        }
        deciding::hand_in(session, run, &event, &by, &handing).await
    }

    /// A run that is over: a run of its own takes it back.
    async fn over(&self, session: &Session, run: &RunId, machine: &Run) -> Result<Exit, Failure> {
        if let Some(of) = &machine.plan().undoes {
            return Err(Failure::new(format!(
                "run {run} took back what run {of} did; there is nothing of it to undo"
            ))
            .help(format!("piton rollback {of}")));
        }
        let plan = machine
            .rollback_plan()
            .map_err(|error| unchanged(run, error))?;
        let (id, done) = free_name(session, run).await?;
        let plan = way_back::without(plan, &done);
        if plan.nodes.is_empty() {
            return Err(unchanged(run, "all of it was undone before"));
        }
        self.agreed(run, &way_back::of_plan(&plan))?;
        let by = self.who.actor();
        self.submit(session, machine, &id, plan, &by).await?;
        let manner = Manner {
            json: self.json,
            ..Manner::default()
        };
        let driven = driving::drive(session, &id, &by, &manner).await?;
        driving::finish(&driven, &manner)?;
        Ok(driven.exit())
    }

    async fn submit(
        &self,
        session: &Session,
        machine: &Run,
        id: &RunId,
        plan: Plan,
        by: &Actor,
    ) -> Result<(), Failure> {
        let begin = Begin {
            by: by.clone(),
            base: PathBuf::from(&machine.start().base),
            file: machine.start().file.clone(),
            assumed: Vec::new(),
        };
        let created = session
            .local
            .submit_as(id, plan, begin)
            .await
            .map_err(driving::from_drive)?;
        match created {
            Created::New => Ok(()),
            Created::Existing => Err(Failure::new(format!(
                "somebody else has just started run {id}; nothing was started here"
            ))
            .help(format!("piton resume {id}"))),
        }
    }

    /// Shows what would be undone; in a terminal, asks whether it is meant.
    fn agreed(&self, run: &RunId, steps: &[Step]) -> Result<(), Failure> {
        output::note(&format!("taking back what run {run} did:"));
        for (number, step) in steps.iter().enumerate() {
            let (number, what) = (number + 1, one_line(&step.what));
            output::note(&format!("{number:>3}. {}  {what}", step.node));
        }
        if steps.is_empty() {
            output::note("  nothing was done that has to be undone");
        }
        if self.yes || self.json || !is_interactive() || confirmed("undo this?")? {
            return Ok(());
        }
        Err(Failure::new("nothing was undone, and the run is as it was")
            .help(format!("`piton show {run}` tells how it stands")))
    }
}

fn unchanged(run: &RunId, why: impl std::fmt::Display) -> Failure {
    Failure::new(format!("run {run} was not taken back: {why}"))
        .help(format!("`piton show {run}` tells what became of it"))
}

/// The name of the run that takes this one back, and what earlier tries have undone: there is one such run, and
/// another only when that ended without success.
async fn free_name(session: &Session, run: &RunId) -> Result<(RunId, BTreeSet<String>), Failure> {
    let mut done = BTreeSet::new();
    for number in 1..=99 {
        let id = way_back::name(run, number);
        let summary = match session.store().summary(&id).await {
            Ok(summary) => summary,
            Err(StoreError::NoSuchRun { .. }) => return Ok((id, done)),
            Err(error) => return Err(crate::session::from_store(error)),
        };
        match summary.status.outcome {
            None => {
                return Err(Failure::new(format!(
                    "run {id} is already taking back what run {run} did; nothing was started"
                ))
                .help(format!("`piton show {id}` tells how far it is"))
                .help(format!("`piton resume {id}` goes on with it")));
            }
            Some(RunOutcome::Succeeded | RunOutcome::RolledBack) => {
                return Err(unchanged(run, format!("run {id} has taken it back")));
            }
            Some(_) => {
                let nodes = session.view(&id).await?.1.nodes.into_iter();
                let undone = nodes.filter(|node| node.state == NodeStanding::Succeeded);
                done.extend(undone.map(|node| node.id));
            }
        }
    }
    Err(Failure::new(format!(
        "taking back run {run} was tried 99 times; look at what stands in the way"
    ))
    .help(format!("piton show {}", way_back::name(run, 99))))
}
