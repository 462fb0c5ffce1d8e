//! What happens in a simulated world.

use crate::id::{AttemptId, Purpose};
use crate::plan::{NodeIndex, Plan};
use crate::record::{Answer, OutcomeStatus, QuestionKind};
use crate::run::{Outcome, Produced};
use crate::time::Millis;
use std::collections::BTreeMap;

/// What each attempt does, what people answer, and when the engine dies. Empty: every attempt succeeds after a
/// second, finding out gives the truth, nobody answers, pages arrive, locks are free, nothing dies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// What the attempts at a node do, in order over all its passes; the last one is repeated.
    pub attempts: BTreeMap<(NodeIndex, Purpose), Vec<Scripted>>,
    /// What the attempts at a node do in this pass, in order; the last one is repeated. These go before `attempts`.
    pub in_pass: BTreeMap<(NodeIndex, Purpose, u32), Vec<Scripted>>,
    /// What people answer to a node's questions: one list of answers a question, in order.
    pub replies: BTreeMap<NodeIndex, Vec<Vec<Reply>>>,
    /// What people answer to questions of a kind that `replies` has nothing for.
    pub usual: BTreeMap<Asked, Vec<Reply>>,
    /// What people answer to every other question.
    pub usual_replies: Vec<Reply>,
    /// People say only what the world bears out: see [`Script::honestly`].
    pub honest: bool,
    /// When the run is cancelled; each time by somebody.
    pub cancels: Vec<Cancel>,
    /// What becomes of pages, in the order in which they are first sent; the last one is repeated.
    pub pages: Vec<Paging>,
    /// How long after each page about the run's clock somebody acknowledges it. `None`: nobody ever does.
    pub clock_seen: Option<Millis>,
    /// When the locks that a node, or the run itself, asks for are got, in order; the last one is repeated.
    pub locks: BTreeMap<Option<NodeIndex>, Vec<Locking>>,
    /// Where the engine is killed: at most once an event.
    pub crashes: Vec<Crash>,
    /// Where the engine is stopped for so long that another one takes its run over: at most once an event.
    pub pauses: Vec<Pause>,
    /// Commits that fail: at most once an event.
    pub failed_commits: Vec<FailedCommit>,
    /// What is sent again: the event of this number, so much later.
    pub repeats: Vec<(u32, Millis)>,
    /// How many milliseconds the clock of each engine is off, in the order of the engines; the last one is repeated.
    pub clocks_off: Vec<i64>,
    /// The store takes what an engine writes whose lease is lost. No store does: this is to see that it would be found.
    pub unfenced: bool,
    /// How much later than asked for the engine notices that something is due.
    pub tick_lag: Millis,
    /// How often a snapshot is stored: every so many records. `None`: never.
    pub snapshot_every: Option<u64>,
    /// The edited runbooks that the run is to take over.
    pub replans: Vec<Replan>,
}

/// Somebody has the run take over an edited runbook while no engine drives it.
#[derive(Clone, Debug, PartialEq)]
pub struct Replan {
    /// After so many events.
    pub event: u32,
    /// The plan of the edited runbook.
    pub plan: Plan,
}

/// Somebody cancels the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// How long after the run's start.
    pub after: Millis,
    /// Whether what was done is to be undone.
    pub rollback: bool,
}

/// What becomes of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paging {
    /// It reaches everybody after this time.
    Delivered(Millis),
    /// After this time it is known to have reached nobody.
    Failed(Millis),
    /// Nothing is ever heard of it.
    Unheard,
}

/// When locks are got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// After this time.
    After(Millis),
    /// Never: somebody else has them.
    Never,
}

/// What a question asks, without the particulars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// May the run go on?
    Approve,
    /// Did this attempt happen?
    Interrupted,
    /// Do this, or answer these.
    Manual,
    /// Type this before the step starts.
    Confirm,
    /// The node failed: what now?
    Failed,
    /// How is this taken back?
    Undo,
    /// Its undo failed: what now?
    UndoFailed,
}

