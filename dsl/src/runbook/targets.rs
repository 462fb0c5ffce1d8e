//! How long a runbook may take, how much may be lost, and ways to run a part of it.

use super::{Sourced, Spanned};
use crate::node::Scalar;
use crate::source::Span;
use piton_core::expr::Expression;
use piton_core::time::Millis;
use std::collections::BTreeMap;

/// What the procedure has to achieve.
#[derive(Clone, Debug)]
pub struct Targets {
    /// The whole of it.
    pub span: Span,
    /// How long it may take.
    pub rto: Option<Rto>,
    /// How much may be lost.
    pub rpo: Option<Rpo>,
}

/// How long the procedure may take.
#[derive(Clone, Debug)]
pub struct Rto {
    /// The whole of it.
    pub span: Span,
    /// The length of time.
    pub within: Option<Spanned<Millis>>,
    /// The node where the clock starts; without it, the start of the run.
    pub from: Option<Spanned<String>>,
    /// The node where the clock stops; without it, the end of the run.
    pub to: Option<Spanned<String>>,
    /// When it counts as at risk, in percent of `within`.
    pub at_risk: Option<Spanned<f64>>,
    /// The escalation policy that is paged then.
    pub page: Option<Spanned<String>>,
}

/// How much may be lost.
#[derive(Clone, Debug)]
pub struct Rpo {
    /// The whole of it.
    pub span: Span,
    /// The length of time.
    pub within: Option<Spanned<Millis>>,
    /// What was lost, as a length of time.
    pub achieved: Option<Sourced<Expression>>,
}

/// A way to run a part of the runbook.
#[derive(Clone, Debug)]
pub struct Mode {
    /// Its name.
    pub id: Spanned<String>,
    /// The names of the nodes that are kept; `None`: all.
    pub only: Option<Vec<Spanned<String>>>,
    /// Values of parameters in this mode, as they were written; `None` for one that could not be read.
    pub set: Vec<(Spanned<String>, Option<Scalar>)>,
    /// Where the clock starts and stops in this mode.
    pub rto: Option<ModeRto>,
    /// Where each key that was written stands.
    pub keys: BTreeMap<&'static str, Span>,
}

/// Where the clock starts and stops in a mode.
#[derive(Clone, Debug)]
pub struct ModeRto {
    /// The whole of it.
    pub span: Span,
    /// The node where it starts; without it, as the runbook says.
    pub from: Option<Spanned<String>>,
    /// The node where it stops; without it, as the runbook says.
    pub to: Option<Spanned<String>>,
}
