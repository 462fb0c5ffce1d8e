//! # Something that cannot be looked at again
//!
//! ## What it does
//! Finds `until` beside `approve`, `manual`, `wait`, `notify` and `call`.
//!
//! ## Why it is bad
//! `until` does the action again and again and looks at what it gave. These give nothing to look at: people would be
//! asked, or told, over and over.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   timeout = 30m
//!   step settle {
//!     wait   = 10m
//!     until  = "run.starter != ''"
//!     every  = 5s
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook restore {
//!   timeout = 30m
//!   step settle {
//!     run    = "./settled.sh"
//!     until  = "exit_code == 0"
//!     every  = 5s
//!     effect = none
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Node, WrittenAction};

/// The code of this rule.
pub const CODE: &str = "until::nothing-to-look-at";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in &context.runbook.nodes {
        let (Some(until), Some(action)) = (node.key("until"), action_of(node)) else {
            continue;
        };
        let message = format!(
            "{} `{}` cannot be looked at again: it is a `{}`",
            node.keyword(),
            node.id.value,
            action.keyword
        );
        let help = match action.keyword {
            "wait" => {
                "take it out; to wait until a time, write it in the `wait`: `wait { until = … }`, in YAML `wait: {until: …}`"
            }
            "call" => "take it out, and let a gate of that runbook look",
            _ => "take it out, and let a gate look with `run`, `exec`, `sql` or `http`",
        };
        found.push(
            Diagnostic::error(CODE, until, message, "again and again")
                .label(action.key, "only once")
                .help(help),
        );
    }
}

/// Whether a node does something that gives nothing to look at.
pub(super) fn is_there(node: &Node) -> bool {
    action_of(node).is_some()
}

fn action_of(node: &Node) -> Option<&WrittenAction> {
    match node.actions.as_slice() {
        [only] => Some(only).filter(|action| {
            matches!(
                action.keyword,
                "approve" | "manual" | "wait" | "notify" | "call"
            )
        }),
        _ => None,
    }
}
