//! The parser that is generated from `runbook.pest`.

#![allow(missing_docs, reason = "the derive of pest writes none")]

use pest_derive::Parser;

#[derive(Parser)]
#[grammar = "syntax/runbook.pest"]
pub(crate) struct Grammar;
