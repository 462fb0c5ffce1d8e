//! [`Run`] itself: what a driver calls.

use super::effect::{Effect, Work};
use super::error::{LoadError, ProtocolError};
use super::event::Event;
use super::shape::Shape;
use super::snapshot::{SNAPSHOT_VERSION, Snapshot};
use super::state::{Frame, LockState, State, Undoing};
use super::transitions::{self, NothingToUndo, ReplanError, Revision};
use crate::digest::Digest;
use crate::id::{Actor, AttemptId, Purpose, RunId};
use crate::plan::{NodeIndex, Plan};
use crate::record::{Fact, Question, Record, RenderedAction, RunOutcome, Start};
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
    /// The event was written down and changed nothing else: this is to be told to who sent it.
    pub refused: Option<ProtocolError>,
}

/// Locks that a run holds, or waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldLock {
    /// For which node; `None` for the whole run.
    pub node: Option<NodeIndex>,
    /// Their names.
    pub names: Vec<String>,
    /// Whether it has them all.
    pub held: bool,
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
    /// Over: everything that was done was taken back.
    #[serde(rename = "rolled back")]
    RolledBack,
    /// Over: it was to be rolled back, and something is left.
    #[serde(rename = "partly rolled back")]
    PartlyRolledBack,
}

impl From<RunOutcome> for RunState {
    fn from(outcome: RunOutcome) -> RunState {
        match outcome {
            RunOutcome::Succeeded => RunState::Succeeded,
            RunOutcome::Failed => RunState::Failed,
            RunOutcome::Cancelled => RunState::Cancelled,
            RunOutcome::RolledBack => RunState::RolledBack,
            RunOutcome::PartlyRolledBack => RunState::PartlyRolledBack,
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
            RunState::RolledBack => "rolled back",
            RunState::PartlyRolledBack => "partly rolled back",
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
    pub(super) plan: Arc<Plan>,
    pub(super) shape: Arc<Shape>,
    pub(super) state: State,
    pub(super) head: Head,
    pub(super) snapshot_at: u64,
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
        let plan = match snapshot.as_ref().and_then(|it| it.plan.as_deref()) {
            Some(text) => Arc::new(stored_plan(text).map_err(LoadError::bad_snapshot)?),
            None => plan,
        };
        let (mut plan, mut shape) = (Arc::clone(&plan), Arc::new(Shape::of(&plan)));
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
            let misfit = |reason| LoadError::Misfit {
                seq: record.seq,
                reason,
            };
            if let Fact::Replanned { plan: text, .. } = &fact {
                plan = Arc::new(stored_plan(text).map_err(misfit)?);
                shape = Arc::new(Shape::of(&plan));
            }
            let frame = Frame {
                plan: &plan,
                shape: &shape,
                at: record.at,
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

    /// When it was last changed: the time of its last record.
    #[must_use]
    pub fn changed(&self) -> Timestamp {
        self.state.now
    }

    /// Takes an event: what follows from it is in the batch, and the run is as if that was done already. A time
    /// earlier than the last record's counts as the last record's.
    ///
    /// # Errors
    /// The event is refused and the run is unchanged. A failed step is no error: it is data.
    pub fn handle(&mut self, event: Event, now: Timestamp) -> Result<Batch, ProtocolError> {
        let now = now.max(self.state.now);
        let admitted = transitions::admit(&self.plan, &self.shape, &self.state, event, now)?;
        let mut writer = self.writer(now);
        if let Some(fact) = &admitted.fact {
            writer.write(fact);
        }
        writer.settle();
        writer.batch.refused = admitted.refused;
        Ok(writer.batch)
    }

    /// The effects that are asked for by records and not known to be done: a start for each attempt that has not
    /// ended and can be reached, a stop for each of these that was told to, each open question with the calls about it, locks that are
    /// waited for, the end. For an attempt that has both, the start comes first; who finds that it never started need
    /// not start it only to stop it.
    pub fn outstanding(&self) -> impl Iterator<Item = Effect> + '_ {
        let agenda = &self.state.agenda;
        let flights = agenda.in_flight.iter().flat_map(|attempt| {
            let flight = self.state.flight(*attempt);
            let stop = flight.and_then(|flight| flight.stop);
            // One that cannot be reached is neither started nor looked for.
            let here = flight.is_some_and(|flight| flight.elsewhere.is_none());
            [
                work(&self.state, *attempt)
                    .filter(|_| here)
                    .map(Effect::Start),
                stop.map(|reason| Effect::Stop {
                    attempt: *attempt,
                    reason,
                }),
            ]
        });
        let locks = self.locks().into_iter().filter(|lock| !lock.held);
        let locks = locks.map(|lock| Effect::Lock {
            node: lock.node,
            names: lock.names,
        });
        let questions = self.questions().cloned().map(Effect::Ask);
        let pages = agenda.asking.iter().flat_map(|index| {
            let asking = self
                .state
                .node(*index)
                .and_then(|node| node.asking.as_deref());
            let open = asking.map_or(&[][..], |asking| asking.paging.open.as_slice());
            open.iter().map(|page| Effect::Page {
                node: Some(*index),
                page: page.clone(),
            })
        });
        let clock = self.state.clock.paging.open.iter();
        let clock = clock.map(|page| Effect::Page {
            node: None,
            page: page.clone(),
        });
        let clock = clock.filter(|_| self.outcome().is_none());
        let finish = self.outcome().map(Effect::Finish);
        flights
            .flatten()
            .chain(locks)
            .chain(questions)
            .chain(pages)
            .chain(clock)
            .chain(finish)
    }

    /// The locks that it holds or waits for: the run's own, and those of its nodes. None once it is over.
    #[must_use]
    pub fn locks(&self) -> Vec<HeldLock> {
        if self.state.over.is_some() {
            return Vec::new();
        }
        let nodes = self.plan.indices().zip(&self.state.nodes);
        let nodes = nodes
            .filter(|(_, state)| !state.lock.is_none())
            .map(|(index, state)| (Some(index), &state.lock));
        [(None, &self.state.lock)]
            .into_iter()
            .chain(nodes)
            .filter_map(|(node, lock)| match lock {
                LockState::None => None,
                LockState::Wanted { names, .. } => Some(HeldLock {
                    node,
                    names: names.clone(),
                    held: false,
                }),
                LockState::Held { names } => Some(HeldLock {
                    node,
                    names: names.clone(),
                    held: true,
                }),
            })
            .collect()
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
            .filter_map(|index| Some(&self.state.node(*index)?.asking.as_deref()?.question))
    }

    /// The plan of a run that takes this one back, which is over: its undo actions as steps, what was done last first,
    /// each given what it would be given here. What nothing takes back is asked about first.
    ///
    /// # Errors
    /// When it is not over, or nothing of it is left to undo.
    pub fn rollback_plan(&self) -> Result<Plan, NothingToUndo> {
        transitions::plan_to_undo(&self.plan, &self.shape, &self.state)
    }

    /// Whether something happens at a known time unless somebody answers before: people are called, or their time to
    /// decide is over.
    #[must_use]
    pub fn is_calling(&self) -> bool {
        let agenda = &self.state.agenda;
        let clock = transitions::clock_timeout(&self.plan, &self.state);
        !agenda.pages.is_empty() || !agenda.expiries.is_empty() || clock.is_some()
    }

    /// The attempts that run, as far as is known.
    pub fn in_flight(&self) -> impl Iterator<Item = AttemptId> {
        self.state.agenda.in_flight.iter().copied()
    }

    /// The attempts that cannot be reached by who drives the run, with the host that each was begun on.
    pub fn away(&self) -> impl Iterator<Item = (AttemptId, &str)> {
        let away = self.state.agenda.away.iter();
        away.filter_map(|attempt| {
            let (_, elsewhere) = self.state.node(attempt.node)?.away()?;
            Some((*attempt, elsewhere.host.as_str()))
        })
    }

    /// What there is to do for an attempt that runs, wherever it does, and whether it was told to end.
    #[must_use]
    pub fn work(&self, attempt: AttemptId) -> Option<(Work, bool)> {
        let told = self.state.flight(attempt)?.stop.is_some();
        Some((work(&self.state, attempt)?, told))
    }

    /// Where the run stands.
    #[must_use]
    pub fn state(&self) -> RunState {
        let agenda = &self.state.agenda;
        match self.outcome() {
            Some(outcome) => outcome.into(),
            None if !agenda.is_busy()
                && self.state.next_try(&self.plan).is_none()
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
            plan: (self.state.replans > 0).then(|| self.plan.to_json()),
        }
    }

    /// What taking over the plan of an edited runbook would change, and what stands in the way. Changes nothing.
    #[must_use]
    pub fn revision(&self, edited: &Plan) -> Revision {
        transitions::revise(&self.plan, &self.shape, &self.state, edited)
    }

    /// Takes over the plan of an edited runbook, all of it or nothing: only nodes that have not begun may differ. What
    /// follows from that comes with the next event; [`Run::next_timeout`] says that it is due.
    ///
    /// # Errors
    /// Names everything that stands in the way; the run is unchanged.
    pub fn replan(
        &mut self,
        edited: &Plan,
        by: Actor,
        reason: Option<String>,
        now: Timestamp,
    ) -> Result<Batch, ReplanError> {
        let now = now.max(self.state.now);
        let revision = self.revision(edited);
        let fact = transitions::replan(&self.plan, &self.shape, &self.state, &revision)?;
        let fact = fact.by(by, reason);
        self.plan = Arc::new(revision.plan);
        self.shape = Arc::new(Shape::of(&self.plan));
        let mut writer = self.writer(now);
        writer.write(&fact);
        Ok(writer.batch)
    }

    fn writer(&mut self, now: Timestamp) -> Writer<'_> {
        Writer {
            plan: &self.plan,
            shape: &self.shape,
            state: &mut self.state,
            head: &mut self.head,
            now,
            batch: Batch::default(),
            seen: None,
        }
    }
}

/// A plan that is part of a journal.
fn stored_plan(text: &str) -> Result<Plan, String> {
    Plan::from_json(text).map_err(|error| error.to_string())
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
pub(super) struct Writer<'a> {
    pub(super) plan: &'a Plan,
    pub(super) shape: &'a Shape,
    pub(super) state: &'a mut State,
    pub(super) head: &'a mut Head,
    pub(super) now: Timestamp,
    pub(super) batch: Batch,
    /// Of a rehearsal, which keeps no journal: who is told each fact instead.
    pub(super) seen: Option<&'a mut dyn FnMut(&Fact)>,
}

impl Writer<'_> {
    pub(super) fn write(&mut self, fact: &Fact) {
        match &mut self.seen {
            Some(seen) => seen(fact),
            None => self.seal(fact),
        }
        let frame = Frame {
            plan: self.plan,
            shape: self.shape,
            at: self.now,
        };
        let locked = self.locked(fact);
        let applied = self.state.apply(fact, &frame);
        debug_assert_eq!(applied, Ok(()), "a fact that does not follow: {fact:?}");
        self.batch.effects.extend(effect_of(self.state, fact));
        let released = locked.into_iter().filter(|index| {
            let lock = self.state.node(*index).map(|node| &node.lock);
            lock.is_some_and(LockState::is_none)
        });
        self.batch
            .effects
            .extend(released.map(|node| Effect::Unlock { node }));
    }

