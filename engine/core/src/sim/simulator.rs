//! The simulator: a driver, a store and people around the real [`Run`].

use super::keeper::{Execution, Keeper};
use super::script::{Crash, CrashPoint, Reply, Script};
use crate::digest::Digest;
use crate::id::{Actor, AttemptId, RunId};
use crate::plan::{NodeIndex, Plan};
use crate::record::{Answer, Question, Record, RunOutcome, Start};
use crate::run::{
    Batch, Decision, Effect, Event, LoadError, ProtocolError, Run, RunState, Snapshot,
};
use crate::time::Timestamp;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// After so many events a simulation is given up. A plan of a dozen nodes needs some hundreds.
const EVENT_LIMIT: u32 = 100_000;

/// How a simulation ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// The run is over.
    Over(RunOutcome),
    /// It waits for people, and none will come.
    Waiting,
    /// Nothing will ever happen to it, and it is neither over nor waiting for people. A bug of the engine, unless
    /// the script has an attempt without a time limit of which nothing is heard.
    Stuck,
    /// It was still going on after very many events.
    Endless,
    /// The journal that it wrote could not be loaded again. A bug of the engine.
    Unloadable(String),
}

/// What somebody who sent an event was told.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What they sent.
    pub event: Event,
    /// When it was dealt with.
    pub at: Timestamp,
    /// Whether it was taken.
    pub result: Result<(), ProtocolError>,
}

/// A durable commit.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The number of its last record.
    pub through: u64,
    /// When it was made: the time that the event was dealt with.
    pub at: Timestamp,
    /// The live run right after it.
    pub run: Run,
}

/// A run in a simulated world.
#[derive(Clone, Debug)]
pub struct Simulator {
    plan: Arc<Plan>,
    start: Start,
    script: Script,
    now: Timestamp,
    engine: Option<Run>,
    records: Vec<Record>,
    snapshot: Option<String>,
    snapshot_through: u64,
    commits: Vec<Commit>,
    keeper: Keeper,
    /// Durable, like the store's inbox.
    inbox: VecDeque<Event>,
    /// What people will send.
    mail: BTreeMap<(Timestamp, u64), Event>,
    mailed: u64,
    asked: BTreeSet<Digest>,
    questions_of: BTreeMap<NodeIndex, usize>,
    verdicts: Vec<Verdict>,
    finished: u32,
    events: u32,
    engines: u32,
}

impl Simulator {
    /// A run of this plan that has not been created yet, at an arbitrary time of day.
    #[must_use]
    pub fn new(plan: Plan, script: Script) -> Simulator {
        let now = Timestamp(1_700_000_000_000);
        let mut simulator = Simulator {
            plan: Arc::new(plan),
            start: super::plans::start(),
            now,
            engine: None,
            records: Vec::new(),
            snapshot: None,
            snapshot_through: 0,
            commits: Vec::new(),
            keeper: Keeper::default(),
            inbox: VecDeque::new(),
            mail: BTreeMap::new(),
            mailed: 0,
            asked: BTreeSet::new(),
            questions_of: BTreeMap::new(),
            verdicts: Vec::new(),
            finished: 0,
            events: 0,
            engines: 0,
            script,
        };
        for after in simulator.script.cancels.clone() {
            simulator.mail(
                now.after(after),
                Event::Cancel {
                    by: actor("canceller"),
                    reason: None,
                },
            );
        }
        simulator
    }

    /// Goes on until nothing more will happen.
    pub fn run(&mut self) -> Ending {
        while self.events < EVENT_LIMIT {
            match self.turn() {
                Ok(None) => {}
                Ok(Some(ending)) => return ending,
                Err(error) => return Ending::Unloadable(error.to_string()),
            }
        }
        Ending::Endless
    }

    /// Everything that is durable.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Every durable commit, with the run as it was live.
    #[must_use]
    pub fn commits(&self) -> &[Commit] {
        &self.commits
    }

    /// What was really executed.
    #[must_use]
    pub fn executions(&self) -> &BTreeMap<AttemptId, Execution> {
        &self.keeper.table
    }

    /// What people, and whoever else sent events, were told.
    #[must_use]
    pub fn verdicts(&self) -> &[Verdict] {
        &self.verdicts
    }

