//! The model of a keeper: what really runs, whoever watches.

use super::script::{Did, Ends, Scripted};
use super::world::World;
use crate::id::AttemptId;
use crate::record::OutcomeStatus;
use crate::run::{Outcome, Work};
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;

/// How long an attempt takes to end when it is told to.
const GRACE: Millis = Millis(100);

/// What became of one attempt in the world.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// How often engines asked for its start; its code ran once, whatever they asked. Without crashes, one.
    pub asked: u32,
    /// The number of the last durable record when it was started.
    pub after_record: u64,
    /// When it was started.
    pub started: Timestamp,
    /// The item it was for, of a node that is done for each of a list.
    pub item: Option<u32>,
    pub(super) fate: Fate,
    scripted: Scripted,
    told_to_stop: bool,
}

/// What is known of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fate {
    /// It runs, to this end, if that is ever heard of.
    Running { until: Option<(Timestamp, Outcome)> },
    /// It ended, and the keeper knows how.
    Ended(Outcome),
    /// It died with its keeper.
    Dead,
}

/// All attempts that were ever started, and how they stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Keeper {
    pub(super) table: BTreeMap<AttemptId, Execution>,
    pub(super) world: World,
    /// The newest fence it has heard of.
    fence: u32,
}

/// An attempt as an engine asks for it.
pub(super) struct Asked<'a> {
    pub(super) work: &'a Work,
    pub(super) item: Option<u32>,
    pub(super) after_record: u64,
    /// When its time is over, by the clock of the world.
    pub(super) deadline: Option<Timestamp>,
}

impl Keeper {
    /// Whether it listens to an engine with this fence: not once it has heard of a newer one.
    pub(super) fn heeds(&mut self, fence: u32) -> bool {
        self.fence = self.fence.max(fence);
        self.fence == fence
    }

    /// Starts an attempt, or attaches to it: by the keeper's table, an attempt runs at most once.
    pub(super) fn start(&mut self, asked: &Asked<'_>, scripted: Scripted, now: Timestamp) {
        let attempt = asked.work.attempt;
        if let Some(known) = self.table.get_mut(&attempt) {
            known.asked += 1;
            return;
        }
        let until = fate(asked, &scripted, now);
        self.world
            .begins(attempt, asked.item, scripted.would_do(until.as_ref()));
        let execution = Execution {
            asked: 1,
            after_record: asked.after_record,
            started: now,
            item: asked.item,
            fate: Fate::Running { until },
            scripted,
            told_to_stop: false,
        };
        self.table.insert(attempt, execution);
    }

    /// How many attempts at the same node for the same purpose were started before this one, in all passes.
    pub(super) fn before(&self, attempt: AttemptId) -> usize {
        let first = AttemptId { pass: 0, ..attempt };
        let earlier = self.table.range(first..attempt);
        earlier
            .filter(|(known, _)| known.purpose == attempt.purpose)
            .count()
    }

    /// Tells an attempt to stop.
    pub(super) fn stop(&mut self, attempt: AttemptId, now: Timestamp) {
        let Some(execution) = self.table.get_mut(&attempt) else {
            return;
        };
        let Fate::Running { until } = &mut execution.fate else {
            return;
        };
        if execution.scripted.ignores_stop || execution.told_to_stop {
            return;
        }
        execution.told_to_stop = true;
        let at = now.after(GRACE);
        if until.as_ref().is_none_or(|(end, _)| at < *end) {
            let outcome = Outcome::not_succeeded(OutcomeStatus::Stopped, "");
            *until = Some((at, outcome));
        }
    }

    /// The next attempt to end, and when.
    pub(super) fn next_end(&self) -> Option<(Timestamp, AttemptId)> {
        let ends = self
            .table
            .iter()
            .filter_map(|(attempt, execution)| match &execution.fate {
                Fate::Running {
                    until: Some((at, _)),
                } => Some((*at, *attempt)),
                _ => None,
            });
        ends.min()
    }

    /// Ends an attempt that runs.
    pub(super) fn end(&mut self, attempt: AttemptId) {
        if let Some(execution) = self.table.get_mut(&attempt)
            && let Fate::Running {
                until: Some((_, outcome)),
            } = &execution.fate
        {
            let did = execution.scripted.did(outcome.status);
            execution.fate = Fate::Ended(outcome.clone());
            self.world.ends(attempt, execution.item, did);
        }
    }

    /// What the keeper, or its log, says of an attempt to an engine that asks; `None` while it runs.
    pub(super) fn result(&self, attempt: AttemptId) -> Option<Outcome> {
        match &self.table.get(&attempt)?.fate {
            Fate::Running { .. } => None,
            Fate::Ended(outcome) => Some(outcome.clone()),
            Fate::Dead => Some(Outcome::not_succeeded(
                OutcomeStatus::Unknown,
                "it died with its keeper",
            )),
        }
    }

    /// Kills everything that runs.
    pub(super) fn die(&mut self) {
        for execution in self.table.values_mut() {
            if matches!(execution.fate, Fate::Running { .. }) {
                execution.fate = Fate::Dead;
            }
        }
    }
}

impl Scripted {
    /// How much of it is done if it ends like this.
    fn did(&self, status: OutcomeStatus) -> Did {
        match (status, self.did) {
            (OutcomeStatus::NotStarted, _) => Did::Nothing,
            (OutcomeStatus::Succeeded, None) => Did::All,
            (OutcomeStatus::TimedOut | OutcomeStatus::Stopped, Some(Did::All)) => Did::Half,
            (_, Some(did)) => did,
            (_, None) => Did::Half,
        }
    }

    /// How much of it will be done by its end, as things stand.
    fn would_do(&self, until: Option<&(Timestamp, Outcome)>) -> Did {
        until.map_or(Did::Half, |(_, outcome)| self.did(outcome.status))
    }
}

fn fate(asked: &Asked<'_>, scripted: &Scripted, now: Timestamp) -> Option<(Timestamp, Outcome)> {
    let Ends::With(outcome) = &scripted.ends else {
        return None;
    };
    let end = now.after(scripted.takes);
    match asked.deadline {
        Some(deadline) if deadline < end && !scripted.overruns => {
            let message = format!(
                "it took longer than {}",
                asked.work.timeout.unwrap_or_default()
            );
            Some((
                deadline.max(now),
                Outcome::not_succeeded(OutcomeStatus::TimedOut, message),
            ))
        }
        _ => Some((end, outcome.clone())),
    }
}
