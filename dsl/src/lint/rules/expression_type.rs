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
use crate::lint::scope::{OutputTypes, Types};
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
    let mut outputs = OutputTypes::new();
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
                } else if matches!(site.place, Place::When | Place::Expect) {
                    found.extend(condition(site, &kind));
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

/// The output that the expression at this site is for, unless its step may be skipped and leave none.
fn output_of(context: &Context<'_>, site: &Site<'_>) -> Option<(usize, String)> {
    let Place::Output(number) = site.place else {
        return None;
    };
    let node = site.node?;
    let runbook_node = context.runbook.nodes.get(node)?;
    let (name, _) = runbook_node.outputs.get(number)?;
    if runbook_node.when.is_some() {
        return None;
    }
    Some((node, name.value.clone()))
}

/// A condition that is neither true nor false.
fn condition(site: &Site<'_>, kind: &Type) -> Option<Diagnostic> {
    if matches!(kind, Type::Bool | Type::Any) {
        return None;
    }
    let key = if site.place == Place::When {
        "when"
    } else {
        "expect"
    };
    let whole = 0..site.expression.text().len();
    Some(
        Diagnostic::error(
            CODE,
            site.span(&whole),
            format!("`{key}` has to be true or false, and this is a {kind}"),
            format!("a {kind}"),
        )
        .help("compare it with something, for example `… == 0`"),
    )
}
