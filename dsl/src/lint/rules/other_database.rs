//! # A table in another database
//!
//! ## What it does
//! Finds SQL that names a table with three parts: `backup_db.auth.users`.
//!
//! ## Why it is bad
//! Postgres does not reach into another database, and SQLite has no schemas inside of attached ones: the statement
//! fails. It takes `postgres_fdw` or `dblink`, or a copy of the table.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   database = "postgres:///shop"
//!   step salvage {
//!     sql          = "insert into auth.users select * from backup_db.auth.users where id = 7"
//!     irreversible = "the row is there"
//!     timeout      = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   database = "postgres:///shop"
//!   step salvage {
//!     doc          = "`salvaged` is a schema of postgres_fdw that shows the restored copy."
//!     sql          = "insert into auth.users select * from salvaged.users where id = 7"
//!     irreversible = "the row is there"
//!     timeout      = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::find::places;
use std::ops::Range;

/// The code of this rule.
pub const CODE: &str = "postgres::other-database";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for query in context.queries() {
        for range in three_parts(&query.bare) {
            let name = query.text.get(range.clone()).unwrap_or_default();
            let database = name.split('.').next().unwrap_or_default();
            // Postgres takes the name of the database itself.
            let own = query
                .database
                .is_some_and(|url| url.contains(&format!("/{database}")))
                || query.by_psql && query.text.contains(&format!("\\c {database}"));
            if !own {
                found.push(
                    Diagnostic::warning(
                        CODE,
                        query.span(range.clone()),
                        format!("`{name}` is in another database, which SQL does not reach"),
                        "three parts",
                    )
                    .help("show it here as a schema of postgres_fdw, or copy the rows with pg_dump --table or \\copy"),
                );
            }
        }
    }
}

/// Where tables are named with three parts.
fn three_parts(bare: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if bare.matches('.').nth(1).is_none() {
        return found;
    }
    for word in [" from ", " join ", " into ", "update "] {
        for at in places(bare, word) {
            let start = at + word.len();
            let behind = bare.get(start..).unwrap_or_default();
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
            let name = behind
                .get(..behind.find(|c| !is_part(c)).unwrap_or(behind.len()))
                .unwrap_or_default();
            let parts: Vec<_> = name.split('.').collect();
            let next = behind.get(name.len()..).unwrap_or_default();
            let named = parts
                .iter()
                .all(|part| part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
            if parts.len() == 3 && named && !next.starts_with('(') {
                found.push(start..start + name.len());
            }
        }
    }
    found
}
