//! # One step that takes the whole target
//!
//! ## What it does
//! Finds steps and gates under the RTO's clock which by themselves may take as long as the target, or longer: with all
//! tries and the waits between them, or until an approval expires.
//!
//! ## Why it is bad
//! The time limit ends the step when the target has been missed already. An approval that may be given at the last
//! moment leaves no time for the work.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   contact lead { via = [{ command = ["./page.sh"] }] }
//!   escalation infra { level { page = ["lead"] } }
//!   targets { rto { within = 30m, at_risk = 50%, page = "infra" } }
//!   step fetch { run = "./fetch.sh", effect = none, timeout = 10m, retry { times = 3, backoff = 1m } }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   contact lead { via = [{ command = ["./page.sh"] }] }
//!   escalation infra { level { page = ["lead"] } }
//!   targets { rto { within = 30m, at_risk = 50%, page = "infra" } }
//!   step fetch { run = "./fetch.sh", effect = none, timeout = 10m, retry { times = 1, backoff = 1m } }
//! }
//! ```

use super::over_rto::clock;
use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Action;
use crate::schema::TIMEOUT;
use piton_core::time::Millis;

/// The code of this rule.
pub const CODE: &str = "time::alone-over-rto";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let Some((rto, within, way)) = clock(context) else {
        return;
    };
    for (index, own) in way.path {
        let (Some(node), Some(own)) = (context.runbook.nodes.get(index), own) else {
            continue;
        };
        if own < within {
            continue;
        }
        let asks = matches!(node.action(), Some(Action::Approve(_) | Action::Manual(_)));
        let what = if asks {
            "may be answered after"
        } else {
            "may take"
        };
        let message = format!(
            "{} `{}` alone {what} {}, and {} is the target",
            node.keyword(),
            node.id.value,
            Millis(own),
            Millis(within)
        );
        let place = match node.key(TIMEOUT.name) {
            Some(timeout) if !asks => timeout,
            _ => node.id.span,
        };
        let target = rto.within.as_ref().map_or(rto.span, |it| it.span);
        let help = match asks {
            true => {
                "let it expire earlier, or start the clock (`from`) at this node, when it has been answered"
            }
            false => "give it a shorter `timeout`, or fewer tries",
        };
        found.push(
            Diagnostic::warning(CODE, place, message, "takes all of it")
                .label(target, "the target")
                .help(help),
        );
    }
}
