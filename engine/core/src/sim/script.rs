//! What happens in a simulated world.

use crate::id::Purpose;
use crate::plan::NodeIndex;
use crate::record::{Answer, OutcomeStatus};
use crate::run::{Outcome, Produced};
use crate::time::Millis;
use std::collections::BTreeMap;

/// What each attempt does, what people answer, and when the engine dies. Empty: every attempt succeeds after a
/// second, nobody answers, nothing dies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// What the attempts at a node do, in order; the last one is repeated.
    pub attempts: BTreeMap<(NodeIndex, Purpose), Vec<Scripted>>,
    /// What people answer to a node's questions: one list of answers a question, in order.
    pub replies: BTreeMap<NodeIndex, Vec<Vec<Reply>>>,
    /// What people answer to every question that `replies` has nothing for.
    pub usual_replies: Vec<Reply>,
    /// How long after its start the run is cancelled; each time by somebody.
    pub cancels: Vec<Millis>,
    /// Where the engine is killed: at most once an event.
    pub crashes: Vec<Crash>,
    /// How much later than asked for the engine notices that something is due.
    pub tick_lag: Millis,
    /// How often a snapshot is stored: every so many records. `None`: never.
    pub snapshot_every: Option<u64>,
}

/// What one attempt does.
#[derive(Clone, Debug, PartialEq)]
pub struct Scripted {
    /// How long it takes. Longer than its time limit: it is ended and has timed out.
    pub takes: Millis,
    /// How it ends.
    pub ends: Ends,
    /// It ends as scripted even if it is told to stop.
    pub ignores_stop: bool,
    /// Nobody ends it at its deadline, as when its host cannot be reached.
    pub overruns: bool,
}

/// How an attempt ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Ends {
    /// Its end is reported.
    With(Outcome),
    /// Nothing is ever heard of it.
    Silently,
}

/// An answer that somebody gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// How long after the question was put.
    pub after: Millis,
    /// Under which name. The account is the same at `elsewhere`.
    pub by: String,
    /// What. For [`Answer::Succeeded`], the outputs are filled in with nulls where they are missing.
    pub answer: Answer,
    /// It is about something else than what is asked.
    pub about_something_else: bool,
}

/// The death of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crash {
    /// While which event is dealt with, counted from 0, which is the creation.
    pub event: u32,
    /// Where.
    pub point: CrashPoint,
    /// The keeper dies with it, and everything that runs.
    pub with_keeper: bool,
}

/// Where an engine dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    /// Before the records are committed.
    BeforeCommit,
    /// They are committed, but it is never told; whoever sent the event sends it again.
    AcknowledgementLost,
    /// After the commit, before any effect.
    AfterCommit,
    /// After this many effects and one.
    AfterEffect(usize),
    /// An attempt has ended, and its result has not been posted. For other events: before the commit.
    NotPosted,
    /// The event was posted, and has not been looked at.
    NotConsumed,
}

impl Scripted {
    /// Ends well after this time, with this on standard output.
    #[must_use]
    pub fn succeeds(takes: Millis, stdout: &str) -> Scripted {
        let produced = Produced {
            exit_code: Some(0),
            stdout: Some(stdout.to_owned()),
            ..Produced::default()
        };
        Scripted {
            takes,
            ends: Ends::With(Outcome::succeeded(produced)),
            ignores_stop: false,
            overruns: false,
        }
    }

    /// Ends in another way after this time.
    #[must_use]
    pub fn ends(takes: Millis, status: OutcomeStatus, message: &str) -> Scripted {
        let outcome = Outcome::not_succeeded(status, message);
        Scripted {
            takes,
            ends: Ends::With(outcome),
            ignores_stop: false,
            overruns: false,
        }
    }

    /// Is never heard of.
    #[must_use]
    pub fn silent() -> Scripted {
        Scripted {
            takes: Millis(0),
            ends: Ends::Silently,
            ignores_stop: true,
            overruns: false,
        }
    }

    /// The same, not ended at its deadline.
    #[must_use]
    pub fn overrunning(mut self) -> Scripted {
        self.overruns = true;
        self
    }

    /// The same, deaf to being told to stop.
    #[must_use]
    pub fn ignoring_stop(mut self) -> Scripted {
        self.ignores_stop = true;
        self
    }
}

impl Reply {
    /// This answer by this person, after this time.
    #[must_use]
    pub fn new(after: Millis, by: &str, answer: Answer) -> Reply {
        Reply {
            after,
            by: by.to_owned(),
            answer,
            about_something_else: false,
        }
    }
}

impl Script {
    /// What the attempts at a node do.
    #[must_use]
    pub fn attempts(mut self, node: u32, attempts: impl IntoIterator<Item = Scripted>) -> Script {
        self.attempts.insert(
            (NodeIndex(node), Purpose::Do),
            attempts.into_iter().collect(),
        );
        self
    }

    /// What the probes of a node do.
    #[must_use]
    pub fn probes(mut self, node: u32, probes: impl IntoIterator<Item = Scripted>) -> Script {
        self.attempts.insert(
            (NodeIndex(node), Purpose::Probe),
            probes.into_iter().collect(),
        );
        self
    }

    /// What people answer to the next question of a node.
    #[must_use]
    pub fn replies(mut self, node: u32, replies: impl IntoIterator<Item = Reply>) -> Script {
        self.replies
            .entry(NodeIndex(node))
            .or_default()
            .push(replies.into_iter().collect());
        self
    }

    /// A further crash.
    #[must_use]
    pub fn crash(mut self, event: u32, point: CrashPoint, with_keeper: bool) -> Script {
        self.crashes.push(Crash {
            event,
            point,
            with_keeper,
        });
        self
    }

    /// What the attempt of this number does.
    pub(super) fn attempt(&self, node: NodeIndex, purpose: Purpose, number: u32) -> Scripted {
        let list = self
            .attempts
            .get(&(node, purpose))
            .map_or(&[][..], Vec::as_slice);
        let at = number.saturating_sub(1) as usize;
        list.get(at)
            .or(list.last())
            .cloned()
            .unwrap_or_else(|| Scripted::succeeds(Millis(1000), ""))
    }
}
