//! # A lock without a name
//!
//! ## What it does
//! Finds `lock` with an empty list, and `lock_timeout` without `lock`.
//!
//! ## Why it is bad
//! Nothing is locked, so another run may do the same at the same time.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   lock    = []
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   lock    = ["reports"]
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```

use super::wrong_type::example;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Sourced;
use crate::schema::LOCK;
use crate::source::Span;
use piton_core::expr::Template;

/// The code of this rule.
pub const CODE: &str = "lock::empty";

type Locks = Option<Vec<Option<Sourced<Template>>>>;

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let runbook = context.runbook;
    let key = |name: &str| runbook.keys.get(name).copied();
    let own = report(context, &runbook.lock, key("lock"), key("lock_timeout"));
    found.extend(own);
    for node in &runbook.nodes {
        let (lock, timeout) = (node.key("lock"), node.key("lock_timeout"));
        found.extend(report(context, &node.lock, lock, timeout));
    }
}

fn report(
    context: &Context<'_>,
    locks: &Locks,
    lock: Option<Span>,
    timeout: Option<Span>,
) -> Option<Diagnostic> {
    let (at, message, label) = match (lock, timeout) {
        (Some(at), _) if locks.as_ref().is_some_and(Vec::is_empty) => {
            (at, "this `lock` locks nothing", "no name")
        }
        (None, Some(at)) => (at, "`lock_timeout` without `lock`", "no `lock`"),
        _ => return None,
    };
    Some(Diagnostic::error(CODE, at, message, label).help(format!(
        "write {}, or take it out",
        example(&LOCK, context.runbook.syntax)
    )))
}
