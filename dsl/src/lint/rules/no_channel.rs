//! # A contact that cannot be reached
//!
//! ## What it does
//! Finds contacts without `via` that an `escalation` pages or a `notify` tells something.
//!
//! ## Why it is bad
//! The page counts as sent, and nothing rings. A contact without `via` is good only for `by`.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   page    = "infra"
//!
//!   contact infra-lead { name = "On-call infra lead" }
//!   escalation infra { level { page = ["infra-lead"], ack_within = 15m } }
//!
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   page    = "infra"
//!
//!   contact infra-lead {
//!     name = "On-call infra lead"
//!     via  = [{ command = ["./page.sh", "infra-lead"] }]
//!   }
//!   escalation infra { level { page = ["infra-lead"], ack_within = 15m } }
//!
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Action, Contact, Spanned};
use std::collections::BTreeMap;

/// The code of this rule.
pub const CODE: &str = "people::no-channel";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let runbook = context.runbook;
    let levels = runbook.escalations.iter().flat_map(|it| &it.levels);
    let paged = levels.flat_map(|level| &level.page);
    let actions = runbook.nodes.iter().flat_map(|node| &node.actions);
    let told = actions.filter_map(|written| match &written.action {
        Some(Action::Notify(notify)) => Some(&notify.to),
        _ => None,
    });
    let mut called: BTreeMap<&str, &Spanned<String>> = BTreeMap::new();
    for name in paged.chain(told.flatten()) {
        called.entry(name.value.as_str()).or_insert(name);
    }
    for contact in runbook
        .contacts
        .iter()
        .filter(|contact| is_silent(context, contact))
    {
        if let Some(by) = called.get(contact.id.value.as_str()) {
            let message = format!(
                "contact `{}` is called, and there is no way to reach it",
                contact.id.value
            );
            found.push(
                Diagnostic::warning(CODE, contact.id.span, message, "no `via`")
                    .label(by.span, "called here")
                    .help("give it `via`, with a `webhook`, or a `command` that reaches it"),
            );
        }
    }
}

/// Whether there is no way to reach somebody. One that could not be read counts as a way.
fn is_silent(context: &Context<'_>, contact: &Contact) -> bool {
    contact.via.is_empty() && !(context.has_errors && contact.keys.contains_key("via"))
}
