//! The command line: global options and the list of commands. What a command takes stands in its own file under
//! `command/`.

use crate::command;
use clap::{Parser, Subcommand};

/// Durable runbooks: write a procedure once, check it in CI, run it, and resume it after a crash.
#[derive(Parser, Debug)]
#[command(name = "piton", version, max_term_width = 100, disable_help_subcommand = true, after_help = EXAMPLES)]
pub struct Cli {
    /// Where runs are kept: sqlite:PATH [default: $XDG_STATE_HOME/piton/piton.db]
    #[arg(
        long,
        global = true,
        env = "PITON_STORE",
        hide_env_values = true,
        value_name = "STORE"
    )]
    pub store: Option<String>,

    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  piton check *.runbook                 is every runbook sound?
  piton run restore.runbook --set backup=LATEST
  piton resume                          go on with the last run after a crash
  piton approve last go --as on-call-lead

Exit codes: 0 succeeded; 1 failed, or errors found; 2 wrong usage, or a file that does not check;
3 waits for a person; 130 cancelled.";

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Check runbooks: every mistake, each at its place
    Check(command::check::Check),
    /// Explain a rule that `check` applies
    Explain(command::explain::Explain),
    /// Show what a run would do: order, commands, point of no return, worst case
    Plan(command::plan::PlanCommand),
    /// Draw the graph of a runbook
    Graph(command::graph::Graph),
    /// Run a runbook
    Run(command::run::Run),
    /// Go on with a run whose engine ended
    Resume(command::resume::Resume),
    /// List runs, newest first
    Runs(command::runs::Runs),
    /// Show one run: what was done, what waits, what failed
    Show(command::show::Show),
    /// Print what the steps of a run printed
    Logs(command::logs::Logs),
    /// Approve at a gate that waits
    Approve(command::approve::Approve),
    /// Reject at a gate that waits
    Reject(command::reject::Reject),
    /// Say what became of an attempt that was interrupted
    Decide(command::decide::Decide),
    /// Cancel a run: what runs is ended, what was done stays
    Cancel(command::cancel::Cancel),
    /// Verify that a run's journal was not changed
    Audit(command::audit::Audit),
    /// Look whether this machine has what Piton needs
    Doctor(command::doctor::Doctor),
    /// Print completions for a shell
    Completions(command::completions::Completions),
    /// Holds the processes of a run; started by the engine
    #[command(name = "__keeper", hide = true)]
    Keeper(command::keeper::Keeper),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