    /// How many engines it took: one more than there were crashes.
    #[must_use]
    pub fn engines(&self) -> u32 {
        self.engines
    }

    /// How often the end of the run was announced.
    #[must_use]
    pub fn finished(&self) -> u32 {
        self.finished
    }

    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The virtual time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Sends an event now, as another process would.
    pub fn send(&mut self, event: Event) {
        self.inbox.push_back(event);
    }

    /// One event, or one start of an engine.
    fn turn(&mut self) -> Result<Option<Ending>, LoadError> {
        let Some(run) = &self.engine else {
            self.start_engine()?;
            return Ok(None);
        };
        if let Some(event) = self.inbox.front().cloned() {
            self.deal_with(&event, true);
            return Ok(None);
        }
        let tick = run.next_timeout().map(|at| at.after(self.script.tick_lag));
        let end = self.keeper.next_end();
        let letter = self.mail.first_key_value().map(|(key, _)| *key);
        let next = [tick, end.map(|(at, _)| at), letter.map(|(at, _)| at)]
            .into_iter()
            .flatten()
            .min();
        let Some(next) = next else {
            return Ok(Some(self.ending()));
        };
        self.now = self.now.max(next);
        if let Some(letter) = letter.filter(|(at, _)| *at <= next) {
            self.inbox.extend(self.mail.remove(&letter));
        } else if let Some((_, attempt)) = end.filter(|(at, _)| *at <= next) {
            self.keeper.end(attempt);
            self.report(attempt);
        } else {
            self.deal_with(&Event::Tick, false);
        }
        Ok(None)
    }

    fn ending(&self) -> Ending {
        match self.engine.as_ref().map(|run| (run.outcome(), run.state())) {
            Some((Some(outcome), _)) => Ending::Over(outcome),
            Some((None, RunState::Waiting)) => Ending::Waiting,
            _ => Ending::Stuck,
        }
    }

    /// Creates the run, or loads it and does what is outstanding.
    fn start_engine(&mut self) -> Result<(), LoadError> {
        self.engines += 1;
        if self.records.is_empty() {
            let id = RunId("simulated".to_owned());
            let (run, batch) = Run::create(id, self.plan.clone(), self.start.clone(), self.now);
            self.engine = Some(run);
            self.finish_event(batch, None);
            return Ok(());
        }
        let snapshot = match &self.snapshot {
            Some(text) => Some(serde_json::from_str::<Snapshot>(text).map_err(|error| {
                LoadError::BadSnapshot {
                    reason: error.to_string(),
                }
            })?),
            None => None,
        };
        let from = snapshot
            .as_ref()
            .map_or(0, |snapshot| snapshot.head.seq as usize);
        let tail = self.records.get(from..).unwrap_or_default().to_vec();
        let run = Run::load(self.plan.clone(), snapshot, tail)?;
        let outstanding: Vec<_> = run.outstanding().collect();
        self.engine = Some(run);
        for effect in outstanding {
            self.perform(effect);
        }
        Ok(())
    }

    /// Gives an event to the run and does what follows, or dies on the way.
    fn deal_with(&mut self, event: &Event, from_inbox: bool) {
        let crash = self.crash();
        if let Some(Crash {
            point: CrashPoint::NotPosted | CrashPoint::NotConsumed,
            ..
        }) = crash
        {
            let attempt_ended = matches!(event, Event::AttemptEnded { .. });
            if from_inbox
                && attempt_ended
                && crash.is_some_and(|c| c.point == CrashPoint::NotPosted)
            {
                self.inbox.pop_front();
            }
            self.events += 1;
            return self.die(crash);
        }
        let Some(run) = &mut self.engine else { return };
        match run.handle(event.clone(), self.now) {
            Ok(batch) => {
                let crashed_before =
                    crash.is_some_and(|crash| crash.point == CrashPoint::BeforeCommit);
                if *event != Event::Tick && !crashed_before {
                    self.verdicts.push(Verdict {
                        event: event.clone(),
                        at: self.now,
                        result: Ok(()),
                    });
                }
                self.finish_event(batch, from_inbox.then_some(event));
            }
            Err(error) => {
                self.verdicts.push(Verdict {
                    event: event.clone(),
                    at: self.now,
                    result: Err(error),
                });
                self.events += 1;
                if from_inbox {
                    self.inbox.pop_front();
                }
            }
        }
    }

