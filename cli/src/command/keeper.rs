//! `piton __keeper`: holds the processes of one run, so that they outlive the engine. Started by the engine.

use crate::exit::Exit;
use crate::failure::Failure;
use clap::Args;
use std::path::{Path, PathBuf};

/// What the keeper takes.
#[derive(Args, Debug)]
pub struct Keeper {
    /// The directory of the run
    directory: PathBuf,
}

impl Keeper {
    /// Does it.
    ///
    /// # Errors
    /// When the keeper cannot start.
    pub fn execute(self) -> Result<Exit, Failure> {
        Ok(keep(&self.directory))
    }
}

/// Holds the run's processes until none is left.
pub fn keep(directory: &Path) -> Exit {
    if piton_runtime::keeper::main(directory) == std::process::ExitCode::SUCCESS {
        Exit::Success
    } else {
        Exit::Failed
    }
}
