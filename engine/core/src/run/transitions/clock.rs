//! The clock of the run's recovery time: started, stopped, run on after a rewind, and people called while it runs out.
//! And what was lost, worked out when the clock stops.
//!
//! Nobody has to decide anything about it: a run never waits for what is done here.

use super::{View, page};
use crate::id::Actor;
use crate::plan::{Escalation, NodeIndex, Plan, Rpo, Rto, Targets};
use crate::record::{Fact, PageId, RunOutcome};
use crate::run::error::ProtocolError;
use crate::run::render;
use crate::run::state::{Clock, Mark, Phase, State};
use crate::time::{Millis, Timestamp};
use crate::value::Value;

/// What follows for the clock, and for what was lost, from where the nodes stand.
pub(super) fn next(view: View<'_>) -> Option<Fact> {
    let targets = view.plan.targets.as_ref()?;
    if let Some(rto) = &targets.rto {
        let fact = started(view, rto)
            .or_else(|| resumed(view, rto))
            .or_else(|| stopped(view, rto));
        if fact.is_some() {
            return fact;
        }
    }
    view.state.clock.stopped?;
    measured(view, targets)
}

/// The work is over: the clock stops, whether or not what it waited for was there, and what was lost is worked out.
pub(super) fn at_end(view: View<'_>, outcome: RunOutcome) -> Option<Fact> {
    let targets = view.plan.targets.as_ref()?;
    if let Some(rto) = &targets.rto
        && view.state.clock.running_since().is_some()
    {
        return Some(Fact::ClockStopped {
            at: view.now,
            reached: rto.to.is_none() && outcome == RunOutcome::Succeeded,
        });
    }
    measured(view, targets)
}

fn started(view: View<'_>, rto: &Rto) -> Option<Fact> {
    let state = view.state;
    if state.clock.started.is_some() || state.ending.is_some() {
        return None;
    }
    let at = match rto.from {
        None => state.created,
        Some(from) => {
            let from = state.node(from)?;
            // One that was skipped starts it too: a clock that starts early flatters nobody.
            from.finished.filter(|_| from.lets_others_go_on())?
        }
    };
    Some(Fact::ClockStarted { at })
}

fn stopped(view: View<'_>, rto: &Rto) -> Option<Fact> {
    view.state.clock.running_since()?;
    let to = view.state.node(rto.to?)?;
    // What somebody says was done before the run was not measured by it, and what is being taken back does not count.
    let is_there = to.phase == Phase::Succeeded && !to.assumed && !to.held;
    let at = to.finished.filter(|_| is_there)?;
    Some(Fact::ClockStopped { at, reached: true })
}

/// What the clock waited for was there, and is being taken back: by a rewind to before it, or a rollback.
fn resumed(view: View<'_>, rto: &Rto) -> Option<Fact> {
    let reached = view.state.clock.stopped.is_some_and(|it| it.reached);
    if !reached || view.state.ending.is_some() {
        return None;
    }
    let to = view.state.node(rto.to?)?;
    to.held.then_some(Fact::ClockResumed)
}

/// What was lost, unless that was worked out since the clock stopped.
fn measured(view: View<'_>, targets: &Targets) -> Option<Fact> {
    let rpo = targets.rpo.as_ref()?;
    if view.state.clock.loss.is_some() {
        return None;
    }
    let (lost, why) = match lost(view, rpo)? {
        Ok(lost) => (Some(lost), None),
        Err(why) => (None, Some(why)),
    };
    Some(Fact::LossMeasured { lost, why })
}

/// What was lost, or why that cannot be said; `None` if the runbook does not say how it is worked out.
fn lost(view: View<'_>, rpo: &Rpo) -> Option<Result<Millis, String>> {
    let achieved = rpo.achieved.as_ref()?;
    let scope = view.scope(NodeIndex(u32::MAX));
    Some(match achieved.evaluate(&scope) {
        Ok(Value::Duration(lost)) => Ok(lost),
        Ok(other) => Err(format!(
            "`achieved` is of type {}, and a length of time is wanted",
            other.type_name()
        )),
        Err(error) => Err(format!(
            "`achieved` cannot be worked out: {}",
            render::with_help(&error)
        )),
    })
}

