//! What goes wrong between an engine and the store: engines that were stopped and overtaken by another one, commits
//! that fail, and events that come again.

use super::Simulator;
use crate::record::Record;
use crate::run::{Batch, Effect, Event, Run};
use crate::sim::script::{FailedCommit, Pause};
use crate::time::{Millis, Timestamp};

/// How far the clock of an engine that wakes up has got on by the time it looks what is due.
const LATER: Millis = Millis(3_600_000);

/// An engine that was stopped, and does not know that another one has its run.
#[derive(Clone, Debug)]
pub(super) struct Overtaken {
    run: Run,
    fence: u32,
    clock_off: i64,
    /// What it was about to commit.
    uncommitted: Vec<Record>,
    /// What it was about to do, after that.
    effects: Vec<Effect>,
    wakes: Timestamp,
}

impl Overtaken {
    /// When it goes on.
    pub(super) fn wakes(&self) -> Timestamp {
        self.wakes
    }
}

impl Simulator {
    /// Whether the engine is stopped at the event at hand.
    pub(super) fn pause(&self) -> Option<Pause> {
        let mut pauses = self.script.pauses.iter();
        pauses.find(|pause| pause.event == self.events).copied()
    }

    /// Whether the commit of the event at hand fails.
    pub(super) fn failed_commit(&self) -> Option<FailedCommit> {
        let mut failed = self.script.failed_commits.iter();
        failed.find(|failed| failed.event == self.events).copied()
    }

    /// Sends an event again later, if the script says so.
    pub(super) fn repeat(&mut self, event: &Event) {
        let number = self.events;
        let again = self.script.repeats.iter().find(|(at, _)| *at == number);
        if let Some((_, later)) = again.filter(|_| *event != Event::Tick) {
            self.mail(self.now.after(*later), event.clone());
        }
    }

    /// Stops the engine somewhere in the middle of this batch. The next turn starts another one.
    pub(super) fn overtake(&mut self, pause: Pause, batch: Batch, from_inbox: bool) {
        let Batch {
            records,
            mut effects,
            ..
        } = batch;
        let mut uncommitted = Vec::new();
        match pause.after_effects {
            None => uncommitted = records,
            Some(done) => {
                self.commit(records);
                if from_inbox {
                    self.inbox.pop_front();
                }
                let rest = effects.split_off(done.min(effects.len()));
                for effect in std::mem::replace(&mut effects, rest) {
                    self.perform(effect);
                }
            }
        }
        if let Some(run) = self.engine.take() {
            self.overtaken.push(Overtaken {
                run,
                fence: self.engines,
                clock_off: self.clock_off,
                uncommitted,
                effects,
                wakes: self.now.after(pause.length),
            });
        }
        self.outside.die();
    }

    /// Lets the engine go on that wakes first: it finishes what it was about, looks what is due, and leaves.
    pub(super) fn wake(&mut self) {
        let all = self.overtaken.iter().enumerate();
        let Some((first, _)) = all.min_by_key(|(_, engine)| engine.wakes) else {
            return;
        };
        let mut engine = self.overtaken.remove(first);
        if !engine.uncommitted.is_empty() {
            // What was not committed is not done either.
            return self.write_late(engine.uncommitted);
        }
        for effect in std::mem::take(&mut engine.effects) {
            self.perform_late(engine.fence, effect);
        }
        let clock = Timestamp(self.now.0.saturating_add(engine.clock_off));
        if let Ok(batch) = engine.run.handle(Event::Tick, clock.after(LATER)) {
            self.write_late(batch.records);
        }
    }

    /// An engine without a lease writes.
    fn write_late(&mut self, records: Vec<Record>) {
        if records.is_empty() {
            return;
        }
        self.fenced_off += 1;
        if self.script.unfenced {
            self.records.extend(records);
            self.engine = None;
        }
    }

    /// An engine without a lease does what it had committed while it had one.
    fn perform_late(&mut self, fence: u32, effect: Effect) {
        match effect {
            Effect::Start(work) if self.keeper.heeds(fence) || self.script.unfenced => {
                self.start_attempt_of(fence, &work);
            }
            Effect::Stop { attempt, .. } if self.keeper.heeds(fence) => {
                self.keeper.stop(attempt, self.now);
            }
            // People know a question that they were asked before.
            Effect::Ask(question) => self.ask(&question),
            // It goes out again, under the same key, and what becomes of it is not written down.
            Effect::Page { page, .. } => {
                self.outside.page_again(&page);
            }
            // The store does not listen to it, nor the keeper.
            _ => {}
        }
    }

    /// Has the run loaded again, because a commit failed. The engine goes on; what it was told, it is told again.
    pub(super) fn load_again(
        &mut self,
        failed: FailedCommit,
        records: Vec<Record>,
        from_inbox: bool,
    ) {
        if failed.written {
            self.commit(records);
        }
        // Entries of the inbox are consumed in the same commit; ends of attempts are told again.
        let own = self.inbox.front().is_some_and(is_own);
        if from_inbox && failed.written && !own {
            self.inbox.pop_front();
        }
        self.engine = None;
        self.outside.die();
    }
}

/// Whether an event comes from the engine itself rather than from the inbox in the store.
fn is_own(event: &Event) -> bool {
    matches!(
        event,
        Event::AttemptEnded { .. } | Event::PageEnded { .. } | Event::Locked { .. }
    )
}
