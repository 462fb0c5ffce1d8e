//! Waiting, targets, and other runbooks.

use super::{Named, Probe, Sourced, Spanned};
use crate::source::Span;
use piton_core::expr::{Expression, Template};
use piton_core::time::Millis;

/// Letting time pass.
#[derive(Clone, Debug)]
pub enum Wait {
    /// For so long.
    For(Spanned<Millis>),
    /// Until this time.
    Until(Sourced<Expression>),
}

/// What tells that waiting is in vain.
#[derive(Clone, Debug)]
pub enum FailWhen {
    /// An expression over what a look gave.
    True(Sourced<Expression>),
    /// A line of a file.
    Line {
        /// The whole of it.
        span: Span,
        /// The file.
        file: Option<Sourced<Template>>,
        /// The regular expression.
        matches: Option<Sourced<String>>,
    },
}

/// What is about to be changed.
#[derive(Clone, Debug)]
pub struct Target {
    /// The whole of it.
    pub span: Span,
    /// Reads its fingerprint.
    pub probe: Option<Probe>,
    /// True of the right thing.
    pub expect: Option<Sourced<Expression>>,
}

/// Another runbook.
#[derive(Clone, Debug)]
pub struct Call {
    /// The whole of it.
    pub span: Span,
    /// Its file, as it was written.
    pub runbook: Option<Sourced<String>>,
    /// Values for its parameters.
    pub with: Named<Sourced<Template>>,
}
