//! # A step that waits for one that runs at the end
//!
//! ## What it does
//! Finds `needs` that name a step or gate with `finally = true`, in one that is not itself `finally`; and the other
//! way round.
//!
//! ## Why it is bad
//! What is `finally` runs when everything else is over, so it can never come first, and need not wait for anything
//! else. (A step without `needs` follows the one above it that is not `finally`; a `finally` one follows the
//! `finally` one above it.)
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step tidy {
//!     finally = true
//!     run     = "./tidy.sh"
//!     effect  = none
//!   }
//!   step report { run = "./report.sh", effect = none, needs = ["tidy"] }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step report { run = "./report.sh", effect = none }
//!   step tidy {
//!     finally = true
//!     run     = "./tidy.sh"
//!     effect  = none
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Node, Spanned};

/// The code of this rule.
pub const CODE: &str = "finally::needed";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let nodes = &context.runbook.nodes;
    for node in nodes {
        for name in node.needs.iter().flatten() {
            let needed = context.find(&name.value).and_then(|index| nodes.get(index));
            if let Some(needed) = needed.filter(|needed| needed.finally != node.finally) {
                found.push(report(node, name, needed));
            }
        }
    }
}

fn report(node: &Node, name: &Spanned<String>, needed: &Node) -> Diagnostic {
    let (id, needed_id) = (&node.id.value, &needed.id.value);
    let (message, label, help, last) = if needed.finally {
        (
            format!(
                "{} `{id}` cannot wait for `{needed_id}`, which runs when the run ends",
                node.keyword()
            ),
            "not before the end",
            format!("take it out of `needs`, or make `{id}` `finally` too"),
            needed,
        )
    } else {
        (
            format!(
                "{} `{id}` runs when the run ends, and `{needed_id}` is over by then or never comes",
                node.keyword()
            ),
            "over by then",
            "take it out of `needs`: whatever has started is over by then".to_owned(),
            node,
        )
    };
    let mut diagnostic = Diagnostic::error(CODE, name.span, message, label);
    if let Some(finally) = last.key("finally") {
        diagnostic = diagnostic.label(finally, "runs when the run ends");
    }
    diagnostic.help(help)
}
