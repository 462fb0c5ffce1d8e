//! # A clock that stops before it starts
//!
//! ## What it does
//! Finds clocks of `targets { rto { … } }`, and of modes, whose `to` does not come after their `from`, and those that
//! start or stop at a step with `finally`.
//!
//! ## Why it is bad
//! The clock would stop at once, or stand until the work is over: whatever it says, it is not how long it took. What
//! is `finally` runs when the work is over, and the clock with it.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   targets { rto { within = 10m, from = "report", to = "fetch" } }
//!   step fetch  { run = "./fetch.sh",  effect = none }
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   targets { rto { within = 10m, from = "fetch", to = "report" } }
//!   step fetch  { run = "./fetch.sh",  effect = none }
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::runbook::Spanned;

/// The code of this rule.
pub const CODE: &str = "targets::clock-order";

/// The two ends of a clock, of which one may not be said.
type Ends<'a> = (Option<&'a Spanned<String>>, Option<&'a Spanned<String>>);

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut pairs = Vec::new();
    for (number, (from, to)) in clocks(context).into_iter().enumerate() {
        // A mode names some of them anew: what it takes over was reported already.
        let ends = [from, to].into_iter().flatten();
        let own = ends.filter(|end| number == 0 || is_of_mode(context, end));
        found.extend(own.filter_map(|end| at_the_end(context, end)));
        if let (Some(from), Some(to)) = (from, to)
            && (number == 0 || is_of_mode(context, from) || is_of_mode(context, to))
            && let (Some(first), Some(last)) = (ordered(context, from), ordered(context, to))
        {
            pairs.push(((first, last), (from, to)));
        }
    }
    let places: Vec<_> = pairs.iter().map(|(places, _)| *places).collect();
    let answers = context.graph.settled_before(&places);
    for ((places, (from, to)), before) in pairs.into_iter().zip(answers) {
        if places.0 == places.1 || !before {
            found.push(report(from, to));
        }
    }
}

/// The runbook's clock, and then that of each mode which says something of it.
fn clocks<'a>(context: &Context<'a>) -> Vec<Ends<'a>> {
    let targets = context.runbook.targets.as_ref();
    let shared = targets.and_then(|targets| targets.rto.as_ref());
    let shared: Ends<'_> = (
        shared.and_then(|rto| rto.from.as_ref()),
        shared.and_then(|rto| rto.to.as_ref()),
    );
    let modes = context.runbook.modes.iter();
    let modes = modes.filter_map(|mode| mode.rto.as_ref());
    let modes = modes.map(|rto| {
        let from = rto.from.as_ref().or(shared.0);
        (from, rto.to.as_ref().or(shared.1))
    });
    [shared].into_iter().chain(modes).collect()
}

fn is_of_mode(context: &Context<'_>, end: &Spanned<String>) -> bool {
    let modes = context.runbook.modes.iter();
    let clocks = modes.filter_map(|mode| mode.rto.as_ref());
    let mut ends = clocks.flat_map(|rto| rto.from.iter().chain(&rto.to));
    ends.any(|own| own.span == end.span)
}

/// The node of this name, if there is a before and after for it: names that are not known, and circles, are reported
/// as that.
fn ordered(context: &Context<'_>, end: &Spanned<String>) -> Option<usize> {
    let node = context.find(&end.value)?;
    let finally = context.runbook.nodes.get(node)?.finally;
    let sure = context.graph.ordered.get(node) == Some(&true)
        && context.graph.doubtful.get(node) != Some(&true);
    (sure && !finally).then_some(node)
}

fn at_the_end(context: &Context<'_>, end: &Spanned<String>) -> Option<Diagnostic> {
    let node = context.runbook.nodes.get(context.find(&end.value)?)?;
    if !node.finally {
        return None;
    }
    let message = format!(
        "`{}` runs when the run ends, and the clock has stopped then",
        end.value
    );
    Some(
        Diagnostic::error(CODE, end.span, message, "too late")
            .label(node.id.span, "this one is `finally`")
            .help("name a step or gate that is not `finally`; without `to` the clock stops right before them"),
    )
}

fn report(from: &Spanned<String>, to: &Spanned<String>) -> Diagnostic {
    let message = format!(
        "the clock stops at `{}`, which does not come after `{}`, where it starts",
        to.value, from.value
    );
    Diagnostic::error(CODE, to.span, message, "does not come after it")
        .label(from.span, "the clock starts here")
        .help(format!(
            "turn them round, or let `{}` need `{}`",
            to.value, from.value
        ))
}
