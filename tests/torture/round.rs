//! One round: a run, what strikes it, and what is asked of people, until it is over.

use super::account::Account;
use super::fault::Fault;
use super::ledger::{self, Deed};
use super::shape::{Form, Shape};
use super::world::{Kept, World};
use crate::support::{Chance, kill, until};
use std::collections::BTreeMap;
use std::process::Child;
use std::time::{Duration, Instant};

/// How long a round may take at most; generous, because the machine may be busy.
const AT_MOST: Duration = Duration::from_secs(120);

/// How long the lease is where an engine is stopped past it.
const SHORT_LEASE_MS: &str = "1000";

pub struct Round<'s> {
    pub world: World<'s>,
    pub account: Account,
    pub(super) shape: Shape,
    pub(super) chance: Chance,
    /// Still to come, the next one last.
    faults: Vec<Fault>,
    /// `piton serve` drives the run, not `piton resume`.
    serves: bool,
    pub(super) engine: Option<Child>,
    /// Engines that were stopped past their leases and go on.
    pub(super) outrun: Vec<Child>,
    /// How often a person said that something did not happen, so that it may be done again.
    pub(super) allowed: BTreeMap<Deed, usize>,
    /// What was in the journal at some moments.
    pub(super) journals: Vec<Vec<String>>,
    /// Whether something struck after which an engine may leave before the run is over.
    pub(super) excused: bool,
    /// Whether something struck after which people may have to be asked.
    may_ask: bool,
    cancelled: bool,
    pub(super) over: bool,
}

