//! # A step that fails half-way, and that nothing takes back then
//!
//! ## What it does
//! Finds steps whose own failure leads to a `rollback` or a `rewind`, and whose `undo` does not say whether it is
//! for a step that got only half-way.
//!
//! ## Why it is bad
//! An undo runs by itself only for a step that succeeded: one that drops a database must not fire because creating
//! it failed on one that was there. So the very step that failed is the one that is not undone, and a person is
//! asked about it before anything else is. Say `after = started` if the undo is right however far the step came,
//! `after = succeeded` if a person is to look, or `effect = …` in place of the undo if what is left does no harm.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   step stop-writes {
//!     run     = "./stop-writes.sh"
//!     undo    { run = "./start-writes.sh" }
//!     on_fail = [rollback]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   step stop-writes {
//!     run     = "./stop-writes.sh"
//!     undo    { run = "./start-writes.sh", after = started }
//!     on_fail = [rollback]
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Effect, Node, Response, Spanned};
use crate::source::{Span, Syntax};

/// The code of this rule.
pub const CODE: &str = "undo::half-done";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in context.runbook.nodes.iter().filter(|node| !node.finally) {
        let [(key, Effect::Undo(undo))] = node.effects.as_slice() else {
            continue;
        };
        // Whoever said it has thought of it.
        if undo.after.is_some() {
            continue;
        }
        let goes_back = |response: &&Spanned<Response>| {
            matches!(response.value, Response::Rollback | Response::Rewind { .. })
        };
        if let Some(response) = context.responses_of(node).iter().find(goes_back) {
            found.push(report(context.runbook.syntax, node, *key, response));
        }
    }
}

fn report(syntax: Syntax, node: &Node, undo: Span, response: &Spanned<Response>) -> Diagnostic {
    let message = format!(
        "when {} `{}` fails half-way, its `undo` does not run by itself",
        node.keyword(),
        node.id.value
    );
    let form = match syntax {
        Syntax::Runbook => "after = started",
        Syntax::Yaml => "after: started",
    };
    let other = match syntax {
        Syntax::Runbook => "after = succeeded",
        Syntax::Yaml => "after: succeeded",
    };
    Diagnostic::warning(CODE, undo, message, "only for a step that succeeded")
        .label(response.span, "goes back when it has failed")
        .help(format!(
            "write `{form}` in the `undo` if it is right however far the step came, `{other}` if a person is to look \
             first, or `effect` in its place if what is left does no harm"
        ))
}
