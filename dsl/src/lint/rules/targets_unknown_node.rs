//! # A clock that starts or stops at a step that there is not
//!
//! ## What it does
//! Finds names in `from` and `to` of `targets { rto { … } }` that no step or gate has.
//!
//! ## Why it is bad
//! Nobody would know how long the procedure took.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   targets { rto { within = 10m, from = "fetch", to = "reprot" } }
//!   step fetch  { run = "./fetch.sh",  effect = none }
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   targets { rto { within = 10m, from = "fetch", to = "report" } }
//!   step fetch  { run = "./fetch.sh",  effect = none }
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```

use super::mode_unknown_node::unknown;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;

/// The code of this rule.
pub const CODE: &str = "targets::unknown-node";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let targets = context.runbook.targets.iter();
    let clocks = targets.filter_map(|targets| targets.rto.as_ref());
    for name in clocks.flat_map(|rto| rto.from.iter().chain(&rto.to)) {
        found.extend(unknown(CODE, context, name));
    }
}
