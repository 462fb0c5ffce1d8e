//! The simulator: a driver, a store and people around the real [`Run`].

mod overtaken;

use self::overtaken::Overtaken;
use super::keeper::{self, Execution, Keeper};
use super::outside::{LockStand, Outside};
use super::people::{self, People};
use super::script::{Asked, Crash, CrashPoint, Ends, Replan, Script, Scripted};
use super::world::{Trace, World};
use crate::id::{AttemptId, Purpose, RunId};
use crate::plan::{NodeIndex, Plan};
use crate::record::{
    Answer, Assumed, Fact, OutcomeStatus, PageId, Question, Record, RenderedAction, RunOutcome,
    Start,
};
use crate::run::{
    Batch, Effect, Event, LoadError, Outcome, Produced, ProtocolError, ReplanError, Run, RunState,
    Snapshot, Work,
};
use crate::time::Timestamp;
use crate::value::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// After so many events a simulation is given up. A plan of a dozen nodes needs some hundreds; one in which
/// a look is done again a hundred times while a missed target pages people needs ten thousand.
const EVENT_LIMIT: u32 = 50_000;

/// After so many ticks with nothing else between them, a run that waits for people, and pages them again and again,
/// counts as waiting for ever.
const PATIENCE: u32 = 30;

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
    /// The plan that the run has now.
    present: Arc<Plan>,
    replans: Vec<Result<u64, ReplanError>>,
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
    people: People,
    outside: Outside,
    verdicts: Vec<Verdict>,
    finished: u32,
    events: u32,
    engines: u32,
    /// How far the engine's clock is off, in milliseconds.
    clock_off: i64,
    overtaken: Vec<Overtaken>,
    /// How often an engine that had lost its lease tried to write.
    fenced_off: u32,
    ticks_in_a_row: u32,
    /// What the question asks that the event at hand answers.
    answers: Option<Asked>,
}

impl Simulator {
    /// A run of this plan that has not been created yet, at an arbitrary time of day.
    #[must_use]
    pub fn new(plan: Plan, script: Script) -> Simulator {
        let now = Timestamp(1_700_000_000_000);
        let plan = Arc::new(plan);
        let mut simulator = Simulator {
            present: Arc::clone(&plan),
            replans: Vec::new(),
            plan,
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
            people: People::default(),
            outside: Outside::default(),
            verdicts: Vec::new(),
            finished: 0,
            events: 0,
            engines: 0,
            clock_off: 0,
            overtaken: Vec::new(),
            fenced_off: 0,
            ticks_in_a_row: 0,
            answers: None,
            script,
        };
        for cancel in simulator.script.cancels.clone() {
            simulator.mail(
                now.after(cancel.after),
                Event::Cancel {
                    by: people::actor("canceller"),
                    reason: None,
                    rollback: cancel.rollback,
                },
            );
        }
        simulator
    }

    /// A node was done before the run began, with these outputs.
    #[must_use]
    pub fn assuming(mut self, node: u32, outputs: BTreeMap<String, Value>) -> Simulator {
        let node = NodeIndex(node);
        self.start.assumed.push(Assumed { node, outputs });
        self.keeper.world.done_by_hand(node, 1, None);
        self
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

    /// What is really there, and what was really done.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.keeper.world
    }

    /// How the locks that were asked for and not let go of stand.
    #[must_use]
    pub fn locks(&self) -> &BTreeMap<Option<NodeIndex>, LockStand> {
        self.outside.locks()
    }

