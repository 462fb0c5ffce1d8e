//! The command itself.

use super::{Proof, json, text};
use crate::display::style;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runbook::{Settings, load_runbook, unbound};
use clap::Args;
use piton_core::id::Actor;
use piton_core::prove::{Limits, assume, explore};
use piton_core::record::Start;
use piton_core::time::Timestamp;
use piton_dsl::compile::as_written;
use piton_dsl::compile_mode;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Instant;

/// What `piton prove` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton prove restore.runbook --set backup=LATEST
  piton prove restore.runbook --mode drill

Nothing is executed. Every node fails, runs out of time, is refused, expires or is not heard of again: each of these
alone, and every two of them together. An error is a run that is stuck, is left half done, or waits with nobody told;
the shortest way there is printed, and as a scenario for `piton test`.

Exits 0 when every run ends well or as the runbook says, 1 when one does not or when not all were tried, 2 when the
file does not check.")]
pub struct Prove {
    /// The runbook
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
    /// How many failures are combined at most
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=4))]
    failures: u32,
    /// Give up after so many runs
    #[arg(long, value_name = "RUNS", default_value_t = 5_000_000)]
    limit: u64,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

impl Prove {
    /// Does it.
    ///
    /// # Errors
    /// When the file does not check, or the output cannot be written.
    pub fn execute(self) -> Result<Exit, Failure> {
        let params = self.settings.values()?;
        let file = self.file.display().to_string();
        let runbook = load_runbook(&self.file)?;
        let plan = compile_mode(&runbook, &params, self.settings.mode())
            .map_err(|errors| unbound(&file, &errors))?;
        let limits = Limits {
            failures: self.failures,
            runs: self.limit,
        };
        let began = Instant::now();
        let mut assumed = assume(&plan, &BTreeSet::new());
        as_written(&runbook, &mut assumed.plan);
        // The day of a run decides nothing, and the same day gives the same answer every day.
        let explored = explore(
            &assumed,
            &start(&file),
            Timestamp(1_767_225_600_000),
            limits,
        );
        let proof = Proof {
            file: &file,
            plan: &plan,
            params: &params,
            assumed: &assumed,
            explored: &explored,
            limits,
            took: began.elapsed(),
        };
        if self.json {
            output::json(&json::shown(&proof))?;
        } else {
            let colour = style::colour(&io::stdout());
            let lines = text::lines(&proof);
            let text: String = lines
                .iter()
                .map(|line| line.render(colour) + "\n")
                .collect();
            output::text(&text)?;
        }
        match explored.faults.is_empty() && explored.unexplored == 0 {
            true => Ok(Exit::Success),
            false => Ok(Exit::Failed),
        }
    }
}

fn start(file: &str) -> Start {
    Start {
        by: Actor {
            name: "starter".to_owned(),
            account: "starter@here".to_owned(),
        },
        base: "/".to_owned(),
        work: "/work".to_owned(),
        file: file.to_owned(),
        assumed: Vec::new(),
    }
}
