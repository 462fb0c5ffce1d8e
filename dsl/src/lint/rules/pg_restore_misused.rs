//! # Something that pg_restore cannot do
//!
//! ## What it does
//! Finds `pg_restore` with `--target-time` and the like, and with a dump in plain SQL.
//!
//! ## Why it is bad
//! `pg_restore` reads dumps in the formats `custom`, `directory` and `tar`. It knows no moments: to go back to one takes
//! a base backup and archived WAL. And SQL is read by `psql`.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step load {
//!     run          = "pg_restore --dbname=shop shop.sql"
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
//!     run          = "pg_restore --exit-on-error --dbname=shop shop.dump"
//!     irreversible = "rows are there"
//!     timeout      = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;

/// The code of this rule.
pub const CODE: &str = "postgres::pg-restore-misused";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for code in context.embedded.running(&["pg_restore"]) {
        for command in code.script.commands() {
            let Some(tool) = command.invocation().filter(|it| it.program == "pg_restore") else {
                continue;
            };
            let target = [
                "target-time",
                "target-xid",
                "target-lsn",
                "target-name",
                "target",
            ];
            if let Some(word) = tool.option(&target, "") {
                found.push(
                    Diagnostic::warning(CODE, word.span, "`pg_restore` knows no moments to go back to", "no such option")
                        .help("to go back to a moment, restore a base backup and replay WAL with recovery_target_time"),
                );
            }
            // What it writes may well be SQL.
            let written = tool.values("file", 'f');
            let plain = tool.operands().find(|word| {
                let is_sql = word.text.ends_with(".sql") || word.text.ends_with(".sql.gz");
                is_sql && !written.iter().any(|(_, file)| file.span == word.span)
            });
            if let Some(word) = plain {
                found.push(
                    Diagnostic::warning(CODE, word.span, "`pg_restore` does not read plain SQL", "SQL, by its name")
                        .help("read it with psql -v ON_ERROR_STOP=1 -f, or dump with pg_dump --format=custom"),
                );
            }
        }
    }
}
