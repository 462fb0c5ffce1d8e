//! # Half of a limit on how soon a step follows
//!
//! ## What it does
//! Finds `within` without `of`, and `of` without `within`.
//!
//! ## Why it is bad
//! `within = 10s, of = "fence"` says how soon a step has to start after another one is done. One half says nothing.
//!
//! ## Example
//! ```runbook
//! runbook failover {
//!   timeout = 5m
//!   step fence   { run = "./fence.sh", undo { run = "./unfence.sh" } }
//!   step promote { run = "./promote.sh", undo { run = "./demote.sh" }, within = 10s }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook failover {
//!   timeout = 5m
//!   step fence   { run = "./fence.sh", undo { run = "./unfence.sh" } }
//!   step promote { run = "./promote.sh", undo { run = "./demote.sh" }, within = 10s, of = "fence" }
//! }
//! ```

use super::wrong_type::example;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::schema::{OF, WITHIN};

/// The code of this rule.
pub const CODE: &str = "time::within-of";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in &context.runbook.nodes {
        let (at, has, missing) = match (node.key("within"), node.key("of")) {
            (Some(within), None) => (within, "within", &OF),
            (None, Some(of)) => (of, "of", &WITHIN),
            _ => continue,
        };
        let message = format!(
            "{} `{}` has `{has}` without `{}`",
            node.keyword(),
            node.id.value,
            missing.name
        );
        let label = format!("no `{}`", missing.name);
        found.push(Diagnostic::error(CODE, at, message, label).help(format!(
            "write both, for example {} beside it",
            example(missing, context.runbook.syntax)
        )));
    }
}
