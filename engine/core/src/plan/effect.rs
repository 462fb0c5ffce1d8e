//! What a node leaves behind in the world, and the way back.

use super::{Action, Retry};
use crate::expr::Template;
use crate::time::Millis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a node leaves behind in the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorldEffect {
    /// It only looks. Gates are always this.
    None,
    /// The action that takes it back.
    Undo(Undo),
    /// Left behind harmlessly, and why.
    Abandoned(String),
    /// Nothing takes it back, and why.
    Irreversible(String),
    /// The author does not say (a lint). Treated as if it could not be taken back.
    Unstated,
}

/// The action that takes a step back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// What it does: `run`, `exec`, `sql` or `http`.
    pub action: Action,
    /// Environment variables of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Template>,
    /// How long each try may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Millis>,
    /// When it runs without anybody being asked.
    #[serde(default)]
    pub after: UndoAfter,
    /// What happens after a failed try.
    #[serde(default)]
    pub retry: Retry,
    /// Finds out whether an undo with an unknown outcome happened: it succeeds if it did, and fails if it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Action>,
}

/// When an undo runs without anybody being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum UndoAfter {
    /// Only if the step succeeded.
    #[default]
    Succeeded,
    /// Whenever the step was started, however far it came.
    Started,
}
