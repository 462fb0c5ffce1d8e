//! # Verified behind the point of no return
//!
//! ## What it does
//! Finds steps that nothing takes back (`irreversible`) with a gate behind them that checks something, and neither a
//! gate nor a check before them.
//!
//! ## Why it is bad
//! The check finds that something is wrong when there is no way back: customers write to it already.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step open {
//!     run          = "./open-the-site.sh"
//!     irreversible = "customers write to it from here on"
//!   }
//!   gate coherent {
//!     run     = "./verify.sh"
//!     on_fail = [stop]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   gate coherent {
//!     run     = "./verify.sh"
//!     on_fail = [stop]
//!   }
//!   step open {
//!     run          = "./open-the-site.sh"
//!     irreversible = "customers write to it from here on"
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::ladder::{Leaves, leaves};
use crate::runbook::{Action, Node};
use piton_core::plan::NodeKind;

/// The code of this rule.
pub const CODE: &str = "safety::verified-too-late";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    // An error may be the reason: a way back over such a step has a rule of its own.
    if context.has_errors {
        return;
    }
    let nodes = &context.runbook.nodes;
    let before = verified_before(context);
    // Where there are very many, the first ones tell enough.
    let late: Vec<usize> = (0..nodes.len())
        .filter(|index| {
            let sure = context.graph.ordered.get(*index) == Some(&true)
                && context.graph.doubtful.get(*index) == Some(&false);
            let lasting = nodes
                .get(*index)
                .is_some_and(|node| !node.finally && leaves(node) == Leaves::Irreversible);
            sure && lasting && before.get(*index) == Some(&false)
        })
        .take(64)
        .collect();
    let reached = context.graph.reached_from(late.iter().copied());
    for (bit, index) in late.iter().enumerate() {
        let behind = nodes.iter().enumerate().find(|(at, node)| {
            node.kind == NodeKind::Gate
                && verifies(node)
                && reached.get(*at).is_some_and(|bits| bits >> bit & 1 == 1)
        });
        if let (Some(node), Some((_, gate))) = (nodes.get(*index), behind) {
            let place = node.key("irreversible").unwrap_or(node.id.span);
            found.push(
                Diagnostic::warning(
                    CODE,
                    place,
                    format!(
                        "nothing is verified before `{}`, which nothing takes back",
                        node.id.value
                    ),
                    "no way back from here",
                )
                .label(gate.id.span, "too late")
                .help(format!(
                    "put a gate before it that verifies what can be, such as `{}`",
                    gate.id.value
                )),
            );
        }
    }
}

/// Whether a node looks by itself whether all is well.
fn verifies(node: &Node) -> bool {
    let looks = |action: Option<&Action>| match action {
        Some(
            Action::Run { .. }
            | Action::Exec { .. }
            | Action::Sql(_)
            | Action::Http(_)
            | Action::Checks(_),
        ) => true,
        Some(
            Action::Approve(_)
            | Action::Manual(_)
            | Action::Notify(_)
            | Action::Wait(_)
            | Action::Call(_),
        )
        | None => false,
    };
    looks(node.action())
}

/// Whether a node stops for a check or a person. What it calls may do so too.
fn stops(node: &Node) -> bool {
    let checks = matches!(node.action(), Some(Action::Checks(_) | Action::Call(_)));
    node.kind == NodeKind::Gate || node.target.is_some() || checks
}

/// For each node, whether anything before it looks whether all is well, or it does so itself first.
fn verified_before(context: &Context<'_>) -> Vec<bool> {
    let nodes = &context.runbook.nodes;
    let before = context
        .graph
        .any_before(|node| nodes.get(node).is_some_and(stops));
    let own = nodes.iter().map(|node| node.target.is_some());
    before
        .into_iter()
        .zip(own)
        .map(|(before, own)| before || own)
        .collect()
}
