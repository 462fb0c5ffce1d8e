//! # A call of a file that cannot be used
//!
//! ## What it does
//! Finds calls of runbooks that are not there, cannot be read, or have errors of their own. The path is relative to
//! the file that the call stands in.
//!
//! ## Why it is bad
//! A called runbook is a part of the plan: without it there is nothing to run.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step report {
//!     call { runbook = "reprot.runbook" }
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step report {
//!     call { runbook = "report.runbook" }
//!   }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::loader::LoadError;
use crate::runbook::Sourced;

/// The code of this rule.
pub const CODE: &str = "call::unreadable";

/// A file that did not come in.
pub(crate) fn missing(path: &Sourced<String>, error: &LoadError) -> Diagnostic {
    let diagnostic = Diagnostic::error(CODE, path.source.span, error.to_string(), "this file");
    match error {
        LoadError::Missing(_) => {
            diagnostic.help("the path is relative to the file that the call stands in")
        }
        LoadError::Unreadable { .. } => diagnostic,
    }
}

/// A file with errors.
pub(crate) fn broken(path: &Sourced<String>, name: &str, errors: usize) -> Diagnostic {
    let errors = match errors {
        1 => "an error".to_owned(),
        errors => format!("{errors} errors"),
    };
    let message = format!("{} has {errors}", shorten(name));
    Diagnostic::error(CODE, path.source.span, message, "this file").help(format!(
        "`piton check {}` shows what is wrong with it",
        shorten(name)
    ))
}
