//! # A step whose result would be looked at again
//!
//! ## What it does
//! Finds `valid_for` on a step.
//!
//! ## Why it is bad
//! `valid_for` says how long the evidence of a gate holds; older evidence is gathered again before what depends on
//! it starts. A step changes the world, and is not done again because time has passed.
//!
//! ## Example
//! ```runbook
//! runbook release {
//!   timeout = 5m
//!   step backup-is-fresh {
//!     run       = "./backup-is-fresh.sh"
//!     effect    = none
//!     valid_for = 10m
//!   }
//!   step release { run = "./release.sh", undo { run = "./withdraw.sh" } }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook release {
//!   timeout = 5m
//!   gate backup-is-fresh {
//!     run       = "./backup-is-fresh.sh"
//!     on_fail   = [stop]
//!     valid_for = 10m
//!   }
//!   step release { run = "./release.sh", undo { run = "./withdraw.sh" } }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use piton_core::plan::NodeKind;

/// The code of this rule.
pub const CODE: &str = "step::valid-for";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let nodes = context.runbook.nodes.iter();
    for step in nodes.filter(|node| node.kind == NodeKind::Step) {
        if let Some(key) = step.key("valid_for") {
            let message = format!(
                "step `{}` has `valid_for`, and only the evidence of a gate grows old",
                step.id.value
            );
            found.push(
                Diagnostic::error(CODE, key, message, "only of a gate")
                    .help("make it a gate if it only looks; else take it out"),
            );
        }
    }
}