    /// Makes the fact the next record.
    fn seal(&mut self, fact: &Fact) {
        let record = Record::seal(
            self.head.seq.saturating_add(1),
            self.now,
            self.head.hash,
            fact,
        );
        *self.head = Head {
            seq: record.seq,
            hash: record.hash,
        };
        self.batch.records.push(record);
    }

    /// The nodes with locks, of those that this fact may take them from.
    fn locked(&self, fact: &Fact) -> Vec<NodeIndex> {
        let nodes = match fact {
            Fact::NodeSucceeded { node, .. }
            | Fact::NodeFailed { node, .. }
            | Fact::NodeSkipped { node, .. } => std::slice::from_ref(node),
            Fact::Rewound { nodes, .. } => nodes.as_slice(),
            Fact::Replanned { anew, .. } => anew.as_slice(),
            _ => &[],
        };
        let has_lock = |index: &NodeIndex| {
            let lock = self.state.node(*index).map(|node| &node.lock);
            lock.is_some_and(|lock| !lock.is_none())
        };
        nodes.iter().copied().filter(has_lock).collect()
    }

    /// Writes down all that follows, until nothing does.
    pub(super) fn settle(&mut self) {
        while let Some(fact) = transitions::next(self.plan, self.shape, self.state, self.now) {
            self.write(&fact);
        }
    }
}

