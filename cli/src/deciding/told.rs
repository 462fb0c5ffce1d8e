//! What became of an event, as the person who handed it in is told.

use super::handing::Handing;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::Session;
use piton_core::id::RunId;
use piton_core::record::RunOutcome;
use piton_core::run::Event;
use serde::Serialize;

/// What became of it, as `--json` writes it.
#[derive(Serialize)]
struct Handed<'a> {
    run: &'a str,
    accepted: bool,
    message: &'a str,
    state: &'static str,
}

/// Tells what became of an event: the error that it was refused, or what the command exits with.
pub(super) async fn told(
    session: &Session,
    run: &RunId,
    event: &Event,
    verdict: Result<(), &str>,
    handing: &Handing,
) -> Result<Exit, Failure> {
    let summary = session.summary(run).await?;
    if handing.json {
        let state = crate::command::runs::StateWord::of(&summary).word();
        let (accepted, message) = (verdict.is_ok(), verdict.err().unwrap_or_default());
        output::json(&Handed {
            run: &run.0,
            accepted,
            message,
            state,
        })?;
    }
    if let Err(message) = verdict {
        return Err(
            Failure::new(message).help(format!("`piton show {run}` tells how the run stands"))
        );
    }
    let outcome = summary.status.outcome;
    if !handing.json {
        output::note(&words(run, event, outcome));
    }
    Ok(exit(event, outcome))
}

/// That it counts, in a line.
fn words(run: &RunId, event: &Event, outcome: Option<RunOutcome>) -> String {
    match event {
        Event::Decide(decision) => {
            let words = crate::display::plain::answer_words(&decision.answer);
            format!("✓ it counts: {} {words}", decision.by)
        }
        Event::Acknowledge { by, .. } => format!("✓ {by} has seen it; paging pauses"),
        Event::AcknowledgeTarget { by } => {
            format!("✓ {by} has seen it; nobody is called about the RTO before its next mark")
        }
        Event::Take { by, .. } => format!("✓ {by} has it: nobody else decides it meanwhile"),
        _ => match outcome {
            Some(RunOutcome::RolledBack) => format!("✓ run {run} is rolled back"),
            Some(RunOutcome::PartlyRolledBack) => format!(
                "run {run} is rolled back in part; `piton show {run}` tells what is left, and why"
            ),
            Some(_) => format!("✓ run {run} is cancelled"),
            None => format!("✓ it counts; `piton show {run}` tells what the run waits for"),
        },
    }
}

/// A decision that counts is a success, whatever it makes of the run. Where the way back is asked for, how that ended
/// is what matters.
fn exit(event: &Event, outcome: Option<RunOutcome>) -> Exit {
    match (event, outcome) {
        (Event::Cancel { rollback: true, .. }, Some(outcome)) => Exit::of(outcome, false),
        (Event::Cancel { .. }, None) => Exit::Waiting,
        _ => Exit::Success,
    }
}
