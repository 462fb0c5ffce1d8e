//! # SQL that cannot be read
//!
//! ## What it does
//! Finds SQL with quotes or brackets that are not closed, statements that end too early, and first words that are
//! misspelt. What the reader merely does not know is left alone: databases know more than it does.
//!
//! ## Why it is bad
//! The database would refuse it when the run gets that far.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   database = "postgres:///shop"
//!   step report {
//!     sql     = "select count(*) from users where (active"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   database = "postgres:///shop"
//!   step report {
//!     sql     = "select count(*) from users where (active)"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::plain_query::is_plain_query;
use crate::lint::queries::Query;
use piton_core::expr::{find_splices, suggest};
use sqlparser::dialect::{Dialect, GenericDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::{Parser, ParserError};
use std::ops::Range;

/// The code of this rule.
pub const CODE: &str = "sql::unreadable";

/// The longest text that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// How deep brackets are followed: the reader tries each pair in several ways.
const DEEPEST: usize = 8;

/// What a statement may begin with, in Postgres or SQLite.
const BEGINNINGS: [&str; 62] = [
    "abort",
    "alter",
    "analyze",
    "analyse",
    "attach",
    "begin",
    "call",
    "checkpoint",
    "close",
    "cluster",
    "comment",
    "commit",
    "copy",
    "create",
    "deallocate",
    "declare",
    "delete",
    "detach",
    "discard",
    "do",
    "drop",
    "end",
    "execute",
    "explain",
    "fetch",
    "grant",
    "import",
    "insert",
    "listen",
    "load",
    "lock",
    "merge",
    "move",
    "notify",
    "pragma",
    "prepare",
    "reassign",
    "refresh",
    "reindex",
    "release",
    "replace",
    "reset",
    "revoke",
    "rollback",
    "savepoint",
    "security",
    "select",
    "set",
    "show",
    "start",
    "table",
    "truncate",
    "unlisten",
    "update",
    "vacuum",
    "values",
    "with",
    "if",
    "use",
    "while",
    "for",
    "return",
];

/// Statements that the reader knows well enough to say that they end too early.
const WELL_KNOWN: [&str; 5] = ["select", "insert", "update", "delete", "with"];

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for query in context.queries() {
        // Commands of psql itself begin with a backslash.
        if query.text.len() > LONGEST || query.by_psql && query.text.contains(['\\', '$', '`']) {
            continue;
        }
        if let Some((range, message, help)) = problem(query) {
            found.push(Diagnostic::error(CODE, query.span(range), message, "here").help(help));
        }
    }
}

/// What is wrong with SQL, and where.
fn problem(query: &Query<'_>) -> Option<(Range<usize>, String, String)> {
    let (text, bare) = (query.text, query.bare.as_str());
    if let Some(misspelt) = misspelt(bare) {
        return Some(misspelt);
    }
    if is_plain_query(text) {
        return None;
    }
    let bracket = unbalanced(bare);
    let error = refused(query)?;
    let end = text.trim_end().len();
    let last = text
        .get(..end)
        .and_then(|it| it.char_indices().next_back())
        .map_or(0, |(at, _)| at);
    let (range, message) = match (&error, bracket) {
        (ParserError::TokenizerError(_), _) => (last..end, "a quote in this SQL is never closed"),
        (_, Some(at)) if bare.get(at..=at) == Some("(") => {
            (at..at + 1, "this bracket is never closed")
        }
        (_, Some(at)) => (at..at + 1, "this bracket closes nothing"),
        (ParserError::ParserError(error), None)
            if error.ends_with("found: EOF") && is_well_known(bare) =>
        {
            (last..end, "this SQL ends before it is complete")
        }
        _ => return None,
    };
    Some((
        range,
        message.to_owned(),
        "the database would refuse it".to_owned(),
    ))
}

/// What every dialect says that the database may have; `None` when one of them can read it.
fn refused(query: &Query<'_>) -> Option<ParserError> {
    let text = without_splices(query.text);
    if depth(&query.bare) > DEEPEST {
        return None;
    }
    let (postgres, sqlite) = (PostgreSqlDialect {}, SQLiteDialect {});
    let own: &[&dyn Dialect] = match query.database {
        Some(url) if url.starts_with("postgres") => &[&postgres, &GenericDialect {}],
        Some(url) if url.starts_with("sqlite:") => &[&sqlite, &GenericDialect {}],
        _ => &[&postgres, &sqlite, &GenericDialect {}],
    };
    let mut first = None;
    for dialect in own {
        let error = Parser::parse_sql(*dialect, &text).err()?;
        first.get_or_insert(error);
    }
    first
}

/// The text with a name where `${{ ident(…) }}` stands, as long as it was.
fn without_splices(text: &str) -> String {
    let mut out = text.to_owned();
    for splice in find_splices(text) {
        let name = format!("\"{}\"", "x".repeat(splice.len().saturating_sub(2)));
        if out.is_char_boundary(splice.start)
            && out.is_char_boundary(splice.end)
            && splice.end <= out.len()
        {
            out.replace_range(splice, &name);
        }
    }
    out
}

/// A first word that is close to one that there is, and none itself.
fn misspelt(bare: &str) -> Option<(Range<usize>, String, String)> {
    let start = bare.len() - bare.trim_start().len();
    let rest = bare.get(start..)?;
    let length = rest
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(rest.len());
    let word = rest.get(..length)?;
    let ends = rest
        .get(length..)
        .is_some_and(|behind| behind.starts_with(|c: char| c.is_ascii_whitespace()));
    if word.len() < 4 || !ends || BEGINNINGS.contains(&word) {
        return None;
    }
    let meant = suggest(word, BEGINNINGS)?;
    Some((
        start..start + length,
        format!("SQL has no `{word}`"),
        format!("did you mean `{meant}`?"),
    ))
}

fn is_well_known(bare: &str) -> bool {
    let words = bare.split(';').rfind(|it| !it.trim().is_empty());
    words.is_some_and(|last| {
        last.split_whitespace()
            .next()
            .is_some_and(|word| WELL_KNOWN.contains(&word))
    })
}

/// A bracket that closes nothing, or the last one that is never closed.
fn unbalanced(bare: &str) -> Option<usize> {
    let mut open = Vec::new();
    for (at, letter) in bare.char_indices() {
        match letter {
            '(' => open.push(at),
            ')' if open.pop().is_none() => return Some(at),
            _ => {}
        }
    }
    open.pop()
}

/// How deep brackets nest.
fn depth(bare: &str) -> usize {
    let (mut now, mut most) = (0usize, 0usize);
    for letter in bare.bytes() {
        match letter {
            b'(' => now += 1,
            b')' => now = now.saturating_sub(1),
            _ => {}
        }
        most = most.max(now);
    }
    most
}
