//! Ending a run before its plan is done: because somebody cancelled it, or because a node's failure stops it.

use super::{View, gate};
use crate::id::Actor;
use crate::record::{Fact, RunOutcome, StopReason};
use crate::run::error::ProtocolError;

/// Somebody cancels the run.
pub(super) fn request(
    view: View<'_>,
    by: Actor,
    reason: Option<String>,
) -> Result<Vec<Fact>, ProtocolError> {
    if let Some(over) = view.state.over {
        return Err(ProtocolError::Over {
            outcome: over.outcome,
            at: over.at,
        });
    }
    if let Some(cancelled) = &view.state.cancelled {
        return Err(ProtocolError::AlreadyCancelled {
            by: cancelled.by.clone(),
            at: cancelled.at,
        });
    }
    Ok(vec![Fact::CancelRequested { by, reason }])
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
    if let Some(fact) = gate::void(view, &reason) {
        return Some(fact);
    }
    let outcome = if cancelled {
        RunOutcome::Cancelled
    } else {
        RunOutcome::Failed
    };
    agenda
        .in_flight
        .is_empty()
        .then_some(Fact::RunEnded { outcome })
}

fn stopped(view: View<'_>) -> String {
    match view.state.stopped_by {
        Some(index) => format!("the run stops because `{}` failed", view.name(index)),
        None => "the run stops".to_owned(),
    }
}
