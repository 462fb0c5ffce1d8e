//! # A message thrown away in a pipe
//!
//! ## What it does
//! Finds `2>/dev/null` before a `|` in scripts.
//!
//! ## Why it is bad
//! When the command fails, what comes out of the pipe looks like a list that happens to be empty, and the one line that
//! says why is gone.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step backups {
//!     shell   = ["bash", "-euo", "pipefail", "-c"]
//!     run     = "wal-g backup-list 2>/dev/null | tail -n 10"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step backups {
//!     shell   = ["bash", "-euo", "pipefail", "-c"]
//!     run     = "wal-g backup-list | tail -n 10"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use super::pipe_failure_lost::is_harmless;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;

/// The code of this rule.
pub const CODE: &str = "shell::error-hidden";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for code in &context.embedded.codes {
        for pipeline in &code.script.pipelines {
            let Some((_, before)) = pipeline.commands.split_last() else {
                continue;
            };
            for command in before.iter().filter(|command| !is_harmless(command)) {
                let hidden = command.redirects.iter().find(|redirect| {
                    redirect.number == Some(2)
                        && redirect.operator.starts_with('>')
                        && redirect.target.text == "/dev/null"
                });
                if let Some(hidden) = hidden {
                    let name = command.invocation().map_or("the command", |it| it.program);
                    found.push(
                        Diagnostic::warning(
                            CODE,
                            hidden.target.span,
                            format!("if `{name}` fails, nobody sees why"),
                            "its messages go here",
                        )
                        .help("leave its messages alone: they are kept with the attempt, and do not go through the pipe"),
                    );
                }
            }
        }
    }
}
