//! # An expression that cannot be read
//!
//! ## What it does
//! Reads every expression: in `when`, `expect` and `outputs`, and in each `${{ }}` of a text.
//!
//! ## Why it is bad
//! It has no meaning, so the runbook is refused before it runs.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   param region { default = "eu" }
//!   step report {
//!     when    = "params.region == "
//!     run     = "./report.sh"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   param region { default = "eu" }
//!   step report {
//!     when    = "params.region == 'eu'"
//!     run     = "./report.sh"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::node::Scalar;
use piton_core::expr::ExprError;

/// The code of this rule.
pub const CODE: &str = "expression::invalid";

/// What is wrong with the syntax of a template.
pub(crate) fn report(scalar: &Scalar, error: &ExprError) -> Diagnostic {
    with_help(
        Diagnostic::error(
            CODE,
            scalar.source_span(error.span.clone()),
            &error.message,
            "here",
        ),
        error,
    )
}

/// What is wrong with the syntax of an expression that stands by itself.
pub(crate) fn in_expression(scalar: &Scalar, error: &ExprError) -> Diagnostic {
    let inner = scalar
        .text
        .trim()
        .strip_prefix("${{")
        .and_then(|text| text.strip_suffix("}}"));
    match inner {
        Some(inner) => Diagnostic::error(
            CODE,
            scalar.span,
            "an expression stands here by itself, without `${{ }}`",
            "not a text with expressions in it",
        )
        .help(format!("write `{}`", shorten(inner.trim()))),
        None => report(scalar, error),
    }
}

fn with_help(diagnostic: Diagnostic, error: &ExprError) -> Diagnostic {
    match &error.help {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}
