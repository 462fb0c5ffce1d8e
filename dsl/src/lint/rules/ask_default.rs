//! # A default answer of another type
//!
//! ## What it does
//! Finds `ask` whose `default` is not of its `type`.
//!
//! ## Why it is bad
//! It is what is offered, and what `run --yes` answers; it would be refused.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   step choose {
//!     manual { ask copies { type = int, default = "many" } }
//!     effect = none
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook restore {
//!   step choose {
//!     manual { ask copies { type = int, default = "3" } }
//!     effect = none
//!   }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::{Action, Ask, Spanned};

/// The code of this rule.
pub const CODE: &str = "manual::bad-default";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in &context.runbook.nodes {
        for written in &node.actions {
            let Some(Action::Manual(manual)) = &written.action else {
                continue;
            };
            for (name, ask) in &manual.asks {
                found.extend(ask.as_ref().and_then(|ask| wrong_type(name, ask)));
            }
        }
    }
}

/// A default that is known before the run, and is not of the answer's type.
fn wrong_type(name: &Spanned<String>, ask: &Ask) -> Option<Diagnostic> {
    let (kind, default) = (ask.kind?, ask.default.as_ref()?);
    let literal = default.value.is_literal();
    if !literal || kind.read(default.value.text()).is_some() {
        return None;
    }
    let message = format!(
        "the default `{}` of `{}` is not {}",
        shorten(default.value.text()),
        shorten(&name.value),
        kind.describe()
    );
    let label = format!("takes {}", kind.describe());
    Some(
        Diagnostic::error(CODE, default.source.span, message, label)
            .label(name.span, "of this question"),
    )
}
