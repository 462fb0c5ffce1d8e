//! `piton schema`: the JSON Schema of the YAML form.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use clap::Args;

/// What `piton schema` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  piton schema > runbook.schema.json

Editors complete and mark keys by it. What it cannot say (names, order, meaning), `piton check` finds.")]
pub struct Schema {}

impl Schema {
    /// Does it.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn execute(self) -> Result<Exit, Failure> {
        output::json(&piton_dsl::json_schema::json_schema())?;
        Ok(Exit::Success)
    }
}