    /// Commits a batch and performs its effects, or dies on the way.
    fn finish_event(&mut self, batch: Batch, from_inbox: Option<&Event>) {
        let crash = self.crash();
        self.events += 1;
        if crash.is_some_and(|crash| crash.point == CrashPoint::BeforeCommit) {
            return self.die(crash);
        }
        self.commit(batch.records);
        if from_inbox.is_some() {
            self.inbox.pop_front();
        }
        match crash.map(|crash| crash.point) {
            Some(CrashPoint::AfterEffect(last)) => {
                for effect in batch.effects.into_iter().take(last.saturating_add(1)) {
                    self.perform(effect);
                }
                self.die(crash);
            }
            Some(CrashPoint::AcknowledgementLost) => {
                self.inbox.extend(from_inbox.cloned());
                self.die(crash);
            }
            Some(_) => self.die(crash),
            None => {
                for effect in batch.effects {
                    self.perform(effect);
                }
            }
        }
    }

    fn crash(&self) -> Option<Crash> {
        self.script
            .crashes
            .iter()
            .find(|crash| crash.event == self.events)
            .copied()
    }

    fn die(&mut self, crash: Option<Crash>) {
        self.engine = None;
        if crash.is_some_and(|crash| crash.with_keeper) {
            self.keeper.die();
        }
    }

    fn commit(&mut self, records: Vec<Record>) {
        let Some(run) = &mut self.engine else { return };
        if records.is_empty() {
            return;
        }
        self.records.extend(records);
        let through = run.head().seq;
        if self
            .script
            .snapshot_every
            .is_some_and(|every| through - self.snapshot_through >= every.max(1))
        {
            self.snapshot = serde_json::to_string(&run.snapshot()).ok();
            self.snapshot_through = through;
        }
        self.commits.push(Commit {
            through,
            at: self.now,
            run: run.clone(),
        });
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Start(work) => {
                let attempt = work.attempt;
                let scripted = self
                    .script
                    .attempt(attempt.node, attempt.purpose, attempt.number);
                let durable = self.records.last().map_or(0, |record| record.seq);
                self.keeper.start(&work, scripted, self.now, durable);
                self.report(attempt);
            }
            Effect::Stop { attempt, .. } => self.keeper.stop(attempt, self.now),
            Effect::Ask(question) => self.ask(&question),
            Effect::Finish(_) => self.finished += 1,
        }
    }

    /// Posts an attempt's result if it has one.
    fn report(&mut self, attempt: AttemptId) {
        if let Some(outcome) = self.keeper.result(attempt) {
            self.inbox
                .push_back(Event::AttemptEnded { attempt, outcome });
        }
    }

    /// Puts a question to people, who take no notice of one that they know.
    fn ask(&mut self, question: &Question) {
        if !self.asked.insert(question.shown) {
            return;
        }
        let number = self.questions_of.entry(question.node).or_default();
        let scripted = self
            .script
            .replies
            .get(&question.node)
            .and_then(|lists| lists.get(*number));
        let replies = scripted.unwrap_or(&self.script.usual_replies).clone();
        *number += 1;
        for reply in replies {
            let at = self.now.after(reply.after);
            let decision = self.decision(question, reply);
            self.mail(at, Event::Decide(decision));
        }
    }

    fn decision(&self, question: &Question, reply: Reply) -> Decision {
        let mut answer = reply.answer;
        if let (Answer::Succeeded { outputs }, Some(node)) =
            (&mut answer, self.plan.node(question.node))
        {
            for name in node.outputs.keys() {
                outputs.entry(name.clone()).or_insert(Value::Null);
            }
        }
        let shown = if reply.about_something_else {
            Digest::ZERO
        } else {
            question.shown
        };
        Decision {
            node: question.node,
            by: actor(&reply.by),
            answer,
            note: None,
            shown,
        }
    }

    fn mail(&mut self, at: Timestamp, event: Event) {
        self.mailed += 1;
        self.mail.insert((at, self.mailed), event);
    }
}

fn actor(name: &str) -> Actor {
    Actor {
        name: name.to_owned(),
        account: format!("{name}@elsewhere"),
    }
}
