//! The way back: what is undone, in which order, and what is left.

use crate::id::Actor;
use crate::plan::NodeIndex;
use serde::{Deserialize, Serialize};

/// One entry of an undo set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoEntry {
    /// Which node.
    pub node: NodeIndex,
    /// Which pass of it.
    pub pass: u32,
    /// What is to be done about it.
    pub planned: Planned,
}

/// What is to be done about an entry of an undo set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Planned {
    /// Its undo runs.
    Run,
    /// A person is asked, before anything is undone.
    Ask(WhyAsk),
}

/// Why a person is asked about an entry of an undo set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyAsk {
    /// Nothing takes it back.
    Irreversible,
    /// The runbook does not say how it is taken back.
    Unstated,
    /// It was started and did not succeed, and its undo is only for when it did.
    HalfDone,
    /// It was done outside this run.
    Assumed,
}

/// Something that was done and is left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Left {
    /// Which node.
    pub node: NodeIndex,
    /// Which pass of it.
    pub pass: u32,
    /// Why, for people.
    pub why: String,
    /// Who decided it, if somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Actor>,
}
