//! `piton runs`: the runs of a store.

use crate::clock;
use crate::display::style::{self, Line, Style};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on, from_store};
use clap::{Args, ValueEnum};
use piton_core::run::RunState;
use piton_runtime::store::{RunFilter, RunSummary, Store};
use serde::Serialize;
use std::io;

/// What `piton runs` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton runs
  piton runs --state waiting
  piton runs --json | jq -r '.[0].id'")]
pub struct Runs {
    /// Only runs in this state; may be repeated
    #[arg(long, value_enum)]
    state: Vec<StateWord>,
    /// At most this many
    #[arg(long, value_name = "COUNT")]
    limit: Option<usize>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// The state of a run as listings say it: `interrupted` is a run that would go on if an engine drove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StateWord {
    /// An engine drives it
    Running,
    /// People are waited for
    Waiting,
    /// No engine drives it, and it is not over
    Interrupted,
    /// All nodes were done or skipped
    Succeeded,
    /// A node failed
    Failed,
    /// Somebody cancelled it
    Cancelled,
    /// Everything that was done was taken back
    #[serde(rename = "rolled back")]
    RolledBack,
    /// It was to be rolled back, and something is left
    #[serde(rename = "partly rolled back")]
    PartlyRolledBack,
}

impl StateWord {
    /// Of a run in a listing.
    #[must_use]
    pub fn of(run: &RunSummary) -> StateWord {
        match run.status.state {
            RunState::Running if run.driven_by.is_none() => StateWord::Interrupted,
            RunState::Running => StateWord::Running,
            RunState::Waiting => StateWord::Waiting,
            RunState::Succeeded => StateWord::Succeeded,
            RunState::Failed => StateWord::Failed,
            RunState::Cancelled => StateWord::Cancelled,
            RunState::RolledBack => StateWord::RolledBack,
            RunState::PartlyRolledBack => StateWord::PartlyRolledBack,
        }
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            StateWord::Running => "running",
            StateWord::Waiting => "waiting",
            StateWord::Interrupted => "interrupted",
            StateWord::Succeeded => "succeeded",
            StateWord::Failed => "failed",
            StateWord::Cancelled => "cancelled",
            StateWord::RolledBack => "rolled back",
            StateWord::PartlyRolledBack => "partly rolled back",
        }
    }

    fn look(self) -> Style {
        match self {
            StateWord::Running => Style::Live,
            StateWord::Waiting | StateWord::Interrupted => Style::Asks,
            StateWord::Succeeded => Style::Good,
            StateWord::RolledBack => Style::Asks,
            StateWord::Failed | StateWord::Cancelled | StateWord::PartlyRolledBack => Style::Bad,
        }
    }
}

/// A run as `--json` writes it. Times are RFC 3339.
#[derive(Debug, Serialize)]
struct Listed {
    id: String,
    runbook: String,
    title: Option<String>,
    state: StateWord,
    started: String,
    ended: Option<String>,
    starter: String,
    questions: Vec<String>,
    driven_by: Option<String>,
}

impl Listed {
    fn of(run: &RunSummary) -> Listed {
        Listed {
            id: run.id.to_string(),
            runbook: run.runbook.clone(),
            title: run.title.clone(),
            state: StateWord::of(run),
            started: run.started.to_string(),
            ended: run.status.ended.map(|ended| ended.to_string()),
            starter: run.starter.clone(),
            questions: run.status.waiting_for.clone(),
            driven_by: run.driven_by.as_ref().map(ToString::to_string),
        }
    }
}

impl Runs {
    /// Does it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let (location, mut runs) = block_on(async {
            let session = Session::open(store).await?;
            let runs = session.store().runs(&RunFilter::default()).await;
            Ok((session.location, runs.map_err(from_store)?))
        })?;
        runs.retain(|run| self.state.is_empty() || self.state.contains(&StateWord::of(run)));
        runs.truncate(self.limit.unwrap_or(usize::MAX));
        if self.json {
            output::json(&runs.iter().map(Listed::of).collect::<Vec<_>>())?;
        } else if runs.is_empty() {
            output::line(&format!(
                "no runs in {location}; `piton run FILE` starts one"
            ))?;
        } else {
            let colour = style::colour(&io::stdout());
            let text: String = lines(&runs)
                .iter()
                .map(|line| line.render(colour) + "\n")
                .collect();
            output::text(&text)?;
        }
        Ok(Exit::Success)
    }
}

fn lines(runs: &[RunSummary]) -> Vec<Line> {
    let columns = runs
        .iter()
        .map(|run| style::width(&run.id.0))
        .max()
        .unwrap_or(0);
    let words = runs
        .iter()
        .map(|run| style::width(StateWord::of(run).word()));
    let words = words.max().unwrap_or(0).max(11);
    let now = clock::now();
    let row = |run: &RunSummary| {
        let word = StateWord::of(run);
        let took = run.status.ended.unwrap_or(now).since(run.started);
        let line = Line::new()
            .and(style::pad(&run.id.0, columns))
            .and("  ")
            .with(word.look(), style::pad(word.word(), words))
            .and(format!("  {}", clock::date_time(run.started)))
            .with(
                Style::Dim,
                format!("  {}", style::pad(&clock::length(took), 6)),
            );
        match word {
            StateWord::Waiting => line.and(format!("  for {}", run.status.waiting_for.join(", "))),
            StateWord::PartlyRolledBack => {
                line.with(Style::Dim, format!("  piton show {}", run.id))
            }
            StateWord::Interrupted => line.with(Style::Dim, format!("  piton resume {}", run.id)),
            _ => line.with(
                Style::Dim,
                format!("  {}", run.title.as_deref().unwrap_or(&run.runbook)),
            ),
        }
    };
    runs.iter().map(row).collect()
}
