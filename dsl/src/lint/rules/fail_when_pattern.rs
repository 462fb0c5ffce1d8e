//! # A pattern that is none
//!
//! ## What it does
//! Finds `matches` in a `fail_when` that is not a regular expression.
//!
//! ## Why it is bad
//! Nothing can be looked for. It would be noticed only while the runbook waits, and end the wait as if the server had
//! died.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   timeout = 30m
//!   step replay {
//!     run       = "./recovered.sh"
//!     until     = "stdout == 'yes'"
//!     every     = 5s
//!     fail_when { file = "server.log", matches = "FATAL|(PANIC" }
//!     effect    = none
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook restore {
//!   timeout = 30m
//!   step replay {
//!     run       = "./recovered.sh"
//!     until     = "stdout == 'yes'"
//!     every     = 5s
//!     fail_when { file = "server.log", matches = "FATAL|PANIC" }
//!     effect    = none
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::FailWhen;

/// The code of this rule.
pub const CODE: &str = "until::bad-pattern";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in &context.runbook.nodes {
        let Some(FailWhen::Line {
            matches: Some(pattern),
            ..
        }) = &node.fail_when
        else {
            continue;
        };
        let Err(error) = regex_syntax::parse(&pattern.value) else {
            continue;
        };
        let why = match &error {
            regex_syntax::Error::Parse(error) => error.kind().to_string(),
            regex_syntax::Error::Translate(error) => error.kind().to_string(),
            _ => "it cannot be read".to_owned(),
        };
        let message = format!("`matches` is not a regular expression: {why}");
        found.push(
            Diagnostic::error(CODE, pattern.source.span, message, "not a pattern").help(
                "put a \\ before a character that stands for itself: `\\(`; in quotes that is written `\\\\(`",
            ),
        );
    }
}
