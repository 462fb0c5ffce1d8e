//! # A mode that leaves out what its steps use
//!
//! ## What it does
//! Finds steps and gates that a mode keeps and that use the result of one that it leaves out, go back to one in
//! `on_fail`, or have to start soon after one.
//!
//! ## Why it is bad
//! In that mode there is no such result. The run would stop where it is needed.
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
//!     exec   = ["./report.sh", "${{ steps.count.outputs.rows }}"]
//!     effect = none
//!   }
//!   mode short { only = ["report"] }
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
//!     exec   = ["./report.sh", "${{ steps.count.outputs.rows }}"]
//!     effect = none
//!   }
//!   mode short { only = ["count", "report"] }
//! }
//! ```

use crate::diagnostic::Diagnostic;
use crate::lint::Context;
use crate::lint::sites::{self, Site};
use crate::runbook::{Mode, Node, Response, Runbook, Spanned};
use crate::source::Span;
use std::collections::BTreeSet;

/// The code of this rule.
pub const CODE: &str = "mode::dropped-output";

/// Something that is left out and used.
pub(crate) struct LeftOut<'a> {
    /// The name of the node that is kept.
    pub(crate) node: &'a str,
    /// What it does with the other.
    pub(crate) how: How,
    /// The name of the node that is left out.
    pub(crate) left_out: String,
    /// Where that is said.
    span: Span,
}

/// How a node uses another.
#[derive(Clone, Copy)]
pub(crate) enum How {
    Result,
    Rewind,
    Within,
}

impl How {
    /// In the words of a message: "`report` uses the result of `count`".
    pub(crate) fn words(self) -> &'static str {
        match self {
            How::Result => "uses the result of",
            How::Rewind => "goes back to",
            How::Within => "has to start soon after",
        }
    }
}

pub(crate) fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for mode in &context.runbook.modes {
        for it in search(context.runbook, &context.sites, mode) {
            // A name that no node has is reported as that.
            if context.find(&it.left_out).is_none() {
                continue;
            }
            let message = format!(
                "in the mode `{}`, `{}` {} `{}`, which the mode leaves out",
                mode.id.value,
                it.node,
                it.how.words(),
                it.left_out
            );
            found.push(
                Diagnostic::error(CODE, it.span, message, "left out in the mode")
                    .label(mode.id.span, "this mode")
                    .help(format!(
                        "add `{}` to `only`, or leave `{}` out too",
                        it.left_out, it.node
                    )),
            );
        }
    }
}

/// What the nodes that a mode keeps use of those that it leaves out.
pub(crate) fn left_out<'a>(runbook: &'a Runbook, mode: &'a Mode) -> Vec<LeftOut<'a>> {
    search(runbook, &sites::of(runbook), mode)
}

fn search<'a>(runbook: &'a Runbook, sites: &[Site<'_>], mode: &'a Mode) -> Vec<LeftOut<'a>> {
    let Some(only) = &mode.only else {
        return Vec::new();
    };
    let only: BTreeSet<&str> = only.iter().map(|name| name.value.as_str()).collect();
    let is_kept = |node: &Node| only.contains(node.id.value.as_str());
    let mut found = Vec::new();
    for site in sites {
        let node = site.node.and_then(|index| runbook.nodes.get(index));
        let Some(node) = node.filter(|node| is_kept(node)) else {
            continue;
        };
        for reference in site.expression.references() {
            let [root, name, ..] = reference.path.as_slice() else {
                continue;
            };
            if root == "steps" && !only.contains(name.as_str()) {
                found.push(LeftOut {
                    node: &node.id.value,
                    how: How::Result,
                    left_out: name.clone(),
                    span: site.span(&reference.span),
                });
            }
        }
    }
    for node in runbook.nodes.iter().filter(|node| is_kept(node)) {
        for (how, name) in named(runbook, node) {
            if !only.contains(name.value.as_str()) {
                found.push(LeftOut {
                    node: &node.id.value,
                    how,
                    left_out: name.value.clone(),
                    span: name.span,
                });
            }
        }
    }
    found
}

/// The nodes that a node names, but for those it waits for: these are passed through.
fn named<'a>(
    runbook: &'a Runbook,
    node: &'a Node,
) -> impl Iterator<Item = (How, &'a Spanned<String>)> {
    let shared = runbook.on_fail.as_ref().filter(|_| !node.finally);
    let ladder = node.on_fail.as_ref().or(shared).into_iter().flatten();
    let rewinds = ladder.filter_map(|response| match &response.value {
        Response::Rewind { to, .. } => Some((How::Rewind, to)),
        _ => None,
    });
    rewinds.chain(node.of.iter().map(|of| (How::Within, of)))
}
