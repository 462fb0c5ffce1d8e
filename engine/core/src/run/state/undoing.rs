//! What is known of the way back: of one node, and of the whole run.

use super::asking::Given;
use super::node::{Ended, Flight};
use crate::id::Actor;
use crate::plan::NodeIndex;
use crate::record::{Inputs, Planned, UndoEntry};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How far a node's undo is, in the node's present pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub(in crate::run) enum Undoing {
    /// Nothing is undone.
    #[default]
    None,
    /// It is in the undo set, and its turn has not come, or people are asked first.
    Planned {
        planned: Planned,
        /// Of a node that is done for each of a list: whether the item that it was at is undone too.
        half: bool,
        /// What a person said, of which nothing was drawn yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        given: Option<Box<Given>>,
    },
    /// Its turn has come.
    Now(Box<Now>),
    /// It was taken back.
    Undone {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Actor>,
    },
    /// There was nothing to take back.
    Nothing,
    /// It is left.
    Left,
}

/// The undo that is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Now {
    /// What it is given; `None` when that could not be worked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) inputs: Option<Box<Inputs>>,
    pub(in crate::run) phase: UndoPhase,
    /// How many items are undone.
    #[serde(default)]
    pub(in crate::run) items: u32,
    #[serde(default)]
    pub(in crate::run) retries: u32,
    #[serde(default)]
    pub(in crate::run) reruns: u32,
    /// Whether the item that the node was at is undone too.
    #[serde(default)]
    pub(in crate::run) half: bool,
}

/// Where a node's undo stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::run) enum UndoPhase {
    /// Nothing runs.
    Ready,
    /// An attempt runs.
    InFlight(Flight),
    /// An attempt ended, and nothing was drawn from that yet.
    Ended(Box<Ended>),
    /// It waits for its next try.
    Again { at: Timestamp },
    /// It failed, and people are to be asked, or are.
    Failed { message: String },
    /// They answered, and nothing was drawn from that yet.
    Decided(Box<Given>),
}

impl Undoing {
    pub(in crate::run) fn is_none(&self) -> bool {
        *self == Undoing::None
    }

    /// Whether nothing further is done about it.
    pub(in crate::run) fn is_settled(&self) -> bool {
        matches!(
            self,
            Undoing::Undone { .. } | Undoing::Nothing | Undoing::Left
        )
    }

    /// Whether something ended of which nothing was drawn yet.
    pub(in crate::run) fn is_unsettled(&self) -> bool {
        match self {
            Undoing::Planned { given, .. } => given.is_some(),
            Undoing::Now(now) => {
                matches!(now.phase, UndoPhase::Ended(_) | UndoPhase::Decided(_))
            }
            _ => false,
        }
    }
}

impl Now {
    pub(in crate::run) fn flight(&self) -> Option<&Flight> {
        match &self.phase {
            UndoPhase::InFlight(flight) => Some(flight),
            _ => None,
        }
    }

    pub(in crate::run) fn flight_mut(&mut self) -> Option<&mut Flight> {
        match &mut self.phase {
            UndoPhase::InFlight(flight) => Some(flight),
            _ => None,
        }
    }
}

/// That the run goes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Back {
    pub(in crate::run) goal: Goal,
    /// What is undone, in order; `None` until what runs has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) entries: Option<Vec<UndoEntry>>,
}

/// How far the run goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::run) enum Goal {
    /// To this node.
    Rewind {
        to: NodeIndex,
        /// The node whose failure, or the decision about it, asks for it.
        from: NodeIndex,
    },
    /// To the beginning, and no further.
    Rollback,
}
