//! The command itself.

use super::{Tested, Wrong, files, json, junit, playing, pretty};
use crate::display::style;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use clap::{Args, ValueEnum};
use std::io;
use std::path::PathBuf;

/// What `piton test` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton test                                 every scenario file under this folder
  piton test runbooks/restore.test.yaml
  piton test --min-coverage 80 --format junit runbooks/ > scenarios.xml

`restore.test.yaml` holds the scenarios of `restore.runbook`, of `restore.runbook.yaml`, or of both. They are played in
virtual time: nothing is executed, and nobody is called.

Exits 0 when all pass, 1 when one does not or too little is covered, 2 when a file cannot be read or has mistakes.")]
pub struct Test {
    /// Scenario files, runbooks that have some, or folders with them [default: this folder]
    files: Vec<PathBuf>,
    /// How the outcome is written
    #[arg(long, value_enum, default_value_t = Format::Pretty)]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Fail when the scenarios of a runbook come through less of it, in percent of its nodes and edges
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    min_coverage: Option<u32>,
}

/// How the outcome is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line a scenario, and where it differs
    Pretty,
    /// JSON
    Json,
    /// JUnit XML, as CI systems read it
    Junit,
}

impl Test {
    /// Does it.
    ///
    /// # Errors
    /// When a file cannot be read, or the output cannot be written.
    pub fn execute(self) -> Result<Exit, Failure> {
        let subjects = files::subjects(&self.files)?;
        let (tested, mistakes) = playing::play_all(&subjects)?;
        match (self.json, self.format) {
            (true, _) | (_, Format::Json) => output::json(&json::shown(&tested))?,
            (_, Format::Junit) => output::text(&junit::xml(&tested))?,
            (_, Format::Pretty) => {
                let colour = style::colour(&io::stdout());
                let lines = pretty::lines(&tested);
                let text: String = lines
                    .iter()
                    .map(|line| line.render(colour) + "\n")
                    .collect();
                output::text(&text)?;
            }
        }
        let uncovered = self.uncovered(&tested);
        let broken = tested.iter().flat_map(|tested| &tested.scenarios);
        let broken = broken
            .filter(|it| matches!(it.result, Err(Wrong::Broken(_))))
            .count();
        Ok(match tested.iter().map(Tested::failed).sum::<usize>() {
            _ if broken + mistakes > 0 => Exit::Usage,
            0 if !uncovered => Exit::Success,
            _ => Exit::Failed,
        })
    }

    /// Whether the scenarios of a runbook come through too little of it; each is named on standard error.
    fn uncovered(&self, tested: &[Tested]) -> bool {
        let Some(least) = self.min_coverage else {
            return false;
        };
        let mut uncovered = false;
        for tested in tested {
            let covered = tested.coverage.percent();
            if covered < least {
                uncovered = true;
                output::note(&format!(
                    "error: the scenarios of {} come through {covered}% of it, and --min-coverage asks for {least}%",
                    tested.runbook
                ));
            }
        }
        uncovered
    }
}
