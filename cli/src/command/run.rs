//! `piton run`: a runbook from its file to its end.

use crate::actor::As;
use crate::assumed::Assuming;
use crate::display::clean::one_line;
use crate::driving::{self, Manner};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runbook::{Loaded, Settings, load_plan};
use crate::session::{Session, block_on};
use clap::Args;
use piton_core::id::{Actor, RunId};
use piton_core::plan::Plan;
use piton_core::record::Assumed;
use piton_runtime::driver::Begin;
use serde::Serialize;
use std::path::PathBuf;

/// What `piton run` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton run restore.runbook --set backup=LATEST
  piton run restore.runbook --yes      approve at gates where the starter may, and answer with defaults
  piton run restore.runbook --mode drill
  piton run restore.runbook --detach   leave it to a `piton serve`, and return at once
  piton run restore.runbook --assume-done fetch --output rows=3 --assume-done stop-writes

In a terminal every node is shown live, and what waits for people asks. Elsewhere there is one line for each thing that happens,
and when only people are waited for the command ends with exit code 3 and says how to decide.
Ctrl-C twice cancels the run. Killed, it goes on with `piton resume`.
What is taken as done with --assume-done is not done by this run, and nothing but your word stands for it: its
outputs are given with --output, and before it would be undone a person is asked.")]
pub struct Run {
    /// The runbook
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    assuming: Assuming,
    #[command(flatten)]
    who: As,
    /// Leave the run to a `piton serve` that works on the store, and return at once. Secrets and programs are those of
    /// the server
    #[arg(long, conflicts_with_all = ["yes", "wait", "plain"])]
    detach: bool,
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
        let assumed = self.assuming.resolve(&plan, &file)?;
        let actor = self.who.actor();
        taken_as_done(&plan, &assumed, &actor);
        block_on(async {
            let session = Session::open(store).await?;
            let begin = Begin {
                by: actor.clone(),
                base,
                file,
                assumed,
            };
            let run = session
                .local
                .submit(plan, begin)
                .await
                .map_err(driving::from_drive)?;
            if self.detach {
                return leave_to_servers(&session, &run, self.manner.json).await;
            }
            let driven = driving::drive(&session, &run, &actor, &self.manner).await?;
            driving::finish(&driven, &self.manner)?;
            Ok(driven.exit())
        })
    }
}

/// A run that was left to servers, as `--json` writes it.
#[derive(Serialize)]
struct Detached<'a> {
    run: &'a str,
    /// The names of the servers that may take it.
    servers: Vec<&'a str>,
}

/// Leaves a new run to the servers of its store, and prints its id.
async fn leave_to_servers(session: &Session, run: &RunId, json: bool) -> Result<Exit, Failure> {
    let local = &session.local;
    local
        .leave_to_servers(run)
        .await
        .map_err(driving::from_drive)?;
    let servers = local.servers().await.map_err(driving::from_drive)?;
    if json {
        let servers = servers.iter().map(|server| server.name.as_str()).collect();
        output::json(&Detached {
            run: &run.0,
            servers,
        })?;
    } else {
        output::line(&run.0)?;
    }
    if servers.is_empty() {
        output::note(&format!(
            "no `piton serve` works on {}: start one, or type `piton resume {run}`",
            session.location
        ));
    }
    Ok(Exit::Success)
}

/// Says which nodes are taken as done, on whose word, before anything starts.
fn taken_as_done(plan: &Plan, assumed: &[Assumed], actor: &Actor) {
    for one in assumed {
        let id = plan.node(one.node).map_or("?", |node| node.id.as_str());
        let outputs = one.outputs.iter();
        let outputs: String = outputs
            .map(|(name, value)| format!("  {name}={}", one_line(&value.to_string())))
            .collect();
        output::note(&format!("– {id}  taken as done (said by {actor}){outputs}"));
    }
}
