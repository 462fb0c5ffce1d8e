//! # A step or gate that there is not
//!
//! ## What it does
//! Finds names of steps and gates, in `needs` and in expressions, that the runbook does not have.
//!
//! ## Why it is bad
//! Nobody can tell what has to come first, or whose output is meant.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step fetch  { run = "./fetch.sh",  effect = none }
//!   step report { run = "./report.sh", effect = none, needs = ["fetsh"] }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step fetch  { run = "./fetch.sh",  effect = none }
//!   step report { run = "./report.sh", effect = none, needs = ["fetch"] }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;

/// The code of this rule.
pub const CODE: &str = "names::unknown-node";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    super::report_unknown(CODE, context, found);
    let names = context
        .runbook
        .nodes
        .iter()
        .flat_map(|node| node.needs.iter().flatten());
    for name in names.filter(|name| context.find(&name.value).is_none()) {
        let mut diagnostic = Diagnostic::error(
            CODE,
            name.span,
            format!("there is no step or gate `{}`", shorten(&name.value)),
            "not known",
        );
        let known = context
            .runbook
            .nodes
            .iter()
            .map(|node| node.id.value.as_str());
        if let Some(meant) = context.suggest(&name.value, known) {
            diagnostic = diagnostic.help(format!("did you mean `{meant}`?"));
        }
        found.push(diagnostic);
    }
}
