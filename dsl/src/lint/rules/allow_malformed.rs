//! # An instruction to piton that cannot be read
//!
//! ## What it does
//! Finds comments that begin with `# piton:` and do not go on as `allow(CODE) REASON`, or `allow(CODE, CODE) REASON`.
//!
//! ## Why it is bad
//! What they were to allow is reported, and nobody sees why.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   # piton: ignore(time::no-timeout) the report ends itself after an hour
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
//!   # piton: allow(time::no-timeout) the report ends itself after an hour
//!   step report {
//!     run    = "./report.sh"
//!     effect = none
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// The code of this rule.
pub const CODE: &str = "allow::malformed";

pub(crate) fn report(comment: Span) -> Diagnostic {
    let message = "this comment begins as an instruction to piton, and is none";
    Diagnostic::warning(CODE, comment, message, "not understood")
        .help("write `# piton: allow(CODE) why it is right here`")
}
