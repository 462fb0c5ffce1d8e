//! The loop that drives a run.
//!
//! What has happened is handled together: the core says what follows from each event, all of it is committed in one
//! transaction, and only then is it done. One step of a chain is one commit.
//!
//! When a commit fails in a way that leaves open whether it counts, the state in memory is dropped and the run is
//! loaded again. Outcomes that were not recorded are then told again, and attempts that this engine has under way
//! are not started again. A store that cannot be reached is waited for, while what runs goes on.

use super::attempts::{Attempts, Ended};
use super::clock::Clock;
use super::error::DriveError;
use super::locks::Locks;
use super::options::{DriveEnd, DriveOptions, Observer, Until};
use super::pages::{Delivered, Pages};
use super::reach::{Map, Reach, event, starts};
use super::tenure::Asked;
use crate::action::attempt::Context;
use crate::action::held::Held;
use crate::owner::Owner;
use crate::store::{
    Commit, InboxId, Lease, Loaded, RunStatus, Store, StoreError, StoredSnapshot, Verdict,
};
use crate::wake::WakeSocket;
use piton_core::id::{AttemptId, RunId};
use piton_core::plan::Plan;
use piton_core::record::{Question, Record};
use piton_core::run::{Batch, Effect, Event, Head, ProtocolError, Run, RunState, Snapshot, Work};
use piton_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How often in a row a run is loaded again after a commit whose outcome is unknown.
const RELOADS: u32 = 3;

/// How long is waited before a store that cannot be reached is tried again: first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How soon a lease that could not be renewed in time is tried again.
const RENEW_AGAIN: Duration = Duration::from_millis(500);

/// How long ends that were missed may take to be told before attempts whose time is up are called lost.
const CATCH_UP: Duration = Duration::from_secs(15);

/// One engine driving one run.
pub(super) struct Drive<'a, S> {
    pub store: &'a S,
    pub lease: Lease,
    /// Which engine this is.
    pub here: Owner,
    pub clock: Clock,
    pub context: Rc<Context>,
    pub attempts: Attempts,
    pub locks: Locks,
    pub pages: Pages,
    pub wake: WakeSocket,
    pub options: DriveOptions,
    pub observer: &'a mut dyn Observer,
    /// Is told of each commit.
    pub committed: Rc<Notify>,
    pub state: Loading,
}

/// What is kept of the run between two commits.
pub(super) struct Loading {
    pub run: Run,
    /// When the run ended, once it is over.
    pub ended: Option<Timestamp>,
    /// Where the run stands according to the store.
    written: RunStatus,
    /// The hosts of attempts out of reach, as the store was told; `None` when that is not certain.
    away: Option<Vec<String>>,
    /// Ends that were told and are not in the journal yet.
    told: Vec<Ended>,
    /// What became of pages, and is not in the journal yet.
    delivered: Vec<Delivered>,
    inbox_due: bool,
    renew_at: Instant,
    catch_up_until: Instant,
}

impl Loading {
    pub fn of(run: Run, written: RunStatus, lease: &Lease) -> Loading {
        let now = Instant::now();
        let away = run.away().next().is_none().then(Vec::new);
        Loading {
            run,
            ended: written.ended,
            written,
            away,
            told: Vec::new(),
            delivered: Vec::new(),
            inbox_due: true,
            renew_at: now + renewal(lease),
            catch_up_until: now + CATCH_UP,
        }
    }
}

fn renewal(lease: &Lease) -> Duration {
    Duration::from_millis(lease.ttl.0 / 3)
}

/// The run that a store has loaded, by the plan that it was created with. A snapshot that cannot be used is done without.
pub(super) async fn restore<S: Store>(
    store: &S,
    id: &RunId,
    plan: Arc<Plan>,
    loaded: Loaded,
) -> Result<Run, DriveError> {
    let fail = |source| DriveError::Load {
        run: id.clone(),
        source,
    };
    let snapshot = loaded
        .snapshot
        .as_ref()
        .map(|stored| serde_json::from_str::<Snapshot>(&stored.json));
    match snapshot {
        None => return Run::load(plan, None, loaded.records).map_err(fail),
        Some(Ok(snapshot)) => match Run::load(Arc::clone(&plan), Some(snapshot), loaded.records) {
            Ok(run) => return Ok(run),
            Err(error) => tracing::warn!(%error, "the snapshot was not used"),
        },
        Some(Err(error)) => tracing::warn!(%error, "the snapshot was not used"),
    }
    Run::load(plan, None, store.records(id, 1).await?).map_err(fail)
}

