//! # A step that cannot have run by then
//!
//! ## What it does
//! Finds expressions that use the result of a step which does not come before: one that comes later, one that runs
//! side by side, or the step itself.
//!
//! ## Why it is bad
//! The result may not exist yet. It would work on some days and not on others.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step count {
//!     run    = "./count.sh"
//!     outputs { rows = "value" }
//!     effect = none
//!   }
//!   step report {
//!     needs  = []
//!     exec   = ["./report.sh", "${{ steps.count.outputs.rows }}"]
//!     effect = none
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   step count {
//!     run    = "./count.sh"
//!     outputs { rows = "value" }
//!     effect = none
//!   }
//!   step report {
//!     needs  = ["count"]
//!     exec   = ["./report.sh", "${{ steps.count.outputs.rows }}"]
//!     effect = none
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::scope::Resolution;
use crate::lint::sites::{Place, Site};
use crate::lint::{Context, Reference};
use piton_core::plan::NodeKind;

/// The code of this rule.
pub const CODE: &str = "order::not-before";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let ordered = |node: usize| context.graph.ordered.get(node) == Some(&true);
    let (mut uses, mut pairs) = (Vec::new(), Vec::new());
    for reference in &context.references {
        // What is no value at all is reported as that.
        if matches!(
            reference.resolution,
            Resolution::Unknown(_) | Resolution::Namespace
        ) {
            continue;
        }
        let Some(earlier) = step_of(context, reference) else {
            continue;
        };
        let Some(site) = context.sites.get(reference.site) else {
            continue;
        };
        if matches!(site.place, Place::Achieved | Place::RunbookOutput)
            || (site.node == Some(earlier) && knows_itself(site, reference))
        {
            continue;
        }
        match site.node {
            None => found.push(of_the_runbook(context, reference)),
            // Behind a cycle there is no before and after; the cycle is reported.
            Some(later) if ordered(earlier) && ordered(later) => {
                uses.push(reference);
                pairs.push((earlier, later));
            }
            Some(_) => {}
        }
    }
    let answers = context.graph.settled_before(&pairs);
    let doubtful = |node: usize| context.graph.doubtful.get(node) == Some(&true);
    let mut wrong = Vec::new();
    for ((reference, pair), settled) in uses.into_iter().zip(pairs).zip(answers) {
        // What a name in `needs` was meant to be may be just what is used here.
        let forgiven = doubtful(pair.1) && pair.0 != pair.1;
        if !settled && !forgiven {
            wrong.push((reference, pair));
        }
    }
    let turned: Vec<_> = wrong
        .iter()
        .map(|(_, (earlier, later))| (*later, *earlier))
        .collect();
    let behind = context.graph.settled_before(&turned);
    for ((reference, pair), behind) in wrong.into_iter().zip(behind) {
        found.extend(report(context, reference, pair, behind));
    }
}

/// The step whose result is used, if one is.
fn step_of(context: &Context<'_>, reference: &Reference) -> Option<usize> {
    match reference.reference.path.as_slice() {
        [root, id, ..] if root == "steps" => context.find(id),
        _ => None,
    }
}

/// Uses of a node's own result that are there: an undo runs when the node has been done, and a node knows its earlier
/// passes.
fn knows_itself(site: &Site<'_>, reference: &Reference) -> bool {
    let path = reference.reference.path.as_slice();
    site.names.undo || matches!(path, [_, _, member, ..] if member == "history")
}

/// `behind`: the user surely comes before what it uses.
fn report(
    context: &Context<'_>,
    reference: &Reference,
    (earlier, later): (usize, usize),
    behind: bool,
) -> Option<Diagnostic> {
    let site = context.sites.get(reference.site)?;
    let (used, user) = (
        context.runbook.nodes.get(earlier)?,
        context.runbook.nodes.get(later)?,
    );
    let span = site.span(&reference.reference.span);
    let (used_id, user_id) = (&used.id.value, &user.id.value);
    if earlier == later {
        let diagnostic = Diagnostic::error(
            CODE,
            span,
            format!("`{user_id}` uses its own result, which does not exist yet"),
            "its own result",
        );
        return Some(diagnostic.help(
            "`outputs` and `expect` use `stdout`, `json`, `value`, `output.NAME` and so on",
        ));
    }
    let (why, help) = if used.finally && !user.finally {
        (
            format!("`{used_id}` runs when the run ends"),
            format!("take `finally` out of `{used_id}`, or do not use its result"),
        )
    } else if behind {
        (
            format!("`{used_id}` comes after `{user_id}`"),
            format!("move `{used_id}` before `{user_id}`"),
        )
    } else {
        (
            format!("nothing says that `{used_id}` comes before `{user_id}`"),
            format!("add `{used_id}` to the `needs` of `{user_id}`"),
        )
    };
    let kind = if used.kind == NodeKind::Gate {
        "gate"
    } else {
        "step"
    };
    let message =
        format!("the result of {kind} `{used_id}` may not exist when `{user_id}` uses it");
    Some(
        Diagnostic::error(CODE, span, message, why)
            .label(used.id.span, "this one")
            .help(help),
    )
}

fn of_the_runbook(context: &Context<'_>, reference: &Reference) -> Diagnostic {
    let span = context
        .sites
        .get(reference.site)
        .map(|site| site.span(&reference.reference.span))
        .unwrap_or_default();
    Diagnostic::error(
        CODE,
        span,
        "what holds for every step and gate cannot use the result of one of them",
        "it does not exist when the first one starts",
    )
    .help("write it in the steps that come after it")
}
