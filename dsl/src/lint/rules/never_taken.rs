//! # A response that can never be taken
//!
//! ## What it does
//! Finds responses of an `on_fail` behind one that ends the list: `stop`, `continue` or `rollback`.
//!
//! ## Why it is bad
//! The responses are tried in order. What stands behind one that always answers only looks as if it would ever
//! happen.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step fetch { run = "./fetch.sh", effect = none }
//!   gate whole {
//!     run     = "./whole.sh"
//!     on_fail = [stop, rewind("fetch")]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step fetch { run = "./fetch.sh", effect = none }
//!   gate whole {
//!     run     = "./whole.sh"
//!     on_fail = [rewind("fetch"), stop]
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::ladder::end_of;
use crate::runbook::{Response, Spanned};

/// The code of this rule.
pub const CODE: &str = "on-fail::never-taken";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for responses in context.ladders() {
        let Some(end) = end_of(responses) else {
            continue;
        };
        if let (Some(last), Some(never)) = (responses.get(end), responses.get(end + 1)) {
            found.push(report(last, never));
        }
    }
}

fn report(last: &Spanned<Response>, never: &Spanned<Response>) -> Diagnostic {
    let why = match last.value {
        Response::Continue => "with this the run goes on",
        _ => "with this the run ends",
    };
    Diagnostic::warning(
        CODE,
        never.span,
        "this response can never be taken",
        "never",
    )
    .label(last.span, why)
    .help("take it out, or put it before")
}
