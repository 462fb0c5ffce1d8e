//! # No time limit
//!
//! ## What it does
//! Finds steps and gates that may take forever: no `timeout`, and none for the whole runbook. Waiting for people
//! has `expires` instead.
//!
//! ## Why it is bad
//! A command that hangs hangs the run, and nobody is told.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step report {
//!     run    = "./report.sh"
//!     effect = none
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step report {
//!     run     = "./report.sh"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use super::wrong_type::example;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::schema::TIMEOUT;

/// The code of this rule.
pub const CODE: &str = "time::no-timeout";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    if context.runbook.keys.contains_key("timeout") {
        return;
    }
    for node in &context.runbook.nodes {
        // People have `expires`, time passes by itself, and messages have a limit of their own.
        let waits = ["approve", "manual", "notify", "wait", "call"];
        let works = node
            .actions
            .iter()
            .any(|action| !waits.contains(&action.keyword));
        if node.key("timeout").is_some() || !works {
            continue;
        }
        found.push(
            Diagnostic::warning(
                CODE,
                node.id.span,
                format!("{} `{}` may take forever", node.keyword(), node.id.value),
                "no `timeout`",
            )
            .help(format!(
                "write {}, here or once for the runbook",
                example(&TIMEOUT, context.runbook.syntax)
            )),
        );
    }
}