impl Asked {
    /// What this question asks.
    #[must_use]
    pub fn of(kind: &QuestionKind) -> Asked {
        match kind {
            QuestionKind::Approve { .. } => Asked::Approve,
            QuestionKind::Interrupted { .. } => Asked::Interrupted,
            QuestionKind::Manual { .. } => Asked::Manual,
            QuestionKind::Confirm { .. } => Asked::Confirm,
            QuestionKind::Failed { .. } => Asked::Failed,
            QuestionKind::Undo { .. } => Asked::Undo,
            QuestionKind::UndoFailed { .. } => Asked::UndoFailed,
        }
    }
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
    /// How much of it is done in the world by its end. `None`: all if it ends well, half of it if it ends otherwise,
    /// nothing if it never started.
    pub did: Option<Did>,
}

/// How much of an attempt is done in the world by its end. An undo that did half of it has taken nothing back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    /// All of it.
    All,
    /// Something of it.
    Half,
    /// Nothing.
    Nothing,
}

/// How an attempt ends.
#[derive(Clone, Debug, PartialEq)]
pub enum Ends {
    /// Its end is reported.
    With(Outcome),
    /// Nothing is ever heard of it.
    Silently,
    /// Of what finds out whether something happened: as it is.
    Truly,
}

/// What somebody does about a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// How long after the question was put.
    pub after: Millis,
    /// Under which name. The account is the same at `elsewhere`.
    pub by: String,
    /// What. What is missing of the outputs of [`Answer::Succeeded`] and [`Answer::Skip`] and of the answers of
    /// [`Answer::Done`] is filled in, and so is the text of an empty [`Answer::Confirm`].
    pub does: Does,
    /// It is about something else than what is asked.
    pub about_something_else: bool,
    /// Nothing is filled in.
    pub as_it_stands: bool,
}

/// What somebody does about a question.
#[derive(Clone, Debug, PartialEq)]
pub enum Does {
    /// They answer it.
    Answer(Answer),
    /// They have seen it.
    Acknowledge,
    /// They take it.
    Take {
        /// Even if somebody else has it.
        over: bool,
    },
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

/// An engine is stopped, loses its lease meanwhile, wakes up, and does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// While which event is dealt with, counted from 0, which is the creation.
    pub event: u32,
    /// After so many effects of what was committed; `None`: before the commit.
    pub after_effects: Option<usize>,
    /// How long after that it wakes up. Another engine has the run by then.
    pub length: Millis,
}

/// A commit of which the engine hears that it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedCommit {
    /// While which event is dealt with.
    pub event: u32,
    /// Whether it was written all the same.
    pub written: bool,
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
            did: None,
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
            did: None,
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
            did: None,
        }
    }

    /// Fails after this time.
    #[must_use]
    pub fn fails(takes: Millis, message: &str) -> Scripted {
        Scripted::ends(takes, OutcomeStatus::Failed, message)
    }

    /// Finds out whether something happened, after this time.
    #[must_use]
    pub fn truly(takes: Millis) -> Scripted {
        Scripted {
            ends: Ends::Truly,
            ..Scripted::succeeds(takes, "")
        }
    }

    /// The same, with so much of it done by its end, whatever is said of it.
    #[must_use]
    pub fn having_done(mut self, did: Did) -> Scripted {
        self.did = Some(did);
        self
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
        Reply::doing(after, by, Does::Answer(answer))
    }

    /// This person has seen it, after this time.
    #[must_use]
    pub fn acknowledges(after: Millis, by: &str) -> Reply {
        Reply::doing(after, by, Does::Acknowledge)
    }

    /// This person takes it, after this time.
    #[must_use]
    pub fn takes(after: Millis, by: &str, over: bool) -> Reply {
        Reply::doing(after, by, Does::Take { over })
    }

    /// This person does this, after this time.
    #[must_use]
    pub fn doing(after: Millis, by: &str, does: Does) -> Reply {
        Reply {
            after,
            by: by.to_owned(),
            does,
            about_something_else: false,
            as_it_stands: false,
        }
    }
}

