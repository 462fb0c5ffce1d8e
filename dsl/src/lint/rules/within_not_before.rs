//! # Soon after a step that does not come before
//!
//! ## What it does
//! Finds `within … of` a step or gate that does not come before the one that has it.
//!
//! ## Why it is bad
//! The time is counted from when the other one is done. If that is later, or nobody knows, there is nothing to count
//! from.
//!
//! ## Example
//! ```runbook
//! runbook failover {
//!   timeout = 5m
//!   step promote { run = "./promote.sh", undo { run = "./demote.sh" }, within = 10s, of = "fence" }
//!   step fence   { run = "./fence.sh", undo { run = "./unfence.sh" } }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook failover {
//!   timeout = 5m
//!   step fence   { run = "./fence.sh", undo { run = "./unfence.sh" } }
//!   step promote { run = "./promote.sh", undo { run = "./demote.sh" }, within = 10s, of = "fence" }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;

/// The code of this rule.
pub const CODE: &str = "order::within-not-before";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let flag = |flags: &[bool], node: usize| flags.get(node) == Some(&true);
    let mut pairs = Vec::new();
    for (index, node) in context.runbook.nodes.iter().enumerate() {
        let Some(of) = node.of.as_ref().and_then(|of| context.find(&of.value)) else {
            continue;
        };
        // Behind a cycle there is no before and after; it is reported.
        let ordered = flag(&context.graph.ordered, of) && flag(&context.graph.ordered, index);
        if ordered && (of == index || !flag(&context.graph.doubtful, index)) {
            pairs.push((of, index));
        }
    }
    let before = context.graph.settled_before(&pairs);
    for ((of, index), before) in pairs.into_iter().zip(before) {
        if !before {
            found.extend(report(context, of, index));
        }
    }
}

fn report(context: &Context<'_>, of: usize, index: usize) -> Option<Diagnostic> {
    let nodes = &context.runbook.nodes;
    let (of, node) = (nodes.get(of)?, nodes.get(index)?);
    let span = node.of.as_ref()?.span;
    let (id, of_id) = (&node.id.value, &of.id.value);
    let message = format!(
        "{} `{id}` cannot start soon after `{of_id}`, which does not come before it",
        node.keyword()
    );
    Some(
        Diagnostic::error(CODE, span, message, "not before it")
            .label(of.id.span, "this one")
            .help(format!(
                "add `{of_id}` to the `needs` of `{id}`, or name one that comes before"
            )),
    )
}
