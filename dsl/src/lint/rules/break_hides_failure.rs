//! # A loop that ends early and succeeds
//!
//! ## What it does
//! Finds `… || break` in `for` loops of scripts.
//!
//! ## Why it is bad
//! The loop stops at the failure, and the script goes on as if all of it had been done: a loop that was left with
//! `break` has succeeded.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step load {
//!     run          = "for file in a b c; do ./load.sh \"$file\" || break; done"
//!     irreversible = "rows are there"
//!     timeout      = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step load {
//!     run          = "for file in a b c; do ./load.sh \"$file\"; done"
//!     irreversible = "rows are there"
//!     timeout      = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::shell::Joint;

/// The code of this rule.
pub const CODE: &str = "shell::break-hides-failure";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for code in &context.embedded.codes {
        for pipeline in &code.script.pipelines {
            let breaks = match pipeline.commands.as_slice() {
                [only] => only.words.first().filter(|word| word.text == "break"),
                _ => None,
            };
            if let (Some(word), true, Joint::Or) = (breaks, pipeline.in_for, pipeline.before) {
                found.push(
                    Diagnostic::warning(
                        CODE,
                        word.span,
                        "the loop ends at a failure, and the script goes on as if there was none",
                        "the failure is lost here",
                    )
                    .help("leave out `|| break`: the script ends at the first command that fails; or write `|| exit 1`"),
                );
            }
        }
    }
}
