//! # A shell that goes on after a failure
//!
//! ## What it does
//! Finds scripts of several commands whose `shell` does not end at the first one that fails.
//!
//! ## Why it is bad
//! Only the last command decides whether the step succeeded. What stood before it may have failed, and what came after
//! it was done all the same. The default shell ends at the first failure; one of your own has to be told.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step load {
//!     shell   = ["bash", "-c"]
//!     run     = """
//!       ./fetch.sh
//!       ./load.sh
//!     """
//!     effect  = abandoned("a table more")
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step load {
//!     shell   = ["bash", "-euo", "pipefail", "-c"]
//!     run     = """
//!       ./fetch.sh
//!       ./load.sh
//!     """
//!     effect  = abandoned("a table more")
//!     timeout = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::embedded::Code;
use crate::shell::{Command, Joint};

/// The code of this rule.
pub const CODE: &str = "shell::goes-on";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for code in &context.embedded.codes {
        if code.ends_at_failure() {
            continue;
        }
        if let Some(command) = overlooked(code) {
            let name = command.invocation().map_or("this", |it| it.program);
            found.push(
                Diagnostic::warning(
                    CODE,
                    command.span(),
                    format!("when `{name}` fails, the script goes on"),
                    "its failure is lost",
                )
                .help(format!(
                    "write {}",
                    super::shell_with_pipefail(context.runbook.syntax)
                )),
            );
        }
    }
}

/// The first command that is not the last one and whose failure nothing sees.
fn overlooked<'a>(code: &'a Code<'_>) -> Option<&'a Command> {
    if code.text.is_some_and(|text| text.text.contains("$?")) {
        return None;
    }
    let (_, before) = code.script.pipelines.split_last()?;
    let seen = [
        "set", "exit", "return", "trap", "export", "shopt", ":", "true", "break", "continue",
    ];
    let mut pipelines = before.iter().filter(|it| {
        !it.condition && !it.background && !it.substituted && it.after == Joint::End && !it.in_for
    });
    pipelines.find_map(|pipeline| {
        let last = pipeline.commands.last()?;
        let works = !last.compound
            && last
                .invocation()
                .is_some_and(|it| !seen.contains(&it.program));
        (works && !super::pipe_failure_lost::is_harmless(last)).then_some(last)
    })
}
