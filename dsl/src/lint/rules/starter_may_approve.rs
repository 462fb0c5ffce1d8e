//! # An approval that whoever starts the run may give
//!
//! ## What it does
//! Finds `approve` before an irreversible step, when one person alone can start the run and approve it: there is
//! neither `not_starter = true` nor a `count` of two or more, at this or another approval on the way.
//!
//! ## Why it is bad
//! The approval is there so that a second pair of eyes sees what cannot be taken back. Otherwise it is only one more
//! key to press.
//!
//! ## Example
//! ```runbook
//! runbook failover {
//!   timeout = 5m
//!   gate go {
//!     approve { by = ["on-call-lead", "cto"], expires = 30m }
//!     on_fail = [stop]
//!   }
//!   step promote { run = "./promote.sh", irreversible = "the old primary cannot come back" }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook failover {
//!   timeout = 5m
//!   gate go {
//!     approve { by = ["on-call-lead", "cto"], expires = 30m, not_starter = true }
//!     on_fail = [stop]
//!   }
//!   step promote { run = "./promote.sh", irreversible = "the old primary cannot come back" }
//! }
//! ```

use super::wrong_type::example;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::ladder::{Leaves, leaves};
use crate::runbook::{Action, Approve, Node};
use crate::schema::NOT_STARTER;

/// The code of this rule.
pub const CODE: &str = "people::starter-may-approve";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let nodes = &context.runbook.nodes;
    let by_one: Vec<usize> = (0..nodes.len())
        .filter(|index| {
            let approve = nodes.get(*index).and_then(approve_of);
            approve.is_some_and(|it| !takes_two(it))
        })
        .collect();
    let lasting: Vec<usize> = open(context);
    for gates in by_one.chunks(64) {
        let behind = context.graph.reached_from(gates.iter().copied());
        for (bit, gate) in gates.iter().enumerate() {
            let after = lasting.iter().find(|step| {
                let bits = behind.get(**step).copied().unwrap_or(0);
                bits & (1 << bit) != 0
            });
            if let Some(step) = after {
                found.extend(report(context, *gate, *step));
            }
        }
    }
}

fn approve_of(node: &Node) -> Option<&Approve> {
    match node.action()? {
        Action::Approve(approve) => Some(approve),
        _ => None,
    }
}

/// Whether somebody else than the one who starts the run has to approve.
fn takes_two(approve: &Approve) -> bool {
    approve.not_starter || approve.count > 1
}

/// Irreversible steps before which nobody else has to approve.
fn open(context: &Context<'_>) -> Vec<usize> {
    let nodes = &context.runbook.nodes;
    let mut covered = vec![false; nodes.len()];
    for node in &context.graph.order {
        let needs = context.graph.needs.get(*node);
        let before = needs.is_some_and(|needs| {
            let mut needs = needs.iter();
            needs.any(|need| covered.get(need.node) == Some(&true))
        });
        let approve = nodes.get(*node).and_then(approve_of);
        if let Some(flag) = covered.get_mut(*node) {
            *flag = before || approve.is_some_and(takes_two);
        }
    }
    let is_open = |index: &usize| {
        let lasting = nodes.get(*index).map(leaves) == Some(Leaves::Irreversible);
        lasting && covered.get(*index) == Some(&false)
    };
    (0..nodes.len()).filter(is_open).collect()
}

fn report(context: &Context<'_>, gate: usize, step: usize) -> Option<Diagnostic> {
    let nodes = &context.runbook.nodes;
    let (gate, step) = (nodes.get(gate)?, nodes.get(step)?);
    let message = format!(
        "whoever starts the run may approve {} `{}` too, before step `{}` that cannot be taken back",
        gate.keyword(),
        gate.id.value,
        step.id.value
    );
    let at = gate.key("approve").unwrap_or(gate.id.span);
    Some(
        Diagnostic::warning(CODE, at, message, "one person is enough")
            .label(step.id.span, "irreversible")
            .help(format!(
                "write {} in it, or let two people approve with `count`",
                example(&NOT_STARTER, context.runbook.syntax)
            )),
    )
}
