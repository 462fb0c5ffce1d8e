//! What was tried: attempts, items and locks of a node.

use crate::id::Purpose;
use crate::record::{Evidence, OutcomeStatus};
use crate::time::Timestamp;
use crate::value::Value;
use serde::Serialize;
use std::collections::BTreeMap;

/// An attempt as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttemptView {
    /// Its id: the name of its log.
    pub id: String,
    /// The pass it belongs to.
    pub pass: u32,
    /// What it is for.
    pub purpose: Purpose,
    /// The place of the item it is for, from 0.
    pub item: Option<u32>,
    /// When it started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// When its time is up.
    pub deadline: Option<Timestamp>,
    /// How it ended; `None` while it runs.
    pub status: Option<OutcomeStatus>,
    /// Why, for people.
    pub message: String,
    /// The exit code of a process.
    pub exit_code: Option<i64>,
    /// With `until`: whether what is waited for was there at this look.
    pub met: Option<bool>,
    /// Files that were kept when it ended, or should have been.
    pub evidence: Vec<Evidence>,
    /// Whether it was told to stop.
    pub stopping: bool,
    /// The host that it was begun on, if it could not be reached when that was last looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<String>,
    /// What was heard of it after it was taken for ended.
    pub late: Option<OutcomeStatus>,
}

/// One item of a node that is done for each of a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ItemView {
    /// Its key.
    pub key: String,
    /// When it was done.
    pub done: Option<Timestamp>,
    /// What it gave.
    pub outputs: BTreeMap<String, Value>,
    /// When it was taken back.
    pub undone: Option<Timestamp>,
}

/// Locks of a run or a node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LockView {
    /// Their names.
    pub names: Vec<String>,
    /// When they were asked for.
    pub asked: Timestamp,
    /// Until when they are waited for.
    pub until: Timestamp,
    /// When they were taken; all at once.
    pub taken: Option<Timestamp>,
    /// When they were let go of.
    pub released: Option<Timestamp>,
}

impl LockView {
    /// Whether they are waited for.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.taken.is_none() && self.released.is_none()
    }

    /// Whether they are held.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.taken.is_some() && self.released.is_none()
    }
}
