//! # A person who is not told what to do
//!
//! ## What it does
//! Finds `manual` without `instructions`, `checklist` and `ask`.
//!
//! ## Why it is bad
//! Somebody is called, and all that can be said is that something is to be done.
//!
//! ## Example
//! ```runbook
//! runbook failover {
//!   step pull-cable {
//!     manual { by = ["on-site"] }
//!     undo   { run = "./ask-for-the-cable.sh", timeout = 5m }
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook failover {
//!   step pull-cable {
//!     manual { by = ["on-site"], instructions = "Pull the red cable of rack 4" }
//!     undo   { run = "./ask-for-the-cable.sh", timeout = 5m }
//!   }
//! }
//! ```

use super::wrong_type::example;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Action;
use crate::schema::INSTRUCTIONS;

/// The code of this rule.
pub const CODE: &str = "manual::empty";

const KEYS: [&str; 4] = ["instructions", "checklist", "asks", "ask"];

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in &context.runbook.nodes {
        for written in &node.actions {
            let Some(Action::Manual(manual)) = &written.action else {
                continue;
            };
            let said = manual.instructions.is_some()
                || !manual.checklist.is_empty()
                || !manual.asks.is_empty();
            // What could not be read was said too.
            let unread = context.has_errors && KEYS.iter().any(|key| manual.keys.contains_key(key));
            if said || unread {
                continue;
            }
            let message = format!(
                "{} `{}` does not say what somebody has to do",
                node.keyword(),
                node.id.value
            );
            found.push(
                Diagnostic::error(CODE, written.key, message, "says nothing").help(format!(
                    "write {} in it, a `checklist`, or an `ask`",
                    example(&INSTRUCTIONS, context.runbook.syntax)
                )),
            );
        }
    }
}
