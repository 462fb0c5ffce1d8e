//! The command line: global options and the list of commands. What a command takes stands in its own file under
//! `command/`.

use crate::command;
use crate::logging::LogFormat;
use clap::{Parser, Subcommand};

/// Durable runbooks: write a procedure once, check it in CI, run it, and resume it after a crash.
#[derive(Parser, Debug)]
#[command(name = "piton", version, max_term_width = 100, disable_help_subcommand = true, after_help = EXAMPLES)]
pub struct Cli {
    /// Where runs are kept: sqlite:PATH, or postgres://USER@HOST/DATABASE for a team [default:
    /// $XDG_STATE_HOME/piton/piton.db]
    #[arg(
        long,
        global = true,
        env = "PITON_STORE",
        hide_env_values = true,
        value_name = "STORE"
    )]
    pub store: Option<String>,

    /// How standard error is written
    #[arg(
        long,
        global = true,
        env = "PITON_LOG_FORMAT",
        hide_env_values = true,
        value_enum,
        default_value_t,
        value_name = "FORMAT"
    )]
    pub log_format: LogFormat,

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
  piton rollback last                   take back what a run did

Exit codes: 0 succeeded; 1 failed, or errors found; 2 wrong usage, or a file that does not check;
3 waits for a person; 4 rolled back; 5 rolled back in part: something is left; 130 cancelled.";

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Check runbooks: every mistake, each at its place
    Check(command::check::Check),
    /// Explain a rule that `check` applies
    Explain(command::explain::Explain),
    /// Give runbooks their layout, in place
    Fmt(command::fmt::Fmt),
    /// Write a runbook in the other syntax
    Convert(command::convert::Convert),
    /// Print the JSON Schema of the YAML form, for editors
    Schema(command::schema::Schema),
    /// Show what a run would do: order, commands, point of no return, worst case
    Plan(command::plan::PlanCommand),
    /// Try everything that can go wrong: what each failure, and every two, end in
    Prove(command::prove::Prove),
    /// Play the scenarios beside runbooks, without executing anything
    Test(command::test::Test),
    /// Draw the graph of a runbook
    Graph(command::graph::Graph),
    /// Run a runbook
    Run(command::run::Run),
    /// Go on with a run whose engine ended
    Resume(command::resume::Resume),
    /// See the hosts that work on the store, and say that one is dead
    Hosts(command::hosts::Hosts),
    /// Drive the runs that were started with `run --detach`, until told to end
    Serve(command::serve::Serve),
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
    /// Say that what a person was to do is done
    Done(command::done::Done),
    /// Answer the questions that a step asks
    Answer(command::answer::Answer),
    /// Decide what becomes of a node that failed, was interrupted, or cannot be undone
    Decide(command::decide::Decide),
    /// Say that you have seen what a run waits for; paging pauses
    Ack(command::ack::Ack),
    /// Take a question, so that nobody else decides it meanwhile
    Take(command::take::Take),
    /// Cancel a run: what runs is ended, what was done stays or is undone
    Cancel(command::cancel::Cancel),
    /// Take back what a run did
    Rollback(command::rollback::Rollback),
    /// See the named locks that runs share, and take one away
    Lock(command::lock::Lock),
    /// Verify that a run's journal was not changed
    Audit(command::audit::Audit),
    /// Delete runs that are over, by age and number
    Prune(command::prune::Prune),
    /// Copy the store while engines work on it
    Backup(command::backup::Backup),
    /// Look whether this machine has what Piton needs
    Doctor(command::doctor::Doctor),
    /// Print completions for a shell
    Completions(command::completions::Completions),
    /// Holds the processes of a run; started by the engine
    #[command(name = "__keeper", hide = true)]
    Keeper(command::keeper::Keeper),
    /// Stays with a run that waits for people; started by the command that left it
    #[command(name = "__attend", hide = true)]
    Attend(command::attend::Attend),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// What `debug_assert` looks for only in a build with debug assertions, which ours is not.
    #[test]
    fn no_command_has_two_options_of_one_name() {
        fn look(command: &clap::Command) {
            let mut seen = std::collections::BTreeSet::new();
            for argument in command.get_arguments() {
                let id = argument.get_id().as_str();
                assert!(seen.insert(id), "`{id}` twice in `{}`", command.get_name());
            }
            command.get_subcommands().for_each(look);
        }
        look(&Cli::command());
    }
}
