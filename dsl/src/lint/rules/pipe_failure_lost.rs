//! # A pipe that hides a failure
//!
//! ## What it does
//! Finds pipes in scripts whose first commands may fail without anybody noticing, because the shell only looks at the
//! last one. Commands that merely print something (`echo`, `df`, `grep`) are left alone, and so are pipes into `grep`,
//! which finds nothing then, and what stands behind a command that reads only the beginning.
//!
//! ## Why it is bad
//! A dump that fails behind `| gzip` leaves a file of twenty bytes and a step that succeeded. The default shell is `sh`,
//! and not every `sh` knows `pipefail`: what fails on one machine passes on another.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step dump {
//!     run     = "pg_dump shop | gzip > shop.sql.gz"
//!     effect  = abandoned("a file more")
//!     timeout = 1h
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step dump {
//!     shell   = ["bash", "-euo", "pipefail", "-c"]
//!     run     = "pg_dump shop | gzip > shop.sql.gz"
//!     effect  = abandoned("a file more")
//!     timeout = 1h
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::shell::{Command, Pipeline};

/// The code of this rule.
pub const CODE: &str = "shell::pipe-failure-lost";

/// Programs whose output is worth little, or that hardly fail: nobody is misled when they do.
const HARMLESS: [&str; 44] = [
    "echo", "printf", "true", "false", ":", "cat", "ls", "df", "du", "ps", "id", "date", "env",
    "pwd", "uname", "hostname", "seq", "yes", "head", "tail", "grep", "egrep", "fgrep", "sed",
    "awk", "cut", "tr", "sort", "uniq", "wc", "tee", "rev", "tac", "nl", "column", "paste",
    "basename", "dirname", "readlink", "stat", "file", "whoami", "test", "[",
];

/// Whether nobody is misled when a command fails.
pub(super) fn is_harmless(command: &Command) -> bool {
    command.compound
        || command
            .invocation()
            .is_none_or(|it| HARMLESS.contains(&it.program) || it.program.starts_with('$'))
}

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for code in &context.embedded.codes {
        if code.pipes_fail() {
            continue;
        }
        for pipeline in &code.script.pipelines {
            if let Some(command) = lost(pipeline) {
                let name = command.invocation().map_or("it", |it| it.program);
                found.push(
                    Diagnostic::warning(
                        CODE,
                        command.span(),
                        format!("when `{name}` fails, the pipe succeeds all the same"),
                        "its failure is lost",
                    )
                    .help(format!(
                        "write {}, or let `{name}` write a file that the next command reads",
                        super::shell_with_pipefail(context.runbook.syntax)
                    )),
                );
            }
        }
    }
}

/// The first command of a pipe whose failure nobody sees.
fn lost(pipeline: &Pipeline) -> Option<&Command> {
    let (last, before) = pipeline.commands.split_last()?;
    let last = last.invocation();
    let shows = last.is_some_and(|it| {
        matches!(it.program, "grep" | "egrep" | "fgrep")
            && !it.has(&["invert-match", "count"], "vc")
    });
    if shows || pipeline.background {
        return None;
    }
    before.iter().find(|command| !is_harmless(command))
}
