//! What can happen to a run from outside.

use crate::digest::Digest;
use crate::id::{Actor, AttemptId};
use crate::plan::NodeIndex;
use crate::record::{Answer, Delivery, Evidence, HttpResponse, OutcomeStatus, PageId};
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An event. Everything that changes a run comes in as one of these. Those that other processes send
/// ([`Event::Decide`], [`Event::Cancel`]) are stored in the inbox as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Event {
    /// An attempt is over, or nobody will ever know.
    AttemptEnded {
        /// Which attempt.
        attempt: AttemptId,
        /// How, as the action saw it.
        outcome: Outcome,
    },
    /// An attempt that runs, as far as is known, was begun by an engine on another host (or by one that may still be
    /// at it), and cannot be reached from here: it is neither started nor undone before somebody knows its end.
    Elsewhere {
        /// Which attempt.
        attempt: AttemptId,
        /// The host it was begun on.
        host: String,
        /// Why it cannot be reached, for people.
        why: String,
    },
    /// An attempt that was elsewhere is on the host of the engine that drives the run now.
    Reached {
        /// Which attempt.
        attempt: AttemptId,
    },
    /// A person answers an open question.
    Decide(Decision),
    /// A person cancels the run.
    Cancel {
        /// Who.
        by: Actor,
        /// Why.
        #[serde(default)]
        reason: Option<String>,
        /// Whether what was done is undone.
        #[serde(default)]
        rollback: bool,
    },
    /// A person has seen the question that is open for a node and will decide it.
    Acknowledge {
        /// The node.
        node: NodeIndex,
        /// Who.
        by: Actor,
    },
    /// A person has seen that the run's clock runs: nobody is called about it any more before its next mark.
    AcknowledgeTarget {
        /// Who.
        by: Actor,
    },
    /// A person takes the question that is open for a node: nobody else decides it meanwhile.
    Take {
        /// The node.
        node: NodeIndex,
        /// Who.
        by: Actor,
        /// Even if somebody else has it.
        #[serde(default)]
        over: bool,
    },
    /// What became of a call for people.
    PageEnded {
        /// Which.
        page: PageId,
        /// For each contact.
        deliveries: Vec<Delivery>,
    },
    /// All locks that were asked for were taken.
    Locked {
        /// For which node; `None` for the whole run.
        #[serde(default)]
        node: Option<NodeIndex>,
    },
    /// Time has passed; something may be due.
    Tick,
}

/// A person's answer to the question that is open for a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// The node.
    pub node: NodeIndex,
    /// Who answers.
    pub by: Actor,
    /// What.
    pub answer: Answer,
    /// What they say about it.
    #[serde(default)]
    pub note: Option<String>,
    /// The digest of what they were shown.
    pub shown: Digest,
}

/// How an attempt ended, as its action saw it. The core then works out `expect` and `outputs`, which can still
/// turn a success into a failure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// How.
    pub status: OutcomeStatus,
    /// Why, for people; empty on success. Never contains a secret.
    pub message: String,
    /// What it produced.
    pub produced: Produced,
}

/// What an action produced. What does not apply to the kind of action is empty. Secrets are masked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Default)]
pub struct Produced {
    /// The exit code of a process that exited.
    #[serde(default)]
    pub exit_code: Option<i64>,
    /// Standard output of a process, at most [`Produced::STDOUT_LIMIT`] bytes of it.
    #[serde(default)]
    pub stdout: Option<String>,
    /// Whether `stdout` was cut.
    #[serde(default)]
    pub stdout_cut: bool,
    /// Rows of SQL, each a map by column name.
    #[serde(default)]
    pub rows: Option<Vec<Value>>,
    /// The first column of the first row.
    #[serde(default)]
    pub first: Option<Value>,
    /// What a web server answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Box<HttpResponse>>,
    /// `name=value` lines that a process wrote to `$PITON_OUTPUT`.
    #[serde(default)]
    pub output_lines: BTreeMap<String, String>,
    /// For `checks`: what each probe gave, in the order of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Outcome>,
    /// Files that were to be kept when the attempt ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// The line of the watched file that tells that waiting is in vain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_vain: Option<String>,
}

impl Produced {
    /// How much of a process's standard output expressions can see.
    pub const STDOUT_LIMIT: usize = 1024 * 1024;
}

impl Outcome {
    /// A success that produced this.
    #[must_use]
    pub fn succeeded(produced: Produced) -> Outcome {
        Outcome {
            status: OutcomeStatus::Succeeded,
            message: String::new(),
            produced,
        }
    }

    /// An end other than success, and why.
    #[must_use]
    pub fn not_succeeded(status: OutcomeStatus, message: impl Into<String>) -> Outcome {
        Outcome {
            status,
            message: message.into(),
            produced: Produced::default(),
        }
    }
}
