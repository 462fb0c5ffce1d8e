//! # An output that is not declared
//!
//! ## What it does
//! Finds uses of `steps.ID.outputs.NAME` where the step does not declare that output.
//!
//! ## Why it is bad
//! Only declared outputs are kept. What a step writes to `$PITON_OUTPUT` becomes one by `outputs`.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step fetch {
//!     run    = "echo file=today.csv >> \"$PITON_OUTPUT\""
//!     effect = none
//!   }
//!   step report {
//!     exec   = ["./report.sh", "${{ steps.fetch.outputs.file }}"]
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
//!     run    = "echo file=today.csv >> \"$PITON_OUTPUT\""
//!     outputs { file = "output.file" }
//!     effect = none
//!   }
//!   step report {
//!     exec   = ["./report.sh", "${{ steps.fetch.outputs.file }}"]
//!     effect = none
//!   }
//! }
//! ```

use super::unknown_key::shorten;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::source::Syntax;

/// The code of this rule.
pub const CODE: &str = "names::undeclared-output";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    super::report_unknown(CODE, context, found);
}

/// How the step would declare it.
pub(crate) fn help(id: &str, name: &str, syntax: Syntax) -> String {
    let name = shorten(name);
    let form = match syntax {
        Syntax::Runbook => format!("outputs {{ {name} = \"output.{name}\" }}"),
        Syntax::Yaml => format!("outputs: {{{name}: output.{name}}}"),
    };
    format!("declare it in `{id}`, for example from what it writes to $PITON_OUTPUT: {form}")
}
