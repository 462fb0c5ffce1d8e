//! # A gate that is guarded like a step that changes something
//!
//! ## What it does
//! Finds `capture`, `target` and `confirm` on a gate.
//!
//! ## Why it is bad
//! They guard a change: what was there before, that it is the right thing, that somebody means it. A gate changes
//! nothing, and the step behind it would go unguarded.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   param host { type = string, default = "db1" }
//!   gate go {
//!     run     = "./may-go.sh"
//!     confirm = "${{ params.host }}"
//!     on_fail = [stop]
//!   }
//!   step wipe { run = "./wipe.sh", irreversible = "the data are gone" }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   param host { type = string, default = "db1" }
//!   gate go {
//!     run     = "./may-go.sh"
//!     on_fail = [stop]
//!   }
//!   step wipe {
//!     run          = "./wipe.sh"
//!     confirm      = "${{ params.host }}"
//!     irreversible = "the data are gone"
//!   }
//! }
//! ```

use super::label_each;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::Context;
use piton_core::plan::NodeKind;

/// The code of this rule.
pub const CODE: &str = "gate::nothing-to-guard";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let nodes = context.runbook.nodes.iter();
    for gate in nodes.filter(|node| node.kind == NodeKind::Gate) {
        let mut keys: Vec<_> = ["capture", "target", "confirm"]
            .into_iter()
            .filter_map(|key| gate.key(key).map(|span| (key, span)))
            .collect();
        if keys.is_empty() {
            continue;
        }
        keys.sort_by_key(|(_, span)| *span);
        let message = format!(
            "gate `{}` is guarded like a step that changes something, and a gate changes nothing",
            gate.id.value
        );
        found.push(
            label_each(Diagnostic::new(CODE, Severity::Error, message), keys)
                .help("write it in the step behind the gate that makes the change"),
        );
    }
}
