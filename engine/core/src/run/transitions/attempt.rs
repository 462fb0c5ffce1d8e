//! Ends of attempts as they come in: in time, twice, too late, or never.

use super::View;
use crate::id::{AttemptId, Purpose};
use crate::record::{AttemptResult, Fact, OutcomeStatus};
use crate::run::error::ProtocolError;
use crate::run::event::Outcome;
use crate::run::scope::NodeScope;
use crate::run::settle;
use crate::run::state::result_digest;

/// An attempt ended. Results that repeat one change nothing and are welcome: whoever sends results may send them
/// again after a crash.
pub(super) fn ended(
    view: View<'_>,
    attempt: AttemptId,
    outcome: &Outcome,
) -> Result<Option<Fact>, ProtocolError> {
    let unknown = || ProtocolError::NoSuchAttempt { attempt };
    let (node, state) = view.node(attempt.node).ok_or_else(unknown)?;
    let in_flight = view.state.flight(attempt).is_some();
    let end = state.ends.iter().find(|end| end.attempt == attempt);
    if !in_flight && end.is_none() {
        return Err(unknown());
    }
    let item = state
        .each()
        .and_then(|items| items.get(state.items.len()))
        .map(|item| (item.key.as_str(), &item.value));
    let scope = NodeScope {
        item,
        ..view.scope(attempt.node)
    };
    let result = settle::attempt(node, attempt, outcome, &scope);
    Ok(match end {
        None => Some(Fact::AttemptEnded { attempt, result }),
        Some(end) => {
            let known = end.late.is_some() || end.result == result_digest(&result);
            (!known).then_some(Fact::LateResult { attempt, result })
        }
    })
}

/// An attempt of which nothing was heard long after its deadline: its keeper would have ended it and said so.
pub(super) fn lost(view: View<'_>) -> Option<Fact> {
    let (at, attempt) = view.state.agenda.lost.first()?;
    if *at > view.now {
        return None;
    }
    let what = match attempt.purpose {
        Purpose::Do => "it",
        Purpose::Probe => "the probe",
        Purpose::Check(_) => "a check",
        Purpose::Choices(_) => "what gives the choices",
        Purpose::Target(_) | Purpose::Recheck => "the look at the target",
        Purpose::Capture => "the capture",
        Purpose::Undo => "the undo",
        Purpose::UndoCheck => "the check of the undo",
    };
    Some(Fact::AttemptEnded {
        attempt: *attempt,
        result: AttemptResult::ended(
            OutcomeStatus::Unknown,
            format!("nothing was heard of {what} after its deadline"),
        ),
    })
}
