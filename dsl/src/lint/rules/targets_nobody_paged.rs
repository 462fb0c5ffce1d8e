//! # A target at risk that nobody is told of
//!
//! ## What it does
//! Finds `at_risk` in `targets { rto { … } }` where neither `page` beside it nor `page` of the runbook says who is to be
//! paged.
//!
//! ## Why it is bad
//! The mark is only shown. Whoever could still help does not look at the screen.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   targets { rto { within = 10m, at_risk = 80% } }
//!   step fetch { run = "./fetch.sh", effect = none }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   targets { rto { within = 10m, at_risk = 80%, page = "infra" } }
//!   contact lead     { via = [{ command = ["page-lead"] }] }
//!   escalation infra { level { page = ["lead"] } }
//!   step fetch { run = "./fetch.sh", effect = none }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;

/// The code of this rule.
pub const CODE: &str = "targets::nobody-paged";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let runbook = context.runbook;
    let rto = runbook.targets.as_ref().and_then(|it| it.rto.as_ref());
    let Some(rto) = rto.filter(|rto| rto.page.is_none()) else {
        return;
    };
    if runbook.keys.contains_key("page") {
        return;
    }
    if let Some(at_risk) = &rto.at_risk {
        let message = "nobody is paged when the target is at risk";
        found.push(
            Diagnostic::warning(CODE, at_risk.span, message, "nobody is told")
                .help("say who is paged with `page` beside it, or once for the runbook"),
        );
    }
}
