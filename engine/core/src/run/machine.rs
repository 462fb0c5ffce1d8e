//! [`Run`] itself: what a driver calls.

use super::effect::{Effect, Work};
use super::error::{LoadError, ProtocolError};
use super::event::Event;
use super::shape::Shape;
use super::snapshot::{SNAPSHOT_VERSION, Snapshot};
use super::state::{Frame, Phase, State};
use super::transitions;
use crate::digest::Digest;
use crate::id::{AttemptId, RunId};
use crate::plan::Plan;
use crate::record::{Fact, Question, Record, RunOutcome, Start};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// A run at least this long gets a snapshot now and then.
const SNAPSHOT_EVERY: u64 = 1024;

/// What an event brought: records to commit, then effects to perform.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// In order, following the head that the run had.
    pub records: Vec<Record>,
    /// To be performed only after the records are durable.
    pub effects: Vec<Effect>,
}

/// The end of a run's journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The number of the last record; 0 before the first.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
}

impl Head {
    /// The head of an empty journal.
    pub const EMPTY: Head = Head {
        seq: 0,
        hash: Digest::ZERO,
    };
}

/// Where a run stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Something happens, or will at a known time.
    Running,
    /// Nothing happens until a person answers (or a question expires).
    Waiting,
    /// Over, well.
    Succeeded,
    /// Over: a node failed.
    Failed,
    /// Over: somebody cancelled it.
    Cancelled,
}

impl From<RunOutcome> for RunState {
    fn from(outcome: RunOutcome) -> RunState {
        match outcome {
            RunOutcome::Succeeded => RunState::Succeeded,
            RunOutcome::Failed => RunState::Failed,
            RunOutcome::Cancelled => RunState::Cancelled,
        }
    }
}

impl fmt::Display for RunState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            RunState::Running => "running",
            RunState::Waiting => "waiting",
            RunState::Succeeded => "succeeded",
            RunState::Failed => "failed",
            RunState::Cancelled => "cancelled",
        })
    }
}

/// A run: a plan and the fold of what was recorded about it.
///
/// The contract with a driver: send one [`Event`] at a time; commit the records of the [`Batch`] durably, as one
/// transaction that checks the head; only then perform its effects. The batches of several events may be committed
/// together. If a commit fails, or nobody knows whether it did, drop the run and load it again. After a load,
/// perform [`Run::outstanding`]. Send [`Event::Tick`] at [`Run::next_timeout`].
///
/// Work an event is proportional to what it touches, not to the size of the plan.
#[derive(Clone, Debug)]
pub struct Run {
    plan: Arc<Plan>,
    shape: Arc<Shape>,
    state: State,
    head: Head,
    snapshot_at: u64,
}

impl PartialEq for Run {
    /// Two runs are equal when everything that follows from them is: when the last snapshot was taken does not
    /// count.
    fn eq(&self, other: &Run) -> bool {
        self.head == other.head && self.state == other.state && self.plan == other.plan
    }
}

impl Run {
    /// A new run: everything that can start does.
    #[must_use]
    pub fn create(id: RunId, plan: Arc<Plan>, start: Start, now: Timestamp) -> (Run, Batch) {
        let shape = Arc::new(Shape::of(&plan));
        let created = Fact::RunCreated {
            run: id.clone(),
            runbook: plan.runbook.clone(),
            plan: shape.digest,
            start: start.clone(),
        };
        let record = Record::seal(1, now, Digest::ZERO, &created);
        let frame = Frame {
            plan: &plan,
            shape: &shape,
            at: now,
        };
        let state = State::new(id, start, shape.digest, &frame);
        let head = Head {
            seq: 1,
            hash: record.hash,
        };
        let mut run = Run {
            plan,
            shape,
            state,
            head,
            snapshot_at: 0,
        };
        let mut writer = run.writer(now);
        writer.batch.records.push(record);
        writer.settle();
        let batch = writer.batch;
        (run, batch)
    }

