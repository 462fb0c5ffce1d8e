//! The parser that is generated from `runbook.pest`.

#![allow(missing_docs)]

use pest_derive::Parser;

#[derive(Parser)]
#[grammar = "syntax/runbook.pest"]
pub(super) struct Grammar;
