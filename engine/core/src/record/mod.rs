//! Records: what is written down about a run, one fact each, chained by hash.
//!
//! A fact is what happened, with every value that had to be worked out for it, so that recovery folds facts and
//! evaluates nothing. Facts are only ever added to: a fact's JSON form keeps being readable by every later Piton
//! (new fields get a default, a changed meaning gets a new fact).

mod evidence;
mod fact;
mod http;
mod inputs;
mod page;
mod question;
mod result;
mod start;
mod undo;

pub use evidence::{Evidence, Kept};
pub use fact::{Fact, SkipReason, StopReason};
pub use http::{HttpResponse, RenderedBody, RenderedHttp};
pub use inputs::{
    Bound, Inputs, Item, RenderedAction, RenderedAsk, RenderedCheck, RenderedManual,
    RenderedNotify, RenderedTarget, Watch,
};
pub use page::{Delivery, Page, PageId, RenderedChannel, RenderedContact};
pub use question::{Answer, AskView, Question, QuestionKind, ShownTarget};
pub use result::{AttemptResult, CheckResult, LOST_AFTER, OutcomeStatus};
pub use start::{Assumed, RunOutcome, Start};
pub use undo::{Left, Planned, UndoEntry, WhyAsk};

use crate::digest::Digest;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The highest version of facts that this build writes. A record with a higher one is refused. A fact is written with
/// the first version that has it, so that an older Piton goes on with a run that has nothing new.
pub const RECORD_VERSION: u32 = 4;

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
            v: fact.version(),
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