impl<'s> Round<'s> {
    /// Draws a round.
    pub fn draw(seed: u64, kept: Kept<'s>) -> Round<'s> {
        let mut chance = Chance::new(seed);
        // The first numbers of neighbouring seeds are alike.
        (0..8).for_each(|_| {
            chance.below(2);
        });
        let count = 1 + chance.below(3);
        let mut faults: Vec<_> = (0..count).map(|_| Fault::draw(&mut chance, kept)).collect();
        let small = faults.iter().any(|fault| fault.needs_small_disk());
        let stepped = faults.contains(&Fault::Clock);
        let mut world = World::new(kept, small, stepped);
        let shape = Shape::draw(&mut chance, &world.place.dir);
        if shape.daemons.is_some() {
            // What a keeper cannot find any more once it was killed is not its fault: daemons without environment.
            faults.retain(|fault| matches!(fault, Fault::Engine | Fault::Pause | Fault::Clock));
        }
        if world.disk.is_none() {
            faults.retain(|fault| !fault.needs_small_disk());
        }
        if faults.contains(&Fault::PastLease) {
            let lease = ("PITON_TEST_LEASE_MS".to_owned(), SHORT_LEASE_MS.into());
            world.place.settings.push(lease);
        }
        world.place.file("torture.runbook", &shape.text);
        let serves = chance.below(6) == 0;
        let mut account = Account::default();
        account.rounds.insert(kept.name(), 1);
        Round {
            world,
            account,
            excused: faults.contains(&Fault::PastLease),
            shape,
            chance,
            faults,
            serves,
            engine: None,
            outrun: Vec::new(),
            allowed: BTreeMap::new(),
            journals: Vec::new(),
            may_ask: false,
            cancelled: false,
            over: false,
        }
    }

    /// What it is, for people.
    pub fn title(&self) -> String {
        let driver = if self.serves { "serve" } else { "resume" };
        format!("{:?} by {driver}, {:?}", self.shape.form, self.faults)
    }

    /// Plays it to its end, and looks at what came of it.
    pub fn play(&mut self) {
        let end = Instant::now() + AT_MOST;
        self.begin();
        while !self.over {
            if Instant::now() > end {
                let show = self.world.command(&["show", "last"]).stdout;
                return self.broken(&format!("it does not end: {show}"));
            }
            if let Some(fault) = self.faults.pop() {
                match self.comes_to_a_moment() {
                    true => self.takes(fault),
                    false => self.faults.push(fault),
                }
            } else {
                self.may_be_cancelled();
                std::thread::sleep(Duration::from_millis(5));
            }
            self.tend();
        }
        for mut engine in std::mem::take(&mut self.outrun) {
            if self.serves {
                kill(engine.id(), "TERM");
            }
            until("an engine that was outrun leaves", || {
                engine.try_wait().expect("a child").is_some()
            });
        }
        super::judge::judge(self);
    }

    fn begin(&mut self) {
        let command: &[&str] = if self.serves {
            let detached = self.world.command(&["run", "--detach", "torture.runbook"]);
            detached.expect(0);
            &["serve"]
        } else {
            &["run", "torture.runbook"]
        };
        self.engine = Some(self.world.engine(command));
        until("the first step begins", || !self.world.ledger().is_empty());
        self.world.run();
    }

    pub(super) fn broken(&mut self, what: &str) {
        self.account.broken.push(what.to_owned());
        self.over = true;
    }

    /// Waits for the moment at which the next fault is to strike: mostly while an attempt runs. `false` if there is
    /// something else to do before.
    fn comes_to_a_moment(&mut self) -> bool {
        std::thread::sleep(Duration::from_millis(self.chance.below(120)));
        if self.chance.below(10) < 9 {
            let inside = |round: &mut Round<'_>| round.world.is_inside() || !round.drives();
            until("an attempt runs", || inside(self));
        }
        self.drives()
    }

    /// Whether an engine is at work.
    fn drives(&mut self) -> bool {
        let alive = |engine: &mut Child| engine.try_wait().expect("a child").is_none();
        if !self.engine.as_mut().is_some_and(alive) {
            return false;
        }
        !self.serves || !self.rests()
    }

    /// Whether nothing but people is waited for, or the run is over. `false` while the store cannot say.
    fn rests(&self) -> bool {
        let stands = self.world.stands();
        stands.is_some_and(|(state, outcome)| state == "waiting" || !outcome.is_empty())
    }

    /// Whether the run is over. `false` while the store cannot say.
    pub(super) fn is_over(&self) -> bool {
        let stands = self.world.stands();
        stands.is_some_and(|(_, outcome)| !outcome.is_empty())
    }

    fn takes(&mut self, fault: Fault) {
        self.journals.extend(self.world.journal());
        let inside = self.world.is_inside();
        self.may_ask |= fault.may_need_people();
        *self.account.faults.entry(fault.name()).or_default() += 1;
        self.account.inside += usize::from(inside);
        self.strike(fault);
    }

    /// Cancels the run, in rounds that are about that, once the daemons are there.
    fn may_be_cancelled(&mut self) {
        if self.shape.form != Form::Cancel || self.cancelled || !self.stubborn_runs() {
            return;
        }
        self.cancelled = true;
        // An engine that has only just been started may find that `cancel` drives the run.
        self.excused = true;
        if self.chance.below(2) == 0 {
            self.kill_engine();
        }
        let run = self.world.run();
        let words = ["cancel", &run, "--reason", "a test"];
        let ended = self.world.command(&words);
        if ended.code != Some(0) {
            self.broken(&format!("it cannot be cancelled: {ended:?}"));
        }
    }

    fn stubborn_runs(&self) -> bool {
        let ledger = self.world.ledger();
        ledger
            .iter()
            .any(|entry| entry.node == "stubborn" && entry.word == "begin")
    }

    /// Sees to what the run needs: an engine, answers, its end.
    fn tend(&mut self) {
        if self.over {
            return;
        }
        let Some(engine) = &mut self.engine else {
            return self.resume();
        };
        match engine.try_wait().expect("a child") {
            Some(status) => {
                self.engine = None;
                self.ended(status.code());
            }
            None if self.serves && self.rests() => self.rested(),
            None => {}
        }
    }

    fn resume(&mut self) {
        let run = self.world.run();
        let words: &[&str] = if self.serves {
            &["serve"]
        } else {
            &["resume", &run]
        };
        self.engine = Some(self.world.engine(words));
    }

    /// The engine has ended.
    fn ended(&mut self, code: Option<i32>) {
        if code.is_none() {
            return;
        }
        let mut stands = None;
        until("the store says how the run stands", || {
            stands = self.world.stands();
            stands.is_some()
        });
        let (_, outcome) = stands.expect("it says");
        let expected = match outcome.as_str() {
            "" => None,
            "succeeded" => Some(0),
            "rolled-back" => Some(4),
            "cancelled" => Some(130),
            _ => Some(1),
        };
        if !self.serves && code == Some(3) && expected.is_none() {
            return self.answer();
        }
        self.over = expected.is_some();
        let said = self.world.last_words();
        // Whoever types `resume` while the server is away is told so; only an engine at work waits for it.
        let in_vain = said.contains("cannot be reached") && !said.contains('●');
        let excused = (self.excused || in_vain) && code == Some(1);
        if (expected.is_none() || code != expected) && !excused && !self.serves {
            self.broken(&format!("engine ended with {code:?}: {said}"));
        }
    }

    /// A server's run waits for people or is over.
    fn rested(&mut self) {
        if !self.is_over() {
            return self.answer();
        }
        self.over = true;
        if let Some(mut engine) = self.engine.take() {
            kill(engine.id(), "TERM");
            let code = engine.wait().expect("a child").code();
            // One that has only just been started ends by the signal itself.
            if code.is_some_and(|code| code != 0) {
                let said = self.world.last_words();
                self.broken(&format!("the server ended with {code:?}: {said}"));
            }
        }
    }

    /// Answers what is asked, as a person would who looked at what really happened.
    fn answer(&mut self) {
        let run = self.world.run();
        let view = self.world.place.json(["show", &run, "--json"]);
        for question in view["questions"].as_array().into_iter().flatten() {
            if !question["closed"].is_null() {
                continue;
            }
            let node = question["node"].as_str().unwrap_or_default();
            let words: Vec<&str> = match question["is"].as_str() {
                Some("approve") => vec!["approve", &run, node, "--as", "ada"],
                Some("interrupted") => {
                    let part = |name: &str| question["attempt"][name].as_u64().unwrap_or(0);
                    let attempt =
                        format!("n{}.p{}.a{}", part("node"), part("pass"), part("number"));
                    let happened = self.happened(&attempt, node, false);
                    let word = ["did-not-happen", "succeeded"][usize::from(happened)];
                    vec!["decide", &run, node, word]
                }
                Some("undo_failed") => {
                    let attempt = last_attempt(&view, node);
                    let happened = self.happened(&attempt, node, true);
                    let word = ["retry", "undone-by-hand"][usize::from(happened)];
                    vec!["decide", &run, node, word]
                }
                _ => return self.broken(&format!("nobody should be asked this: {question}")),
            };
            let words = [words, vec!["--no-resume"]].concat();
            let ended = self.world.command(&words);
            if ended.code != Some(0) {
                return self.broken(&format!("{words:?} does not count: {ended:?}"));
            }
        }
    }

    /// Whether an attempt of which nobody knows had its effect.
    fn happened(&mut self, attempt: &str, node: &str, undo: bool) -> bool {
        self.account.asked += 1;
        self.account.asked_without_need += usize::from(!self.may_ask);
        let ledger = self.world.ledger();
        let of_it = |entry: &&ledger::Entry| entry.attempt == attempt;
        let happened = ledger.iter().filter(of_it).any(|entry| entry.word == "end");
        if !happened && ledger.iter().any(|entry| of_it(&entry)) {
            *self.allowed.entry(Deed::of(node, undo)).or_default() += 1;
        }
        happened
    }

    pub(super) fn kill_engine(&mut self) {
        if let Some(mut engine) = self.engine.take() {
            let _ended_meanwhile = engine.kill();
            engine.wait().expect("a child");
        }
    }

    /// Ends what still runs of it, and gives the rest.
    pub fn into_world(mut self) -> World<'s> {
        for mut engine in self.engine.take().into_iter().chain(self.outrun.drain(..)) {
            let _ended_meanwhile = engine.kill();
            engine.wait().expect("a child");
        }
        self.world
    }

    pub(super) fn serves(&self) -> bool {
        self.serves
    }
}

fn last_attempt(view: &serde_json::Value, node: &str) -> String {
    let nodes = view["nodes"].as_array().into_iter().flatten();
    let mut attempts = nodes
        .filter(|other| other["id"] == node)
        .flat_map(|node| node["attempts"].as_array().into_iter().flatten());
    let last = attempts.next_back();
    last.and_then(|attempt| attempt["id"].as_str())
        .unwrap_or_default()
        .to_owned()
}
