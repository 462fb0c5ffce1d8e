//! # A lock that the run holds already
//!
//! ## What it does
//! Finds steps and gates with a `lock` that the runbook has too, and a lock that is named twice.
//!
//! ## Why it is bad
//! The run holds its lock from its start to its end. The step would wait for a lock that its own run never gives
//! back.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   lock    = "primary"
//!   step report { run = "./report.sh", effect = none, lock = "primary" }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   lock    = "primary"
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Sourced;
use crate::source::Span;
use piton_core::expr::Template;
use std::collections::BTreeMap;

/// The code of this rule.
pub const CODE: &str = "lock::held-already";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let of_run = names(context.runbook.lock.as_deref());
    twice(&of_run, found);
    let held: BTreeMap<&str, Span> = of_run.into_iter().collect();
    for node in &context.runbook.nodes {
        let own = names(node.lock.as_deref());
        twice(&own, found);
        for (name, span) in own {
            let Some(at) = held.get(name) else { continue };
            let message = format!(
                "{} `{}` would wait for the lock `{}`, which its own run holds",
                node.keyword(),
                node.id.value,
                shorten(name)
            );
            found.push(
                Diagnostic::error(CODE, span, message, "waits for ever")
                    .label(*at, "held from the start of the run to its end")
                    .help("take one of them out: here if the whole run is to hold it, else there"),
            );
        }
    }
}

/// Locks by what they are written as: what is written the same is the same in one run.
fn names(locks: Option<&[Option<Sourced<Template>>]>) -> Vec<(&str, Span)> {
    let locks = locks.unwrap_or_default().iter().flatten();
    locks
        .map(|lock| (lock.value.text(), lock.source.span))
        .collect()
}

fn twice(locks: &[(&str, Span)], found: &mut Vec<Diagnostic>) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for (name, span) in locks {
        if let Some(first) = seen.get(name) {
            let message = format!("the lock `{}` is named twice", shorten(name));
            found.push(
                Diagnostic::error(CODE, *span, message, "the second one")
                    .label(*first, "the first one")
                    .help("take one of them out"),
            );
        } else {
            seen.insert(name, *span);
        }
    }
}
