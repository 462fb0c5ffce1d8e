//! # A restore taken back as if it were SQL
//!
//! ## What it does
//! Finds steps that restore a whole server (`wal-g backup-fetch`, `pg_basebackup`, `pgbackrest restore`,
//! `barman recover`) and whose `undo` drops or creates a database.
//!
//! ## Why it is bad
//! A restore of that kind replaces the files of every database, users included. Dropping one database in it brings
//! nothing back, and creating it again leaves an empty one. What was there before is there only if it still has its own
//! folder.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step fetch {
//!     exec    = ["wal-g", "backup-fetch", "/srv/restore/${{ run.id }}", "LATEST"]
//!     undo    { run = "dropdb --force shop && createdb shop" }
//!     timeout = 40m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step fetch {
//!     exec    = ["wal-g", "backup-fetch", "/srv/restore/${{ run.id }}", "LATEST"]
//!     undo    { exec = ["rm", "-rf", "/srv/restore/${{ run.id }}"] }
//!     timeout = 40m
//!   }
//! }
//! ```

use super::restores::{PROGRAMS, restores};
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::embedded::Purpose;
use crate::source::Span;
use std::collections::BTreeSet;

/// The code of this rule.
pub const CODE: &str = "postgres::undo-of-restore";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let codes = &context.embedded.codes;
    let restored: BTreeSet<usize> = context
        .embedded
        .running(&PROGRAMS)
        .filter(|code| code.purpose == Purpose::Action)
        .filter(|code| {
            let mut commands = code.script.commands();
            commands.any(|command| command.invocation().is_some_and(|it| restores(&it)))
        })
        .map(|code| code.node)
        .collect();
    if restored.is_empty() {
        return;
    }
    let mut report = |span: Span| {
        found.push(
            Diagnostic::warning(
                CODE,
                span,
                "the step replaced the files of a whole server, and this changes one database in it",
                "takes nothing back",
            )
            .help("restore into a folder of its own, and take that away; what was there before then has its own still"),
        );
    };
    for code in codes {
        if code.purpose != Purpose::Undo || !restored.contains(&code.node) {
            continue;
        }
        let mut commands = code.script.commands();
        let first = commands.find(|command| {
            let program = command.invocation().map(|it| it.program);
            matches!(program, Some("dropdb" | "createdb"))
        });
        if let Some(command) = first {
            report(command.span());
        }
    }
    for query in context.queries() {
        if query.purpose != Purpose::Undo || !restored.contains(&query.node) {
            continue;
        }
        let changes = query.statements().into_iter().find(|range| {
            let statement = query.bare.get(range.clone()).unwrap_or_default();
            let mut words = statement.split_whitespace();
            matches!(words.next(), Some("drop" | "create")) && words.next() == Some("database")
        });
        if let Some(range) = changes {
            report(query.span(range));
        }
    }
}
