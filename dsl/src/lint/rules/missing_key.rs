//! # A key that is missing
//!
//! ## What it does
//! Finds blocks without a key that they cannot do without.
//!
//! ## Why it is bad
//! There is no sensible default, so the runbook is refused.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step report {
//!     run     = "./report.sh"
//!     effect  = none
//!     timeout = 5m
//!     retry { backoff = 2s..30s }
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   step report {
//!     run     = "./report.sh"
//!     effect  = none
//!     timeout = 5m
//!     retry { times = 3, backoff = 2s..30s }
//!   }
//! }
//! ```

use super::wrong_type::example;
use crate::diagnostic::Diagnostic;
use crate::node::Node;
use crate::schema::{Block, Key};
use crate::source::{Span, Syntax};

/// The code of this rule.
pub const CODE: &str = "keys::missing";

/// A block without a key that it needs.
pub(crate) fn report(block: &Block, key: &Key, at: Span, syntax: Syntax) -> Diagnostic {
    let message = format!("this `{}` has no `{}`", block.keyword, key.name);
    Diagnostic::error(CODE, at, message, format!("`{}` is missing", key.name)).help(format!(
        "{} For example: {}",
        key.doc,
        example(key, syntax)
    ))
}

/// An item of `steps` that says neither `step` nor `gate`.
pub(crate) fn neither_step_nor_gate(item: &Node) -> Diagnostic {
    Diagnostic::error(CODE, item.span.before(), "this entry of `steps` has no name", "neither `step` nor `gate`")
        .help("begin it with `- step: NAME`, or with `- gate: NAME` if it only decides whether the run may go on")
}
