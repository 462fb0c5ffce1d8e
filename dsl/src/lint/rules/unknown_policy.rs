//! # An escalation that there is not
//!
//! ## What it does
//! Finds names of escalation policies, in `page` and in `escalate(…)`, that no `escalation` has.
//!
//! ## Why it is bad
//! When the time comes there would be nobody to call.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   contact infra-lead { via = [{ command = ["./page.sh", "infra-lead"] }] }
//!   escalation infra { level { page = ["infra-lead"], ack_within = 15m } }
//!
//!   step report {
//!     run     = "./report.sh"
//!     effect  = none
//!     on_fail = [escalate("infar")]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   contact infra-lead { via = [{ command = ["./page.sh", "infra-lead"] }] }
//!   escalation infra { level { page = ["infra-lead"], ack_within = 15m } }
//!
//!   step report {
//!     run     = "./report.sh"
//!     effect  = none
//!     on_fail = [escalate("infra")]
//!   }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Action, Node, Response, Spanned};

/// The code of this rule.
pub const CODE: &str = "people::unknown-policy";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let runbook = context.runbook;
    let rto = runbook.targets.iter().filter_map(|it| it.rto.as_ref());
    let shared = rto.filter_map(|rto| rto.page.as_ref());
    let mut names: Vec<&Spanned<String>> = runbook.page.iter().chain(shared).collect();
    names.extend(
        context
            .ladders()
            .flatten()
            .filter_map(|it| match &it.value {
                Response::Escalate { policy, .. } => Some(policy),
                _ => None,
            }),
    );
    names.extend(runbook.nodes.iter().flat_map(pages_of));
    for name in names {
        report(context, name, found);
    }
}

/// The policies that a node names as its own.
fn pages_of(node: &Node) -> impl Iterator<Item = &Spanned<String>> {
    let actions = node
        .actions
        .iter()
        .filter_map(|written| match written.action.as_ref()? {
            Action::Approve(approve) => approve.page.as_ref(),
            Action::Manual(manual) => manual.page.as_ref(),
            _ => None,
        });
    node.page.iter().chain(actions)
}

fn report(context: &Context<'_>, name: &Spanned<String>, found: &mut Vec<Diagnostic>) {
    let policies = context.runbook.escalations.iter();
    let known = policies.map(|policy| policy.id.value.as_str());
    if known.clone().any(|policy| policy == name.value) {
        return;
    }
    let shown = shorten(&name.value);
    let contacts = &mut context.runbook.contacts.iter();
    let mut fix = None;
    let help = if contacts.any(|contact| contact.id.value == name.value) {
        format!("`{shown}` is a contact; name an escalation that pages it")
    } else {
        fix = context.rename(name, known.clone());
        match context.suggest(&name.value, known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => {
                "declare it: `escalation NAME { level { page = [\"CONTACT\"] } }`, in YAML under `escalations`".to_owned()
            }
        }
    };
    let message = format!("there is no escalation `{shown}`");
    let diagnostic = Diagnostic::error(CODE, name.span, message, "not known");
    found.push(diagnostic.help(help).fix(fix));
}
