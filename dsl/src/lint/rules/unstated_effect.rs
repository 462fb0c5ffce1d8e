//! # A step that does not say what it leaves behind
//!
//! ## What it does
//! Finds steps without any of `effect`, `undo` and `irreversible`.
//!
//! ## Why it is bad
//! After a failure the question is what can be taken back. Without an answer the step counts as one that cannot be,
//! and one whose outcome is unknown is never repeated without asking.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step stop-writes { run = "./stop-writes.sh" }
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

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Node, WrittenAction};
use crate::source::Syntax;
use piton_core::plan::NodeKind;

/// The code of this rule.
pub const CODE: &str = "step::unstated-effect";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let steps = context
        .runbook
        .nodes
        .iter()
        .filter(|node| node.kind == NodeKind::Step);
    // What these leave behind is known.
    let known = |step: &Node| {
        let plain = |action: &WrittenAction| matches!(action.keyword, "notify" | "wait" | "call");
        step.actions.iter().any(plain)
    };
    for step in steps.filter(|step| step.effects.is_empty() && !known(step)) {
        found.push(
            Diagnostic::warning(
                CODE,
                step.id.span,
                format!(
                    "step `{}` does not say what it leaves behind",
                    step.id.value
                ),
                "what has to be taken back after a failure?",
            )
            .help(forms(context.runbook.syntax)),
        );
    }
}

fn forms(syntax: Syntax) -> &'static str {
    match syntax {
        Syntax::Runbook => {
            "`effect = none` if it only looks; `undo { … }` if an action takes it back; \
             `effect = abandoned(\"why\")` if it may stay; `irreversible = \"why\"` if nothing takes it back"
        }
        Syntax::Yaml => {
            "`effect: none` if it only looks; `undo: {…}` if an action takes it back; \
             `effect: {abandoned: why}` if it may stay; `irreversible: why` if nothing takes it back"
        }
    }
}
