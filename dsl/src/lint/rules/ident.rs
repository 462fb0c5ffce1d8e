//! # A name for SQL in the wrong place
//!
//! ## What it does
//! Finds `ident(…)` outside the text of `sql`, and inside quotes, brackets (`[users]`) or comments of that text.
//!
//! ## Why it is bad
//! `ident` quotes a name of a table or a column as SQL quotes names: `"orders"`. Anywhere else the quotes would become
//! part of the value; and inside quotes of the text they are no protection, so that the name could end them.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   database = "sqlite:app.db"
//!   param table { default = "users" }
//!   step report {
//!     sql     = "select count(*) from '${{ ident(params.table) }}'"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   database = "sqlite:app.db"
//!   param table { default = "users" }
//!   step report {
//!     sql     = "select count(*) from ${{ ident(params.table) }}"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::sites::{Place, Site};
use piton_core::expr::{Range, find_splices};
use piton_core::sql::{Token, tokens};

/// The code of this rule.
pub const CODE: &str = "code::ident";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for site in &context.sites {
        if site.place == Place::SqlText {
            found.extend(in_quotes(site));
            continue;
        }
        for place in site.expression.idents() {
            found.push(
                Diagnostic::error(
                    CODE,
                    site.span(&place),
                    "`ident` makes a name for SQL, and this is not the text of SQL",
                    "not here",
                )
                .help("write the value itself, without `ident`"),
            );
        }
    }
}

/// A name that stands in quotes or in a comment of its text.
fn in_quotes(site: &Site<'_>) -> Option<Diagnostic> {
    if !site.expression.is_ident() {
        return None;
    }
    let (text, splice) = masked(site.text(), site.offset())?;
    let (_, token) = tokens(&text).find(|(range, _)| range.contains(&splice))?;
    let (what, help) = match token {
        Token::Comment => ("in a comment", "take it out of the comment"),
        Token::Quoted => ("in quotes", "take the quotes away: `ident` brings its own"),
        _ if in_brackets(text.get(..splice)?) => (
            "in brackets",
            "take the brackets away: `ident` brings quotes of its own",
        ),
        _ => return None,
    };
    let whole = 0..site.expression.text().len();
    Some(
        Diagnostic::error(
            CODE,
            site.span(&whole),
            format!("a name for SQL stands {what}"),
            "not here",
        )
        .help(help),
    )
}

/// Whether SQL up to here ends within `[`, which SQLite takes for a quote. What is indexed, and `array[…]`, is not meant.
fn in_brackets(before: &str) -> bool {
    let signs = tokens(before).filter(|(_, token)| *token == Token::Sign);
    let mut open = Vec::new();
    for (range, _) in signs {
        match before.get(range.clone()) {
            Some("[") => open.push(range.start),
            Some("]") => drop(open.pop()),
            _ => {}
        }
    }
    let of = open.pop().and_then(|at| before.get(..at));
    of.is_some_and(|of| {
        let is_value = |c: char| c.is_alphanumeric() || "_\"])".contains(c);
        !of.ends_with(is_value) && !of.trim_end().to_ascii_lowercase().ends_with("array")
    })
}

/// The text with letters in place of everything that is put into it, so that it is SQL; and where the one begins
/// whose expression is at `offset`.
fn masked(text: &str, offset: usize) -> Option<(String, usize)> {
    let splices: Vec<Range> = find_splices(text);
    let own = splices.iter().find(|splice| splice.contains(&offset))?;
    let (mut masked, mut at) = (String::new(), 0);
    for splice in &splices {
        masked.push_str(text.get(at..splice.start)?);
        masked.push_str(&"x".repeat(splice.len()));
        at = splice.end;
    }
    masked.push_str(text.get(at..)?);
    Some((masked, own.start))
}
