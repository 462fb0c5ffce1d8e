//! # A way back from the end of a run
//!
//! ## What it does
//! Finds `rewind` and `rollback` in the `on_fail` of a step or gate with `finally = true`.
//!
//! ## Why it is bad
//! It runs when the run is over: everything has been decided, and what is to be undone has been undone. There is no
//! way back from there; a failure marks the run `cleanup failed`.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step report { run = "./report.sh", effect = none }
//!   step tidy {
//!     finally = true
//!     run     = "./tidy.sh"
//!     effect  = none
//!     on_fail = [rollback]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step report { run = "./report.sh", effect = none }
//!   step tidy {
//!     finally = true
//!     run     = "./tidy.sh"
//!     effect  = none
//!     on_fail = [continue]
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Response;

/// The code of this rule.
pub const CODE: &str = "finally::goes-back";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in context.runbook.nodes.iter().filter(|node| node.finally) {
        for response in node.on_fail.iter().flatten() {
            if !matches!(response.value, Response::Rewind { .. } | Response::Rollback) {
                continue;
            }
            let message = format!(
                "{} `{}` runs when the run ends; there is no way back from there",
                node.keyword(),
                node.id.value
            );
            let mut diagnostic = Diagnostic::error(CODE, response.span, message, "too late");
            if let Some(finally) = node.key("finally") {
                diagnostic = diagnostic.label(finally, "runs when the run ends");
            }
            found.push(
                diagnostic
                    .help("`continue` goes on with the rest of what is to be done at the end"),
            );
        }
    }
}
