//! # A rewind that does not go back
//!
//! ## What it does
//! Finds `rewind` in an `on_fail` that names a step or gate which does not come before the one that fails. One may
//! rewind to itself.
//!
//! ## Why it is bad
//! A rewind undoes the step it names and all that depends on it, and does them again. When the one that failed is
//! not among them, it is not done again, and its failure stands.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step fetch { run = "./fetch.sh", effect = none }
//!   gate whole {
//!     run     = "./whole.sh"
//!     on_fail = [rewind("publish"), stop]
//!   }
//!   step publish { run = "./publish.sh", undo { run = "./withdraw.sh" } }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step fetch { run = "./fetch.sh", effect = none }
//!   gate whole {
//!     run     = "./whole.sh"
//!     on_fail = [rewind("fetch"), stop]
//!   }
//!   step publish { run = "./publish.sh", undo { run = "./withdraw.sh" } }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::ladder::Rewind;
use crate::source::Span;
use std::collections::BTreeSet;

/// The code of this rule.
pub const CODE: &str = "rewind::not-before";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let flag = |flags: &[bool], node: usize| flags.get(node) == Some(&true);
    let rewinds: Vec<_> = context
        .rewinds()
        .into_iter()
        .filter(|rewind| {
            // Behind a cycle there is no before and after; and what a name in `needs` was meant to be may be just
            // the node that is named here.
            rewind.to != rewind.failing
                && flag(&context.graph.ordered, rewind.to)
                && flag(&context.graph.ordered, rewind.failing)
                && !flag(&context.graph.doubtful, rewind.failing)
        })
        .collect();
    let pairs: Vec<_> = rewinds.iter().map(|it| (it.to, it.failing)).collect();
    let before = context.graph.settled_before(&pairs);
    let mut reported: BTreeSet<Span> = BTreeSet::new();
    for (rewind, before) in rewinds.iter().zip(before) {
        // One of the runbook's own `on_fail` is reported for the first node that cannot take it.
        if !before && reported.insert(rewind.span) {
            found.extend(report(context, rewind));
        }
    }
}

fn report(context: &Context<'_>, rewind: &Rewind) -> Option<Diagnostic> {
    let nodes = &context.runbook.nodes;
    let (to, failing) = (nodes.get(rewind.to)?, nodes.get(rewind.failing)?);
    let message = format!(
        "{} `{}` cannot go back to `{}`, which does not come before it",
        failing.keyword(),
        failing.id.value,
        to.id.value
    );
    let help = if to.finally {
        format!(
            "`{}` runs when the run is over; go back to one that comes before",
            to.id.value
        )
    } else {
        format!(
            "go back to one that `{0}` waits for, or to `{0}` itself",
            failing.id.value
        )
    };
    let mut diagnostic = Diagnostic::error(CODE, rewind.span, message, "not before it")
        .label(to.id.span, "this one");
    if failing.on_fail.is_none() {
        diagnostic = diagnostic.label(failing.id.span, "has no `on_fail` of its own");
    }
    Some(diagnostic.help(help))
}
