//! # A gate that does not say what happens when it fails
//!
//! ## What it does
//! Finds gates without `on_fail`, in a runbook that has none for all.
//!
//! ## Why it is bad
//! A gate is there for the case that it does not pass. What happens then is a decision, to be made in daylight.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   gate backup-is-fresh {
//!     run = "test -n \"$(find backup.db -mmin -60)\""
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   gate backup-is-fresh {
//!     run     = "test -n \"$(find backup.db -mmin -60)\""
//!     on_fail = [stop]
//!   }
//! }
//! ```

use super::wrong_type::example;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::schema::ON_FAIL;
use piton_core::plan::NodeKind;

/// The code of this rule.
pub const CODE: &str = "gate::no-on-fail";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    if context.runbook.keys.contains_key("on_fail") {
        return;
    }
    let gates = context
        .runbook
        .nodes
        .iter()
        .filter(|node| node.kind == NodeKind::Gate);
    for gate in gates.filter(|gate| gate.key("on_fail").is_none()) {
        let message = format!(
            "gate `{}` does not say what happens when it fails",
            gate.id.value
        );
        found.push(
            Diagnostic::error(CODE, gate.id.span, message, "no `on_fail`").help(format!(
                "write {}",
                example(&ON_FAIL, context.runbook.syntax)
            )),
        );
    }
}
