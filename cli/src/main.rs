//! The command `piton`.
//!
//! [`args`] is the command line, [`command`] has one file a command. Commands that look into a store go through
//! [`session`]; those that move a run on through [`driving`] and [`deciding`]; people are asked line by line in a
//! [`dialogue`]; [`display`] is what they see.

mod actor;
mod args;
mod assumed;
mod checking;
mod clock;
mod command;
mod deciding;
mod dialogue;
mod display;
mod driving;
mod exit;
mod failure;
mod filling;
mod logging;
mod output;
mod outputs;
mod private;
mod rewrite;
mod runbook;
mod serving;
mod session;
mod shellcheck;
#[cfg(test)]
mod testing;
mod undo_set;
mod way_back;
mod worst_case;

use args::{Cli, Command};
use clap::Parser;
use exit::Exit;
use failure::Failure;
use std::path::Path;
use std::process::ExitCode;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    private::keep_memory();
    // The keeper is started with each run and wants nothing of the rest: no parser, no logs.
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "__keeper")
        && let (Some(directory), None) = (arguments.next(), arguments.next())
    {
        return command::keeper::keep(Path::new(&directory)).into();
    }
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Success
            }
            .into();
        }
    };
    logging::begin(cli.log_format);
    match execute(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output::note(&failure.to_string());
            failure.exit.into()
        }
    }
}

fn execute(cli: Cli) -> Result<Exit, Failure> {
    let store = cli.store.as_deref();
    match cli.command {
        Command::Check(command) => command.execute(),
        Command::Explain(command) => command.execute(),
        Command::Schema(command) => command.execute(),
        Command::Fmt(command) => command.execute(),
        Command::Convert(command) => command.execute(),
        Command::Plan(command) => command.execute(),
        Command::Prove(command) => command.execute(),
        Command::Test(command) => command.execute(),
        Command::Graph(command) => command.execute(),
        Command::Run(command) => command.execute(store),
        Command::Resume(command) => command.execute(store),
        Command::Hosts(command) => command.execute(store),
        Command::Serve(command) => command.execute(store),
        Command::Runs(command) => command.execute(store),
        Command::Show(command) => command.execute(store),
        Command::Logs(command) => command.execute(store),
        Command::Approve(command) => command.execute(store),
        Command::Reject(command) => command.execute(store),
        Command::Done(command) => command.execute(store),
        Command::Answer(command) => command.execute(store),
        Command::Decide(command) => command.execute(store),
        Command::Ack(command) => command.execute(store),
        Command::Take(command) => command.execute(store),
        Command::Cancel(command) => command.execute(store),
        Command::Rollback(command) => command.execute(store),
        Command::Lock(command) => command.execute(store),
        Command::Audit(command) => command.execute(store),
        Command::Prune(command) => command.execute(store),
        Command::Backup(command) => command.execute(store),
        Command::Doctor(command) => command.execute(store),
        Command::Completions(command) => command.execute(),
        Command::Keeper(command) => command.execute(),
        Command::Attend(command) => command.execute(store),
    }
}
