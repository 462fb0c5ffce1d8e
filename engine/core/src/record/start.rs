//! How a run begins and how it ends.

use crate::id::Actor;
use crate::plan::NodeIndex;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is known of a run when it is made, besides its plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// Who started it.
    pub by: Actor,
    /// The directory that relative paths of nodes start from: where the runbook's file is.
    pub base: String,
    /// A directory of the run's own, for what steps leave between each other.
    pub work: String,
    /// The runbook's file as it was named, for messages.
    pub file: String,
    /// Nodes that were done before, outside this run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub assumed: Vec<Assumed>,
}

/// A node that somebody says was done before the run began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Assumed {
    /// Which node.
    pub node: NodeIndex,
    /// Its outputs, which others use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Value>,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// All nodes were done or skipped.
    Succeeded,
    /// A node failed and its response was to stop.
    Failed,
    /// Somebody cancelled it, and what was done was kept.
    Cancelled,
    /// Everything that was done was taken back.
    RolledBack,
    /// It was to be rolled back, and something of what was done is left.
    PartlyRolledBack,
}
