//! # A rewind over what cannot be taken back
//!
//! ## What it does
//! Finds `rewind` over a step that is `irreversible`, or that does not say what it leaves behind: the step depends
//! on the one that is gone back to, and may have been done when the rewind is taken.
//!
//! ## Why it is bad
//! A rewind is meant to go by itself. With such a step in the way it stops and asks a person at each failure, and
//! what was done stays done while the steps around it are undone and done again.
//!
//! ## Example
//! ```runbook
//! runbook release {
//!   timeout = 5m
//!   step fetch    { run = "./fetch.sh", effect = none }
//!   step announce { run = "./announce.sh", irreversible = "people have read it" }
//!   gate whole {
//!     run     = "./whole.sh"
//!     on_fail = [rewind("fetch", times = 2), stop]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook release {
//!   timeout = 5m
//!   step fetch { run = "./fetch.sh", effect = none }
//!   gate whole {
//!     run     = "./whole.sh"
//!     on_fail = [rewind("fetch", times = 2), stop]
//!   }
//!   step announce { run = "./announce.sh", irreversible = "people have read it" }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::ladder::{Leaves, Rewind, leaves};
use crate::source::Span;
use std::collections::BTreeSet;

/// The code of this rule.
pub const CODE: &str = "rewind::irreversible";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let lasting: Vec<usize> = (0..context.runbook.nodes.len())
        .filter(|node| {
            let node = context.runbook.nodes.get(*node);
            node.is_some_and(|node| !node.finally && leaves(node) != Leaves::Nothing)
        })
        .collect();
    if lasting.is_empty() {
        return;
    }
    let mut reported: BTreeSet<Span> = BTreeSet::new();
    for rewinds in context.rewinds().chunks(64) {
        let to: Vec<_> = rewinds.iter().map(|rewind| rewind.to).collect();
        let failing: Vec<_> = rewinds.iter().map(|rewind| rewind.failing).collect();
        let behind_to = context.graph.reached_from(to.into_iter());
        let behind_failing = context.graph.reached_from(failing.into_iter());
        for node in &lasting {
            let bits = |sets: &[u64]| sets.get(*node).copied().unwrap_or(0);
            for (bit, rewind) in rewinds.iter().enumerate() {
                let has = |sets: &[u64]| bits(sets) & (1 << bit) != 0;
                let undone = has(&behind_to) || rewind.to == *node;
                // What waits for the one that fails has not been done, unless that is a gate whose evidence got old.
                let done = !has(&behind_failing) || is_checked_again(context, rewind.failing);
                // A rewind that goes nowhere is reported as that.
                let goes_back = rewind.to == rewind.failing
                    || behind_to
                        .get(rewind.failing)
                        .is_some_and(|bits| bits & (1 << bit) != 0);
                if undone && done && goes_back && reported.insert(rewind.span) {
                    found.extend(report(context, rewind, *node));
                }
            }
        }
    }
}

/// Whether a node may fail when some that wait for it are done already: a gate that more than one waits for, and that
/// is checked again before each.
fn is_checked_again(context: &Context<'_>, node: usize) -> bool {
    let said = |node: &crate::runbook::Node| node.valid_for.is_some();
    context.runbook.nodes.get(node).is_some_and(said)
        && context
            .graph
            .dependents
            .get(node)
            .is_some_and(|count| *count > 1)
}

fn report(context: &Context<'_>, rewind: &Rewind, lasting: usize) -> Option<Diagnostic> {
    let nodes = &context.runbook.nodes;
    let (to, step) = (nodes.get(rewind.to)?, nodes.get(lasting)?);
    let (to, id) = (&to.id.value, &step.id.value);
    let says = leaves(step) == Leaves::Irreversible;
    let message = if says {
        format!("going back to `{to}` cannot take back step `{id}`, which is irreversible")
    } else {
        format!(
            "going back to `{to}` may not be able to take back step `{id}`, which does not say what it leaves behind"
        )
    };
    let help = if !says {
        format!("say with `undo` how `{id}` is taken back, or with `effect` that it need not be")
    } else if lasting == rewind.failing {
        "let people decide what is to be done, with `escalate`, or `stop`".to_owned()
    } else {
        format!("go back to one after `{id}`, or let `{id}` wait until this has passed")
    };
    let label = if says { "irreversible" } else { "says nothing" };
    Some(
        Diagnostic::error(CODE, rewind.span, message, "goes back over it")
            .label(step.id.span, label)
            .help(help),
    )
}
