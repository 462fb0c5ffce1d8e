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
use crate::lint::before::stops;
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
    let unverified = context.none_before(stops);
    // Where there are very many, the first ones tell enough.
    let late: Vec<usize> = (0..nodes.len())
        .filter(|index| {
            let lasting = |node: &Node| {
                !node.finally && node.target.is_none() && leaves(node) == Leaves::Irreversible
            };
            unverified.get(*index) == Some(&true) && nodes.get(*index).is_some_and(lasting)
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
