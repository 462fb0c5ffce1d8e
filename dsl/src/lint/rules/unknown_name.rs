//! # A name that nobody knows
//!
//! ## What it does
//! Finds names in expressions that mean nothing where they stand: parameters and secrets that are not declared,
//! members that `run`, `node` and steps do not have, results that the action does not leave.
//!
//! ## Why it is bad
//! The expression has no value, and the run would fail there.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   param region { default = "eu" }
//!   step report {
//!     exec    = ["./report.sh", "${{ params.region }}", "${{ params.regon }}"]
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
//!     exec    = ["./report.sh", "${{ params.region }}"]
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;

/// The code of this rule.
pub const CODE: &str = "names::unknown";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    super::report_unknown(CODE, context, found);
}