/// What a fact asks for.
fn effect_of(state: &State, fact: &Fact) -> Option<Effect> {
    match fact {
        Fact::AttemptStarted { attempt, .. } => work(state, *attempt).map(Effect::Start),
        Fact::AttemptReached { attempt } => work(state, *attempt).map(Effect::Start),
        Fact::StopRequested { attempt, reason } => Some(Effect::Stop {
            attempt: *attempt,
            reason: *reason,
        }),
        Fact::QuestionOpened { question } => Some(Effect::Ask(question.clone())),
        Fact::Paged { node, page, .. } => Some(Effect::Page {
            node: Some(*node),
            page: page.clone(),
        }),
        Fact::TargetPaged { page, .. } => Some(Effect::Page {
            node: None,
            page: page.clone(),
        }),
        Fact::LockRequested { node, names, .. } => Some(Effect::Lock {
            node: *node,
            names: names.clone(),
        }),
        Fact::RunEnded { outcome, .. } => Some(Effect::Finish(*outcome)),
        _ => None,
    }
}

fn work(state: &State, attempt: AttemptId) -> Option<Work> {
    let node = state.node(attempt.node)?;
    let flight = node.flight().filter(|flight| flight.attempt == attempt)?;
    let inputs = match (attempt.purpose, &node.undo) {
        (Purpose::Undo | Purpose::UndoCheck, Undoing::Now(now)) => {
            let inputs = now.inputs.as_deref()?;
            match &inputs.action {
                RenderedAction::Each(items) => &items.get(now.items as usize)?.inputs,
                _ => inputs,
            }
        }
        // What is said of the node as a whole, not of an item.
        (Purpose::Target(_) | Purpose::Recheck, _) => node.inputs.as_deref()?,
        _ => node.present_inputs()?,
    };
    Some(Work {
        attempt,
        inputs: inputs.clone(),
        timeout: flight
            .deadline
            .map(|deadline| deadline.since(flight.started)),
        deadline: flight.deadline,
    })
}
