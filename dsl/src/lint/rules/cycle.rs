//! # Steps that wait for one another
//!
//! ## What it does
//! Finds cycles: steps and gates each of which waits for the next, and the last for the first.
//!
//! ## Why it is bad
//! None of them could ever start. Note that one without `needs` waits for the one written above it.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step fetch  { run = "./fetch.sh",  effect = none, needs = ["report"] }
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step fetch  { run = "./fetch.sh",  effect = none }
//!   step report { run = "./report.sh", effect = none }
//! }
//! ```

use crate::diagnostic::{Diagnostic, Severity};
use crate::lint::Context;

/// The code of this rule.
pub const CODE: &str = "order::cycle";

/// How many nodes of one cycle are named; a longer one is cut in the middle of the message.
const NAMED: usize = 20;

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for cycle in context.graph.cycles() {
        found.push(report(context, &cycle));
    }
}

/// `cycle` begins with the node that stands first in the file; each is followed by one that waits for it.
fn report(context: &Context<'_>, cycle: &[usize]) -> Diagnostic {
    let id = |node: usize| {
        context
            .runbook
            .nodes
            .get(node)
            .map_or("", |node| node.id.value.as_str())
    };
    let first = cycle.first().copied().unwrap_or_default();
    if let [_] = cycle {
        let diagnostic = Diagnostic::new(
            CODE,
            Severity::Error,
            format!("`{}` waits for itself", id(first)),
        );
        return label_edges(context, diagnostic, cycle)
            .help("take its own name out of its `needs`");
    }
    let mut names: Vec<_> = cycle
        .iter()
        .take(NAMED)
        .map(|node| format!("`{}`", id(*node)))
        .collect();
    if cycle.len() > NAMED {
        names.push(format!("{} more", cycle.len() - NAMED));
    }
    names.push(format!("`{}`", id(first)));
    let message = format!(
        "these wait for one another, so none can start: {}",
        names.join(" → ")
    );
    label_edges(context, Diagnostic::new(CODE, Severity::Error, message), cycle)
        .help("take one of these out of a `needs`; one without `needs` waits for the one written above it")
}

fn label_edges(context: &Context<'_>, mut diagnostic: Diagnostic, cycle: &[usize]) -> Diagnostic {
    let nodes = &context.runbook.nodes;
    let followers = cycle.iter().skip(1).chain(cycle.first());
    for (earlier, later) in cycle.iter().zip(followers).take(NAMED) {
        let need = context
            .graph
            .needs
            .get(*later)
            .and_then(|needs| needs.iter().find(|need| need.node == *earlier));
        let (Some(need), Some(earlier), Some(later)) =
            (need, nodes.get(*earlier), nodes.get(*later))
        else {
            continue;
        };
        let (earlier, later) = (&earlier.id.value, &later.id.value);
        let text = if need.implied {
            format!("`{later}` has no `needs`, so it waits for `{earlier}` above it")
        } else {
            format!("`{later}` waits for `{earlier}`")
        };
        diagnostic = diagnostic.label(need.span, text);
    }
    diagnostic
}
