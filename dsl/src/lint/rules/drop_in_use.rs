//! # A database dropped while it may be in use
//!
//! ## What it does
//! Finds `DROP DATABASE` without `WITH (FORCE)` and `dropdb` without `--force`.
//!
//! ## Why it is bad
//! Postgres refuses to drop a database that somebody is connected to. Where the failure is overlooked, what comes next
//! is loaded over the data that is still there. Better still is to rename the old database and to drop it when the new
//! one has proved itself.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   gate go { approve { by = ["dba"], not_starter = true, expires = 30m }, on_fail = [stop] }
//!   step drop {
//!     run          = "dropdb shop_old"
//!     irreversible = "it is gone"
//!     timeout      = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   gate go { approve { by = ["dba"], not_starter = true, expires = 30m }, on_fail = [stop] }
//!   step drop {
//!     run          = "dropdb --force shop_old"
//!     irreversible = "it is gone"
//!     timeout      = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;

/// The code of this rule.
pub const CODE: &str = "postgres::drop-in-use";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut report = |span, help: &str| {
        found.push(
            Diagnostic::warning(
                CODE,
                span,
                "this fails while anybody is connected to the database",
                "without force",
            )
            .help(format!(
                "{help}; or rename the old database, and drop it when the new one has proved itself"
            )),
        );
    };
    for query in context.queries() {
        for range in query.statements() {
            let statement = query.bare.get(range.clone()).unwrap_or_default();
            let mut words = statement.split_whitespace();
            let drops = words.next() == Some("drop") && words.next() == Some("database");
            if drops && !query.is_sqlite() && !statement.contains("force") {
                report(query.span(range), "write DROP DATABASE … WITH (FORCE)");
            }
        }
    }
    for code in context.embedded.running(&["dropdb"]) {
        for command in code.script.commands() {
            if let Some(dropdb) = command.invocation().filter(|it| it.program == "dropdb")
                && !dropdb.has(&["force", "help", "version"], "f")
            {
                report(command.span(), "add --force");
            }
        }
    }
}
