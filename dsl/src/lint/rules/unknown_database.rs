//! # A database of a kind that is not known
//!
//! ## What it does
//! Finds databases that are neither `sqlite:PATH` nor `postgresql://…`, as far as that can be seen before the run.
//!
//! ## Why it is bad
//! The step would fail when the run gets that far.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   database = "mysql://db.internal/shop"
//!   step report {
//!     sql     = "select count(*) from users"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   database = "postgresql://db.internal/shop"
//!   step report {
//!     sql     = "select count(*) from users"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Action, Sourced, WrittenAction};
use piton_core::expr::Template;

/// The code of this rule.
pub const CODE: &str = "action::unknown-database";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let runbook = context.runbook;
    let mut databases: Vec<&Sourced<Template>> = runbook.database.iter().collect();
    for node in &runbook.nodes {
        databases.extend(&node.database);
        own(&node.actions, &mut databases);
        for undo in node.undos() {
            own(&undo.actions, &mut databases);
        }
        for (_, look) in node.looks() {
            own(&look.actions, &mut databases);
        }
    }
    for database in databases {
        let text = database.value.text();
        let Some(problem) = problem(text, database.value.is_literal()) else {
            continue;
        };
        found.push(
            Diagnostic::error(
                CODE,
                database.source.source_span(0..text.len()),
                problem,
                "this database",
            )
            .help("write it as sqlite:PATH or postgresql://USER@HOST:PORT/DATABASE"),
        );
    }
}

/// The databases that SQL names itself.
fn own<'a>(actions: &'a [WrittenAction], databases: &mut Vec<&'a Sourced<Template>>) {
    for action in actions.iter().filter_map(|written| written.action.as_ref()) {
        match action {
            Action::Sql(sql) if sql.own => databases.extend(&sql.on),
            Action::Checks(checks) => {
                for check in checks {
                    own(&check.probes, databases);
                }
            }
            _ => {}
        }
    }
}

/// What is wrong with a database, if that can be seen in what is written.
fn problem(text: &str, is_literal: bool) -> Option<String> {
    let before = text.split("${{").next().unwrap_or_default();
    match before.split_once(':') {
        Some(("sqlite", "")) if is_literal => Some("this database has no path".to_owned()),
        Some(("sqlite", _)) => None,
        Some(("postgres" | "postgresql", rest))
            if rest.starts_with("//") || rest.is_empty() && !is_literal =>
        {
            None
        }
        Some((kind, _)) if kind.len() <= 20 && kind.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            Some(format!(
                "`{kind}:` is not a kind of database that is known here"
            ))
        }
        None if !is_literal => None,
        _ => Some("this is not a database".to_owned()),
    }
}
