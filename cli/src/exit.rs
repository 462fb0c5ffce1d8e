//! What the exit code of `piton` says.

use piton_core::record::RunOutcome;
use std::process::ExitCode;

/// How a command ended. The numbers are part of the interface: scripts and CI read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// The run succeeded, the check found nothing wrong, the decision counted.
    Success,
    /// The run failed, a check found errors, a decision was refused, or the command could not do its work.
    Failed,
    /// The command line is wrong, or a file cannot be read or does not check.
    Usage,
    /// The run goes on when a person decides.
    Waiting,
    /// The run was cancelled.
    Cancelled,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Waiting => 3,
            Exit::Cancelled => 130,
        }
    }

    /// What a run that ended like this is reported as.
    #[must_use]
    pub fn of(outcome: RunOutcome) -> Exit {
        match outcome {
            RunOutcome::Succeeded => Exit::Success,
            RunOutcome::Failed => Exit::Failed,
            RunOutcome::Cancelled => Exit::Cancelled,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