/// What came of events that were handled together.
#[derive(Default)]
struct Gathered {
    batch: Batch,
    consumed: Vec<(InboxId, Verdict)>,
    ended: Vec<Ended>,
    delivered: Vec<Delivered>,
}

impl Gathered {
    fn join(&mut self, batch: Batch) {
        self.batch.records.extend(batch.records);
        self.batch.effects.extend(batch.effects);
    }

    fn is_empty(&self) -> bool {
        self.batch.records.is_empty()
            && self.consumed.is_empty()
            && self.ended.is_empty()
            && self.delivered.is_empty()
    }
}

impl<S: Store> Drive<'_, S> {
    /// Drives the run until it is over, waits for people, or the engine is told to leave.
    pub async fn go(&mut self) -> Result<DriveEnd, DriveError> {
        self.sort_out().await?;
        self.resume();
        let (mut reloads, mut away_since) = (0, None);
        loop {
            match self.step().await {
                Ok(Some(end)) => return Ok(end),
                Ok(None) => (reloads, away_since) = (0, None),
                Err(DriveError::Store(error @ StoreError::Away { .. })) => {
                    self.observer.on_store_error(&error);
                    // One that answers only now and then is not waited for for ever.
                    let since = *away_since.get_or_insert_with(|| {
                        self.observer
                            .on_store_away(&error, self.options.store_patience);
                        Instant::now()
                    });
                    if let Some(end) = self.outlast(error, since).await? {
                        return Ok(end);
                    }
                }
                Err(DriveError::Store(error)) if reloads < RELOADS && may_reload(&error) => {
                    tracing::warn!(%error, "a commit failed; the run is loaded again");
                    self.observer.on_store_error(&error);
                    reloads += 1;
                    self.reload().await?;
                }
                Err(error) => {
                    if let DriveError::Store(error) = &error {
                        self.observer.on_store_error(error);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Handles what has happened, and waits for what happens next. Gives how driving ended, if it did.
    async fn step(&mut self) -> Result<Option<DriveEnd>, DriveError> {
        let gathered = self.gather().await?;
        if !gathered.is_empty() {
            self.commit(gathered).await?;
        }
        if !self.state.told.is_empty() || !self.state.delivered.is_empty() {
            return Ok(None);
        }
        if let Some(outcome) = self.state.run.outcome() {
            self.locks.finish(self.store, &self.lease).await;
            self.context.processes.finish().await;
            return Ok(Some(DriveEnd::Over(outcome)));
        }
        let waiting = self.state.run.state() == RunState::Waiting;
        // Somebody who is being called is not left alone in the middle of it.
        let leaves = waiting && self.pages.is_idle() && !self.locks.is_waiting();
        let leaves = match self.options.until {
            Until::WaitingOrOver => leaves,
            Until::NobodyToCall => leaves && !self.state.run.is_calling(),
            Until::Over => false,
        };
        if leaves {
            self.note_away().await?;
            self.write_status().await?;
            return Ok(Some(DriveEnd::Waiting));
        }
        if let Some((attempt, held)) = self.attempts.held_up() {
            return Err(self.missing(attempt, held));
        }
        let asked_to_leave = self.wait().await?;
        Ok(asked_to_leave.then_some(DriveEnd::Detached))
    }

    /// Waits until a store that cannot be reached is there again, and goes on from what is recorded. Nothing is started
    /// meanwhile, because nothing can be committed; what ends meanwhile is told when the store is back. Gives how
    /// driving ended, if the engine is asked to leave.
    async fn outlast(
        &mut self,
        mut error: StoreError,
        since: Instant,
    ) -> Result<Option<DriveEnd>, DriveError> {
        tracing::warn!(%error, "the store is waited for");
        let mut pause = FIRST_PAUSE;
        loop {
            if since.elapsed() >= self.options.store_patience {
                return Err(tried_for(error, since.elapsed()).into());
            }
            tokio::select! {
                biased;
                () = asked_to_leave(&mut self.options.stop) => return Ok(Some(DriveEnd::Detached)),
                error = self.context.processes.failure() => return Err(error.into()),
                () = tokio::time::sleep(pause) => {}
            }
            if !self.context.tenure.holds() {
                // Another engine may have the run by now.
                self.attempts.give_up_own();
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            match self.come_back().await {
                Ok(()) => {
                    self.observer.on_store_back();
                    return Ok(None);
                }
                Err(DriveError::Store(again @ StoreError::Away { .. })) => error = again,
                Err(error) => return Err(error),
            }
        }
    }

    /// Makes sure that the run is still this engine's before anything is taken up again.
    async fn come_back(&mut self) -> Result<(), DriveError> {
        let asked = Asked::now();
        self.store.renew(&self.lease).await?;
        self.context.tenure.renewed(asked);
        self.state.renew_at = Instant::now() + renewal(&self.lease);
        self.reload().await
    }

    fn missing(&self, attempt: AttemptId, held: &Held) -> DriveError {
        let node = self.state.run.plan().node(attempt.node);
        DriveError::Missing {
            run: self.lease.run.clone(),
            node: node.map(|node| node.id.clone()).unwrap_or_default(),
            what: held.0.clone(),
        }
    }

    /// Tells where the run stands and takes over what is under way.
    fn resume(&mut self) {
        let run = &self.state.run;
        self.observer.on_loaded(run);
        for question in run.questions() {
            self.observer.on_question(run, question);
        }
        let outstanding: Vec<Effect> = run.outstanding().collect();
        self.locks.resume(run);
        let ended = self.attempts.take_over(&outstanding, self.clock.now());
        self.state.told.extend(ended);
        for effect in outstanding {
            match effect {
                // One that the engine before this one sent and did not write down goes out again, under the same key.
                Effect::Page { node, page } => self.pages.send(&self.state.run, node, page),
                // Taking locks that the run has already is harmless.
                Effect::Lock { node, names } => self.locks.ask(node, names),
                _ => {}
            }
        }
    }

    /// Loads the run again. What was told and is not in the journal stays told.
    async fn reload(&mut self) -> Result<(), DriveError> {
        let id = self.lease.run.clone();
        let loaded = self.store.load(&id).await?;
        let written = loaded.status.clone();
        let plan = Plan::from_json(&loaded.plan_json).map_err(|source| DriveError::Plan {
            run: id.clone(),
            source,
        })?;
        let run = restore(self.store, &id, Arc::new(plan), loaded).await?;
        self.state.run = run;
        self.state.ended = written.ended;
        self.state.written = written;
        self.state.inbox_due = true;
        self.sort_out().await?;
        self.resume();
        Ok(())
    }

    /// Tells attempts that this engine can reach from those that are elsewhere, and writes that down before anything
    /// is taken over.
    async fn sort_out(&mut self) -> Result<(), DriveError> {
        let reached = self.sort().await?;
        if !reached.is_empty() {
            tracing::info!(count = reached.len(), "attempts are within reach again");
        }
        Ok(())
    }

    /// Looks again where attempts are that were elsewhere.
    async fn look_around(&mut self) -> Result<(), DriveError> {
        if self.state.run.away().next().is_none() || self.sort().await?.is_empty() {
            return Ok(());
        }
        let outstanding: Vec<Effect> = self.state.run.outstanding().collect();
        let ended = self.attempts.take_over(&outstanding, self.clock.now());
        self.state.told.extend(ended);
        Ok(())
    }

    /// Gives the attempts that have come within reach; they are still to be taken over.
    async fn sort(&mut self) -> Result<Vec<AttemptId>, DriveError> {
        let run = &self.state.run;
        let was_away: BTreeSet<AttemptId> = run.away().map(|(attempt, _)| attempt).collect();
        let flights: BTreeMap<AttemptId, Work> = run
            .in_flight()
            .filter(|attempt| !self.attempts.is_begun(*attempt))
            .filter_map(|attempt| Some((attempt, run.work(attempt)?.0)))
            .collect();
        if flights.is_empty() {
            return Ok(Vec::new());
        }
        let id = &self.lease.run;
        let engines = self.store.engines(id).await?;
        let words: BTreeMap<_, _> = self.store.host_words().await?.into_iter().collect();
        let map = Map {
            here: &self.here,
            fence: self.lease.fence,
            engines: &engines,
            words: &words,
        };
        if was_away.is_empty() && map.is_all_here() {
            return Ok(Vec::new());
        }
        let records = self.store.records(id, 1).await?;
        let starts = starts(&records, &flights);
        let (now, mut gathered, mut reached) = (self.clock.now(), Gathered::default(), Vec::new());
        for (attempt, work) in &flights {
            let seq = starts.get(attempt).copied();
            let reach = seq.map_or(Reach::Here, |seq| map.reach(work, seq));
            let Some(event) = event(*attempt, reach, was_away.contains(attempt)) else {
                continue;
            };
            if matches!(event, Event::Reached { .. }) {
                reached.push(*attempt);
            }
            match self.state.run.handle(event, now) {
                Ok(batch) => gathered.join(batch),
                Err(error) => tracing::error!(%error, "where an attempt is was not taken"),
            }
        }
        // Those that are found again are taken over, not started.
        gathered.batch.effects.retain(
            |effect| !matches!(effect, Effect::Start(work) if reached.contains(&work.attempt)),
        );
        if !gathered.is_empty() {
            self.commit(gathered).await?;
        }
        self.note_away().await?;
        Ok(reached)
    }

    /// Tells the store on which hosts something may run, for the servers there.
    async fn note_away(&mut self) -> Result<(), DriveError> {
        let away = self.state.run.away();
        // What is out of reach on this very host no server of this host reaches.
        let elsewhere = away.filter(|(_, host)| *host != self.here.host);
        let hosts: BTreeSet<&str> = elsewhere.map(|(_, host)| host).collect();
        let hosts: Vec<String> = hosts.into_iter().map(str::to_owned).collect();
        if self.state.away.as_ref() != Some(&hosts) {
            self.store.note_away(&self.lease, &hosts).await?;
            self.state.away = Some(hosts);
        }
        Ok(())
    }

    /// Handles everything that has happened by now.
    async fn gather(&mut self) -> Result<Gathered, DriveError> {
        let now = self.clock.now();
        let mut gathered = Gathered::default();
        for node in self.locks.carry_out(self.store, &self.lease).await? {
            match self.state.run.handle(Event::Locked { node }, now) {
                Ok(batch) => gathered.join(batch),
                Err(error) => tracing::error!(%error, "locks were taken for nothing"),
            }
            self.locks.check(&self.state.run, node);
        }
        while let Some(ended) = self.attempts.try_ended() {
            self.state.told.push(ended);
        }
        for (attempt, outcome) in std::mem::take(&mut self.state.told) {
            let event = Event::AttemptEnded {
                attempt,
                outcome: outcome.clone(),
            };
            match self.state.run.handle(event, now) {
                Ok(batch) => gathered.join(batch),
                Err(error) => tracing::error!(%error, "the end of an attempt was not taken"),
            }
            gathered.ended.push((attempt, outcome));
        }
        while let Some(delivered) = self.pages.try_ended() {
            self.state.delivered.push(delivered);
        }
        for delivered in std::mem::take(&mut self.state.delivered) {
            let event = Event::PageEnded {
                page: delivered.0,
                deliveries: delivered.1.clone(),
            };
            match self.state.run.handle(event, now) {
                Ok(batch) => gathered.join(batch),
                Err(error) => tracing::warn!(%error, "what became of a page was not taken"),
            }
            gathered.delivered.push(delivered);
        }
        // Before the tick: an answer that comes too late is told that its question expired, not only that the run
        // is over because of that. The core refuses it by its time.
        if std::mem::take(&mut self.state.inbox_due) {
            let entries = match self.store.inbox(&self.lease.run).await {
                Ok(entries) => entries,
                Err(error) => {
                    self.state.told = gathered.ended;
                    self.state.delivered = gathered.delivered;
                    return Err(error.into());
                }
            };
            for (entry, event) in entries {
                let verdict = match self.state.run.handle(event, now) {
                    // A refusal that was written down is told like any other.
                    Ok(mut batch) => {
                        let refused = batch.refused.take();
                        gathered.join(batch);
                        verdict(refused.as_ref())
                    }
                    Err(error) => verdict(Some(&error)),
                };
                gathered.consumed.push((entry, verdict));
            }
        }
        let due = self.state.run.next_timeout().is_some_and(|due| due <= now);
        if due && !self.holds_ticks() {
            match self.state.run.handle(Event::Tick, now) {
                Ok(batch) => gathered.join(batch),
                Err(error) => tracing::error!(%error, "a tick was not taken"),
            }
        }
        Ok(gathered)
    }

    fn holds_ticks(&self) -> bool {
        self.attempts.is_catching_up() && Instant::now() < self.state.catch_up_until
    }

    /// Makes what was gathered durable, and only then has it done.
    async fn commit(&mut self, gathered: Gathered) -> Result<(), DriveError> {
        let Gathered {
            batch: Batch {
                records, effects, ..
            },
            consumed,
            ended,
            delivered,
        } = gathered;
        if records.is_empty() && consumed.is_empty() {
            // An end that the journal had already.
            ended.iter().for_each(|ended| self.attempts.forget(ended));
            self.pages.forget(&delivered);
            return Ok(());
        }
        let head = self.state.run.head();
        if self.state.run.outcome().is_some() && self.state.ended.is_none() {
            self.state.ended = records.last().map(|record| record.at);
        }
        let snapshot = self.snapshot();
        let mut status = status(&self.state.run, self.state.ended);
        if status.outcome.is_none() {
            // What follows from this is still to be done. Who dies now leaves a run that is due at once.
            status.next_due = Some(RunStatus::AT_ONCE);
        }
        let expected = before(head, &records);
        let commit = Commit {
            records: &records,
            snapshot: snapshot.as_ref(),
            consumed: &consumed,
            status: &status,
        };
        let asked = Instant::now();
        if let Err(error) = self.store.commit(&self.lease, expected, commit).await {
            self.state.told = ended;
            self.state.delivered = delivered;
            return Err(error.into());
        }
        let took = asked.elapsed();
        self.state.written = status;
        self.committed.notify_one();
        if self
            .options
            .die_after
            .is_some_and(|at| expected.seq < at && at <= head.seq)
        {
            std::process::abort();
        }
        self.attempts.forget_evidence(&ended, &records);
        ended.iter().for_each(|ended| self.attempts.forget(ended));
        self.pages.forget(&delivered);
        let asked: Vec<Question> = effects.iter().filter_map(question).collect();
        self.make_sure().await?;
        self.perform(effects);
        self.locks.leave(self.store, &self.lease).await;
        // What was started gets under way before anybody is told about it: telling takes time too.
        tokio::task::yield_now().await;
        let run = &self.state.run;
        self.observer.on_commit(took);
        self.observer.on_records(run, &records);
        // One that was opened and settled by the same events need not be asked.
        for question in asked
            .iter()
            .filter(|question| run.questions().any(|open| open == *question))
        {
            self.observer.on_question(run, question);
        }
        Ok(())
    }

    /// Writes down where the run stands, if the store says otherwise: it may be from an older piton.
    async fn write_status(&mut self) -> Result<(), DriveError> {
        let mut status = status(&self.state.run, self.state.ended);
        if self.state.run.away().next().is_some() {
            // The engine that may be at it may end without a word.
            let again = self.clock.now().after(self.lease.ttl);
            status.next_due = Some(status.next_due.map_or(again, |due| due.min(again)));
        }
        if status == self.state.written {
            return Ok(());
        }
        let commit = Commit {
            records: &[],
            snapshot: None,
            consumed: &[],
            status: &status,
        };
        let head = self.state.run.head();
        self.store.commit(&self.lease, head, commit).await?;
        self.state.written = status;
        Ok(())
    }

    fn snapshot(&mut self) -> Option<StoredSnapshot> {
        if !self.state.run.snapshot_due() {
            return None;
        }
        let snapshot = self.state.run.snapshot();
        match serde_json::to_string(&snapshot) {
            Ok(json) => Some(StoredSnapshot {
                seq: self.state.run.head().seq,
                json,
            }),
            Err(error) => {
                // Without one, loading folds more records; nothing else depends on it.
                tracing::error!(%error, "a snapshot could not be written");
                None
            }
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start(work) => self.attempts.start(work),
                Effect::Stop { attempt, reason } => self.attempts.stop(attempt, reason),
                Effect::Page { node, page } => self.pages.send(&self.state.run, node, page),
                Effect::Lock { node, names } => self.locks.ask(node, names),
                Effect::Unlock { node } => self.locks.let_go(Some(node)),
                // People are told by the observer, and the loop ends when the run is over.
                Effect::Ask(_) | Effect::Finish(_) => {}
            }
        }
    }

    /// Waits until something happens. True when the engine is to leave.
    async fn wait(&mut self) -> Result<bool, DriveError> {
        let now = self.clock.now();
        let due = match self.state.run.next_timeout() {
            Some(_) if self.holds_ticks() => Some(self.state.catch_up_until),
            Some(due) => Instant::now().checked_add(Duration::from_millis(due.since(now).0)),
            None => None,
        };
        let until = [due, self.locks.due()]
            .into_iter()
            .flatten()
            .fold(self.state.renew_at, Instant::min);
        tokio::select! {
            biased;
            ended = self.attempts.ended() => self.state.told.extend(ended),
            delivered = self.pages.ended() => self.state.delivered.push(delivered),
            () = self.wake.rung() => {
                self.state.inbox_due = true;
                self.locks.look_now();
            }
            () = self.store.rung(&self.lease.run) => {
                self.state.inbox_due = true;
                self.locks.look_now();
            }
            () = asked_to_leave(&mut self.options.stop) => return Ok(true),
            error = self.context.processes.failure() => return Err(error.into()),
            () = tokio::time::sleep_until(until) => {}
        }
        if Instant::now() >= self.state.renew_at {
            self.renew().await?;
            self.look_around().await?;
        }
        Ok(false)
    }

    /// Begins nothing with a lease that may be somebody else's by now: this engine may have been stopped for a long
    /// time between a commit and what it asks for.
    async fn make_sure(&mut self) -> Result<(), DriveError> {
        while !self.context.tenure.holds() {
            self.renew().await?;
            if !self.context.tenure.holds() {
                self.attempts.give_up_own();
                tokio::time::sleep(RENEW_AGAIN).await;
            }
        }
        Ok(())
    }

    async fn renew(&mut self) -> Result<(), DriveError> {
        let asked = Asked::now();
        match self.store.renew(&self.lease).await {
            Ok(()) => self.context.tenure.renewed(asked),
            Err(error @ (StoreError::Fenced { .. } | StoreError::Away { .. })) => {
                return Err(error.into());
            }
            // The next commit says so too if it stays that way, and until then nothing is lost.
            Err(error) => tracing::warn!(%error, "the lease was not renewed"),
        }
        if !self.context.tenure.holds() {
            self.attempts.give_up_own();
        }
        self.state.renew_at = Instant::now() + renewal(&self.lease);
        self.state.inbox_due = true;
        Ok(())
    }
}

/// The same error about a store that is away, with how long it was tried in all.
fn tried_for(error: StoreError, tried: Duration) -> StoreError {
    match error {
        StoreError::Away {
            place, reason, run, ..
        } => StoreError::Away {
            place,
            reason,
            seconds: tried.as_secs(),
            run,
        },
        error => error,
    }
}

/// What is told to the person who sent an event.
fn verdict(refused: Option<&ProtocolError>) -> Verdict {
    Verdict {
        accepted: refused.is_none(),
        message: refused.map(ToString::to_string).unwrap_or_default(),
    }
}

fn question(effect: &Effect) -> Option<Question> {
    match effect {
        Effect::Ask(question) => Some(question.clone()),
        _ => None,
    }
}

/// The head that records were added to, if `head` is the one after them.
pub(super) fn before(head: Head, records: &[Record]) -> Head {
    match records.first() {
        Some(first) => Head {
            seq: first.seq.saturating_sub(1),
            hash: first.prev,
        },
        None => head,
    }
}

/// Where a run stands, as the store keeps it with each commit; `ended` counts once it is over.
#[must_use]
pub fn status(run: &Run, ended: Option<Timestamp>) -> RunStatus {
    let node = |index| run.plan().node(index).map(|node| node.id.clone());
    RunStatus {
        state: run.state(),
        outcome: run.outcome(),
        ended: if run.outcome().is_some() { ended } else { None },
        waiting_for: run
            .questions()
            .filter_map(|question| node(question.node))
            .collect(),
        next_due: match run.state() {
            _ if run.outcome().is_some() => None,
            RunState::Waiting => run.next_timeout(),
            _ => Some(RunStatus::AT_ONCE),
        },
    }
}

/// Whether loading again may help. A store that is full or gone has to be repaired by people first, and an engine
/// that was fenced has no business here any more.
fn may_reload(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Conflict { .. }
            | StoreError::Failed { .. }
            | StoreError::Busy { .. }
            | StoreError::Decided { .. }
            | StoreError::Misplaced { .. }
    )
}

/// Returns when the engine is asked to leave; never when nobody can ask.
async fn asked_to_leave(stop: &mut tokio::sync::watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}
