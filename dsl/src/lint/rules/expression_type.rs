//! # An expression that cannot have a value
//!
//! ## What it does
//! Works out the types in every expression as far as they are known before the run, and finds operators and
//! functions that do not take what they are given, and conditions that are not true or false.
//!
//! ## Why it is bad
//! The run would fail there, at the earliest when it gets that far.
//!
//! ## Example
//! ```runbook
//! runbook nightly {
//!   param region { default = "eu" }
//!   step report {
//!     when    = "params.region > 5"
//!     run     = "./report.sh"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```
//!
//! ## Use instead
//! ```runbook
//! runbook nightly {
//!   param region { default = "eu" }
//!   step report {
//!     when    = "params.region != 'eu'"
//!     run     = "./report.sh"
//!     effect  = none
//!     timeout = 5m
//!   }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::scope::{OutputTypes, Types, type_of};
use crate::lint::sites::{Place, Site};
use piton_core::expr::Type;

/// The code of this rule.
pub const CODE: &str = "expression::type";

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    // Earlier steps first, so that the types of their outputs are known when they are used.
    let mut rank = vec![usize::MAX; context.runbook.nodes.len()];
    for (at, node) in context.graph.order.iter().enumerate() {
        if let Some(entry) = rank.get_mut(*node) {
            *entry = at;
        }
    }
    let mut sites: Vec<_> = context.sites.iter().collect();
    sites.sort_by_key(|site| {
        site.node
            .and_then(|node| rank.get(node))
            .copied()
            .unwrap_or(0)
    });
    let mut outputs = answers(context);
    for site in sites {
        let checked = site.expression.check(&Types {
            context,
            site,
            outputs: &outputs,
        });
        match checked {
            Ok(kind) => {
                if let Some(output) = output_of(context, site) {
                    outputs.insert(output, kind);
                } else {
                    found.extend(wrong_kind(site, &kind));
                }
            }
            Err(errors) => {
                for error in errors {
                    let mut diagnostic =
                        Diagnostic::error(CODE, site.span(&error.span), &error.message, "here");
                    diagnostic.help = error.help;
                    found.push(diagnostic);
                }
            }
        }
    }
}

/// The types of answers, which are outputs too.
fn answers(context: &Context<'_>) -> OutputTypes {
    let mut answers = OutputTypes::new();
    for (index, node) in context.runbook.nodes.iter().enumerate() {
        // One that may be skipped leaves no answers.
        for (name, ask) in node.asks().filter(|_| node.when.is_none()) {
            if let Some(kind) = ask.as_ref().and_then(|ask| ask.kind) {
                answers.insert((index, name.value.clone()), type_of(kind));
            }
        }
    }
    answers
}

/// The output that the expression at this site is for, unless its step may be skipped and leave none.
fn output_of(context: &Context<'_>, site: &Site<'_>) -> Option<(usize, String)> {
    let Place::Output(number) = site.place else {
        return None;
    };
    let node = site.node?;
    let runbook_node = context.runbook.nodes.get(node)?;
    let (name, _) = runbook_node.outputs.get(number)?;
    if runbook_node.when.is_some() || runbook_node.for_each.is_some() {
        return None;
    }
    Some((node, name.value.clone()))
}

/// What an expression at this place has to be: its key, what that is called, and what to do about another type.
fn wanted(place: Place) -> Option<(&'static str, &'static str, &'static str)> {
    let condition = |key| {
        let help = "compare it with something, for example `… == 0`";
        Some((key, "true or false", help))
    };
    match place {
        Place::When => condition("when"),
        Place::Expect => condition("expect"),
        Place::Until => condition("until"),
        Place::FailWhen => condition("fail_when"),
        Place::Success => condition("success"),
        Place::Validate => condition("validate"),
        Place::WaitUntil => Some((
            "until",
            "a time",
            "for example `timestamp('…')`, or a parameter of that type",
        )),
        Place::Achieved => Some((
            "achieved",
            "a length of time",
            "subtract one time from another",
        )),
        Place::ForEach => Some(("for_each", "a list or a map", "for example `['eu', 'us']`")),
        _ => None,
    }
}

fn fits(place: Place, kind: &Type) -> bool {
    match place {
        Place::WaitUntil => matches!(kind, Type::Timestamp),
        Place::Achieved => matches!(kind, Type::Duration),
        Place::ForEach => matches!(kind, Type::List(_) | Type::Map(_)),
        _ => matches!(kind, Type::Bool),
    }
}

/// An expression of another type than its place takes.
fn wrong_kind(site: &Site<'_>, kind: &Type) -> Option<Diagnostic> {
    let (key, what, help) = wanted(site.place)?;
    if *kind == Type::Any || fits(site.place, kind) {
        return None;
    }
    let whole = 0..site.expression.text().len();
    Some(
        Diagnostic::error(
            CODE,
            site.span(&whole),
            format!("`{key}` has to be {what}, and this is a {kind}"),
            format!("a {kind}"),
        )
        .help(help),
    )
}
