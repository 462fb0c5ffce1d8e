//! # An undo that uses an output which may not be there
//!
//! ## What it does
//! Finds an `undo` with `after = started` that uses outputs of its own step, and an `undo` that uses outputs of a
//! step which may have been skipped (it has `when`, or `continue` in its `on_fail`) without asking `has(…)` first.
//!
//! ## Why it is bad
//! Outputs are there when a step has succeeded, and `after = started` is for the case that it has not. The undo
//! would fail for want of a value, at the moment in which it is needed.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   step create {
//!     run = "./create-database.sh"
//!     outputs { name = "stdout" }
//!     undo {
//!       after = started
//!       exec  = ["./drop-database.sh", "${{ steps.create.outputs.name }}"]
//!     }
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   step create {
//!     exec = ["./create-database.sh", "restore_${{ run.id }}"]
//!     undo {
//!       after = started
//!       exec  = ["./drop-database.sh", "restore_${{ run.id }}"]
//!     }
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::sites::Site;
use crate::lint::{Context, Reference};
use crate::runbook::{Node, Response, Spanned};
use crate::source::Span;
use piton_core::expr::Expression;
use piton_core::plan::UndoAfter;

/// The code of this rule.
pub const CODE: &str = "undo::missing-output";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for reference in &context.references {
        let site = context.sites.get(reference.site);
        if let Some(site) = site.filter(|site| site.names.undo) {
            found.extend(look(context, site, reference));
        }
    }
}

/// Reports an output that may not be there.
fn look(context: &Context<'_>, site: &Site<'_>, reference: &Reference) -> Option<Diagnostic> {
    let [root, id, member, ..] = reference.reference.path.as_slice() else {
        return None;
    };
    let of = context.find(id)?;
    if root != "steps" || member != "outputs" || asks_first(context, site.expression, of) {
        return None;
    }
    let (own, used) = (site.node?, context.runbook.nodes.get(of)?);
    let user = context.runbook.nodes.get(own)?;
    let span = site.span(&reference.reference.span);
    if of != own {
        let when = may_be_skipped(context, used)?;
        let path = reference.reference.path.join(".");
        return (!skipped_together(user, used)).then(|| skipped(used, span, when, &path));
    }
    let after = |undo: &crate::runbook::Undo| undo.after == Some(UndoAfter::Started);
    user.undos().any(after).then(|| not_succeeded(user, span))
}

/// Whether an expression looks whether there is something before it uses it.
pub(super) fn asks_first(context: &Context<'_>, expression: &Expression, of: usize) -> bool {
    let mut references = expression.references().into_iter();
    let status = |path: &[String]| match path {
        [root, id, member, ..] => {
            root == "steps" && member == "status" && context.find(id) == Some(of)
        }
        _ => false,
    };
    expression.text().contains("has(") || references.any(|it| status(&it.path))
}

/// What says that a node may be passed over: its `when`, or a `continue` after its failure.
pub(super) fn may_be_skipped(context: &Context<'_>, node: &Node) -> Option<Span> {
    let responses = context.responses_of(node);
    let goes_on = |response: &&Spanned<Response>| response.value == Response::Continue;
    let passed_over = responses.iter().find(goes_on);
    node.key("when")
        .or_else(|| passed_over.map(|response| response.span))
}

/// Whether two nodes are skipped on the same condition.
pub(super) fn skipped_together(one: &Node, other: &Node) -> bool {
    let when = |node: &Node| node.when.as_ref().map(|it| it.value.text().to_owned());
    when(one).is_some() && when(one) == when(other)
}

fn not_succeeded(node: &Node, span: Span) -> Diagnostic {
    let message = format!(
        "this undo may run when step `{}` has not succeeded, and then it has no outputs",
        node.id.value
    );
    Diagnostic::error(CODE, span, message, "may not be there").help(
        "use what is known before the step starts: `params`, `run.id`, outputs of steps before it, or a `capture`",
    )
}

fn skipped(used: &Node, span: Span, when: Span, path: &str) -> Diagnostic {
    let message = format!(
        "this undo uses an output of {} `{}`, which may be skipped",
        used.keyword(),
        used.id.value
    );
    Diagnostic::error(CODE, span, message, "may not be there")
        .label(when, "may be skipped")
        .help(format!(
            "ask first: `has({path}) ? {path} : 'something else'`"
        ))
}
