//! One run in virtual time, which asks what happens wherever something may.

use super::account::Account;
use super::choice::{Choice, Fate, Point};
use super::result::{samples, supposed};
use crate::id::{Actor, AttemptId};
use crate::plan::{NodeIndex, Plan};
use crate::record::{
    Answer, AskView, AttemptResult, Fact, OutcomeStatus, Question, QuestionKind, Start,
};
use crate::run::{Decision, Effect, Event, Outcome, ProtocolError, Rehearsal};
use crate::sim::Asked;
use crate::time::{Millis, Timestamp};
use crate::value::Value;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How long an attempt takes, of which nothing else is said.
pub const TAKES: Millis = Millis(1_000);

/// How long people take to answer, of whom nothing else is said.
pub const ANSWERS_AFTER: Millis = Millis(60_000);

/// How long an attempt takes to end when it is told to.
const GRACE: Millis = Millis(100);

/// After so many ticks that did nothing but call people, nothing else will come.
const PATIENCE: u32 = 50;

/// A run with more facts than this, for each node of its plan, goes round in circles.
const FACTS_PER_NODE: u32 = 4_000;

/// A run in virtual time. [`World::advance`] takes it on to the next [`Point`], [`World::choose`] says how it goes on
/// there. A copy of it is another way on from the same place.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) run: Rehearsal,
    now: Timestamp,
    due: BTreeMap<(Timestamp, u32), Due>,
    counted: u32,
    open: VecDeque<Point>,
    /// What was seen of it.
    pub account: Account,
    idle_ticks: u32,
    /// Answers that did not count, and why.
    pub refused: Vec<(NodeIndex, ProtocolError)>,
}

/// What will happen.
#[derive(Clone, Debug)]
enum Due {
    Supposed(AttemptId, Box<AttemptResult>),
    Produced(AttemptId, Box<Outcome>),
    Answer(Box<Decision>, u32),
    Locked(Option<NodeIndex>),
}

/// How far a run came.
#[derive(Clone, Debug, PartialEq)]
pub enum Progress {
    /// To where something may happen.
    At(Point),
    /// To its end.
    Over,
    /// Nothing more will happen until somebody answers, and nobody will.
    Waiting,
    /// Nothing more will happen, and nobody is asked.
    Stuck,
    /// It goes round and round.
    Endless,
}

impl World {
    /// A run of this plan at its beginning. `taped`: every fact is kept, for [`World::tape`].
    #[must_use]
    pub fn new(plan: Arc<Plan>, start: Start, now: Timestamp, taped: bool) -> World {
        let mut account = Account {
            tape: taped.then(Vec::new),
            ..Account::default()
        };
        let mut seen = |fact: &Fact| account.note(now, fact);
        let (run, effects) = Rehearsal::create(plan, start, now, &mut seen);
        let mut world = World {
            run,
            now,
            due: BTreeMap::new(),
            counted: 0,
            open: VecDeque::new(),
            account,
            idle_ticks: 0,
            refused: Vec::new(),
        };
        world.perform(effects);
        world
    }

    /// Goes on to the next point at which something has to be chosen, or to where nothing more will happen.
    pub fn advance(&mut self) -> Progress {
        loop {
            if let Some(point) = self.open.front() {
                return Progress::At(point.clone());
            }
            if self.run.outcome().is_some() {
                return Progress::Over;
            }
            if self.account.facts > FACTS_PER_NODE.saturating_mul(self.size()) {
                return Progress::Endless;
            }
            let due = self.due.first_key_value().map(|((at, _), _)| *at);
            if due.is_none() && self.run.waits_for_an_answer() {
                return Progress::Waiting;
            }
            let tick = self.run.next_timeout();
            let Some(next) = due.into_iter().chain(tick).min() else {
                return self.halted();
            };
            if self.idle_ticks > PATIENCE && due.is_none() {
                return self.halted();
            }
            self.now = self.now.max(next);
            match due.filter(|at| *at <= next) {
                Some(_) => self.happen(),
                None => self.tick(),
            }
        }
    }

    fn size(&self) -> u32 {
        u32::try_from(self.run.plan().nodes.len().max(10)).unwrap_or(u32::MAX)
    }

    fn halted(&self) -> Progress {
        match self.run.questions().next() {
            Some(_) => Progress::Waiting,
            None => Progress::Stuck,
        }
    }

    fn tick(&mut self) {
        let (facts, pages) = (self.account.facts, self.account.pages);
        self.send(Event::Tick, None);
        match self.account.facts - facts == self.account.pages - pages {
            true => self.idle_ticks += 1,
            false => self.idle_ticks = 0,
        }
    }