/// Calls the people of the next level whose time has come.
pub(super) fn due(view: View<'_>) -> Option<Fact> {
    let (at, mark) = next_page(view.plan, view.state)?;
    if at > view.now {
        return None;
    }
    let (rto, policy) = paged(view.plan)?;
    let clock = &view.state.clock;
    let since = clock.running_since()?;
    // Both marks may have passed while no engine was there to see it: the later one counts.
    let missed = mark == Mark::Missed || since.after(rto.within) <= view.now;
    let again = clock.mark == Some(if missed { Mark::Missed } else { Mark::AtRisk });
    let mut paging = clock.paging.clone();
    if !again {
        paging.level = 0;
    }
    let id = PageId::of_clock(clock.paging.number.saturating_add(1));
    let message = message(view, rto, since, missed);
    Some(Fact::TargetPaged {
        missed,
        page: page::page(view, policy, &paging, id, message),
    })
}

/// When people are called next because the clock runs.
pub(in crate::run) fn next_timeout(plan: &Plan, state: &State) -> Option<Timestamp> {
    next_page(plan, state).map(|(at, _)| at)
}

/// When people are called next because the clock runs, and which mark it has passed then.
fn next_page(plan: &Plan, state: &State) -> Option<(Timestamp, Mark)> {
    let (rto, _) = paged(plan)?;
    let clock: &Clock = &state.clock;
    let since = clock.running_since()?;
    let missed = (since.after(rto.within), Mark::Missed);
    let again = |mark| clock.paging.next.map(|at| (at, mark));
    match clock.mark {
        None => {
            let at_risk = rto
                .at_risk
                .map(|length| (since.after(length), Mark::AtRisk));
            Some(at_risk.map_or(missed, |at_risk| at_risk.min(missed)))
        }
        Some(Mark::AtRisk) => Some(again(Mark::AtRisk).map_or(missed, |again| again.min(missed))),
        Some(Mark::Missed) => again(Mark::Missed),
    }
}

/// The target that people are called about, and the policy by which they are.
fn paged(plan: &Plan) -> Option<(&Rto, &Escalation)> {
    let rto = plan.targets.as_ref()?.rto.as_ref()?;
    let policy = plan.escalations.get(rto.page.as_ref()?)?;
    Some((rto, policy))
}

/// What people are told, in a line.
fn message(view: View<'_>, rto: &Rto, since: Timestamp, missed: bool) -> String {
    let runbook = &view.plan.runbook;
    let passed = view.now.since(since).in_seconds();
    let open = match rto.to {
        Some(to) => format!("`{}` is not done", view.name(to)),
        None => "the run is not over".to_owned(),
    };
    let within = rto.within;
    match missed {
        false => {
            format!("{runbook}: its RTO is at risk: {passed} of {within} have passed, and {open}")
        }
        true => format!(
            "{runbook}: its RTO is missed: {passed} have passed, it allows {within}, and {open}"
        ),
    }
}

/// Somebody has seen that the clock runs.
///
/// # Errors
/// Nobody is called about it, or somebody has seen it before.
pub(super) fn acknowledge(view: View<'_>, by: Actor) -> Result<Fact, ProtocolError> {
    if let Some(over) = view.state.over {
        return Err(ProtocolError::Over {
            outcome: over.outcome,
            at: over.at,
        });
    }
    let clock = &view.state.clock;
    if let Some(before) = &clock.acknowledged {
        return Err(ProtocolError::AcknowledgedBefore {
            by: before.by.clone(),
            at: before.at,
        });
    }
    if clock.mark.is_none() {
        return Err(ProtocolError::NobodyCalled);
    }
    Ok(Fact::TargetAcknowledged { by })
}
