//! Records: what is written down about a run, one fact each, chained by hash.
//!
//! A fact is what happened, with every value that had to be worked out for it, so that recovery folds facts and
//! evaluates nothing. Facts are only ever added to: a fact's JSON form keeps being readable by every later Piton
//! (new fields get a default, a changed meaning gets a new fact).

use crate::digest::Digest;
use crate::id::{Actor, AttemptId, RunId};
use crate::plan::NodeIndex;
use crate::text::Text;
use crate::time::{Millis, Timestamp};
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of facts that this build writes. A record with a higher one is refused.
pub const RECORD_VERSION: u32 = 1;

/// A fact with its place in the journal. `body` is the exact text that was hashed and stored, so that a later
/// Piton, which might write the same fact another way, still finds the chain whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number in the run, from 1 without gaps.
    pub seq: u64,
    /// When it was written, never earlier than the record before it.
    pub at: Timestamp,
    /// The fact as JSON: `{"v":1,"fact":{…}}`.
    pub body: String,
    /// The hash of the record before it; [`Digest::ZERO`] for the first.
    pub prev: Digest,
    /// The hash of this record: of `prev`, `seq`, `at` and `body`.
    pub hash: Digest,
}

/// Why a record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It was written by a newer Piton.
    #[error(
        "record {seq} has version {found}, and this piton knows versions up to {RECORD_VERSION}; use the newer piton"
    )]
    Newer {
        /// Which record.
        seq: u64,
        /// Its version.
        found: u32,
    },
    /// Its body is not a fact.
    #[error("record {seq} cannot be read: {reason}")]
    Unreadable {
        /// Which record.
        seq: u64,
        /// What the reader said.
        reason: String,
    },
    /// Its number is not the next one.
    #[error(
        "record {found} stands where record {expected} should: a record is missing or out of place"
    )]
    OutOfPlace {
        /// The number that should stand there.
        expected: u64,
        /// The number that stands there.
        found: u64,
    },
    /// Its hash, or its link to the record before it, is wrong.
    #[error("record {seq} was changed: its hash does not match what it says")]
    Changed {
        /// Which record.
        seq: u64,
    },
}

#[derive(Serialize)]
struct BodyRef<'a> {
    v: u32,
    fact: &'a Fact,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[derive(Deserialize)]
struct Body {
    fact: Fact,
}

impl Record {
    /// Seals a fact as the record that follows the one with number `seq - 1` and hash `prev`.
    #[must_use]
    pub fn seal(seq: u64, at: Timestamp, prev: Digest, fact: &Fact) -> Record {
        let body = serde_json::to_string(&BodyRef {
            v: RECORD_VERSION,
            fact,
        })
        .unwrap_or_default();
        let hash = Record::hash_of(seq, at, prev, &body);
        Record {
            seq,
            at,
            body,
            prev,
            hash,
        }
    }

    fn hash_of(seq: u64, at: Timestamp, prev: Digest, body: &str) -> Digest {
        Digest::of(&[
            &prev.0,
            &seq.to_be_bytes(),
            &at.0.to_be_bytes(),
            body.as_bytes(),
        ])
    }

    /// The fact.
    ///
    /// # Errors
    /// When the body is not a fact, or one of a newer Piton.
    pub fn fact(&self) -> Result<Fact, RecordError> {
        let unreadable = |error: serde_json::Error| RecordError::Unreadable {
            seq: self.seq,
            reason: error.to_string(),
        };
        match serde_json::from_str::<Body>(&self.body) {
            Ok(body) => Ok(body.fact),
            Err(error) => {
                let Version { v } = serde_json::from_str(&self.body).map_err(unreadable)?;
                if v > RECORD_VERSION {
                    return Err(RecordError::Newer {
                        seq: self.seq,
                        found: v,
                    });
                }
                Err(unreadable(error))
            }
        }
    }

    /// Whether it is record `seq` and follows a record with hash `prev`, unchanged.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(&self, seq: u64, prev: Digest) -> Result<(), RecordError> {
        if self.seq != seq {
            return Err(RecordError::OutOfPlace {
                expected: seq,
                found: self.seq,
            });
        }
        if self.prev != prev
            || self.hash != Record::hash_of(self.seq, self.at, self.prev, &self.body)
        {
            return Err(RecordError::Changed { seq: self.seq });
        }
        Ok(())
    }
}

