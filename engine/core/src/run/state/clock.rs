//! What is known of the clock of the run's recovery time, of the calls about it, and of what was lost.

use super::{Frame, Misfit, Paging, State};
use crate::id::Actor;
use crate::record::{Fact, PageId};
use crate::time::{Millis, Timestamp};
use serde::{Deserialize, Serialize};

/// The clock. It starts once, never pauses, and runs on when what it had waited for is taken back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Default)]
pub(in crate::run) struct Clock {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) started: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) stopped: Option<Stopped>,
    /// What was found out about what was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) loss: Option<Loss>,
    /// The last mark that people were called about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) mark: Option<Mark>,
    #[serde(default)]
    pub(in crate::run) paging: Paging,
    /// Who has seen it since that mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) acknowledged: Option<Acknowledged>,
}

/// That the clock stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::run) struct Stopped {
    pub(in crate::run) at: Timestamp,
    /// Whether what it waited for was there.
    pub(in crate::run) reached: bool,
}

/// What was lost; `None` if that cannot be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::run) struct Loss(pub(in crate::run) Option<Millis>);

/// A mark that the clock runs past.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::run) enum Mark {
    /// So much of the time has passed that the rest is at risk.
    AtRisk,
    /// All of it has.
    Missed,
}

/// That somebody has seen that the clock runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Acknowledged {
    pub(in crate::run) by: Actor,
    pub(in crate::run) at: Timestamp,
}

impl Clock {
    /// Whether nothing is known of it.
    pub(in crate::run) fn is_idle(&self) -> bool {
        *self == Clock::default()
    }

    /// Since when it runs, while it does.
    pub(in crate::run) fn running_since(&self) -> Option<Timestamp> {
        self.started.filter(|_| self.stopped.is_none())
    }

    /// How long it ran, or has run by now; `None` before it starts.
    pub(in crate::run) fn took(&self, now: Timestamp) -> Option<Millis> {
        let until = self.stopped.map_or(now, |stopped| stopped.at);
        self.started.map(|started| until.since(started))
    }

    /// No call is wanted any more; the numbers of further ones go on.
    fn fall_silent(&mut self) {
        self.mark = None;
        self.acknowledged = None;
        self.paging = Paging {
            number: self.paging.number,
            ..Paging::default()
        };
    }
}

impl State {
    pub(super) fn fold_clock(&mut self, fact: &Fact, frame: &Frame<'_>) -> Result<(), Misfit> {
        let clock = &mut self.clock;
        match fact {
            Fact::ClockStarted { at } => {
                if clock.started.is_some() {
                    return Err("the clock ran already".to_owned());
                }
                clock.started = Some(*at);
            }
            Fact::ClockStopped { at, reached } => {
                if clock.running_since().is_none() {
                    return Err("the clock did not run".to_owned());
                }
                clock.stopped = Some(Stopped {
                    at: *at,
                    reached: *reached,
                });
                clock.fall_silent();
            }
            Fact::ClockResumed => {
                if clock.stopped.take().is_none() {
                    return Err("the clock had not stopped".to_owned());
                }
                clock.loss = None;
            }
            Fact::LossMeasured { lost, .. } => clock.loss = Some(Loss(*lost)),
            Fact::TargetPaged { missed, page } => {
                let mark = if *missed { Mark::Missed } else { Mark::AtRisk };
                if clock.mark != Some(mark) {
                    clock.acknowledged = None;
                }
                clock.mark = Some(mark);
                clock.paging.sent(page);
            }
            Fact::TargetAcknowledged { by } => {
                clock.acknowledged = Some(Acknowledged {
                    by: by.clone(),
                    at: frame.at,
                });
                clock.paging.next = None;
            }
            _ => {}
        }
        Ok(())
    }

    /// What became of a call about the clock is known.
    pub(super) fn clock_page_ended(&mut self, page: PageId, reached: bool, frame: &Frame<'_>) {
        let rto = frame.plan.targets.as_ref().and_then(|it| it.rto.as_ref());
        let levels = rto
            .and_then(|rto| frame.plan.escalations.get(rto.page.as_ref()?))
            .map_or(0, |policy| policy.levels.len());
        let seen = self.clock.acknowledged.is_some();
        self.clock
            .paging
            .ended(page, reached || seen, levels, frame.at);
    }
}
