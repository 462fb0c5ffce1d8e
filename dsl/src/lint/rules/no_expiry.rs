//! # An approval that never expires
//!
//! ## What it does
//! Finds `approve` without `expires`.
//!
//! ## Why it is bad
//! What was shown when the question was asked may be long out of date when somebody approves it next week.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   gate go {
//!     approve { by = ["on-call-lead"] }
//!     on_fail = [stop]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   gate go {
//!     approve { by = ["on-call-lead"], expires = 30m }
//!     on_fail = [stop]
//!   }
//! }
//! ```

use super::wrong_type::example;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Action;
use crate::schema::EXPIRES;

/// The code of this rule.
pub const CODE: &str = "time::no-expiry";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in &context.runbook.nodes {
        for written in &node.actions {
            if let Some(Action::Approve(approve)) = &written.action
                && !approve.keys.contains_key(EXPIRES.name)
            {
                let message = format!(
                    "the approval of {} `{}` never expires",
                    node.keyword(),
                    node.id.value
                );
                found.push(
                    Diagnostic::warning(CODE, written.key, message, "no `expires`").help(format!(
                        "write {}",
                        example(&EXPIRES, context.runbook.syntax)
                    )),
                );
            }
        }
    }
}