    /// The run that wrote these records: those after the snapshot, or all of them without one. Facts are folded,
    /// nothing is evaluated, and the hash chain is checked on the way.
    ///
    /// # Errors
    /// Names the record that is damaged, missing, out of place or of a newer Piton; or says that snapshot or plan
    /// do not belong to the journal.
    pub fn load(
        plan: Arc<Plan>,
        snapshot: Option<Snapshot>,
        tail: impl IntoIterator<Item = Record>,
    ) -> Result<Run, LoadError> {
        let shape = Arc::new(Shape::of(&plan));
        let mut loaded = match snapshot {
            Some(snapshot) => Some(from_snapshot(&plan, &shape, snapshot)?),
            None => None,
        };
        let snapshot_at = loaded.as_ref().map_or(0, |(_, head)| head.seq);
        for record in tail {
            let head = loaded.as_ref().map_or(Head::EMPTY, |(_, head)| *head);
            let next = Head {
                seq: head.seq.saturating_add(1),
                hash: record.hash,
            };
            record.verify(next.seq, head.hash)?;
            let fact = record.fact()?;
            let frame = Frame {
                plan: &plan,
                shape: &shape,
                at: record.at,
            };
            let misfit = |reason| LoadError::Misfit {
                seq: record.seq,
                reason,
            };
            match &mut loaded {
                None => {
                    let state = State::first(&fact, &frame).map_err(misfit)?;
                    if state.plan != shape.digest {
                        return Err(LoadError::OtherPlan {
                            expected: state.plan,
                            found: shape.digest,
                        });
                    }
                    loaded = Some((state, next));
                }
                Some((state, head)) => {
                    state.apply(&fact, &frame).map_err(misfit)?;
                    *head = next;
                }
            }
        }
        let (state, head) = loaded.ok_or(LoadError::Empty)?;
        Ok(Run {
            plan,
            shape,
            state,
            head,
            snapshot_at,
        })
    }

    /// Takes an event: what follows from it is in the batch, and the run is as if that was done already. A time
    /// earlier than the last record's counts as the last record's.
    ///
    /// # Errors
    /// The event is refused and the run is unchanged. A failed step is no error: it is data.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Result<Batch, ProtocolError> {
        let now = now.max(self.state.now);
        let facts = transitions::admit(&self.plan, &self.shape, &self.state, event, now)?;
        let mut writer = self.writer(now);
        for fact in facts {
            writer.write(&fact);
        }
        writer.settle();
        Ok(writer.batch)
    }

    /// The effects that are asked for by records and not known to be done: a start for each attempt that has not
    /// ended, a stop for each of these that was told to, each open question, the end. For an attempt that has both,
    /// the start comes first; who finds that it never started need not start it only to stop it.
    pub fn outstanding(&self) -> impl Iterator<Item = Effect> + '_ {
        let agenda = &self.state.agenda;
        let flights = agenda
            .in_flight
            .iter()
            .filter_map(|attempt| self.state.node(attempt.node));
        let flights = flights.flat_map(|state| {
            let Phase::InFlight(flight) = &state.phase else {
                return [None, None];
            };
            let stop = flight.stop.map(|reason| Effect::Stop {
                attempt: flight.attempt,
                reason,
            });
            [
                work(&self.plan, &self.state, flight.attempt).map(Effect::Start),
                stop,
            ]
        });
        let questions = self.questions().cloned().map(Effect::Ask);
        let finish = self.outcome().map(Effect::Finish);
        flights.flatten().chain(questions).chain(finish)
    }

    /// When [`Event::Tick`] is due next; `None` when no time brings anything.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Timestamp> {
        transitions::next_timeout(&self.plan, &self.shape, &self.state)
    }

    /// The run's id.
    #[must_use]
    pub fn id(&self) -> &RunId {
        &self.state.run
    }

    /// Its plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Who started it, and where.
    #[must_use]
    pub fn start(&self) -> &Start {
        &self.state.start
    }

    /// The end of its journal, batches that were not committed included.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// How it ended, if it did.
    #[must_use]
    pub fn outcome(&self) -> Option<RunOutcome> {
        self.state.over.map(|over| over.outcome)
    }

    /// The open questions, in reading order.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.state
            .agenda
            .asking
            .iter()
            .filter_map(|index| match &self.state.node(*index)?.phase {
                Phase::Asking(asking) => Some(&asking.question),
                _ => None,
            })
    }

    /// The attempts that run, as far as is known.
    pub fn in_flight(&self) -> impl Iterator<Item = AttemptId> {
        self.state.agenda.in_flight.iter().copied()
    }

    /// Where the run stands.
    #[must_use]
    pub fn state(&self) -> RunState {
        let agenda = &self.state.agenda;
        match self.outcome() {
            Some(outcome) => outcome.into(),
            None if agenda.in_flight.is_empty()
                && agenda.again.is_empty()
                && !agenda.asking.is_empty() =>
            {
                RunState::Waiting
            }
            None => RunState::Running,
        }
    }

    /// Whether so much was recorded since the last snapshot that another one pays.
    #[must_use]
    pub fn snapshot_due(&self) -> bool {
        let every = SNAPSHOT_EVERY.max(self.plan.nodes.len() as u64);
        self.head.seq.saturating_sub(self.snapshot_at) >= every
    }

    /// The state as of [`Run::head`]; to be stored in the same transaction as the records up to there, or later.
    #[must_use]
    pub fn snapshot(&mut self) -> Snapshot {
        self.snapshot_at = self.head.seq;
        Snapshot {
            version: SNAPSHOT_VERSION,
            head: self.head,
            state: self.state.clone(),
        }
    }

    fn writer(&mut self, now: Timestamp) -> Writer<'_> {
        Writer {
            plan: &self.plan,
            shape: &self.shape,
            state: &mut self.state,
            head: &mut self.head,
            now,
            batch: Batch::default(),
        }
    }
}

