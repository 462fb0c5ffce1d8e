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
    /// The run was rolled back, and nothing of it is left.
    RolledBack,
    /// The run was to be rolled back, and something of it is left.
    PartlyRolledBack,
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
            Exit::RolledBack => 4,
            Exit::PartlyRolledBack => 5,
            Exit::Cancelled => 130,
        }
    }

    /// What a run that ended like this is reported as. One that succeeded and could not clean up after itself counts
    /// as failed: somebody has to look.
    #[must_use]
    pub fn of(outcome: RunOutcome, cleanup_failed: bool) -> Exit {
        match outcome {
            RunOutcome::Succeeded if cleanup_failed => Exit::Failed,
            RunOutcome::Succeeded => Exit::Success,
            RunOutcome::Failed => Exit::Failed,
            RunOutcome::Cancelled => Exit::Cancelled,
            RunOutcome::RolledBack => Exit::RolledBack,
            RunOutcome::PartlyRolledBack => Exit::PartlyRolledBack,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_of_a_run_has_its_number() {
        for (outcome, cleanup_failed, code) in [
            (RunOutcome::Succeeded, false, 0),
            (RunOutcome::Succeeded, true, 1),
            (RunOutcome::Failed, false, 1),
            (RunOutcome::RolledBack, false, 4),
            (RunOutcome::RolledBack, true, 4),
            (RunOutcome::PartlyRolledBack, false, 5),
            (RunOutcome::Cancelled, true, 130),
        ] {
            assert_eq!(Exit::of(outcome, cleanup_failed).code(), code);
        }
        assert_eq!(Exit::Waiting.code(), 3);
    }
}
