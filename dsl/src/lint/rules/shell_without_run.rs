//! # A shell without a script
//!
//! ## What it does
//! Finds `shell` beside an action that no shell is used for.
//!
//! ## Why it is bad
//! It would have no effect: `exec` starts its program without a shell, so that nothing in its arguments is
//! interpreted.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step report {
//!     exec    = ["./report.sh", "all"]
//!     shell   = ["bash", "-euc"]
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step report {
//!     run     = "./report.sh all"
//!     shell   = ["bash", "-euc"]
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// The code of this rule.
pub const CODE: &str = "action::shell-without-run";

/// A `shell` beside the action `other`.
pub(crate) fn report(shell: Span, other: Option<(&'static str, Span)>) -> Diagnostic {
    let diagnostic = Diagnostic::error(
        CODE,
        shell,
        "`shell` is for `run` only",
        "no shell is used here",
    )
    .help("leave `shell` out, or write the action as a script with `run`");
    match other {
        Some((keyword, span)) => diagnostic.label(span, format!("`{keyword}` uses no shell")),
        None => diagnostic,
    }
}
