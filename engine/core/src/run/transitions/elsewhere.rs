//! Attempts out of reach: begun by an engine on another host, or by one that may still be at them.
//!
//! Nobody here knows whether such an attempt runs, so it is neither started again nor undone, and its silence says
//! nothing. People are asked, at whatever point the run is; and whatever comes first counts: their word, the end as
//! the other host reports it, or that the attempt is within reach again.

use super::{View, question};
use crate::id::{AttemptId, Purpose};
use crate::record::{Answer, AttemptResult, Fact, OutcomeStatus, QuestionKind};
use crate::run::error::ProtocolError;
use crate::run::state::{Given, NodeState};

/// An attempt cannot be reached.
///
/// # Errors
/// There is no such attempt under way.
pub(super) fn away(
    view: View<'_>,
    attempt: AttemptId,
    host: String,
    why: String,
) -> Result<Option<Fact>, ProtocolError> {
    let flight = view.state.flight(attempt);
    let flight = flight.ok_or(ProtocolError::NoSuchAttempt { attempt })?;
    let known = flight.elsewhere.is_some();
    Ok((!known).then_some(Fact::AttemptElsewhere { attempt, host, why }))
}

/// An attempt can be reached again.
///
/// # Errors
/// There is no such attempt under way.
pub(super) fn reached(view: View<'_>, attempt: AttemptId) -> Result<Option<Fact>, ProtocolError> {
    let flight = view.state.flight(attempt);
    let flight = flight.ok_or(ProtocolError::NoSuchAttempt { attempt })?;
    let was_away = flight.elsewhere.is_some();
    Ok(was_away.then_some(Fact::AttemptReached { attempt }))
}

/// What follows for the next node of which an attempt is or was out of reach.
pub(super) fn next(view: View<'_>) -> Option<Fact> {
    let index = *view.state.agenda.elsewhere.first()?;
    let (_, state) = view.node(index)?;
    let Some((flight, away)) = state.away() else {
        return Some(Fact::QuestionVoided {
            node: index,
            pass: state.pass,
            reason: settled(state).to_owned(),
        });
    };
    Some(match &away.given {
        Some(given) => Fact::AttemptEnded {
            attempt: flight.attempt,
            result: said(flight.attempt, given),
        },
        None => {
            let kind = QuestionKind::Interrupted {
                attempt: flight.attempt,
                why: away.why.clone(),
                host: Some(away.host.clone()),
            };
            question::open(view, index, kind, None, None)
        }
    })
}

/// Why nobody has to say any more what became of an attempt.
fn settled(state: &NodeState) -> &'static str {
    match state.flight() {
        Some(_) => "the attempt is within reach again",
        None => "the end of the attempt is known",
    }
}

/// The end of an attempt as a person tells it. Of the action itself their word is drawn upon as that about an
/// interrupted attempt is; of the rest it is the result.
fn said(attempt: AttemptId, given: &Given) -> AttemptResult {
    let by = &given.by;
    let ended = |status, what: &str| AttemptResult::ended(status, format!("{by} said that {what}"));
    match &given.answer {
        Answer::DidNotHappen => ended(OutcomeStatus::NotStarted, "it did not happen"),
        _ if attempt.purpose == Purpose::Do => ended(OutcomeStatus::Unknown, "it is over"),
        Answer::Succeeded { outputs, .. } => AttemptResult {
            outputs: outputs.clone(),
            ..ended(OutcomeStatus::Succeeded, "it succeeded")
        },
        _ => ended(OutcomeStatus::Failed, "it failed"),
    }
}
