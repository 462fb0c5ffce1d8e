//! # A finding allowed that there is not
//!
//! ## What it does
//! Finds codes in `# piton: allow(…)` that no rule has.
//!
//! ## Why it is bad
//! What was meant is not allowed.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   # piton: allow(time::no-timeuot) the report ends itself after an hour
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

use super::unknown_key::shorten;
use crate::allow::Code;
use crate::diagnostic::Diagnostic;
use crate::fix::Fix;
use crate::lint::catalogue::catalogue;
use piton_core::expr::{suggest, suggest_surely};

/// The code of this rule.
pub const CODE: &str = "allow::unknown-code";

pub(crate) fn report(code: &Code) -> Diagnostic {
    let known = || catalogue().iter().map(|page| page.code);
    let message = format!("there is no rule `{}`", shorten(&code.text));
    let help = match suggest(&code.text, known()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => "`piton explain` lists all rules".to_owned(),
    };
    let surely = suggest_surely(&code.text, known());
    let fix = surely.map(|meant| Fix::new(format!("write `{meant}`"), code.span, meant));
    Diagnostic::warning(CODE, code.span, message, "not known")
        .help(help)
        .fix(fix)
}
