//! What steps leave behind, and what unknown outcomes get.

use super::{Named, Sourced, WrittenAction};
use crate::source::Span;
use piton_core::expr::Template;
use piton_core::plan::{Retry, UndoAfter};
use piton_core::time::Millis;

/// What an unknown outcome gets.
#[derive(Clone, Debug)]
pub enum Interrupted {
    /// A person says.
    Ask,
    /// It is done again.
    Rerun,
    /// It counts as failed.
    Fail,
    /// An action finds out.
    Probe(Probe),
}

/// A block of one action that only looks: it finds out whether an attempt happened, what was there before, what is
/// about to be changed, or which answers there are.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The whole of it.
    pub span: Span,
    /// The action: exactly one, in a runbook without errors.
    pub actions: Vec<WrittenAction>,
    /// Whether it has keys that nobody knows, one of which may have been meant as the action.
    pub unknown_keys: bool,
}

/// What a step leaves behind.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Nothing.
    None,
    /// Something harmless, and why it is.
    Abandoned(Sourced<String>),
    /// What an action takes back.
    Undo(Undo),
    /// What nothing takes back, and why.
    Irreversible(Sourced<String>),
    /// Something was written that could not be read.
    Unreadable,
}

/// The action that takes a step back.
#[derive(Clone, Debug)]
pub struct Undo {
    /// The whole of it.
    pub span: Span,
    /// The action: exactly one, in a runbook without errors.
    pub actions: Vec<WrittenAction>,
    /// Environment variables of its own.
    pub env: Named<Sourced<Template>>,
    /// Its time limit.
    pub timeout: Option<Millis>,
    /// When it runs without anybody being asked, where that was said.
    pub after: Option<UndoAfter>,
    /// Further tries.
    pub retry: Option<Retry>,
    /// Finds out whether it happened.
    pub check: Option<Probe>,
    /// Whether it has keys that nobody knows, one of which may have been meant as the action.
    pub unknown_keys: bool,
}
