//! # Looking again and again without a pause
//!
//! ## What it does
//! Finds `until` without `every`.
//!
//! ## Why it is bad
//! How often to look is a decision: every second is right for a process on this machine, and rude to somebody's API.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   timeout = 30m
//!   step replay {
//!     run    = "./recovered.sh"
//!     until  = "stdout == 'yes'"
//!     effect = none
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook restore {
//!   timeout = 30m
//!   step replay {
//!     run    = "./recovered.sh"
//!     until  = "stdout == 'yes'"
//!     every  = 5s
//!     effect = none
//!   }
//! }
//! ```

use super::wrong_type::example;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::schema::EVERY;

/// The code of this rule.
pub const CODE: &str = "until::no-every";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in &context.runbook.nodes {
        let Some(until) = node.key("until") else {
            continue;
        };
        if node.key("every").is_some() || super::until_action::is_there(node) {
            continue;
        }
        let message = format!(
            "{} `{}` does not say how often it looks",
            node.keyword(),
            node.id.value
        );
        found.push(
            Diagnostic::error(CODE, until, message, "no `every`").help(format!(
                "write {} beside it",
                example(&EVERY, context.runbook.syntax)
            )),
        );
    }
}
