//! # A file on the database's machine
//!
//! ## What it does
//! Finds SQL with `COPY … TO '/path'` and `COPY … FROM '/path'`.
//!
//! ## Why it is bad
//! The path is one on the server, which needs a superuser (or a role of its own) and may be another machine; what it
//! writes belongs to the server's account, and everybody there may read it. `\copy` of `psql` reads and writes here, as
//! you.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step keys {
//!     run     = "psql -X -d shop -c \"COPY auth.keys TO '/backups/keys.csv' CSV HEADER\""
//!     effect  = abandoned("a file more")
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step keys {
//!     run     = "umask 077 && psql -X -d shop -c \"\\\\copy auth.keys TO '/backups/keys.csv' CSV HEADER\""
//!     effect  = abandoned("a file more")
//!     timeout = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;

/// The code of this rule.
pub const CODE: &str = "postgres::server-side-copy";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for query in context.queries().iter().filter(|it| !it.is_sqlite()) {
        for range in query.statements() {
            let bare = query.bare.get(range.clone()).unwrap_or_default();
            let text = query.text.get(range.clone()).unwrap_or_default();
            // The quotes are blanked in `bare`; the text tells what stood in them.
            if bare.starts_with("copy ") && names_file(bare, text) {
                found.push(
                    Diagnostic::warning(
                        CODE,
                        query.span(range),
                        "this file is one on the database's machine, and everybody there may read it",
                        "not on this machine",
                    )
                    .help("use \\copy of psql, which reads and writes here; write secrets under `umask 077`"),
                );
            }
        }
    }
}

fn names_file(bare: &str, text: &str) -> bool {
    [" to ", " from "].iter().any(|word| {
        bare.match_indices(word).any(|(at, _)| {
            let behind = text.get(at + word.len()..).unwrap_or_default().trim_start();
            behind.starts_with("'/")
        })
    })
}
