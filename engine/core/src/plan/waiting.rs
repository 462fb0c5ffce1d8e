//! Waiting well: for something to become true, for what is about to be changed to be the right thing, for a lock.

use super::{Action, NodeIndex};
use crate::expr::{Expression, Template};
use crate::time::Millis;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Looking again and again until something is true. The node's `timeout` bounds the whole of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Until {
    /// What has to be true of what a look gave. A look that fails is one at which it is not.
    pub condition: Expression,
    /// The wait between two looks.
    pub every: Millis,
    /// True when it never will be: the node fails at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_when: Option<FailWhen>,
    /// How long the condition has to be true at every look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_for: Option<Millis>,
    /// At how many looks in a row the condition has to be true, at least 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub consecutive: u32,
}

fn one() -> u32 {
    1
}

fn is_one(number: &u32) -> bool {
    *number == 1
}

/// What tells that waiting is in vain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailWhen {
    /// An expression over what a look gave.
    True(Expression),
    /// A line of a file that matches a regular expression.
    Line {
        /// The file; relative to the node's directory. One that is not there has no lines.
        file: Template,
        /// The regular expression.
        matches: String,
    },
}

/// What is about to be changed, recognised by a fingerprint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Reads the fingerprint: `run`, `exec`, `sql` or `http`, changing nothing. Its `value` is the fingerprint.
    pub probe: Action,
    /// True of the right thing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expression>,
}

/// How soon after another node a node has to start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Within {
    /// At most so long after that node was done.
    pub length: Millis,
    /// Which node.
    pub of: NodeIndex,
}

/// Locks that are held together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lock {
    /// Their names, shared by all runs of a store.
    pub names: Vec<Template>,
    /// How long they are waited for.
    pub timeout: Millis,
}

/// How long a lock is waited for, unless the runbook says otherwise.
pub const LOCK_TIMEOUT: Millis = Millis(60 * 60 * 1000);

/// The items that a node is done for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForEach {
    /// A list; or a map, whose keys are the items' keys.
    pub items: Expression,
    /// An item's key, unique among them; else the item itself, if it is a text or a number, or its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Expression>,
}

/// The names that the nodes of a called runbook see.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallScope {
    /// What stands before the names of its nodes in the plan: `restore-db/`.
    pub prefix: String,
    /// The node whose outputs are its parameters.
    pub begin: NodeIndex,
    /// The name of the runbook that is called.
    pub runbook: String,
    /// The digest of that runbook as it was compiled, with the runbooks that it calls.
    pub digest: crate::digest::Digest,
    /// Its parameters that the caller does not give, with their defaults.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Value>,
    /// The plan's names for its secrets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
}