fn from_snapshot(
    plan: &Plan,
    shape: &Shape,
    snapshot: Snapshot,
) -> Result<(State, Head), LoadError> {
    if snapshot.version > SNAPSHOT_VERSION {
        return Err(LoadError::NewerSnapshot {
            found: snapshot.version,
        });
    }
    let mut state = snapshot.state;
    if state.plan != shape.digest {
        return Err(LoadError::OtherPlan {
            expected: state.plan,
            found: shape.digest,
        });
    }
    if state.nodes.len() != plan.nodes.len() {
        return Err(LoadError::BadSnapshot {
            reason: "it has another number of nodes than the plan".to_owned(),
        });
    }
    state.rebuild(plan);
    Ok((state, snapshot.head))
}

/// Writes facts down: each is sealed, folded into the state, and its effects are derived.
struct Writer<'a> {
    plan: &'a Plan,
    shape: &'a Shape,
    state: &'a mut State,
    head: &'a mut Head,
    now: Timestamp,
    batch: Batch,
}

impl Writer<'_> {
    fn write(&mut self, fact: &Fact) {
        let record = Record::seal(
            self.head.seq.saturating_add(1),
            self.now,
            self.head.hash,
            fact,
        );
        let frame = Frame {
            plan: self.plan,
            shape: self.shape,
            at: self.now,
        };
        let applied = self.state.apply(fact, &frame);
        debug_assert_eq!(applied, Ok(()), "a fact that does not follow: {fact:?}");
        *self.head = Head {
            seq: record.seq,
            hash: record.hash,
        };
        self.batch.records.push(record);
        self.batch
            .effects
            .extend(effect_of(self.plan, self.state, fact));
    }

    /// Writes down all that follows, until nothing does.
    fn settle(&mut self) {
        while let Some(fact) = transitions::next(self.plan, self.shape, self.state, self.now) {
            self.write(&fact);
        }
    }
}

/// What a fact asks for.
fn effect_of(plan: &Plan, state: &State, fact: &Fact) -> Option<Effect> {
    match fact {
        Fact::AttemptStarted { attempt, .. } => work(plan, state, *attempt).map(Effect::Start),
        Fact::StopRequested { attempt, reason } => Some(Effect::Stop {
            attempt: *attempt,
            reason: *reason,
        }),
        Fact::QuestionOpened { question } => Some(Effect::Ask(question.clone())),
        Fact::RunEnded { outcome } => Some(Effect::Finish(*outcome)),
        _ => None,
    }
}

fn work(plan: &Plan, state: &State, attempt: AttemptId) -> Option<Work> {
    let node = state.node(attempt.node)?;
    let Phase::InFlight(flight) = &node.phase else {
        return None;
    };
    Some(Work {
        attempt,
        inputs: node.inputs.as_deref()?.clone(),
        timeout: plan.node(attempt.node)?.timeout,
        deadline: flight.deadline,
    })
}
