//! # SQL without a database
//!
//! ## What it does
//! Finds `sql` that does not say which database it is for: no `on`, and no `database` of its step, gate or runbook.
//!
//! ## Why it is bad
//! There is no database to fall back on, and guessing one is not what anybody wants of a restore.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step purge {
//!     sql     = "delete from sessions where expired"
//!     irreversible = "expired sessions are of no use"
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   database = "sqlite:app.db"
//!   step purge {
//!     sql     = "delete from sessions where expired"
//!     irreversible = "expired sessions are of no use"
//!     timeout = 5m
//!   }
//! }
//! ```

use super::wrong_type::example;
use crate::diagnostic::Diagnostic;
use crate::schema::RUNBOOK_DATABASE;
use crate::source::{Span, Syntax};

/// The code of this rule.
pub const CODE: &str = "action::no-database";

/// SQL that does not say where.
pub(crate) fn report(span: Span, syntax: Syntax) -> Diagnostic {
    Diagnostic::error(
        CODE,
        span,
        "this `sql` does not say which database it is for",
        "no `on`, and no `database`",
    )
    .help(format!(
        "say it once for the runbook: {}",
        example(&RUNBOOK_DATABASE, syntax)
    ))
}
