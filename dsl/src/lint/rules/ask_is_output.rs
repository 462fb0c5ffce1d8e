//! # An answer and an output of the same name
//!
//! ## What it does
//! Finds `ask` with the name of one of the `outputs` of its step.
//!
//! ## Why it is bad
//! Answers are outputs of the step, under the names of their questions. Of two with the same name one would hide the
//! other.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   param backup { type = string, default = "LATEST" }
//!   step choose {
//!     manual { ask backup { type = string, help = "Which backup?" } }
//!     outputs { backup = "params.backup" }
//!     effect = none
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook restore {
//!   param backup { type = string, default = "LATEST" }
//!   step choose {
//!     manual { ask backup { type = string, help = "Which backup?" } }
//!     outputs { proposed = "params.backup" }
//!     effect = none
//!   }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Action;

/// The code of this rule.
pub const CODE: &str = "manual::ask-is-output";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in &context.runbook.nodes {
        let Some(Action::Manual(manual)) = node.action() else {
            continue;
        };
        for (name, _) in &manual.asks {
            let mut outputs = node.outputs.iter();
            let Some((output, _)) = outputs.find(|(output, _)| output.value == name.value) else {
                continue;
            };
            let message = format!(
                "the answer `{0}` of {1} `{2}` has the name of one of its outputs",
                shorten(&name.value),
                node.keyword(),
                node.id.value
            );
            found.push(
                Diagnostic::error(CODE, output.span, message, "an output")
                    .label(name.span, "an answer, which is an output too")
                    .help("give the output another name; the answer needs none"),
            );
        }
    }
}
