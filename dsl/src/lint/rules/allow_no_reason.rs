//! # A finding allowed without a reason
//!
//! ## What it does
//! Finds comments `# piton: allow(CODE)` behind which no reason stands.
//!
//! ## Why it is bad
//! Who reads it in a year cannot tell whether it still holds. What was found is left out all the same.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   # piton: allow(time::no-timeout)
//!   step report {
//!     run    = "./report.sh"
//!     effect = none
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

use crate::allow::Allow;
use crate::diagnostic::Diagnostic;

/// The code of this rule.
pub const CODE: &str = "allow::no-reason";

pub(crate) fn report(allow: &Allow) -> Diagnostic {
    let message = "this allows a finding and does not say why";
    Diagnostic::warning(CODE, allow.span, message, "no reason")
        .help("write the reason behind it: `# piton: allow(CODE) why it is right here`")
}
