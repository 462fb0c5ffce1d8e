//! Two hosts, engines that come and go on both, attempts that cannot be reached, people who say what they know: in
//! every order of events no attempt of a node begins while another one of it may still run.

use piton_core::id::{Actor, AttemptId, RunId};
use piton_core::plan::Interrupted;
use piton_core::record::{Answer, Fact, OutcomeStatus, QuestionKind};
use piton_core::run::{Decision, Effect, Event, Outcome, Produced, Run};
use piton_core::sim::plans::{plan, start, step};
use piton_core::time::{Millis, Timestamp};
use std::collections::BTreeMap;
use std::sync::Arc;

const WORLDS: u64 = 1500;
const EVENTS: usize = 80;
const HOSTS: u64 = 2;

/// A repeatable source of chance.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// What is really so, whoever knows it.
struct World {
    seed: u64,
    chance: Chance,
    now: Timestamp,
    run: Run,
    records: Vec<piton_core::record::Record>,
    /// The host of the engine that drives the run.
    here: u64,
    /// Where each attempt belongs: the host whose engine recorded its start.
    owners: BTreeMap<AttemptId, u64>,
    deadlines: BTreeMap<AttemptId, Timestamp>,
    running: BTreeMap<AttemptId, u64>,
    ended: BTreeMap<AttemptId, Outcome>,
    starts: usize,
    was_away: usize,
}

fn name(host: u64) -> String {
    format!("host-{host}")
}

fn outcome(status: OutcomeStatus) -> Outcome {
    match status {
        OutcomeStatus::Succeeded => Outcome::succeeded(Produced::default()),
        status => Outcome::not_succeeded(status, "as it happened"),
    }
}

impl World {
    fn new(seed: u64) -> World {
        let mut chance = Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        let mut builder = plan("hosts");
        for id in ["a", "b", "c", "d"] {
            let node = step(id).undo("take it back").retry(3, Millis(0));
            let node = match chance.below(3) {
                0 => node,
                1 => node.interrupted(Interrupted::Rerun),
                _ => node.interrupted(Interrupted::Fail),
            };
            let node = match chance.below(3) {
                0 => node.needs(&[]),
                _ => node,
            };
            builder = builder.node(node.timeout(Millis(200_000)));
        }
        let now = Timestamp(0);
        let plan = Arc::new(builder.build().unwrap());
        let (run, batch) = Run::create(RunId("trial".to_owned()), plan, start(), now);
        let mut world = World {
            seed,
            chance,
            now,
            run,
            records: Vec::new(),
            here: 0,
            owners: BTreeMap::new(),
            deadlines: BTreeMap::new(),
            running: BTreeMap::new(),
            ended: BTreeMap::new(),
            starts: 0,
            was_away: 0,
        };
        let effects = world.commit(batch);
        world.perform(effects);
        world
    }

    fn commit(&mut self, batch: piton_core::run::Batch) -> Vec<Effect> {
        for record in &batch.records {
            match record.fact().unwrap() {
                Fact::AttemptStarted {
                    attempt, deadline, ..
                } => {
                    self.owners.insert(attempt, self.here);
                    self.deadlines
                        .extend(deadline.map(|deadline| (attempt, deadline)));
                }
                Fact::AttemptElsewhere { .. } => self.was_away += 1,
                _ => {}
            }
        }
        self.records.extend(batch.records);
        batch.effects
    }

