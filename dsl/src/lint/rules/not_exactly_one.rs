//! # Not exactly one of several keys
//!
//! ## What it does
//! Finds secrets that do not say exactly one of `env`, `file` and `command`, and `sql` blocks that do not say
//! exactly one of `query` and `script`.
//!
//! ## Why it is bad
//! With none there is nothing to use; with several nobody can tell which one is meant.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   secret token { env = "API_TOKEN", file = "/run/secrets/token" }
//!   step report {
//!     run     = "./report.sh"
//!     env { TOKEN = "${{ secrets.token }}" }
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   secret token { file = "/run/secrets/token" }
//!   step report {
//!     run     = "./report.sh"
//!     env { TOKEN = "${{ secrets.token }}" }
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use super::label_each;
use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// The code of this rule.
pub const CODE: &str = "keys::not-exactly-one";

/// `what` has none or several of the keys `of`.
pub(crate) fn report(
    what: &str,
    of: &[&str],
    written: &[(&'static str, Span)],
    at: Span,
) -> Diagnostic {
    let choices: Vec<_> = of.iter().map(|key| format!("`{key}`")).collect();
    let choices = choices.join(", ");
    if written.is_empty() {
        return Diagnostic::error(
            CODE,
            at,
            format!("{what} needs one of {choices}"),
            "none of them is here",
        )
        .help("`piton explain keys::not-exactly-one` shows an example");
    }
    let several = Diagnostic::new(
        CODE,
        crate::diagnostic::Severity::Error,
        format!("{what} takes exactly one of {choices}"),
    );
    label_each(several, written.iter().copied()).help("keep one of them")
}
