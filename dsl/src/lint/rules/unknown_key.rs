//! # A key that nobody knows
//!
//! ## What it does
//! Finds keys that this piton does not know in the block they stand in.
//!
//! ## Why it is bad
//! What they say would not be done: a misspelt `timeout` is no time limit. A newer piton may know the key.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   step report {
//!     run     = "./report.sh"
//!     effect  = none
//!     timeout = 5m
//!     reties  = 3
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
//!     retry { times = 3 }
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::node::Scalar;
use crate::schema::{Block, GATE};

/// The code of this rule.
pub const CODE: &str = "keys::unknown";

/// A key of a block that is none of its keys; `meant` is the one that is near.
pub(crate) fn report(block: &Block, key: &Scalar, meant: Option<&str>) -> Diagnostic {
    let message = format!(
        "this piton does not know the key `{}` of a `{}`",
        shorten(&key.text),
        block.keyword
    );
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => {
            // A gate has no effect; that its keys are known there is for the sake of a better message.
            let of_effects = ["effect", "undo", "irreversible"];
            let keys = block.keys.iter().map(|key| key.name);
            let known: Vec<_> = keys
                .filter(|name| block.keyword != GATE.keyword || !of_effects.contains(name))
                .map(|name| format!("`{name}`"))
                .collect();
            format!("a `{}` takes {}", block.keyword, known.join(", "))
        }
    };
    Diagnostic::error(CODE, key.span, message, "not a key here").help(help)
}

/// A name as it can be put into a message, however long it is.
pub(crate) fn shorten(name: &str) -> String {
    const LONGEST: usize = 60;
    if name.chars().count() <= LONGEST {
        return name.escape_debug().collect();
    }
    name.chars()
        .take(LONGEST)
        .flat_map(char::escape_debug)
        .chain(['…'])
        .collect()
}
