//! # A default that does not fit its parameter
//!
//! ## What it does
//! Finds defaults and choices that are not of the parameter's type, and defaults that are none of its choices.
//!
//! ## Why it is bad
//! A run that does not give the parameter could not start.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   param days { type = int, default = "a week" }
//!   step report {
//!     exec    = ["./report.sh", "${{ params.days }}"]
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   param days { type = int, default = 7 }
//!   step report {
//!     exec    = ["./report.sh", "${{ params.days }}"]
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::node::Scalar;
use crate::runbook::Param;

/// The code of this rule.
pub const CODE: &str = "params::bad-default";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for param in &context.runbook.params {
        let choices = param.choices.as_deref().unwrap_or_default();
        let before = found.len();
        for choice in choices {
            found.extend(wrong_type(param, "choice", choice));
        }
        let Some(default) = &param.default else {
            continue;
        };
        if let Some(report) = wrong_type(param, "default", default) {
            found.push(report);
        } else if before == found.len() && !param.accepts(&default.text) {
            let listed: Vec<_> = choices
                .iter()
                .map(|choice| format!("`{}`", shorten(&choice.text)))
                .collect();
            found.push(
                Diagnostic::error(
                    CODE,
                    default.span,
                    format!(
                        "the default of `{}` is none of its choices",
                        param.name.value
                    ),
                    "not among the choices",
                )
                .help(format!("the choices are {}", listed.join(", "))),
            );
        }
    }
}

fn wrong_type(param: &Param, what: &str, written: &Scalar) -> Option<Diagnostic> {
    let kind = param.kind?;
    if kind.read(&written.text).is_some() {
        return None;
    }
    let message = format!(
        "the {what} `{}` of `{}` is not {}",
        shorten(&written.text),
        param.name.value,
        kind.describe()
    );
    let diagnostic = Diagnostic::error(
        CODE,
        written.span,
        message,
        format!("takes {}", kind.describe()),
    );
    Some(diagnostic.label(param.name.span, "of this parameter"))
}
