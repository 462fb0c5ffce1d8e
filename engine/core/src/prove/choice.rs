//! Where a run may go one way or another, and which way it goes.

use crate::id::{AttemptId, Purpose};
use crate::plan::NodeIndex;
use crate::record::{Answer, AttemptResult};
use crate::run::Outcome;
use crate::sim::Asked;
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;

/// A place in a run at which the world decides how it goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Point {
    /// An attempt was started.
    Attempt {
        /// Which.
        attempt: AttemptId,
        /// The place of the item it is for, of a node that is done for each of a list.
        item: Option<u32>,
        /// When its time is up.
        deadline: Option<Timestamp>,
    },
    /// A question was put to people.
    Question {
        /// About which node.
        node: NodeIndex,
        /// In which pass of it.
        pass: u32,
        /// What it asks.
        asks: Asked,
    },
    /// Locks were asked for: of a node, or of the run itself.
    Lock(Option<NodeIndex>),
}

/// How it goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Choice {
    /// The attempt ends like this, by a result that nothing is worked out for.
    Ends(Fate),
    /// The attempt ends with this result, after this time.
    Supposed(Box<AttemptResult>, Millis),
    /// The attempt ends, after this time, with what an action saw; what follows is worked out as in a real run.
    Produced(Box<Outcome>, Millis),
    /// As many of those who may as it takes answer this, after this time; `None`: soon, and before it expires.
    Says(Answer, Option<Millis>),
    /// These answer, each after this time.
    Say(Vec<(Millis, String, Answer)>),
    /// Nobody ever answers.
    Silence,
    /// The locks are got at once.
    Got,
    /// Somebody else has the locks, and keeps them.
    NotGot,
}

/// How an attempt ends of which no more is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// Well.
    Succeeds,
    /// It fails.
    Fails,
    /// Its time runs out; without a limit it never ends.
    TimesOut,
    /// Nobody knows what it did.
    Unknown,
}

/// For how many tries a failure holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hold {
    /// For one: the next try goes well.
    Once,
    /// For all tries of this pass.
    Pass,
    /// For all tries, in every pass.
    Always,
}

/// Something that did not go as it does when all is well, or an answer that was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// An attempt did not end well.
    Ends {
        /// At which node.
        node: NodeIndex,
        /// In which pass.
        pass: u32,
        /// What it was for.
        purpose: Purpose,
        /// For which item.
        item: Option<u32>,
        /// How it ended.
        fate: Fate,
        /// For how many tries.
        hold: Hold,
    },
    /// A person answered.
    Says {
        /// About which node.
        node: NodeIndex,
        /// In which pass.
        pass: u32,
        /// What was asked.
        asks: Asked,
        /// What they said; `None`: nobody did.
        answer: Option<Answer>,
    },
    /// Locks were not got.
    NotGot(Option<NodeIndex>),
    /// A condition that only the run can work out was false.
    Skipped(NodeIndex),
}

impl Choice {
    /// What people say when all is well. Of what went wrong they say nothing.
    #[must_use]
    pub fn usual(asks: Asked) -> Choice {
        let answer = match asks {
            Asked::Approve => Answer::Approve,
            Asked::Manual => Answer::Done {
                answers: BTreeMap::new(),
                ticked: 0,
            },
            Asked::Confirm => Answer::Confirm {
                typed: String::new(),
            },
            Asked::Interrupted | Asked::Failed | Asked::Undo | Asked::UndoFailed => {
                return Choice::Silence;
            }
        };
        Choice::Says(answer, None)
    }
}

impl Step {
    /// Whether it is one of the failures that are combined, rather than what people say about one.
    #[must_use]
    pub fn counts(&self) -> bool {
        match self {
            Step::Ends { .. } | Step::NotGot(_) | Step::Skipped(_) => true,
            Step::Says { asks, .. } => is_planned(*asks),
        }
    }

    /// The node it is about; `None` for the run itself.
    #[must_use]
    pub fn node(&self) -> Option<NodeIndex> {
        match self {
            Step::Ends { node, .. } | Step::Says { node, .. } | Step::Skipped(node) => Some(*node),
            Step::NotGot(node) => *node,
        }
    }
}

/// Whether the runbook itself has the question, rather than something that went wrong.
pub(super) fn is_planned(asks: Asked) -> bool {
    matches!(asks, Asked::Approve | Asked::Manual | Asked::Confirm)
}
