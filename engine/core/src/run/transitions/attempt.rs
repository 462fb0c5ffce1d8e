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
) -> Result<Vec<Fact>, ProtocolError> {
    let unknown = || ProtocolError::NoSuchAttempt { attempt };
    let (node, state) = match (view.plan.node(attempt.node), view.state.node(attempt.node)) {
        (Some(node), Some(state)) => (node, state),
        _ => return Err(unknown()),
    };
    let in_flight = view.state.agenda.in_flight.contains(&attempt);
    let end = state.ends.iter().find(|end| end.attempt == attempt);
    if !in_flight && end.is_none() {
        return Err(unknown());
    }
    let scope = NodeScope {
        plan: view.plan,
        shape: view.shape,
        state: view.state,
        node: attempt.node,
        produced: None,
    };
    let result = settle::attempt(node, attempt, outcome, &scope);
    match end {
        None => Ok(vec![Fact::AttemptEnded { attempt, result }]),
        Some(end) => {
            let known = end.late.is_some() || end.result == result_digest(&result);
            Ok(if known {
                Vec::new()
            } else {
                vec![Fact::LateResult { attempt, result }]
            })
        }
    }
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
    };
    let result = AttemptResult {
        status: OutcomeStatus::Unknown,
        message: format!("nothing was heard of {what} after its deadline"),
        exit_code: None,
        outputs: Default::default(),
        checks: Vec::new(),
    };
    Some(Fact::AttemptEnded {
        attempt: *attempt,
        result,
    })
}
