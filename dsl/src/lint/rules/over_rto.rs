//! # Time limits that add up to more than the target
//!
//! ## What it does
//! Adds up what the steps between the two ends of the RTO's clock may take at most: each try up to its `timeout`, the
//! waits between tries, approvals until they expire. It reports a sum over `within`, unless `at_risk` pages somebody
//! while there is still time.
//!
//! ## Why it is bad
//! Every step keeps its limit, and the target is missed all the same, without anybody knowing before. Time limits that
//! fit the target fail early, while there is time for another way; or somebody is paged in time.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   contact lead { via = [{ command = ["./page.sh"] }] }
//!   escalation infra { level { page = ["lead"] } }
//!   targets { rto { within = 20m, page = "infra" } }
//!   step fetch { run = "./fetch.sh", effect = none, timeout = 10m }
//!   step load  { run = "./load.sh", effect = none, timeout = 15m }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   contact lead { via = [{ command = ["./page.sh"] }] }
//!   escalation infra { level { page = ["lead"] } }
//!   targets { rto { within = 20m, at_risk = 70%, page = "infra" } }
//!   step fetch { run = "./fetch.sh", effect = none, timeout = 10m }
//!   step load  { run = "./load.sh", effect = none, timeout = 15m }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::longest::{Longest, between};
use crate::runbook::Rto;
use piton_core::time::Millis;

/// The code of this rule.
pub const CODE: &str = "time::over-rto";

/// How many steps of a path are named.
const NAMED: usize = 8;

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let Some((rto, within, way)) = clock(context) else {
        return;
    };
    let watched = rto.at_risk.is_some() && (rto.page.is_some() || context.runbook.page.is_some());
    // What one node takes alone is said of that node.
    let alone = way
        .path
        .iter()
        .any(|(_, own)| own.is_some_and(|own| own >= within));
    let place = rto.within.as_ref().map_or(rto.span, |it| it.span);
    if !watched && !alone && way.total > within {
        let message = format!(
            "the steps under this clock may take {}, and {} is the target: {}",
            Millis(way.total),
            Millis(within),
            named(context, &way)
        );
        found.push(
            Diagnostic::warning(CODE, place, message, "less than the limits add up to").help(
                "set timeouts, tries and expiries that fit into it, or `at_risk` and `page`, so that somebody knows in time",
            ),
        );
    }
}

/// The runbook's clock: what it allows in milliseconds, and the longest way between its ends. `None` when there is
/// none, or its ends are wrong, which other rules report.
pub(super) fn clock<'a>(context: &Context<'a>) -> Option<(&'a Rto, u64, Longest)> {
    let rto = context.runbook.targets.as_ref()?.rto.as_ref()?;
    let within = rto.within.as_ref()?.value.0;
    let end = |name: &Option<crate::runbook::Spanned<String>>| match name {
        Some(name) => context.find(&name.value).map(Some).ok_or(()),
        None => Ok(None),
    };
    let (from, to) = (end(&rto.from).ok()?, end(&rto.to).ok()?);
    Some((
        rto,
        within,
        between(context.runbook, &context.graph, from, to),
    ))
}

/// The path, with what each part of it takes.
fn named(context: &Context<'_>, way: &Longest) -> String {
    let name = |index: usize| {
        context
            .runbook
            .nodes
            .get(index)
            .map_or("?", |node| node.id.value.as_str())
    };
    let limited: Vec<_> = way
        .path
        .iter()
        .filter_map(|(index, own)| Some((*index, (*own)?)))
        .collect();
    let mut parts: Vec<_> = limited
        .iter()
        .take(NAMED)
        .map(|(index, own)| format!("`{}` {}", name(*index), Millis(*own)))
        .collect();
    let rest = limited.get(NAMED..).unwrap_or_default();
    if !rest.is_empty() {
        let sum = rest
            .iter()
            .fold(0u64, |sum, (_, own)| sum.saturating_add(*own));
        parts.push(format!("{} more {}", rest.len(), Millis(sum)));
    }
    let mut text = parts.join(" + ");
    let unlimited: Vec<_> = way.path.iter().filter(|(_, own)| own.is_none()).collect();
    if let Some((first, _)) = unlimited.first() {
        text += &match unlimited.len() {
            1 => format!(", and `{}`, which nothing limits", name(*first)),
            more => format!(
                ", and `{}` and {} more, which nothing limits",
                name(*first),
                more - 1
            ),
        };
    }
    text
}
