//! The parser that is generated from `runbook.pest`.

#![allow(missing_docs, reason = "the derive of pest writes none")]

use pest_derive::Parser;

#[derive(Parser)]
#[grammar = "syntax/runbook.pest"]
pub(crate) struct Grammar;

impl Rule {
    /// Whether it is that of a comment that ends. They stand between the others and mean nothing.
    pub(crate) fn is_comment(self) -> bool {
        matches!(self, Rule::line_comment | Rule::block_comment)
    }
}
