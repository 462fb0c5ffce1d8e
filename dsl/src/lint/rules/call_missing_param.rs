//! # A parameter that a call has to give
//!
//! ## What it does
//! Finds calls that leave out a parameter which has no default and is not optional.
//!
//! ## Why it is bad
//! The called runbook cannot run without it.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step restore {
//!     call { runbook = "restore.runbook" }
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step restore {
//!     call { runbook = "restore.runbook", with { backup = "latest" } }
//!   }
//! }
//! ```

use super::call_unknown_param::calls;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Param;
use crate::source::Syntax;

/// The code of this rule.
pub const CODE: &str = "call::missing-param";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for (call, called) in calls(context) {
        // A misspelt name may be the one that is missing, and is reported.
        let is_unknown = |name: &str| called.params.iter().all(|param| param.name.value != name);
        if call.with.iter().any(|(name, _)| is_unknown(&name.value)) {
            continue;
        }
        for param in &called.params {
            let name = &param.name.value;
            let is_given = call.with.iter().any(|(given, _)| given.value == *name);
            if is_given || param.optional || param.default.is_some() {
                continue;
            }
            let message = format!(
                "the runbook `{}` needs its parameter `{name}`{}",
                called.name.value,
                about(param)
            );
            let span = call
                .runbook
                .as_ref()
                .map_or(call.span, |path| path.source.span);
            let help = match context.runbook.syntax {
                Syntax::Runbook => format!("write with {{ {name} = … }} behind it"),
                Syntax::Yaml => format!("write with: {{{name}: …}} below it"),
            };
            found.push(
                Diagnostic::error(CODE, span, message, format!("`{name}` is not given")).help(help),
            );
        }
    }
}

/// What a parameter is for and takes, in brackets.
fn about(param: &Param) -> String {
    let kind = param.kind.map(|kind| kind.describe().to_owned());
    let parts: Vec<_> = param.help.clone().into_iter().chain(kind).collect();
    if parts.is_empty() {
        String::new()
    } else {
        format!(" ({})", parts.join(": "))
    }
}
