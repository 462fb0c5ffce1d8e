//! # A mode whose clock has no end
//!
//! ## What it does
//! Finds modes that leave out the step at which the clock of `targets` starts or stops, and name no other one that
//! they keep in an `rto` of their own.
//!
//! ## Why it is bad
//! In that mode the clock would never start, or never stop: a drill that measures nothing.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   targets { rto { within = 10m, from = "fetch", to = "publish" } }
//!   step fetch   { run = "./fetch.sh",   effect = none }
//!   step report  { run = "./report.sh",  effect = none }
//!   step publish { run = "./publish.sh", irreversible = "people have read it" }
//!   mode drill   { only = ["fetch", "report"] }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   targets { rto { within = 10m, from = "fetch", to = "publish" } }
//!   step fetch   { run = "./fetch.sh",   effect = none }
//!   step report  { run = "./report.sh",  effect = none }
//!   step publish { run = "./publish.sh", irreversible = "people have read it" }
//!   mode drill   { only = ["fetch", "report"], rto { to = "report" } }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Mode, Spanned};
use crate::source::Syntax;

/// The code of this rule.
pub const CODE: &str = "mode::clock-end";

/// An end of a clock.
type End<'a> = Option<&'a Spanned<String>>;

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let targets = context.runbook.targets.as_ref();
    let shared = targets.and_then(|targets| targets.rto.as_ref());
    for mode in &context.runbook.modes {
        let own = mode.rto.as_ref();
        let from = own.and_then(|rto| rto.from.as_ref());
        let to = own.and_then(|rto| rto.to.as_ref());
        let shared_from = shared.and_then(|rto| rto.from.as_ref());
        let shared_to = shared.and_then(|rto| rto.to.as_ref());
        found.extend(end(context, mode, ("from", "starts"), from, shared_from));
        found.extend(end(context, mode, ("to", "stops"), to, shared_to));
    }
}

/// What is wrong with one end of a mode's clock.
fn end(
    context: &Context<'_>,
    mode: &Mode,
    (key, verb): (&str, &str),
    own: End<'_>,
    shared: End<'_>,
) -> Option<Diagnostic> {
    let only = mode.only.as_ref()?;
    let name = own.or(shared)?;
    let is_kept = only.iter().any(|kept| kept.value == name.value);
    // A name that no node has is reported as that.
    if is_kept || context.find(&name.value).is_none() {
        return None;
    }
    let message = format!(
        "in the mode `{}` the clock {verb} at `{}`, which the mode leaves out",
        mode.id.value, name.value
    );
    let help = match context.runbook.syntax {
        Syntax::Runbook => format!("name one that it keeps: rto {{ {key} = \"…\" }}"),
        Syntax::Yaml => format!("name one that it keeps: rto: {{{key}: …}}"),
    };
    let diagnostic = match own {
        Some(own) => Diagnostic::error(CODE, own.span, message, "left out"),
        None => Diagnostic::error(CODE, mode.id.span, message, "this mode")
            .label(name.span, format!("the clock {verb} here")),
    };
    Some(diagnostic.help(help))
}
