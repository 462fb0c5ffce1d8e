//! # Calls that do not end
//!
//! ## What it does
//! Finds calls that lead back to a file they came from, that go deeper than 16 files, or that make a plan of more
//! than 100,000 steps and gates.
//!
//! ## Why it is bad
//! A called runbook becomes a part of the plan. One that calls itself would never be all there.
//!
//! ## Example
//! ```runbook
//! runbook example {
//!   step again {
//!     call { runbook = "example.runbook" }
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook example {
//!   step again {
//!     call { runbook = "report.runbook" }
//!   }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::runbook::Sourced;

/// The code of this rule.
pub const CODE: &str = "call::endless";

/// A call of a file on the way to it: `circle` is that file and those behind it.
pub(crate) fn circle(path: &Sourced<String>, circle: &[String]) -> Diagnostic {
    let message = match circle {
        [_] => "this runbook calls itself".to_owned(),
        _ => {
            let names: Vec<_> = circle
                .iter()
                .chain(circle.first())
                .map(|name| shorten(name))
                .collect();
            format!("these runbooks call each other: {}", names.join(" → "))
        }
    };
    Diagnostic::error(CODE, path.source.span, message, "calls in a circle")
        .help("to do something again, use `rewind` in `on_fail`, `until`, or `for_each`")
}

/// A call too far from the file that is run.
pub(crate) fn too_deep(path: &Sourced<String>, deepest: usize) -> Diagnostic {
    let message = format!("calls go deeper than {deepest} files here");
    Diagnostic::error(CODE, path.source.span, message, "one too deep")
}

/// A call that makes a plan too large.
pub(crate) fn too_many(path: &Sourced<String>, most: usize) -> Diagnostic {
    let message = format!("with this call the plan has more than {most} steps and gates");
    Diagnostic::error(CODE, path.source.span, message, "one too many")
}
