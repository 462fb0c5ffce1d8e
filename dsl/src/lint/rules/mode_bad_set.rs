//! # A mode that sets a parameter to what it cannot be
//!
//! ## What it does
//! Finds entries in the `set` of a mode that name no parameter, or whose value is not of its type or none of its
//! choices.
//!
//! ## Why it is bad
//! A run in that mode could not start, or would use the value that the mode was meant to replace.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   param dir { default = "/srv/reports" }
//!   step report {
//!     exec    = ["./report.sh", "${{ params.dir }}"]
//!     effect  = none
//!     timeout = 5m
//!   }
//!   mode drill { set { dri = "./drill" } }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   param dir { default = "/srv/reports" }
//!   step report {
//!     exec    = ["./report.sh", "${{ params.dir }}"]
//!     effect  = none
//!     timeout = 5m
//!   }
//!   mode drill { set { dir = "./drill" } }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::node::Scalar;
use crate::runbook::{Param, Spanned};

/// The code of this rule.
pub const CODE: &str = "mode::bad-set";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for mode in &context.runbook.modes {
        for (name, value) in &mode.set {
            match (context.params.get(name.value.as_str()), value) {
                (None, _) => found.push(unknown(context, name)),
                (Some(param), Some(value)) => found.extend(wrong(param, value)),
                (Some(_), None) => {}
            }
        }
    }
}

fn unknown(context: &Context<'_>, name: &Spanned<String>) -> Diagnostic {
    let message = format!("there is no parameter `{}`", shorten(&name.value));
    let diagnostic = Diagnostic::error(CODE, name.span, message, "not known");
    let known = context.params.keys().copied();
    match context.suggest(&name.value, known.clone()) {
        Some(meant) => diagnostic
            .help(format!("did you mean `{meant}`?"))
            .fix(context.rename(name, known)),
        None => diagnostic,
    }
}

fn wrong(param: &Param, value: &Scalar) -> Option<Diagnostic> {
    let kind = param.kind?;
    let (text, name) = (shorten(&value.text), &param.name.value);
    if kind.read(&value.text).is_none() {
        let takes = kind.describe();
        let message = format!("`{text}` cannot be the parameter `{name}`: it takes {takes}");
        let diagnostic = Diagnostic::error(CODE, value.span, message, format!("takes {takes}"));
        return Some(diagnostic.label(param.name.span, "of this parameter"));
    }
    if param.accepts(&value.text) {
        return None;
    }
    let choices: Vec<_> = param
        .choices
        .iter()
        .flatten()
        .map(|choice| format!("`{}`", shorten(&choice.text)))
        .collect();
    let message = format!("`{text}` is none of the choices of the parameter `{name}`");
    Some(
        Diagnostic::error(CODE, value.span, message, "not among the choices")
            .help(format!("the choices are {}", choices.join(", "))),
    )
}
