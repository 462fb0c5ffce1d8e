//! # A call that reaches nobody
//!
//! ## What it does
//! Finds an `escalation` without levels, a `level` that pages nobody, and a `notify` to nobody.
//!
//! ## Why it is bad
//! It looks as if somebody were told, and nobody is.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   contact infra-lead { via = [{ command = ["./page.sh", "infra-lead"] }] }
//!
//!   step report { run = "./report.sh", effect = none }
//!   step tell   { notify { to = [], message = "the report is out" } }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   contact infra-lead { via = [{ command = ["./page.sh", "infra-lead"] }] }
//!
//!   step report { run = "./report.sh", effect = none }
//!   step tell   { notify { to = ["infra-lead"], message = "the report is out" } }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Action;

/// The code of this rule.
pub const CODE: &str = "people::nobody";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    // What could not be read may be the one that was meant.
    if context.has_errors {
        return;
    }
    for policy in &context.runbook.escalations {
        let name = &policy.id.value;
        if policy.levels.is_empty() {
            let message = format!("escalation `{name}` has no levels");
            found.push(
                Diagnostic::error(CODE, policy.id.span, message, "calls nobody")
                    .help("give it a level: `level { page = [\"CONTACT\"], ack_within = 15m }`, in YAML `levels: [{page: [CONTACT], ack_within: 15m}]`"),
            );
        }
        for level in policy.levels.iter().filter(|level| level.page.is_empty()) {
            let at = level.keys.get("page").copied();
            let message = format!("a level of escalation `{name}` pages nobody");
            found.push(
                Diagnostic::error(CODE, at.unwrap_or(level.span), message, "pages nobody")
                    .help("name the contacts that it pages, or take it out"),
            );
        }
    }
    for node in &context.runbook.nodes {
        for written in &node.actions {
            let Some(Action::Notify(notify)) = &written.action else {
                continue;
            };
            if notify.to.is_empty() {
                let message = format!("{} `{}` tells nobody", node.keyword(), node.id.value);
                found.push(
                    Diagnostic::error(CODE, written.key, message, "to nobody")
                        .help("name contacts in its `to`, or take it out"),
                );
            }
        }
    }
}
