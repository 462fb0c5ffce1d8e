//! # Not exactly one action
//!
//! ## What it does
//! Finds steps, gates, checks, undos and probes that have no action, or more than one.
//!
//! ## Why it is bad
//! One action is one try, one time limit and one outcome. What belongs to another outcome is another step.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step report {
//!     run    = "./fetch.sh"
//!     exec   = ["./report.sh", "all"]
//!     effect = none
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step fetch {
//!     run    = "./fetch.sh"
//!     effect = none
//!   }
//!   step report {
//!     exec   = ["./report.sh", "all"]
//!     effect = none
//!   }
//! }
//! ```

use super::label_each;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::Context;
use crate::runbook::{Action, Effect, WrittenAction};
use crate::source::Span;

/// The code of this rule.
pub const CODE: &str = "action::not-exactly-one";

const PLAIN: &str = "`run`, `exec`, `sql` or `http`";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in &context.runbook.nodes {
        let what = || format!("{} `{}`", node.keyword(), node.id.value);
        let all = "`run`, `exec`, `sql`, `http`, `checks`, `approve`, `manual`, `notify`, `wait` or `call`";
        found.extend(report(
            what,
            all,
            &node.actions,
            node.unknown_keys,
            node.id.span,
        ));
        for action in node
            .actions
            .iter()
            .filter_map(|written| written.action.as_ref())
        {
            let Action::Checks(checks) = action else {
                continue;
            };
            for check in checks {
                let what = || format!("check `{}`", check.name.value);
                found.extend(report(
                    what,
                    PLAIN,
                    &check.probes,
                    check.unknown_keys,
                    check.name.span,
                ));
            }
        }
        for (key, effect) in &node.effects {
            if let Effect::Undo(undo) = effect {
                found.extend(report(
                    || "this `undo`".to_owned(),
                    PLAIN,
                    &undo.actions,
                    undo.unknown_keys,
                    *key,
                ));
            }
        }
        for (word, look) in node.looks() {
            let what = || format!("this `{word}`");
            let at = node.key(word).filter(|key| key.end <= look.span.start);
            found.extend(report(
                what,
                PLAIN,
                &look.actions,
                look.unknown_keys,
                at.unwrap_or(look.span.before()),
            ));
        }
    }
}

fn report(
    what: impl Fn() -> String,
    choices: &str,
    actions: &[WrittenAction],
    unknown: bool,
    at: Span,
) -> Option<Diagnostic> {
    match actions {
        [_] => None,
        // One of the unknown keys was probably meant as the action, and it is reported.
        [] if unknown => None,
        [] => Some(
            Diagnostic::error(
                CODE,
                at,
                format!("{} has no action", what()),
                "does nothing",
            )
            .help(format!("give it exactly one of {choices}")),
        ),
        several => {
            let message = format!("{} has {} actions", what(), several.len());
            let keys = several.iter().map(|action| (action.keyword, action.key));
            Some(
                label_each(Diagnostic::new(CODE, Severity::Error, message), keys)
                    .help("keep one, and make a step of its own for each of the others"),
            )
        }
    }
}
