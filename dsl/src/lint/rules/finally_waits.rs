//! # A wait for people at the end of a run
//!
//! ## What it does
//! Finds `approve`, `manual`, `confirm`, `interrupted = ask` and `on_fail = [escalate(…)]` in a step or gate with
//! `finally = true`.
//!
//! ## Why it is bad
//! These run when a run ends, however it ends, to leave things tidy. A run that waits for somebody there never ends:
//! it keeps its locks, and nobody expects a question from a run that is over.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step report { run = "./report.sh", effect = none }
//!   step tidy {
//!     finally = true
//!     manual { instructions = "Take the banner down" }
//!     effect = none
//!   }
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
//!     run     = "./take-banner-down.sh"
//!     effect  = none
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Interrupted, Node, Response};
use crate::source::Span;

/// The code of this rule.
pub const CODE: &str = "finally::waits-for-people";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in context.runbook.nodes.iter().filter(|node| node.finally) {
        for (what, span) in waits_of(node) {
            let message = format!(
                "{} `{}` runs when the run ends, and would wait for a person",
                node.keyword(),
                node.id.value
            );
            let mut diagnostic = Diagnostic::error(CODE, span, message, format!("`{what}` waits"));
            if let Some(finally) = node.key("finally") {
                diagnostic = diagnostic.label(finally, "runs when the run ends");
            }
            found.push(diagnostic.help(help(what)));
        }
    }
}

/// What a node waits for people with.
fn waits_of(node: &Node) -> Vec<(&'static str, Span)> {
    let actions = node.actions.iter();
    let asking = actions.filter(|it| matches!(it.keyword, "approve" | "manual"));
    let mut found: Vec<_> = asking.map(|it| (it.keyword, it.key)).collect();
    found.extend(node.key("confirm").map(|key| ("confirm", key)));
    if let Some(Interrupted::Ask) = node.interrupted {
        found.extend(node.key("interrupted").map(|key| ("interrupted", key)));
    }
    for response in node.on_fail.iter().flatten() {
        if let Response::Escalate { .. } = response.value {
            found.push(("escalate", response.span));
        }
    }
    found
}

fn help(what: &str) -> &'static str {
    match what {
        "approve" | "manual" => {
            "let it stand before the end, without `finally`; or only tell people, with `notify`"
        }
        "confirm" => "take it out; what has to be confirmed is no tidying up",
        "interrupted" => {
            "`fail` marks the run `cleanup failed`; `rerun` if doing it twice is harmless"
        }
        _ => {
            "a failure here marks the run `cleanup failed`; let a step after it tell people, with `notify`"
        }
    }
}
