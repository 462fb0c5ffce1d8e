//! The end of a run: because all is done, because somebody cancelled it or a failure stops it, and what runs at the
//! end however it comes.

use super::{Admitted, View, clock, forward, question};
use crate::id::Actor;
use crate::record::{Fact, RunOutcome, StopReason};
use crate::run::error::ProtocolError;
use crate::run::state::{Goal, Phase};

/// Somebody cancels the run.
///
/// # Errors
/// It is over, or was cancelled before. While it takes back what was done, or does what runs at its end, the wish is
/// written down and refused.
pub(super) fn cancel(
    view: View<'_>,
    by: Actor,
    reason: Option<String>,
    rollback: bool,
) -> Result<Admitted, ProtocolError> {
    if let Some(over) = view.state.over {
        return Err(ProtocolError::Over {
            outcome: over.outcome,
            at: over.at,
        });
    }
    if let Some(doing) = uninterruptible(view, rollback) {
        return Ok(Admitted {
            fact: Some(Fact::CancelRefused {
                by,
                because: format!("the run {doing}"),
            }),
            refused: Some(ProtocolError::NotNow { doing }),
        });
    }
    match &view.state.cancelled {
        // What was only cancelled can still be rolled back, until it is over.
        Some(before) if !rollback || before.rollback => Err(ProtocolError::AlreadyCancelled {
            by: before.by.clone(),
            at: before.at,
        }),
        _ => Ok(Some(Fact::CancelRequested {
            by,
            reason,
            rollback,
        })
        .into()),
    }
}

/// What the run is doing that is not cut short.
fn uninterruptible(view: View<'_>, rollback: bool) -> Option<&'static str> {
    if view.state.ending.is_some() {
        return Some("does what it always does at its end");
    }
    match &view.state.back {
        Some(back) if back.goal == Goal::Rollback => Some("is being rolled back"),
        // A rollback goes further back still.
        Some(back) if back.entries.is_some() && !rollback => Some("undoes steps to go back"),
        _ => None,
    }
}

/// The next thing to do in a run that starts nothing new: tell attempts to stop (only when it was cancelled; else
/// they go on to their end), take questions back, and end when nothing runs any more.
pub(super) fn wind_down(view: View<'_>) -> Option<Fact> {
    let (state, agenda) = (view.state, &view.state.agenda);
    let cancelled = state.cancelled.is_some();
    if cancelled && let Some(attempt) = agenda.unstopped.first() {
        return Some(Fact::StopRequested {
            attempt: *attempt,
            reason: StopReason::Cancel,
        });
    }
    let reason = if cancelled {
        "the run was cancelled".to_owned()
    } else {
        stopped(view)
    };
    if let Some(fact) = question::void(view, &reason, |_| true) {
        return Some(fact);
    }
    let outcome = if state.undo_stopped {
        RunOutcome::PartlyRolledBack
    } else if cancelled {
        RunOutcome::Cancelled
    } else {
        RunOutcome::Failed
    };
    agenda.in_flight.is_empty().then(|| end(view, outcome))
}

fn stopped(view: View<'_>) -> String {
    match view.state.stopped_by {
        Some(index) => format!("the run stops because `{}` failed", view.name(index)),
        None => "the run stops".to_owned(),
    }
}

/// The end, when nothing is left that could happen.
pub(super) fn all_done(view: View<'_>) -> Option<Fact> {
    let state = view.state;
    let waits_for_lock = !state.has_run_lock(view.plan);
    if !state.agenda.is_idle() || state.back.is_some() || waits_for_lock {
        return None;
    }
    // Nodes that can never start (needs in a circle, which the compiler refuses) do not keep a run open for ever.
    let outcome = match (state.unfinished, &view.plan.undoes) {
        (0, None) => RunOutcome::Succeeded,
        (0, Some(_)) if all_taken_back(view) => RunOutcome::RolledBack,
        (0, Some(_)) => RunOutcome::PartlyRolledBack,
        _ => RunOutcome::Failed,
    };
    Some(end(view, outcome))
}

/// Whether a run that takes another one back did all of it: nothing of it was skipped.
fn all_taken_back(view: View<'_>) -> bool {
    let mut nodes = view.state.nodes.iter();
    nodes.all(|state| state.phase == Phase::Succeeded)
}

/// The end itself, or first what is measured and what runs before it.
pub(super) fn end(view: View<'_>, outcome: RunOutcome) -> Fact {
    if let Some(fact) = clock::at_end(view, outcome) {
        return fact;
    }
    if view.state.unfinished_finally > 0 {
        return Fact::FinallyBegan { outcome };
    }
    Fact::RunEnded {
        outcome,
        cleanup_failed: Vec::new(),
    }
}

/// What runs at the end of a run, and then the end.
pub(super) fn finally(view: View<'_>) -> Option<Fact> {
    if let Some(fact) = super::lock::expire(view).or_else(|| forward(view)) {
        return Some(fact);
    }
    let state = view.state;
    if !state.agenda.is_idle() {
        return None;
    }
    let failed = |index: &crate::plan::NodeIndex| {
        let (Some(node), Some(state)) = (view.plan.node(*index), state.node(*index)) else {
            return false;
        };
        node.finally && !matches!(state.phase, Phase::Succeeded | Phase::Skipped)
    };
    Some(Fact::RunEnded {
        outcome: state.ending?,
        cleanup_failed: view.plan.indices().filter(failed).collect(),
    })
}
