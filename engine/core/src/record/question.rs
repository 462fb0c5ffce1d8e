//! What people are asked, and what they answer.

use super::WhyAsk;
use crate::digest::Digest;
use crate::id::AttemptId;
use crate::plan::{AnswerType, NodeIndex};
use crate::text::Text;
use crate::time::Timestamp;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A question to people. At most one is open for a node and pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The node it is about.
    pub node: NodeIndex,
    /// Its pass.
    pub pass: u32,
    /// What is asked.
    pub kind: QuestionKind,
    /// The digest of what is shown: the plan, the parameters, the rendered node, its pass and the passes and
    /// outputs of what it depends on. An answer counts only for this digest.
    pub shown: Digest,
    /// After this time no answer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
    /// Its number in the run, from 1.
    #[serde(default)]
    pub number: u32,
    /// The escalation policy that is paged while nobody answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

/// What a question asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum QuestionKind {
    /// May the run go on? Answers: approve, reject.
    Approve {
        /// Who, and how many.
        #[serde(flatten)]
        terms: crate::plan::Approve,
        /// What the nodes behind the gate are about to change.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        targets: Vec<ShownTarget>,
    },
    /// Did this attempt happen? Answers: succeeded, did not happen, failed.
    Interrupted {
        /// The attempt whose outcome is unknown.
        attempt: AttemptId,
        /// Why it is unknown.
        why: String,
        /// The host on which it may still run, out of reach. Then the answer also says that it does not run any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        host: Option<String>,
    },
    /// Do this, or answer these. Answers: done, failed.
    Manual {
        /// What to do.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instructions: Option<Text>,
        /// What has to be ticked off.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        checklist: Vec<Text>,
        /// What is asked.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        asks: Vec<AskView>,
        /// Names or roles that may do it; empty: anybody.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        by: Vec<String>,
    },
    /// Type this before the step starts. Answers: confirm, reject.
    Confirm {
        /// What has to be typed.
        expected: String,
        /// What it is about to change.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target: Option<ShownTarget>,
    },
    /// The node failed: what now? Answers: retry, skip, succeeded, rewind, rollback, stop.
    Failed {
        /// Why it failed.
        message: String,
    },
    /// This is to be undone, and nothing says how far it got or how to undo it. Answers: undone by hand, abandon
    /// undo, did not happen, succeeded (then its undo runs), stop.
    Undo {
        /// Why somebody is asked.
        why: WhyAsk,
    },
    /// Its undo failed, or nobody knows whether it happened. Answers: retry, undone by hand, abandon undo, stop.
    UndoFailed {
        /// What went wrong.
        message: String,
    },
}

/// A typed question as it is put.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AskView {
    /// Its name.
    pub name: String,
    /// What kind of answer it takes.
    pub kind: AnswerType,
    /// What is asked, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The only possible answers, each with what is shown beside it. `None`: any answer of its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choices: Option<Vec<(Value, String)>>,
    /// What an answer has to fulfil, as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate: Option<String>,
    /// The answer when none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// What a node is about to change, as it was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownTarget {
    /// Which node.
    pub node: NodeIndex,
    /// Its fingerprint, or why it could not be read.
    pub found: Result<String, String>,
}

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The run may go on.
    Approve,
    /// The run may not go on.
    Reject,
    /// The interrupted attempt happened, and well; with the outputs that other nodes use.
    Succeeded {
        /// Its outputs.
        #[serde(default)]
        outputs: BTreeMap<String, Value>,
        /// What shows it: a text, or where it is found.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        evidence: Option<String>,
    },
    /// The interrupted attempt did not happen, or is to be done again: a new attempt is started.
    DidNotHappen,
    /// The interrupted attempt counts as failed; of something a person was to do, that it could not be done.
    Failed,
    /// What was asked for is done.
    Done {
        /// The answers by the names of the questions.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        answers: BTreeMap<String, Value>,
        /// How many entries of the checklist were ticked off.
        #[serde(default)]
        ticked: u32,
    },
    /// The step may start.
    Confirm {
        /// What was typed.
        typed: String,
    },
    /// The node is tried again, in the same pass; of an undo, that is tried again.
    Retry,
    /// The node counts as skipped, with the outputs that other nodes use.
    Skip {
        /// Its outputs.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<String, Value>,
    },
    /// Go back to this node.
    Rewind {
        /// Which.
        to: NodeIndex,
    },
    /// Undo everything, and end the run.
    Rollback,
    /// End the run as it is; of an undo, leave everything that is not undone yet.
    Stop,
    /// A person took it back.
    UndoneByHand,
    /// It is left as it is.
    AbandonUndo,
}
