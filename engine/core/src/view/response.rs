//! What was done about failures.

use crate::id::Actor;
use crate::time::{Millis, Timestamp};
use serde::Serialize;

/// What was done about a node's failure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResponseView {
    /// The pass that failed.
    pub pass: u32,
    /// What.
    #[serde(flatten)]
    pub kind: ResponseKind,
    /// The node whose ladder it is on: the node itself, or the call that it is part of.
    pub owner: String,
    /// Its place on that ladder, from 0; of a decision none.
    pub rung: Option<u32>,
    /// Who decided it, if somebody did.
    pub by: Option<Actor>,
    /// When.
    pub at: Timestamp,
}

/// A response, with names for the places of nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum ResponseKind {
    /// End the run as failed.
    Stop,
    /// Go on as if the node had been skipped.
    Continue,
    /// Go back and do it again.
    Rewind {
        /// The node that is gone back to.
        to: String,
        /// How often this rung was taken with this time, from 1.
        count: u32,
        /// How often it may be taken; of a decision none.
        times: Option<u32>,
    },
    /// Ask people, and page them.
    Escalate {
        /// The policy.
        policy: String,
        /// How long they have, in milliseconds.
        expires: Option<Millis>,
    },
    /// Undo everything and end the run.
    Rollback,
}