    /// The next thing that was to happen does.
    fn happen(&mut self) {
        let Some((_, due)) = self.due.pop_first() else {
            return;
        };
        self.idle_ticks = 0;
        match due {
            Due::Supposed(attempt, result) => {
                let (account, now) = (&mut self.account, self.now);
                let mut seen = |fact: &Fact| account.note(now, fact);
                if let Ok(effects) = self.run.suppose(attempt, *result, now, &mut seen) {
                    self.perform(effects);
                }
            }
            Due::Produced(attempt, outcome) => {
                let outcome = *outcome;
                self.send(Event::AttemptEnded { attempt, outcome }, None);
            }
            Due::Answer(decision, number) => self.answer(*decision, number),
            Due::Locked(node) => self.send(Event::Locked { node }, None),
        }
    }

    /// An answer arrives, unless the question was closed meanwhile.
    fn answer(&mut self, mut decision: Decision, number: u32) {
        let node = decision.node;
        let Some(question) = self.run.question(node).filter(|open| open.number == number) else {
            return;
        };
        // What is shown may have been put anew; people look at what is there now.
        decision.shown = question.shown;
        self.send(Event::Decide(decision), Some(node));
    }

    fn send(&mut self, event: Event, by: Option<NodeIndex>) {
        let (account, now) = (&mut self.account, self.now);
        let mut seen = |fact: &Fact| account.note(now, fact);
        match self.run.handle(event, now, &mut seen) {
            Ok(effects) => self.perform(effects),
            Err(error) => {
                if let Some(node) = by {
                    self.refused.push((node, error));
                }
            }
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        let started = std::mem::take(&mut self.account.started);
        for effect in effects {
            match effect {
                Effect::Start(work) => {
                    let mut known = started.iter();
                    let item = known.find(|(attempt, _)| *attempt == work.attempt);
                    self.open.push_back(Point::Attempt {
                        attempt: work.attempt,
                        item: item.and_then(|(_, item)| *item),
                        deadline: work.deadline,
                    });
                }
                Effect::Ask(question) => self.open.push_back(Point::Question {
                    node: question.node,
                    pass: question.pass,
                    asks: Asked::of(&question.kind),
                }),
                Effect::Lock { node, .. } => self.open.push_back(Point::Lock(node)),
                Effect::Stop { attempt, .. } => self.stop(attempt),
                // Calls arrive; of locks and of the end nothing follows here.
                Effect::Page { .. } | Effect::Unlock { .. } | Effect::Finish(_) => {}
            }
        }
    }

    /// An attempt is told to stop, and does so soon unless it ends sooner.
    fn stop(&mut self, attempt: AttemptId) {
        let is_of =
            |point: &Point| matches!(point, Point::Attempt { attempt: of, .. } if *of == attempt);
        self.open.retain(|point| !is_of(point));
        let at = self.now.after(GRACE);
        let ends = |(when, due): (&(Timestamp, u32), &Due)| match due {
            Due::Supposed(of, _) | Due::Produced(of, _) if *of == attempt => Some(*when),
            _ => None,
        };
        let known = self.due.iter().find_map(ends);
        match known {
            Some((when, _)) if when <= at => {}
            known => {
                if let Some(known) = known {
                    self.due.remove(&known);
                }
                let result = AttemptResult::ended(OutcomeStatus::Stopped, "");
                self.later(at, Due::Supposed(attempt, Box::new(result)));
            }
        }
    }

    /// Says how it goes on at the point that [`World::advance`] came to. A choice that does not fit the point counts
    /// as nothing: the attempt never ends, nobody answers.
    pub fn choose(&mut self, choice: Choice) {
        let Some(point) = self.open.pop_front() else {
            return;
        };
        match (point, choice) {
            (
                Point::Attempt {
                    attempt, deadline, ..
                },
                choice,
            ) => self.end(attempt, deadline, choice),
            (Point::Question { node, .. }, Choice::Says(answer, after)) => {
                self.says(node, &answer, after);
            }
            (Point::Question { node, .. }, Choice::Say(answers)) => {
                for (after, by, answer) in answers {
                    self.say(node, after, &by, answer);
                }
            }
            (Point::Lock(node), Choice::Got) => self.later(self.now, Due::Locked(node)),
            (Point::Question { .. } | Point::Lock(_), _) => {}
        }
    }

    fn end(&mut self, attempt: AttemptId, deadline: Option<Timestamp>, choice: Choice) {
        let within = |length: Millis| {
            let at = self.now.after(length);
            deadline.map_or((at, false), |deadline| (at.min(deadline), deadline < at))
        };
        let (length, due) = match choice {
            Choice::Ends(Fate::TimesOut) => match deadline {
                // Nothing ends it.
                None => return,
                Some(deadline) => (
                    deadline.since(self.now),
                    Due::Supposed(attempt, self.supposed(attempt, Fate::TimesOut)),
                ),
            },
            Choice::Ends(fate) => (TAKES, Due::Supposed(attempt, self.supposed(attempt, fate))),
            Choice::Supposed(result, length) => (length, Due::Supposed(attempt, result)),
            Choice::Produced(outcome, length) => (length, Due::Produced(attempt, outcome)),
            _ => return,
        };
        let (at, late) = within(length);
        let due = match late {
            true => Due::Supposed(attempt, self.supposed(attempt, Fate::TimesOut)),
            false => due,
        };
        self.later(at, due);
    }

    fn supposed(&self, attempt: AttemptId, fate: Fate) -> Box<AttemptResult> {
        Box::new(match self.run.plan().node(attempt.node) {
            Some(node) => supposed(node, attempt, fate),
            None => AttemptResult::ended(OutcomeStatus::Failed, ""),
        })
    }

    /// Those who may say this, as many as it takes.
    fn says(&mut self, node: NodeIndex, answer: &Answer, after: Option<Millis>) {
        let Some(question) = self.run.question(node) else {
            return;
        };
        let people = match (&question.kind, answer) {
            (QuestionKind::Approve { terms, .. }, Answer::Approve) => {
                self.people(&terms.by, terms.count)
            }
            (QuestionKind::Approve { terms, .. }, _) => self.people(&terms.by, 1),
            (QuestionKind::Manual { by, .. }, _) => self.people(by, 1),
            _ => self.people(&[], 1),
        };
        let soon = match question.expires {
            Some(at) => ANSWERS_AFTER.min(Millis(at.since(self.now).0 / 2)),
            None => ANSWERS_AFTER,
        };
        for by in people {
            self.say(node, after.unwrap_or(soon), &by, answer.clone());
        }
    }

    /// As many different people as are wanted and there are, of those who have these names or roles.
    fn people(&self, names: &[String], count: u32) -> Vec<String> {
        let plan = self.run.plan();
        if names.is_empty() {
            return (1..=count)
                .map(|number| format!("person-{number}"))
                .collect();
        }
        let mut found: Vec<String> = Vec::new();
        for name in names {
            let holders = plan
                .contacts
                .iter()
                .filter(|(_, contact)| contact.roles.contains(name))
                .map(|(holder, _)| holder);
            let own = plan.contacts.contains_key(name).then_some(name);
            let mut all: Vec<&String> = own.into_iter().chain(holders).collect();
            if all.is_empty() {
                all.push(name);
            }
            for who in all {
                if !found.contains(who) {
                    found.push(who.clone());
                }
            }
        }
        found.truncate(count as usize);
        found
    }

    fn say(&mut self, node: NodeIndex, after: Millis, by: &str, answer: Answer) {
        let Some(question) = self.run.question(node) else {
            return;
        };
        let (number, shown) = (question.number, question.shown);
        let answer = self.complete(question, answer);
        let decision = Decision {
            node,
            by: Actor {
                name: by.to_owned(),
                account: format!("{by}@elsewhere"),
            },
            answer,
            note: None,
            shown,
        };
        self.later(
            self.now.after(after),
            Due::Answer(Box::new(decision), number),
        );
    }

    /// The answer with everything that it has to give.
    fn complete(&self, question: &Question, mut answer: Answer) -> Answer {
        match (&mut answer, &question.kind) {
            (Answer::Succeeded { outputs, .. } | Answer::Skip { outputs }, _) => {
                let node = self.run.plan().node(question.node);
                for name in node.iter().flat_map(|node| node.output_names()) {
                    outputs.entry(name.to_owned()).or_insert(Value::Null);
                }
            }
            (
                Answer::Done { answers, ticked },
                QuestionKind::Manual {
                    checklist, asks, ..
                },
            ) => {
                *ticked = (*ticked).max(u32::try_from(checklist.len()).unwrap_or(u32::MAX));
                for ask in asks {
                    if let Some(value) = some_answer(ask) {
                        answers.entry(ask.name.clone()).or_insert(value);
                    }
                }
            }
            (Answer::Confirm { typed }, QuestionKind::Confirm { expected, .. })
                if typed.is_empty() =>
            {
                typed.clone_from(expected);
            }
            _ => {}
        }
        answer
    }

    fn later(&mut self, at: Timestamp, due: Due) {
        self.counted += 1;
        self.due.insert((at, self.counted), due);
    }

    /// The virtual time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The plan that is run.
    #[must_use]
    pub fn plan(&self) -> &Arc<Plan> {
        self.run.plan()
    }

    /// Every fact with its time, if it was asked for.
    #[must_use]
    pub fn tape(&self) -> &[(Timestamp, Fact)] {
        self.account.tape.as_deref().unwrap_or_default()
    }

    /// The open questions.
    pub fn questions(&self) -> impl Iterator<Item = &Question> {
        self.run.questions()
    }

    /// What other nodes can use of a node now.
    #[must_use]
    pub fn outputs(&self, node: NodeIndex) -> Option<&BTreeMap<String, Value>> {
        self.run.outputs(node)
    }
}

/// The first possible answer, the default, or any of the right type.
fn some_answer(ask: &AskView) -> Option<Value> {
    match &ask.choices {
        Some(choices) => choices.first().map(|(value, _)| value.clone()),
        None => ask
            .default
            .clone()
            .or_else(|| ask.kind.read(samples(ask.kind).0)),
    }
}
