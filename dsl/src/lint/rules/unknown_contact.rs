//! # Somebody who is not among the contacts
//!
//! ## What it does
//! Finds names of people, in the levels of an `escalation` and in `notify`, that are no `contact`. In the `by` of
//! `approve` and `manual` roles of contacts count too, and any name will do in a runbook without contacts.
//!
//! ## Why it is bad
//! Nobody is called, or nobody may answer, and that shows at night.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   page    = "infra"
//!
//!   contact infra-lead { via = [{ command = ["./page.sh", "infra-lead"] }] }
//!   escalation infra { level { page = ["infra-laed"], ack_within = 15m } }
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
//!   contact infra-lead { via = [{ command = ["./page.sh", "infra-lead"] }] }
//!   escalation infra { level { page = ["infra-lead"], ack_within = 15m } }
//!
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Action, Spanned};
use std::collections::BTreeSet;

/// The code of this rule.
pub const CODE: &str = "people::unknown-contact";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let people = People::of(context);
    let levels = context.runbook.escalations.iter().flat_map(|it| &it.levels);
    for name in levels.flat_map(|level| &level.page) {
        people.contact(context, name, found);
    }
    for node in &context.runbook.nodes {
        for written in &node.actions {
            match &written.action {
                Some(Action::Notify(notify)) => {
                    for name in &notify.to {
                        people.contact(context, name, found);
                    }
                }
                Some(Action::Approve(approve)) => people.any(context, &approve.by, found),
                Some(Action::Manual(manual)) => people.any(context, &manual.by, found),
                _ => {}
            }
        }
    }
}

/// Who there is.
struct People<'a> {
    contacts: BTreeSet<&'a str>,
    roles: BTreeSet<&'a str>,
    policies: BTreeSet<&'a str>,
}

impl<'a> People<'a> {
    fn of(context: &Context<'a>) -> People<'a> {
        let contacts = &context.runbook.contacts;
        let policies = &context.runbook.escalations;
        let roles = contacts.iter().flat_map(|contact| &contact.roles);
        People {
            contacts: contacts.iter().map(|it| it.id.value.as_str()).collect(),
            roles: roles.map(|role| role.value.as_str()).collect(),
            policies: policies.iter().map(|it| it.id.value.as_str()).collect(),
        }
    }

    /// Somebody who is called.
    fn contact(&self, context: &Context<'_>, name: &Spanned<String>, found: &mut Vec<Diagnostic>) {
        let written = name.value.as_str();
        if self.contacts.contains(written) {
            return;
        }
        let shown = shorten(written);
        let message = format!("there is no contact `{shown}`");
        let mut diagnostic = Diagnostic::error(CODE, name.span, message, "not known");
        let help = if self.roles.contains(written) {
            format!("`{shown}` is a role; name the contact that has it")
        } else if self.policies.contains(written) {
            format!("`{shown}` is an escalation; name contacts")
        } else {
            let known = self.contacts.iter().copied();
            diagnostic = diagnostic.fix(context.rename(name, known.clone()));
            match context.suggest(written, known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    "declare it: `contact NAME { via = … }`, in YAML under `contacts`".to_owned()
                }
            }
        };
        found.push(diagnostic.help(help));
    }

    /// People who may answer.
    fn any(&self, context: &Context<'_>, names: &[Spanned<String>], found: &mut Vec<Diagnostic>) {
        if self.contacts.is_empty() {
            return;
        }
        for name in names {
            let written = name.value.as_str();
            if self.contacts.contains(written) || self.roles.contains(written) {
                continue;
            }
            let message = format!("there is no contact or role `{}`", shorten(written));
            let known = self.contacts.iter().chain(&self.roles).copied();
            let fix = context.rename(name, known.clone());
            let help = match context.suggest(written, known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    "declare a contact of this name, or put it among the `roles` of one".to_owned()
                }
            };
            let diagnostic = Diagnostic::error(CODE, name.span, message, "not known");
            found.push(diagnostic.help(help).fix(fix));
        }
    }
}