impl Script {
    /// How far the clock of the engine with this number, from 1, is off.
    pub(super) fn clock_off(&self, engine: u32) -> i64 {
        at(&self.clocks_off, engine.saturating_sub(1) as usize).unwrap_or_default()
    }

    /// What the attempts at a node do.
    #[must_use]
    pub fn attempts(self, node: u32, attempts: impl IntoIterator<Item = Scripted>) -> Script {
        self.attempts_to(node, Purpose::Do, attempts)
    }

    /// What the probes of a node do.
    #[must_use]
    pub fn probes(self, node: u32, probes: impl IntoIterator<Item = Scripted>) -> Script {
        self.attempts_to(node, Purpose::Probe, probes)
    }

    /// What the attempts to undo a node do.
    #[must_use]
    pub fn undos(self, node: u32, undos: impl IntoIterator<Item = Scripted>) -> Script {
        self.attempts_to(node, Purpose::Undo, undos)
    }

    /// What the attempts for this purpose at a node do.
    #[must_use]
    pub fn attempts_to(
        mut self,
        node: u32,
        purpose: Purpose,
        attempts: impl IntoIterator<Item = Scripted>,
    ) -> Script {
        let attempts = attempts.into_iter().collect();
        self.attempts.insert((NodeIndex(node), purpose), attempts);
        self
    }

    /// What people answer to questions of this kind.
    #[must_use]
    pub fn usually(mut self, asked: Asked, replies: impl IntoIterator<Item = Reply>) -> Script {
        self.usual.insert(asked, replies.into_iter().collect());
        self
    }

    /// People say only what the world bears out. Who is about to say that an attempt happened or did not says what
    /// is true; who is about to say that there is nothing to undo undoes it by hand if there is.
    #[must_use]
    pub fn honestly(mut self) -> Script {
        self.honest = true;
        self
    }

    /// It is cancelled, and what was done is undone or not.
    #[must_use]
    pub fn cancelled(mut self, after: Millis, rollback: bool) -> Script {
        self.cancels.push(Cancel { after, rollback });
        self
    }

    /// When the locks of a node, or of the run itself, are got.
    #[must_use]
    pub fn locks(mut self, node: Option<u32>, locks: impl IntoIterator<Item = Locking>) -> Script {
        let locks = locks.into_iter().collect();
        self.locks.insert(node.map(NodeIndex), locks);
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

    /// What an attempt does, before which there were so many of its node and purpose over all passes.
    pub(super) fn attempt(&self, attempt: AttemptId, before: usize) -> Scripted {
        let AttemptId {
            node,
            pass,
            purpose,
            number,
        } = attempt;
        let in_pass = self.in_pass.get(&(node, purpose, pass));
        let scripted = match in_pass {
            Some(list) => at(list, number.saturating_sub(1) as usize),
            None => self
                .attempts
                .get(&(node, purpose))
                .and_then(|list| at(list, before)),
        };
        scripted.unwrap_or_else(|| match purpose {
            Purpose::Probe | Purpose::UndoCheck => Scripted::truly(Millis(1000)),
            _ => Scripted::succeeds(Millis(1000), ""),
        })
    }

    /// What people do about the question of this kind before which there were so many about its node.
    pub(super) fn about(&self, node: NodeIndex, asked: Asked, before: usize) -> &[Reply] {
        let own = self.replies.get(&node).and_then(|lists| lists.get(before));
        own.or_else(|| self.usual.get(&asked))
            .unwrap_or(&self.usual_replies)
    }

    /// What becomes of the page before which there were so many.
    pub(super) fn page(&self, before: usize) -> Paging {
        at(&self.pages, before).unwrap_or(Paging::Delivered(Millis(100)))
    }

    /// When these locks are got, which were asked for so often before.
    pub(super) fn locking(&self, node: Option<NodeIndex>, before: usize) -> Locking {
        let list = self.locks.get(&node).map_or(&[][..], Vec::as_slice);
        at(list, before).unwrap_or(Locking::After(Millis(0)))
    }
}

/// The entry at this place, or the last one.
fn at<T: Clone>(list: &[T], place: usize) -> Option<T> {
    list.get(place).or(list.last()).cloned()
}
