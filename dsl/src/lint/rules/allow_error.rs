//! # An error that is to be allowed
//!
//! ## What it does
//! Finds codes of errors in `# piton: allow(…)`. Only warnings and advice can be allowed, and none of those about
//! such comments themselves.
//!
//! ## Why it is bad
//! With an error the file cannot be understood, or the runbook cannot run; a comment does not change that, so the error
//! is reported all the same.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   # piton: allow(order::cycle) it ends some day
//!   step report {
//!     run    = "./report.sh"
//!     effect = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step report {
//!     run    = "./report.sh"
//!     effect = none
//!     timeout = 5m
//!   }
//! }
//! ```

use crate::allow::Code;
use crate::diagnostic::Diagnostic;

/// The code of this rule.
pub const CODE: &str = "allow::error";

pub(crate) fn report(code: &Code) -> Diagnostic {
    let message = format!("`{}` cannot be allowed", code.text);
    Diagnostic::warning(CODE, code.span, message, "not a warning").help(format!(
        "mend what it reports, and take this out; `piton explain {}` says how",
        code.text
    ))
}
