//! # A lock that a call would not hold
//!
//! ## What it does
//! Finds `lock` on a step that calls another runbook.
//!
//! ## Why it is bad
//! A lock is held while its own step is done, and a call does nothing itself: the steps of the called runbook would run
//! without it.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step report {
//!     call { runbook = "report.runbook", with { days = 14 } }
//!     lock = "reports"
//!   }
//! }
//! ```
//!
//! ## Use instead
//! Hold it for the whole run, or on the steps of the called runbook that need it.
//! ```runbook
//! runbook nightly {
//!   lock    = "reports"
//!   step report {
//!     call { runbook = "report.runbook", with { days = 14 } }
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;

/// The code of this rule.
pub const CODE: &str = "call::lock";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let calls = context.runbook.nodes.iter().filter(|node| node.is_call());
    found.extend(calls.filter_map(|node| {
        let lock = node.key("lock")?;
        let message = "a call holds no lock while what it calls is done";
        Some(Diagnostic::error(CODE, lock, message, "would be let go at once").help(
            "put it at the top of the runbook, for the whole run, or on the steps of the called runbook that need it",
        ))
    }));
}
