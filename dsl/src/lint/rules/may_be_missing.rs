//! # An output that may not be there
//!
//! ## What it does
//! Finds expressions that use an output of a step which may have been skipped (it has `when`, or `continue` in its
//! `on_fail`), or, in one with `finally = true`, of any step that may not have been reached, without asking first:
//! with `has(…)`, or by the step's `status`.
//!
//! ## Why it is bad
//! A step that was skipped has no outputs. What uses them fails, on just the days on which things are not as usual.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   param full { type = bool, default = false }
//!   step count {
//!     when    = "params.full"
//!     run     = "./count.sh"
//!     outputs { rows = "stdout" }
//!     effect  = none
//!   }
//!   step report {
//!     exec   = ["./report.sh", "${{ steps.count.outputs.rows }}"]
//!     effect = none
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   param full { type = bool, default = false }
//!   step count {
//!     when    = "params.full"
//!     run     = "./count.sh"
//!     outputs { rows = "stdout" }
//!     effect  = none
//!   }
//!   step report {
//!     exec   = ["./report.sh", "${{ has(steps.count.outputs.rows) ? steps.count.outputs.rows : 'unknown' }}"]
//!     effect = none
//!   }
//! }
//! ```

use super::undo_missing_output::{asks_first, may_be_skipped, skipped_together};
use crate::diagnostic::Diagnostic;
use crate::lint::scope::Resolution;
use crate::lint::{Context, Reference};

/// The code of this rule.
pub const CODE: &str = "names::may-be-missing";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for reference in &context.references {
        found.extend(look(context, reference));
    }
}

/// Reports an output that may not be there. Those of an undo are reported by a rule of their own.
fn look(context: &Context<'_>, reference: &Reference) -> Option<Diagnostic> {
    let Resolution::Output { node: of, .. } = reference.resolution else {
        return None;
    };
    let site = context.sites.get(reference.site)?;
    let own = site.node?;
    let (used, user) = (
        context.runbook.nodes.get(of)?,
        context.runbook.nodes.get(own)?,
    );
    if site.names.undo || own == of || asks_first(context, site.expression, of) {
        return None;
    }
    let unreached = user.finally && !used.finally;
    let skipped = may_be_skipped(context, used).filter(|_| !skipped_together(user, used));
    let (why, at, label) = match skipped {
        Some(at) => ("which may be skipped", at, "may be skipped"),
        None if unreached => (
            "which a run may end without",
            used.id.span,
            "may not be reached",
        ),
        None => return None,
    };
    let path = reference.reference.path.join(".");
    let message = format!(
        "{} `{}` uses an output of `{}`, {why}",
        user.keyword(),
        user.id.value,
        used.id.value
    );
    let span = site.span(&reference.reference.span);
    Some(
        Diagnostic::warning(CODE, span, message, "may not be there")
            .label(at, label)
            .help(format!(
                "ask first: `has({path}) ? {path} : 'something else'`"
            )),
    )
}