    /// How often each page was sent, in the order of their first sending.
    #[must_use]
    pub fn pages(&self) -> &[(PageId, u32)] {
        self.outside.sent()
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

    /// How often an engine that had lost its lease tried to write, and was refused.
    #[must_use]
    pub fn fenced_off(&self) -> u32 {
        self.fenced_off
    }

    /// How often the end of the run was announced.
    #[must_use]
    pub fn finished(&self) -> u32 {
        self.finished
    }

    /// What became of the edited runbooks that the run was to take over, in order: the number of the record that says
    /// so, or why it did not.
    pub fn replans(&self) -> &[Result<u64, ReplanError>] {
        &self.replans
    }

    /// The plan that the run was created with.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// The plan that the run has now.
    #[must_use]
    pub fn present_plan(&self) -> &Arc<Plan> {
        &self.present
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
        if self.engine.is_none() {
            self.start_engine()?;
            return Ok(None);
        }
        self.replan();
        let Some(run) = &self.engine else {
            return Ok(None);
        };
        if let Some(event) = self.inbox.front().cloned() {
            self.deal_with(&event, true);
            return Ok(None);
        }
        let tick = run
            .next_timeout()
            .map(|at| self.in_the_world(at).after(self.script.tick_lag));
        let end = self.keeper.next_end();
        let letter = self.mail.first_key_value().map(|(key, _)| *key);
        let own = self.outside.next();
        let wakes = self.overtaken.iter().map(Overtaken::wakes).min();
        let others = [end.map(|(at, _)| at), letter.map(|(at, _)| at), own, wakes];
        let next = others.into_iter().chain([tick]).flatten().min();
        if run.questions().next().is_none() {
            self.ticks_in_a_row = 0;
        }
        let expires = run.questions().any(|question| question.expires.is_some());
        let patient = expires || self.ticks_in_a_row < PATIENCE;
        let sure = end.is_some() || letter.is_some() || wakes.is_some();
        let Some(next) = next.filter(|_| patient || sure) else {
            return Ok(Some(self.ending()));
        };
        self.now = self.now.max(next);
        self.ticks_in_a_row += 1;
        if let Some(letter) = letter.filter(|(at, _)| *at <= next) {
            self.ticks_in_a_row = 0;
            self.inbox.extend(self.mail.remove(&letter));
        } else if own.is_some_and(|at| at <= next) {
            self.inbox.extend(self.outside.take());
        } else if let Some((_, attempt)) = end.filter(|(at, _)| *at <= next) {
            self.ticks_in_a_row = 0;
            self.keeper.end(attempt);
            self.report(attempt);
        } else if wakes.is_some_and(|at| at <= next) {
            self.wake();
        } else {
            self.deal_with(&Event::Tick, false);
        }
        Ok(None)
    }

    fn ending(&self) -> Ending {
        match self.engine.as_ref().map(|run| (run.outcome(), run.state())) {
            Some((Some(outcome), _)) => Ending::Over(outcome),
            Some((None, RunState::Waiting)) => Ending::Waiting,
            // A try that is held back until people decide waits for them, too.
            Some(_) if self.is_asking() => Ending::Waiting,
            _ => Ending::Stuck,
        }
    }

    fn is_asking(&self) -> bool {
        let run = self.engine.as_ref();
        run.is_some_and(|run| run.questions().next().is_some())
    }

    /// Creates the run, or loads it and does what is outstanding.
    fn start_engine(&mut self) -> Result<(), LoadError> {
        self.engines += 1;
        self.set_clock();
        if self.records.is_empty() {
            let id = RunId("simulated".to_owned());
            let now = self.clock();
            let (run, batch) = Run::create(id, self.plan.clone(), self.start.clone(), now);
            self.engine = Some(run);
            self.finish_event(batch, None);
            return Ok(());
        }
        let run = self.load()?;
        let outstanding: Vec<_> = run.outstanding().collect();
        self.engine = Some(run);
        for effect in outstanding {
            self.perform(effect);
        }
        Ok(())
    }

    /// The run as the store has it.
    fn load(&self) -> Result<Run, LoadError> {
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
        Run::load(self.plan.clone(), snapshot, tail)
    }

    /// Sets the clock of an engine that begins. It never shows less than the last record does.
    fn set_clock(&mut self) {
        self.clock_off = self.script.clock_off(self.engines);
        if let Some(last) = self.records.last() {
            self.clock_off = self.clock_off.max(last.at.0.saturating_sub(self.now.0));
        }
    }

    /// What the engine's clock shows.
    fn clock(&self) -> Timestamp {
        Timestamp(self.now.0.saturating_add(self.clock_off))
    }

    /// When it is this late in the world by the engine's clock.
    fn in_the_world(&self, at: Timestamp) -> Timestamp {
        Timestamp(at.0.saturating_sub(self.clock_off))
    }

    /// Takes over an edited runbook whose time has come. Who does so drives the run no further.
    fn replan(&mut self) {
        let due = |replan: &Replan| replan.event <= self.events;
        let Some(replan) = self
            .script
            .replans
            .get(self.replans.len())
            .filter(|it| due(it))
        else {
            return;
        };
        let now = self.clock();
        let Some(run) = &mut self.engine else { return };
        let (edited, by) = (replan.plan.clone(), people::actor("editor"));
        match run.replan(&edited, by, None, now) {
            Ok(batch) => {
                self.present = Arc::clone(run.plan());
                self.replans.push(Ok(run.head().seq));
                self.commit(batch.records);
                batch.effects.into_iter().for_each(|it| self.perform(it));
                self.die(None);
            }
            Err(error) => self.replans.push(Err(error)),
        }
    }

    /// Gives an event to the run and does what follows, or dies on the way.
    fn deal_with(&mut self, event: &Event, from_inbox: bool) {
        let crash = self.crash();
        if let Some(Crash {
            point: CrashPoint::NotPosted | CrashPoint::NotConsumed,
            ..
        }) = crash
        {
            let own = matches!(
                event,
                Event::AttemptEnded { .. } | Event::PageEnded { .. } | Event::Locked { .. }
            );
            if from_inbox && own && crash.is_some_and(|c| c.point == CrashPoint::NotPosted) {
                self.inbox.pop_front();
            }
            self.events += 1;
            return self.die(crash);
        }
        let event = &self.spoken(event);
        self.repeat(event);
        let now = self.clock();
        let Some(run) = &mut self.engine else { return };
        match run.handle(event.clone(), now) {
            Ok(batch) => {
                // What became of an event is durable with what follows from it, or not at all.
                let lost = self.loses_commit(crash);
                if *event != Event::Tick && !lost {
                    self.verdicts.push(Verdict {
                        event: event.clone(),
                        at: now,
                        result: batch.refused.clone().map_or(Ok(()), Err),
                    });
                }
                self.finish_event(batch, from_inbox.then_some(event));
            }
            Err(error) => {
                self.verdicts.push(Verdict {
                    event: event.clone(),
                    at: now,
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
        let (crash, pause, failed) = (self.crash(), self.pause(), self.failed_commit());
        self.events += 1;
        if crash.is_some_and(|crash| crash.point == CrashPoint::BeforeCommit) {
            return self.die(crash);
        }
        if let Some(pause) = pause {
            return self.overtake(pause, batch, from_inbox.is_some());
        }
        if let Some(failed) = failed {
            return self.load_again(failed, batch.records, from_inbox.is_some());
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

    /// Whether the commit of the event at hand does not happen.
    fn loses_commit(&self, crash: Option<Crash>) -> bool {
        if crash.is_some_and(|crash| crash.point == CrashPoint::BeforeCommit) {
            return true;
        }
        match self.pause() {
            Some(pause) => pause.after_effects.is_none(),
            None => self.failed_commit().is_some_and(|failed| !failed.written),
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
        self.outside.die();
        if crash.is_some_and(|crash| crash.with_keeper) {
            self.keeper.die();
        }
    }

    fn commit(&mut self, records: Vec<Record>) {
        let now = self.clock();
        let Some(run) = &mut self.engine else { return };
        if records.is_empty() {
            return;
        }
        let items = |node| items_of(&self.present, &self.records, node);
        for record in &records {
            by_hand(&mut self.keeper.world, self.answers, record, items);
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
            at: now,
            run: run.clone(),
        });
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Start(work) => self.start_attempt(&work),
            Effect::Stop { attempt, .. } => {
                self.keeper.heeds(self.engines);
                self.keeper.stop(attempt, self.now);
            }
            Effect::Ask(question) => self.ask(&question),
            Effect::Page { page, .. } => {
                let seen = self.script.clock_seen.filter(|_| page.id.is_of_clock());
                if let Some(after) = seen {
                    let by = people::actor("ann");
                    self.mail(self.now.after(after), Event::AcknowledgeTarget { by });
                }
                self.outside.page(&self.script, &page, self.now);
            }
            Effect::Lock { node, names } => {
                self.outside.lock(&self.script, node, names, self.now);
            }
            Effect::Unlock { node } => self.outside.unlock(node),
            Effect::Finish(_) => {
                self.outside.release();
                self.finished += 1;
            }
        }
    }

    /// Puts a question to people.
    fn ask(&mut self, question: &Question) {
        let sent = self
            .people
            .ask(&self.script, &self.present, question, self.now);
        for (at, event) in sent {
            self.mail(at, event);
        }
    }

    fn start_attempt(&mut self, work: &Work) {
        self.start_attempt_of(self.engines, work);
    }

    fn start_attempt_of(&mut self, fence: u32, work: &Work) {
        let attempt = work.attempt;
        let mut scripted = self.script.attempt(attempt, self.keeper.before(attempt));
        if scripted.ends == Ends::Truly {
            self.find_out(attempt, &mut scripted);
        }
        let asked = keeper::Asked {
            work,
            item: self.item_of(attempt),
            after_record: self.records.last().map_or(0, |record| record.seq),
            deadline: work.deadline.map(|at| self.in_the_world(at)),
        };
        self.keeper.heeds(fence);
        self.keeper.start(&asked, scripted, self.now);
        self.report(attempt);
    }

    /// What an attempt finds that looks whether the node's action, or its undo, happened.
    fn find_out(&self, attempt: AttemptId, scripted: &mut Scripted) {
        let there = self.keeper.world.trace(attempt.node, attempt.pass);
        let happened = match attempt.purpose {
            Purpose::UndoCheck => there.is_none(),
            _ => there == Some(Trace::Whole),
        };
        scripted.ends = Ends::With(match happened {
            true => Outcome::succeeded(Produced {
                exit_code: Some(0),
                stdout: Some(String::new()),
                ..Produced::default()
            }),
            false => Outcome::not_succeeded(OutcomeStatus::Failed, "it did not happen"),
        });
    }

    /// The item that an attempt is for, as its record says.
    fn item_of(&self, attempt: AttemptId) -> Option<u32> {
        self.present.node(attempt.node)?.for_each.as_ref()?;
        let facts = self.records.iter().rev().map(Record::fact);
        facts.flatten().find_map(|fact| match fact {
            Fact::AttemptStarted {
                attempt: started,
                item,
                ..
            } if started == attempt => item,
            _ => None,
        })
    }

    /// What somebody says when it comes to it: honest people look at the world first.
    fn spoken(&mut self, event: &Event) -> Event {
        let mut event = event.clone();
        self.answers = None;
        if let (Event::Decide(decision), Some(run)) = (&mut event, &self.engine)
            && let Some(question) = run.questions().find(|asked| asked.node == decision.node)
        {
            self.answers = Some(Asked::of(&question.kind));
            if self.script.honest {
                people::honest(question, &mut decision.answer, &self.keeper.world);
            }
        }
        event
    }

    /// Posts an attempt's result if it has one.
    fn report(&mut self, attempt: AttemptId) {
        if let Some(outcome) = self.keeper.result(attempt) {
            self.inbox
                .push_back(Event::AttemptEnded { attempt, outcome });
        }
    }

    fn mail(&mut self, at: Timestamp, event: Event) {
        self.mailed += 1;
        self.mail.insert((at, self.mailed), event);
    }
}

/// What a person did in the world, as a record says that they did.
fn by_hand(
    world: &mut World,
    answers: Option<Asked>,
    record: &Record,
    items: impl Fn(NodeIndex) -> Option<u32>,
) {
    // Most records are of no interest, and reading one takes long.
    let told = ["\"answered\"", "\"node_undone\""];
    if !told.iter().any(|fact| record.body.contains(fact)) {
        return;
    }
    match record.fact() {
        Ok(Fact::Answered {
            node,
            pass,
            answer: Answer::Succeeded { .. },
            ..
        }) => match answers {
            Some(Asked::Failed) => world.done_by_hand(node, pass, items(node)),
            Some(Asked::Interrupted) => world.finished_by_hand(node, pass),
            _ => {}
        },
        Ok(Fact::NodeUndone {
            node,
            pass,
            by: Some(_),
        }) => world.undone_by_hand(node, pass),
        _ => {}
    }
}

/// How many items a node has that is done for each of a list, as the last record of its start says.
fn items_of(plan: &Plan, records: &[Record], node: NodeIndex) -> Option<u32> {
    plan.node(node)?.for_each.as_ref()?;
    let facts = records.iter().rev().map(Record::fact);
    let listed = facts.flatten().find_map(|fact| match fact {
        Fact::NodeStarted {
            node: started,
            inputs,
            ..
        } if started == node => match inputs.action {
            RenderedAction::Each(items) => u32::try_from(items.len()).ok(),
            _ => None,
        },
        _ => None,
    });
    Some(listed.unwrap_or_default())
}
