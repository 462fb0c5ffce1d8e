//! # A wait for people that nobody is called for
//!
//! ## What it does
//! Finds `approve`, `manual` and `confirm` without an escalation: they have no `page`, the runbook has none, and
//! they do not expire into an `escalate(…)` either. It looks only at runbooks that declare contacts or escalations:
//! one that is run by somebody who sits at the terminal anyway needs none, and is left in peace.
//!
//! ## Why it is bad
//! The run waits, and everybody thinks that it runs. It waits until somebody happens to look.
//!
//! ## Example
//! ```runbook
//! runbook failover {
//!   contact infra-lead { via = [{ command = ["./page.sh", "infra-lead"] }] }
//!   escalation infra { level { page = ["infra-lead"], ack_within = 15m } }
//!
//!   gate go {
//!     approve { by = ["infra-lead"], expires = 30m }
//!     on_fail = [stop]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook failover {
//!   page = "infra"
//!
//!   contact infra-lead { via = [{ command = ["./page.sh", "infra-lead"] }] }
//!   escalation infra { level { page = ["infra-lead"], ack_within = 15m } }
//!
//!   gate go {
//!     approve { by = ["infra-lead"], expires = 30m }
//!     on_fail = [stop]
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Action, Node, Response, Spanned};
use crate::source::{Span, Syntax};
use piton_core::time::Millis;

/// The code of this rule.
pub const CODE: &str = "people::nobody-paged";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let runbook = context.runbook;
    let nobody_declared = runbook.contacts.is_empty() && runbook.escalations.is_empty();
    if nobody_declared || runbook.keys.contains_key("page") {
        return;
    }
    // No wait for people may stand in one that is `finally`; that is reported.
    for node in runbook.nodes.iter().filter(|node| !node.finally) {
        for (what, span) in waits_of(context, node) {
            found.push(report(context, node, what, span));
        }
    }
}

/// The waits of a node for people that nobody is called for.
fn waits_of(context: &Context<'_>, node: &Node) -> Vec<(&'static str, Span)> {
    let mut found = Vec::new();
    let own = node.key("page").is_some();
    for written in &node.actions {
        let (page, expires) = match &written.action {
            Some(Action::Approve(approve)) => (&approve.page, &approve.expires),
            Some(Action::Manual(manual)) => (&manual.page, &manual.expires),
            _ => continue,
        };
        if !own && page.is_none() && !expires_into_escalation(context, node, expires.as_ref()) {
            found.push((written.keyword, written.key));
        }
    }
    if let Some(key) = node.key("confirm")
        && !own
    {
        found.push(("confirm", key));
    }
    found
}

/// Whether people are called as soon as the wait is over.
fn expires_into_escalation(
    context: &Context<'_>,
    node: &Node,
    expires: Option<&Spanned<Millis>>,
) -> bool {
    let first = context.responses_of(node).first();
    expires.is_some() && first.is_some_and(|first| matches!(first.value, Response::Escalate { .. }))
}

fn report(context: &Context<'_>, node: &Node, what: &str, span: Span) -> Diagnostic {
    let runbook = context.runbook;
    let policy = runbook.escalations.first();
    let policy = policy.map_or("POLICY", |policy| policy.id.value.as_str());
    let form = match runbook.syntax {
        Syntax::Runbook => format!("page = \"{policy}\""),
        Syntax::Yaml => format!("page: {policy}"),
    };
    let message = format!(
        "{} `{}` waits for a person, and nobody is called",
        node.keyword(),
        node.id.value
    );
    let place = if what == "confirm" { "here" } else { "in it" };
    Diagnostic::warning(CODE, span, message, "waits without a word")
        .help(format!("write `{form}` once for the runbook, or {place}"))
}
