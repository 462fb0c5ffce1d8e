//! # How to wait, without what to wait for
//!
//! ## What it does
//! Finds `every`, `fail_when`, `hold_for` and `consecutive` without `until`.
//!
//! ## Why it is bad
//! They say how `until` looks again and again. Without it the action is done once, and they change nothing.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   timeout = 30m
//!   step replay {
//!     run    = "./recovered.sh"
//!     every  = 5s
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

use super::label_each;
use super::wrong_type::example;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::Context;
use crate::schema::UNTIL;

/// The code of this rule.
pub const CODE: &str = "until::missing";

const KEYS: [&str; 4] = ["every", "fail_when", "hold_for", "consecutive"];

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in &context.runbook.nodes {
        let mut keys: Vec<_> = KEYS
            .into_iter()
            .filter_map(|key| node.key(key).map(|span| (key, span)))
            .collect();
        if keys.is_empty() || node.key("until").is_some() {
            continue;
        }
        keys.sort_by_key(|(_, span)| *span);
        let message = format!(
            "{} `{}` says how it waits, and not for what",
            node.keyword(),
            node.id.value
        );
        found.push(
            label_each(Diagnostic::new(CODE, Severity::Error, message), keys).help(format!(
                "write {} beside it, or take it out",
                example(&UNTIL, context.runbook.syntax)
            )),
        );
    }
}
