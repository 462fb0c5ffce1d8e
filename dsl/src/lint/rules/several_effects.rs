//! # A step that says more than one thing about what it leaves behind
//!
//! ## What it does
//! Finds steps with more than one of `effect`, `undo` and `irreversible`.
//!
//! ## Why it is bad
//! They contradict each other: what an undo takes back is not irreversible.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step stop-writes {
//!     run    = "./stop-writes.sh"
//!     effect = none
//!     undo { run = "./start-writes.sh" }
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step stop-writes {
//!     run = "./stop-writes.sh"
//!     undo { run = "./start-writes.sh" }
//!   }
//! }
//! ```

use super::label_each;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::Context;
use crate::runbook::Effect;
use piton_core::plan::NodeKind;

/// The code of this rule.
pub const CODE: &str = "step::several-effects";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let steps = context
        .runbook
        .nodes
        .iter()
        .filter(|node| node.kind == NodeKind::Step);
    for step in steps.filter(|step| step.effects.len() > 1) {
        let mut keys: Vec<_> = ["effect", "undo", "irreversible"]
            .into_iter()
            .filter_map(|key| step.key(key).map(|span| (key, span)))
            .collect();
        keys.sort_by_key(|(_, span)| *span);
        let message = format!(
            "step `{}` says more than one thing about what it leaves behind",
            step.id.value
        );
        let none = step
            .effects
            .iter()
            .any(|(_, effect)| matches!(effect, Effect::None));
        let help = if none {
            "`effect = none` means that it only looks; keep one"
        } else {
            "keep one of them"
        };
        found.push(label_each(Diagnostic::new(CODE, Severity::Error, message), keys).help(help));
    }
}
