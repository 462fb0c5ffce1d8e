//! # A parameter that the called runbook does not have
//!
//! ## What it does
//! Finds values in the `with` of a call for which the called runbook has no parameter.
//!
//! ## Why it is bad
//! The value would go nowhere: the called runbook would do its work with a default instead.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step report {
//!     call { runbook = "report.runbook", with { day = 14 } }
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step report {
//!     call { runbook = "report.runbook", with { days = 14 } }
//!   }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Call, Runbook};

/// The code of this rule.
pub const CODE: &str = "call::unknown-param";

/// Every call whose runbook was read.
pub(super) fn calls<'a>(context: &'a Context<'_>) -> impl Iterator<Item = (&'a Call, &'a Runbook)> {
    let calls = context.runbook.nodes.iter().filter_map(|node| node.call());
    calls.filter_map(|call| Some((call, context.runbook.called_by(call)?)))
}

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for (call, called) in calls(context) {
        let names = || called.params.iter().map(|param| param.name.value.as_str());
        for (name, _) in &call.with {
            if names().any(|known| known == name.value) {
                continue;
            }
            let message = format!(
                "the runbook `{}` has no parameter `{}`",
                called.name.value,
                shorten(&name.value)
            );
            let help = match context.suggest(&name.value, names()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None if called.params.is_empty() => "it has no parameters".to_owned(),
                None => {
                    let names: Vec<_> = names().map(|name| format!("`{name}`")).collect();
                    format!("it has {}", names.join(", "))
                }
            };
            let is_given = |known: &str| call.with.iter().any(|(it, _)| it.value == known);
            let free = names().filter(|known| !is_given(known));
            let fix = context.rename(name, free.collect::<Vec<_>>().into_iter());
            let diagnostic = Diagnostic::error(CODE, name.span, message, "not known");
            found.push(diagnostic.help(help).fix(fix));
        }
    }
}
