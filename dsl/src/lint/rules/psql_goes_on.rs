//! # SQL that goes on after an error
//!
//! ## What it does
//! Finds `psql` that reads a script (`-f`, `<`, a here-document, a pipe) without `ON_ERROR_STOP`.
//!
//! ## Why it is bad
//! `psql` reports the error, goes on with the next statement, and ends well: a restore with thirty errors has
//! succeeded.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step load {
//!     run          = "psql -X -d shop -f shop.sql"
//!     irreversible = "rows are there"
//!     timeout      = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step load {
//!     run          = "psql -X -v ON_ERROR_STOP=1 --single-transaction -d shop -f shop.sql"
//!     irreversible = "rows are there"
//!     timeout      = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::shell::{Command, Invocation};

/// The code of this rule.
pub const CODE: &str = "shell::psql-goes-on";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for code in context.embedded.running(&["psql"]) {
        for pipeline in &code.script.pipelines {
            for (place, command) in pipeline.commands.iter().enumerate() {
                let Some(psql) = command.invocation().filter(|it| it.program == "psql") else {
                    continue;
                };
                if reads_script(command, &psql, place > 0) && !stops(command, &psql) {
                    found.push(
                        Diagnostic::warning(
                            CODE,
                            psql.word.span,
                            "`psql` goes on after an error in its script, and ends well",
                            "no ON_ERROR_STOP",
                        )
                        .help("add -v ON_ERROR_STOP=1, and --single-transaction for all or nothing")
                        .fix(code.add_option(&psql, "-v ON_ERROR_STOP=1")),
                    );
                }
            }
        }
    }
}

/// Whether it does what a file or another command says.
fn reads_script(command: &Command, psql: &Invocation<'_>, piped: bool) -> bool {
    if !psql.values("file", 'f').is_empty() {
        return true;
    }
    let from_nothing =
        |it: &crate::shell::Redirect| it.operator == "<" && it.target.text == "/dev/null";
    psql.values("command", 'c').is_empty()
        && !psql.has(&["list", "help", "version"], "lV?")
        && (piped || command.reads_redirected())
        && !command.redirects.iter().any(from_nothing)
}

fn stops(command: &Command, psql: &Invocation<'_>) -> bool {
    let said = |text: &str| text.to_ascii_uppercase().contains("ON_ERROR_STOP");
    psql.arguments.iter().any(|word| said(&word.text))
        || command
            .redirects
            .iter()
            .any(|it| said(&it.body) || it.operator == "<<<" && said(&it.target.text))
}
