//! # A wait that its time limit ends first
//!
//! ## What it does
//! Finds `until` that has to stay true (`hold_for`, `consecutive` looks) for as long as its `timeout`, or longer.
//!
//! ## Why it is bad
//! `timeout` bounds all looks together, so the wait always fails, however well things go.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   gate quiet {
//!     http     = "https://shop.example/health"
//!     until    = "status == 200"
//!     every    = 10s
//!     hold_for = 5m
//!     timeout  = 5m
//!     on_fail  = [stop]
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   gate quiet {
//!     http     = "https://shop.example/health"
//!     until    = "status == 200"
//!     every    = 10s
//!     hold_for = 5m
//!     timeout  = 15m
//!     on_fail  = [stop]
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use piton_core::time::Millis;

/// The code of this rule.
pub const CODE: &str = "until::outlasts-timeout";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for node in context
        .runbook
        .nodes
        .iter()
        .filter(|node| node.until.is_some())
    {
        let timeout = node.timeout.as_ref().or(context.runbook.timeout.as_ref());
        let Some(timeout) = timeout else { continue };
        let every = node.every.as_ref().map_or(0, |it| it.value.0);
        let held = node.hold_for.as_ref().map(|it| (it.value.0, it.span));
        let looks = node.consecutive.as_ref().map(|it| {
            let pauses = u64::from(it.value.saturating_sub(1));
            (every.saturating_mul(pauses), it.span)
        });
        let longest = [held, looks]
            .into_iter()
            .flatten()
            .max_by_key(|(length, _)| *length);
        if let Some((length, span)) = longest.filter(|(length, _)| *length >= timeout.value.0) {
            let message = format!(
                "this takes {} at least, and the time limit is {}",
                Millis(length),
                Millis(timeout.value.0)
            );
            found.push(
                Diagnostic::warning(CODE, span, message, "never reached")
                    .label(timeout.span, "all looks together")
                    .help("give it a longer `timeout`"),
            );
        }
    }
}
