//! How an attempt ended.

use crate::time::Millis;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeStatus {
    /// It ended well.
    Succeeded,
    /// It provably ended, and is known to have failed.
    Failed,
    /// Its time was up and it was ended.
    TimedOut,
    /// It was ended because the run was cancelled.
    Stopped,
    /// Provably none of it ran, and its time is up: the engine ended before it could begin. It counts as nothing,
    /// and another attempt takes its place.
    NotStarted,
    /// Nobody knows what it did: it died with its keeper, or its connection was lost in the middle.
    Unknown,
}

/// What is kept of an ended attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptResult {
    /// How it ended, after `outputs` and `expect` were taken into account.
    pub status: OutcomeStatus,
    /// Why, for people; empty on success.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The exit code of a process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i64>,
    /// Its outputs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Value>,
    /// What each check found, in the order of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckResult>,
    /// With `until`: whether the condition was true at this look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub met: Option<bool>,
    /// With `until`: why waiting is in vain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_vain: Option<String>,
    /// What it produced, where something later needs all of it: of a capture, of a target's fingerprint, of the
    /// action that gives a question's choices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub produced: Option<Box<crate::run::Produced>>,
    /// Files that were to be kept when it ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<super::Evidence>,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// Its name.
    pub name: String,
    /// Whether it passed.
    pub passed: bool,
    /// What was expected, as the author wrote it.
    pub expected: String,
    /// What was found, short.
    pub actual: String,
}

/// How long after an attempt's deadline the core waits for its keeper to report the end before the attempt counts
/// as lost. The keeper ends what runs over; this only notices that there is no keeper to do so. Longer than the
/// keeper's own grace between TERM and KILL.
pub const LOST_AFTER: Millis = Millis(60_000);

impl AttemptResult {
    /// An end like this, for this reason, that gave nothing.
    #[must_use]
    pub fn ended(status: OutcomeStatus, message: impl Into<String>) -> AttemptResult {
        AttemptResult {
            status,
            message: message.into(),
            exit_code: None,
            outputs: BTreeMap::new(),
            checks: Vec::new(),
            met: None,
            in_vain: None,
            produced: None,
            evidence: Vec::new(),
        }
    }
}
