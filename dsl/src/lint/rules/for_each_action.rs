//! # Something that is done once, for each of many
//!
//! ## What it does
//! Finds `for_each` on a gate, and on a step that waits: `approve`, `manual`, `wait`. Also `for_each_key` without
//! `for_each`.
//!
//! ## Why it is bad
//! The items are done one after another, and those that are done are not done again. A gate passes as a whole or not
//! at all; use `checks`, or let the script look at all of them. A wait once for each item asks the same question
//! many times.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   gate whole {
//!     for_each = "['eu', 'us']"
//!     exec     = ["./whole.sh", "${{ item }}"]
//!     on_fail  = [stop]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   gate whole {
//!     checks {
//!       check "eu" { exec = ["./whole.sh", "eu"] }
//!       check "us" { exec = ["./whole.sh", "us"] }
//!     }
//!     on_fail = [stop]
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Node;
use piton_core::plan::NodeKind;

/// The code of this rule.
pub const CODE: &str = "step::for-each";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in &context.runbook.nodes {
        match (node.key("for_each"), node.key("for_each_key")) {
            (None, Some(key)) => found.push(
                Diagnostic::error(
                    CODE,
                    key,
                    format!(
                        "{} `{}` has keys for items, and no items",
                        node.keyword(),
                        node.id.value
                    ),
                    "no `for_each`",
                )
                .help("write the items as `for_each` beside it, or take it out"),
            ),
            (Some(key), _) => {
                if let Some((why, help)) = why_not(node) {
                    let message = format!(
                        "{} `{}` cannot be done for each of a list: {why}",
                        node.keyword(),
                        node.id.value
                    );
                    found.push(Diagnostic::error(CODE, key, message, "not here").help(help));
                }
            }
            (None, None) => {}
        }
    }
}

/// Why a node cannot be done for each item, and what to do.
fn why_not(node: &Node) -> Option<(&'static str, &'static str)> {
    if node.kind == NodeKind::Gate {
        return Some((
            "a gate passes as a whole or not at all",
            "look at all of them in one script, or write `checks`",
        ));
    }
    let waits = |keyword: &str| matches!(keyword, "approve" | "manual" | "wait");
    let mut actions = node.actions.iter();
    actions.any(|action| waits(action.keyword)).then_some((
        "it waits, and once is enough",
        "let this step wait once, and do what follows for each item in a step of its own",
    ))
}
