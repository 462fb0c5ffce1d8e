//! # A name that is used twice
//!
//! ## What it does
//! Finds steps and gates with the same name, and checks of one gate with the same name.
//!
//! ## Why it is bad
//! `needs`, expressions, logs and approvals name steps; they have to mean exactly one.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step report { run = "./report.sh",  effect = none }
//!   step report { run = "./publish.sh", effect = none }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step report  { run = "./report.sh",  effect = none }
//!   step publish { run = "./publish.sh", effect = none }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Spanned;
use crate::source::Span;

/// The code of this rule.
pub const CODE: &str = "names::duplicate";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for (index, node) in context.runbook.nodes.iter().enumerate() {
        let Some(first) = context.find(&node.id.value) else {
            continue;
        };
        if first != index
            && let Some(earlier) = context.runbook.nodes.get(first)
        {
            let what = if earlier.kind == node.kind {
                earlier.keyword()
            } else {
                "step or gate"
            };
            found.push(report(what, &node.id, earlier.id.span));
        }
    }
}

/// A check of the same name as an earlier one.
pub(crate) fn check(name: &Spanned<String>, first: Span) -> Diagnostic {
    report("check", name, first)
}

fn report(what: &str, name: &Spanned<String>, first: Span) -> Diagnostic {
    Diagnostic::error(
        CODE,
        name.span,
        format!("there are two {what}s called `{}`", shorten(&name.value))
            .replace("step or gates", "nodes"),
        "the second one",
    )
    .label(first, "the first one")
    .help("give one of them another name")
}