    /// Takes an event; now and then the engine dies right after the commit.
    fn send(&mut self, event: Event) {
        let Ok(batch) = self.run.handle(event, self.now) else {
            return;
        };
        let effects = self.commit(batch);
        if self.chance.below(12) == 0 {
            return self.take_over();
        }
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Start(work) => self.start(work.attempt),
                Effect::Stop { attempt, .. } if self.running.get(&attempt) == Some(&self.here) => {
                    self.end(attempt, OutcomeStatus::Stopped);
                }
                _ => {}
            }
        }
    }

    /// An engine starts an attempt, or finds it on its own host.
    fn start(&mut self, attempt: AttemptId) {
        let seed = self.seed;
        let owner = self.owners.get(&attempt);
        assert_eq!(
            owner,
            Some(&self.here),
            "world {seed}: {attempt} is another host's"
        );
        if self.running.contains_key(&attempt) || self.ended.contains_key(&attempt) {
            return;
        }
        let mut others = self.running.keys();
        let beside = others.find(|other| other.node == attempt.node);
        assert_eq!(beside, None, "world {seed}: {attempt} runs beside it");
        self.running.insert(attempt, self.here);
        self.starts += 1;
    }

    fn end(&mut self, attempt: AttemptId, status: OutcomeStatus) {
        self.running.remove(&attempt);
        self.ended.insert(attempt, outcome(status));
    }

    /// The engine is gone, and another one goes on somewhere: it tells what it reaches from what it does not.
    fn take_over(&mut self) {
        self.here = self.chance.below(HOSTS);
        let plan = self.run.plan().clone();
        self.run = Run::load(plan, None, self.records.clone()).unwrap();
        for attempt in self.run.in_flight().collect::<Vec<_>>() {
            let host = self.owners[&attempt];
            let event = if host == self.here {
                Event::Reached { attempt }
            } else {
                Event::Elsewhere {
                    attempt,
                    host: name(host),
                    why: "it does not answer".to_owned(),
                }
            };
            let batch = self.run.handle(event, self.now).unwrap();
            self.commit(batch);
        }
        let outstanding = self.run.outstanding().collect();
        self.perform(outstanding);
    }

    /// One that ended here, or that another host tells of.
    fn hear(&mut self) {
        let in_flight: Vec<AttemptId> = self.run.in_flight().collect();
        let ended = in_flight
            .into_iter()
            .filter(|it| self.ended.contains_key(it));
        let ended: Vec<AttemptId> = ended.collect();
        if let Some(attempt) = self.pick(&ended) {
            let outcome = self.ended[&attempt].clone();
            self.send(Event::AttemptEnded { attempt, outcome });
        }
    }

    fn pick(&mut self, all: &[AttemptId]) -> Option<AttemptId> {
        let count = u64::try_from(all.len()).ok().filter(|count| *count > 0)?;
        let at = usize::try_from(self.chance.below(count)).ok()?;
        all.get(at).copied()
    }

    /// Something that runs, anywhere, ends.
    fn something_ends(&mut self) {
        let all: Vec<AttemptId> = self.running.keys().copied().collect();
        if let Some(attempt) = self.pick(&all) {
            let status = match self.chance.below(4) {
                0 => OutcomeStatus::Failed,
                _ => OutcomeStatus::Succeeded,
            };
            self.end(attempt, status);
        }
    }

    /// A person answers what is open, as far as they know the truth.
    fn answer(&mut self) {
        let question = self.run.questions().next().cloned();
        let Some(question) = question else { return };
        let answer = match &question.kind {
            QuestionKind::Interrupted { attempt, .. } => {
                if self.running.contains_key(attempt) {
                    return;
                }
                match self.ended.get(attempt).map(|outcome| outcome.status) {
                    None => Answer::DidNotHappen,
                    Some(OutcomeStatus::Succeeded) => Answer::Succeeded {
                        outputs: [].into(),
                        evidence: None,
                    },
                    Some(_) => Answer::Failed,
                }
            }
            QuestionKind::Undo { .. } | QuestionKind::UndoFailed { .. } => Answer::UndoneByHand,
            _ => return,
        };
        self.send(Event::Decide(Decision {
            node: question.node,
            by: ann(),
            answer,
            note: None,
            shown: question.shown,
        }));
    }

    /// A host burns down, and somebody says so.
    fn host_dies(&mut self) {
        let host = (self.here + 1) % HOSTS;
        let lost: Vec<AttemptId> = self.running.keys().copied().collect();
        for attempt in lost {
            if self.running[&attempt] == host {
                self.end(attempt, OutcomeStatus::Unknown);
            }
        }
        let on_it = |(attempt, on): (AttemptId, &str)| (on == name(host)).then_some(attempt);
        let away: Vec<AttemptId> = self.run.away().filter_map(on_it).collect();
        for attempt in away {
            // An engine may die over one of them.
            if self.run.away().all(|(other, _)| other != attempt) {
                continue;
            }
            let outcome = Outcome::not_succeeded(OutcomeStatus::Unknown, "the host is dead");
            self.send(Event::AttemptEnded { attempt, outcome });
        }
    }

    /// Keepers end what runs too long, on every host and whoever watches.
    fn keep_time(&mut self) {
        let late = |attempt: &AttemptId| {
            self.deadlines
                .get(attempt)
                .is_some_and(|at| *at <= self.now)
        };
        let late: Vec<AttemptId> = self.running.keys().copied().filter(late).collect();
        for attempt in late {
            self.end(attempt, OutcomeStatus::TimedOut);
        }
    }

    fn happens(&mut self) {
        self.now = self.now.after(Millis(self.chance.below(30_000)));
        self.keep_time();
        match self.chance.below(20) {
            0..=5 => self.something_ends(),
            6..=11 => self.hear(),
            12..=13 => self.take_over(),
            14..=15 => self.answer(),
            16..=17 => self.send(Event::Tick),
            18 => self.host_dies(),
            _ => {
                let rollback = self.chance.below(2) == 0;
                if self.chance.below(4) == 0 {
                    self.send(Event::Cancel {
                        by: ann(),
                        reason: None,
                        rollback,
                    });
                }
            }
        }
    }
}

fn ann() -> Actor {
    Actor {
        name: "ann".to_owned(),
        account: "ann@test".to_owned(),
    }
}

#[test]
fn no_two_attempts_of_a_node_overlap_wherever_their_engines_are() {
    let (mut starts, mut away, mut over) = (0, 0, 0);
    for seed in 0..WORLDS {
        let mut world = World::new(seed);
        for _ in 0..EVENTS {
            world.happens();
        }
        starts += world.starts;
        away += world.was_away;
        over += usize::from(world.run.outcome().is_some());
        let plan = world.run.plan().clone();
        let loaded = Run::load(plan, None, world.records.clone()).unwrap();
        assert_eq!(loaded, world.run, "world {seed}");
    }
    println!("{starts} attempts, {away} out of reach, {over} runs over");
    // The worlds are not so dull that nothing could go wrong.
    assert!(away > 500 && starts > 3_000 && over > 300);
}
