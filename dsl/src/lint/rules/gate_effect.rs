//! # A gate with an effect
//!
//! ## What it does
//! Finds `effect`, `undo` and `irreversible` in gates.
//!
//! ## Why it is bad
//! A gate only decides whether the run may go on, and may be repeated at will. What changes the world is a step,
//! because going back has to know about it.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   gate disk-is-free {
//!     run     = "test \"$(df --output=avail . | tail -1)\" -gt 100000"
//!     effect  = none
//!     on_fail = [stop]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   gate disk-is-free {
//!     run     = "test \"$(df --output=avail . | tail -1)\" -gt 100000"
//!     on_fail = [stop]
//!   }
//! }
//! ```

use super::label_each;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::Context;
use piton_core::plan::NodeKind;

/// The code of this rule.
pub const CODE: &str = "gate::has-effect";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in context
        .runbook
        .nodes
        .iter()
        .filter(|node| node.kind == NodeKind::Gate)
    {
        let mut keys: Vec<_> = ["effect", "undo", "irreversible"]
            .into_iter()
            .filter_map(|key| node.key(key).map(|span| (key, span)))
            .collect();
        if keys.is_empty() {
            continue;
        }
        keys.sort_by_key(|(_, span)| *span);
        let message = format!(
            "gate `{}` says what it leaves behind, and a gate leaves nothing behind",
            node.id.value
        );
        let help = if keys.len() == 1
            && matches!(node.effects.as_slice(), [(_, crate::runbook::Effect::None)])
        {
            "take it out: a gate never has an effect"
        } else {
            "take it out, or make this a step and let the gate only check"
        };
        found.push(label_each(Diagnostic::new(CODE, Severity::Error, message), keys).help(help));
    }
}
