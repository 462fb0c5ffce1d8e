//! # Evidence of something that is not tried
//!
//! ## What it does
//! Finds `evidence` beside `approve`, `manual`, `wait` and `call`.
//!
//! ## Why it is bad
//! Files are kept when a try of an action ends. These have none: people do them, time passes, or another runbook does
//! the work, so nothing would ever be kept.
//!
//! ## Example
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   step look-at-it {
//!     manual { instructions = "Read log/restore.log." }
//!     evidence = ["log/restore.log"]
//!     timeout  = 1h
//!     effect   = none
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook restore {
//!   timeout = 5m
//!   step look-at-it {
//!     run      = "./read.sh log/restore.log"
//!     evidence = ["log/restore.log"]
//!     timeout  = 1h
//!     effect   = none
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;

/// The code of this rule.
pub const CODE: &str = "evidence::nothing-tried";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in &context.runbook.nodes {
        let (Some(evidence), [action]) = (node.key("evidence"), node.actions.as_slice()) else {
            continue;
        };
        if !matches!(action.keyword, "approve" | "manual" | "wait" | "call") {
            continue;
        }
        let message = format!(
            "{} `{}` keeps no files: it is a `{}`",
            node.keyword(),
            node.id.value,
            action.keyword
        );
        let help = match action.keyword {
            "call" => "write it at the step of that runbook whose files they are",
            _ => {
                "write it at a step or gate with `run`, `exec`, `sql`, `http` or `checks`, which finds the file there"
            }
        };
        found.push(
            Diagnostic::error(CODE, evidence, message, "never kept")
                .label(action.key, "nothing is tried here")
                .help(help),
        );
    }
}
