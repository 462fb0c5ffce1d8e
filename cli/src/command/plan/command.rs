//! What `piton plan` takes, and how it prints.

use super::{json, text};
use crate::display::style;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::runbook::{Settings, load_plan};
use clap::Args;
use std::io;
use std::path::PathBuf;

/// What `piton plan` takes.
#[derive(Args, Debug)]
#[command(
    name = "plan",
    after_help = "\
Examples:
  piton plan restore.runbook --set backup=LATEST
  piton plan restore.runbook --mode drill        what a drill would do

Each node says what a rollback would undo if it failed half way, in that order: what is undone, what people are
asked about first, and what is left. Secrets are shown by name; nothing is started and no secret is read."
)]
pub struct PlanCommand {
    /// The runbook
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

impl PlanCommand {
    /// Does it.
    ///
    /// # Errors
    /// When the file does not check, or the output cannot be written.
    pub fn execute(self) -> Result<Exit, Failure> {
        let loaded = load_plan(&self.file, &self.settings)?;
        let plan = &loaded.plan;
        if self.json {
            output::json(&json::shown(plan))?;
        } else {
            let colour = style::colour(&io::stdout());
            let text: String = text::lines(plan)
                .iter()
                .map(|line| line.render(colour) + "\n")
                .collect();
            output::text(&text)?;
        }
        Ok(Exit::Success)
    }
}