/// What happened. One variant, one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Fact {
    /// The run was made.
    RunCreated {
        /// Its id.
        run: RunId,
        /// The runbook's name.
        runbook: String,
        /// The digest of its plan.
        plan: Digest,
        /// Who and where.
        start: Start,
    },
    /// A node's needs have settled: its inputs were worked out, once for this pass.
    NodeStarted {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// What its action was given.
        inputs: Inputs,
    },
    /// A node is not done in this pass.
    NodeSkipped {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// Why.
        reason: SkipReason,
    },
    /// An attempt is about to be started. Durable before anything of it happens.
    AttemptStarted {
        /// Which attempt.
        attempt: AttemptId,
        /// When its time is up.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deadline: Option<Timestamp>,
    },
    /// An attempt is over.
    AttemptEnded {
        /// Which attempt.
        attempt: AttemptId,
        /// How, with everything that was worked out from what it produced.
        result: AttemptResult,
    },
    /// A result came for an attempt that was over, or for a run that was over. It changes nothing.
    LateResult {
        /// Which attempt.
        attempt: AttemptId,
        /// How it ended.
        result: AttemptResult,
    },
    /// An attempt was told to end.
    StopRequested {
        /// Which attempt.
        attempt: AttemptId,
        /// Why.
        reason: StopReason,
    },
    /// A node will be tried again.
    RetryScheduled {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// Not before this time.
        at: Timestamp,
        /// Which try failed.
        after: AttemptId,
    },
    /// A question to people was opened.
    QuestionOpened {
        /// The question.
        question: Question,
    },
    /// A person answered, and the answer counts.
    Answered {
        /// The node whose question was answered.
        node: NodeIndex,
        /// Its pass.
        pass: u32,
        /// Who.
        by: Actor,
        /// What.
        answer: Answer,
        /// What they said about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        /// The digest of what they were shown.
        shown: Digest,
    },
    /// A question's time ran out.
    QuestionExpired {
        /// The node whose question it was.
        node: NodeIndex,
        /// Its pass.
        pass: u32,
    },
    /// A question is no longer asked, because what it was about is over.
    QuestionVoided {
        /// The node whose question it was.
        node: NodeIndex,
        /// Its pass.
        pass: u32,
        /// Why.
        reason: String,
    },
    /// A node is done, and well.
    NodeSucceeded {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// What other nodes can use.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<String, Value>,
    },
    /// A node failed for good in this pass.
    NodeFailed {
        /// Which node.
        node: NodeIndex,
        /// Which pass.
        pass: u32,
        /// Why.
        message: String,
        /// What is done about it.
        response: crate::plan::Response,
    },
    /// Somebody cancelled the run.
    CancelRequested {
        /// Who.
        by: Actor,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The run is over.
    RunEnded {
        /// How.
        outcome: RunOutcome,
    },
}

/// What is known of a run when it is made, besides its plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Who started it.
    pub by: Actor,
    /// The directory that relative paths of nodes start from: where the runbook's file is.
    pub base: String,
    /// A directory of the run's own, for what steps leave between each other.
    pub work: String,
    /// The runbook's file as it was named, for messages.
    pub file: String,
}

/// What a node's action was given: its templates rendered, once a pass. Secrets stay names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// The action with everything in it worked out.
    pub action: RenderedAction,
    /// Environment variables for its processes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Text>,
    /// The working directory; `None` for the run's base directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<Text>,
    /// The rendered `interrupted = probe { … }`, which is done with the same environment and directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<RenderedAction>,
}

/// An action with everything in it worked out. What is verbatim in the plan is repeated here, so that the record
/// alone says what was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenderedAction {
    /// See [`crate::plan::Run`].
    Run {
        /// The script.
        script: String,
        /// The shell's argv.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shell: Option<Vec<String>>,
    },
    /// See [`crate::plan::Exec`].
    Exec {
        /// The program and its arguments.
        argv: Vec<Text>,
    },
    /// See [`crate::plan::Sql`].
    Sql {
        /// The database.
        on: Text,
        /// The SQL.
        text: String,
        /// Many statements in one transaction, or one whose rows are kept.
        script: bool,
        /// Values for `$1`, `$2`, ….
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bind: Vec<Bound>,
    },
    /// See [`crate::plan::Check`]; in the order of the plan.
    Checks(Vec<RenderedCheck>),
    /// See [`crate::plan::Approve`]; nothing in it needs working out.
    Approve(crate::plan::Approve),
}

/// A bound parameter of SQL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// A value with its type.
    Value(Value),
    /// A text that has secrets in it.
    Text(Text),
}

/// A check with everything in it worked out but what it expects of the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenderedCheck {
    /// Its name.
    pub name: String,
    /// How it looks.
    pub probe: RenderedAction,
}

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

/// Why a node was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Its `when` was false.
    When,
}

/// Why an attempt was told to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The run was cancelled.
    Cancel,
}

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
}

/// What a question asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum QuestionKind {
    /// May the run go on?
    Approve(crate::plan::Approve),
    /// Did this attempt happen? Answers: succeeded, did not happen, failed.
    Interrupted {
        /// The attempt whose outcome is unknown.
        attempt: AttemptId,
        /// Why it is unknown.
        why: String,
    },
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
    },
    /// The interrupted attempt did not happen, or is to be done again: a new attempt is started.
    DidNotHappen,
    /// The interrupted attempt counts as failed.
    Failed,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// All nodes were done or skipped.
    Succeeded,
    /// A node failed and its response was to stop.
    Failed,
    /// Somebody cancelled it.
    Cancelled,
}

/// How long after an attempt's deadline the core waits for its keeper to report the end before the attempt counts
/// as lost. The keeper ends what runs over; this only notices that there is no keeper to do so. Longer than the
/// keeper's own grace between TERM and KILL.
pub const LOST_AFTER: Millis = Millis(60_000);
