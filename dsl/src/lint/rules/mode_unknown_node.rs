//! # A mode that names a step that there is not
//!
//! ## What it does
//! Finds names in the `only` and the `rto` of a mode that no step or gate has.
//!
//! ## Why it is bad
//! The mode would leave out what it was meant to keep.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step fetch  { run = "./fetch.sh",  effect = none }
//!   step report { run = "./report.sh", effect = none }
//!   mode short  { only = ["reprot"] }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step fetch  { run = "./fetch.sh",  effect = none }
//!   step report { run = "./report.sh", effect = none }
//!   mode short  { only = ["report"] }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Spanned;

/// The code of this rule.
pub const CODE: &str = "mode::unknown-node";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for mode in &context.runbook.modes {
        let clock = mode
            .rto
            .iter()
            .flat_map(|rto| rto.from.iter().chain(&rto.to));
        for name in mode.only.iter().flatten().chain(clock) {
            found.extend(unknown(CODE, context, name));
        }
    }
}

/// The report of a name that no step or gate has.
pub(super) fn unknown(
    code: &'static str,
    context: &Context<'_>,
    name: &Spanned<String>,
) -> Option<Diagnostic> {
    if context.find(&name.value).is_some() {
        return None;
    }
    let message = format!("there is no step or gate `{}`", shorten(&name.value));
    let diagnostic = Diagnostic::error(code, name.span, message, "not known");
    let nodes = context.runbook.nodes.iter();
    let known = nodes.map(|node| node.id.value.as_str());
    Some(match context.suggest(&name.value, known.clone()) {
        Some(meant) => diagnostic
            .help(format!("did you mean `{meant}`?"))
            .fix(context.rename(name, known)),
        None => diagnostic,
    })
}
