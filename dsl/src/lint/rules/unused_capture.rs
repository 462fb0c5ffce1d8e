//! # A capture that nothing uses
//!
//! ## What it does
//! Finds a `capture` without an `undo` that uses what it found (`capture.stdout`, `capture.value`, `capture.rows`
//! …).
//!
//! ## Why it is bad
//! It is done before each pass and may fail the step, for nothing. Mostly the undo still restores a value that is
//! written into it, rather than the one that was there.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   step stop-writes {
//!     capture { run = "./replicas.sh" }
//!     run  = "./scale.sh 0"
//!     undo { run = "./scale.sh 3" }
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   step stop-writes {
//!     capture { run = "./replicas.sh" }
//!     run  = "./scale.sh 0"
//!     undo { exec = ["./scale.sh", "${{ capture.stdout }}"] }
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Effect;
use piton_core::plan::NodeKind;
use std::collections::BTreeSet;

/// The code of this rule.
pub const CODE: &str = "undo::unused-capture";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    // An expression that could not be read may be the one that uses it.
    if context.has_errors {
        return;
    }
    let users: BTreeSet<usize> = context
        .references
        .iter()
        .filter(|it| {
            it.reference
                .path
                .first()
                .is_some_and(|root| root == "capture")
        })
        .filter_map(|it| context.sites.get(it.site)?.node)
        .collect();
    for (index, node) in context.runbook.nodes.iter().enumerate() {
        let Some(key) = node.key("capture") else {
            continue;
        };
        if node.kind == NodeKind::Gate || users.contains(&index) {
            continue;
        }
        let has_undo = matches!(node.effects.as_slice(), [(_, Effect::Undo(_))]);
        let help = if has_undo {
            "use it in the `undo`, for example as `${{ capture.stdout }}`, or take it out"
        } else {
            "give the step an `undo` that puts back what was found, or take the `capture` out"
        };
        let message = format!("nothing uses what step `{}` captures", node.id.value);
        found.push(Diagnostic::warning(CODE, key, message, "never used").help(help));
    }
}
