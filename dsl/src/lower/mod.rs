//! From the tree that both syntaxes share to a typed [`Runbook`].
//!
//! Start at [`lower`]. One file a block, each reading its keys through `fields` by the constants of
//! [`crate::schema`]; `values` reads single values. Lowering goes on after a mistake: what cannot be read is
//! reported once, is absent from the result, and still counts as written.

mod action;
mod approve;
mod call;
mod checks;
mod contact;
mod effect;
mod escalation;
mod fields;
mod guard;
mod http;
mod interrupted;
mod manual;
mod mode;
mod node;
mod notify;
mod param;
mod response;
mod retry;
mod runbook;
mod secret;
mod sql;
mod targets;
mod values;
mod wait;
mod waiting;

use crate::diagnostic::Diagnostic;
use crate::node::Node;
use crate::runbook::Runbook;
use crate::source::Syntax;

/// Types the tree of a file. `None` when it is not a map at all; what is wrong is added to `diagnostics`.
pub fn lower(root: &Node, syntax: Syntax, diagnostics: &mut Vec<Diagnostic>) -> Option<Runbook> {
    let mut lowering = Lowering {
        syntax,
        diagnostics,
    };
    lowering.runbook(root)
}

/// What lowering carries along.
struct Lowering<'a> {
    /// Help is worded in it.
    syntax: Syntax,
    /// What was found so far.
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Lowering<'_> {
    /// Keeps what was found, as far as anybody will read it: a file of nothing but mistakes must not take many
    /// times its size in memory.
    fn report(&mut self, diagnostic: Diagnostic) {
        const KEPT: usize = 20 * crate::syntax::MAX_DIAGNOSTICS;
        if self.diagnostics.len() < KEPT {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Whether it is still worth looking for what was meant: a file with very many mistakes gets no suggestions
    /// for the later ones, so that they cost no more than the file is long.
    fn may_suggest(&self) -> bool {
        self.diagnostics.len() < crate::syntax::MAX_DIAGNOSTICS
    }
}
