//! # A level that does not say how long it waits
//!
//! ## What it does
//! Finds levels of an `escalation` without `ack_within` that have another level behind them.
//!
//! ## Why it is bad
//! The next one is called after fifteen minutes, which is a quarter of an hour in which nothing happens. How long that
//! may be depends on what is at stake, so it is worth deciding.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   page    = "infra"
//!
//!   contact lead { via = [{ command = ["./page.sh", "lead"] }] }
//!   contact cto  { via = [{ command = ["./page.sh", "cto"] }] }
//!   escalation infra { level { page = ["lead"] }  level { page = ["cto"] } }
//!
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   page    = "infra"
//!
//!   contact lead { via = [{ command = ["./page.sh", "lead"] }] }
//!   contact cto  { via = [{ command = ["./page.sh", "cto"] }] }
//!   escalation infra { level { page = ["lead"], ack_within = 5m }  level { page = ["cto"] } }
//!
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```

use super::wrong_type::example;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::schema::ACK_WITHIN;

/// The code of this rule.
pub const CODE: &str = "people::no-ack-within";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for escalation in &context.runbook.escalations {
        let Some((_, before)) = escalation.levels.split_last() else {
            continue;
        };
        for level in before
            .iter()
            .filter(|level| !level.keys.contains_key(ACK_WITHIN.name))
        {
            let message = format!(
                "a level of `{}` does not say when the next one is called",
                escalation.id.value
            );
            let place = level.page.first().map_or(level.span, |name| name.span);
            found.push(
                Diagnostic::warning(CODE, place, message, "no `ack_within`").help(format!(
                    "write {}; without it the next level is called after 15m",
                    example(&ACK_WITHIN, context.runbook.syntax)
                )),
            );
        }
    }
}
