//! # A measure that is used before it is taken
//!
//! ## What it does
//! Finds uses of `run.rto`, `run.rpo` and `run.started_at` where the run's clock has not come to: in steps that do not
//! come after the end of the clock (for `run.started_at`: its start), and in runbooks without that target. Steps with
//! `finally` may use all of them. It also finds steps that `achieved` uses and that do not come before the end of the
//! clock, when it is worked out.
//!
//! ## Why it is bad
//! The value would be null, and a report would say that nothing was measured.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   timeout = 5m
//!   targets { rto { within = 10m, from = "fetch", to = "report" } }
//!   step fetch  { run = "./fetch.sh", effect = none }
//!   step report { exec = ["./report.sh", "${{ run.rto }}"], effect = none }
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
//!   step log    { exec = ["./log.sh", "${{ run.rto }}"], effect = none, finally = true }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::sites::Place;
use crate::lint::{Context, Reference};
use crate::runbook::Spanned;

/// The code of this rule.
pub const CODE: &str = "targets::not-measured";

/// A use, with the node that has to come before the one that uses it.
type Use<'a> = (&'a Reference, (usize, usize), String);

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut uses: Vec<Use<'_>> = Vec::new();
    for reference in &context.references {
        match look(context, reference) {
            Look::Fine => {}
            Look::Wrong(why, help) => found.extend(report(context, reference, &why, &help)),
            Look::Depends(pair, why) => uses.push((reference, pair, why)),
        }
    }
    let pairs: Vec<_> = uses.iter().map(|(_, pair, _)| *pair).collect();
    let answers = context.graph.settled_before(&pairs);
    for ((reference, (first, last), why), before) in uses.into_iter().zip(answers) {
        if !before {
            let name = |at: usize| context.runbook.nodes.get(at).map(|node| &node.id.value);
            let (Some(first), Some(last)) = (name(first), name(last)) else {
                continue;
            };
            let help = format!("let `{last}` need `{first}`, or use it in a step with `finally`");
            found.extend(report(context, reference, &why, &help));
        }
    }
}

/// What is known of a use.
enum Look {
    Fine,
    /// Why it is wrong, and what helps.
    Wrong(String, String),
    /// It is right if the first node comes before the second one.
    Depends((usize, usize), String),
}

fn look(context: &Context<'_>, reference: &Reference) -> Look {
    let Some(site) = context.sites.get(reference.site) else {
        return Look::Fine;
    };
    match reference.reference.path.as_slice() {
        [root, name, ..] if root == "run" => measure(context, site.node, site.place, name),
        [root, name, ..] if root == "steps" && site.place == Place::Achieved => {
            of_loss(context, name)
        }
        _ => Look::Fine,
    }
}

/// A use of what is measured.
fn measure(context: &Context<'_>, node: Option<usize>, place: Place, name: &str) -> Look {
    let targets = context.runbook.targets.as_ref();
    let rto = targets.and_then(|targets| targets.rto.as_ref());
    let is_there = match name {
        "rto" | "started_at" => rto.is_some(),
        "rpo" => targets.is_some_and(|targets| targets.rpo.is_some()),
        _ => return Look::Fine,
    };
    if !is_there {
        let target = if name == "rpo" { "rpo" } else { "rto" };
        return Look::Wrong(
            format!(
                "this runbook has no `{target}` among its targets, so `run.{name}` is not measured"
            ),
            format!(
                "write `targets {{ {target} {{ within = … }} }}`; a runbook that is called gets it as a parameter"
            ),
        );
    }
    let Some(index) = node else {
        return match place {
            Place::RunbookOutput => Look::Fine,
            _ => Look::Wrong(
                format!("`run.{name}` is not measured yet when this is worked out"),
                "use it in steps that come after the end of the clock, or in those with `finally`"
                    .to_owned(),
            ),
        };
    };
    if context
        .runbook
        .nodes
        .get(index)
        .is_some_and(|node| node.finally)
    {
        return Look::Fine;
    }
    let why = format!("`run.{name}` is not measured yet when this is worked out");
    let end = match name {
        "started_at" => match rto.and_then(|rto| rto.from.as_ref()) {
            None => return Look::Fine,
            from => from,
        },
        _ => rto.and_then(|rto| rto.to.as_ref()),
    };
    let Some(end) = end else {
        let help = "name the end of the clock with `to`, or use it in a step with `finally`";
        return Look::Wrong(why, help.to_owned());
    };
    after(context, end, index, why)
}

/// A step that `achieved` uses.
fn of_loss(context: &Context<'_>, name: &str) -> Look {
    let Some(used) = context.find(name) else {
        return Look::Fine;
    };
    let why = format!("`{name}` may not be done when the clock stops and this is worked out");
    if context
        .runbook
        .nodes
        .get(used)
        .is_some_and(|node| node.finally)
    {
        let help = format!("`{name}` is `finally`: use a step that comes before the end");
        return Look::Wrong(why, help);
    }
    let rto = context
        .runbook
        .targets
        .as_ref()
        .and_then(|it| it.rto.as_ref());
    let Some(to) = rto.and_then(|rto| rto.to.as_ref()) else {
        return Look::Fine;
    };
    let Some(last) = context.find(&to.value).filter(|last| *last != used) else {
        return Look::Fine;
    };
    match is_ordered(context, used) && is_ordered(context, last) {
        true => Look::Depends((used, last), why),
        false => Look::Fine,
    }
}

fn after(context: &Context<'_>, end: &Spanned<String>, user: usize, why: String) -> Look {
    match context.find(&end.value) {
        Some(end) if is_ordered(context, end) && is_ordered(context, user) => {
            Look::Depends((end, user), why)
        }
        // Names that are not known, and circles, are reported as that.
        _ => Look::Fine,
    }
}

fn is_ordered(context: &Context<'_>, node: usize) -> bool {
    context.graph.ordered.get(node) == Some(&true)
        && context.graph.doubtful.get(node) != Some(&true)
}

fn report(
    context: &Context<'_>,
    reference: &Reference,
    why: &str,
    help: &str,
) -> Option<Diagnostic> {
    let site = context.sites.get(reference.site)?;
    let span = site.span(&reference.reference.span);
    Some(Diagnostic::error(CODE, span, why, "not measured").help(help.to_owned()))
}
