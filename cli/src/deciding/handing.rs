//! Handing an event in, and driving the run on where no engine does.

use super::told::told;
use super::writing::write_down;
use crate::driving::{self, Manner};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use clap::Args;
use piton_core::id::{Actor, RunId};
use piton_core::run::{Event, ProtocolError, RunState};
use piton_runtime::driver::{Clock, Decided, DriveError};
use piton_runtime::store::{StoreError, Verdict};
use std::time::Duration;

/// How long an engine that drives the run may take to look at a decision.
const PATIENCE: Duration = Duration::from_secs(20);

/// Options of every command that hands something in.
#[derive(Args, Clone, Debug)]
pub struct Handing {
    /// Only write the decision down; `piton resume` then goes on
    #[arg(long)]
    pub no_resume: bool,
    /// Write the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// Hands an event in, drives the run on where no engine does, and says what became of it.
///
/// # Errors
/// When the store cannot be read or written, no engine took the event, or it was refused.
pub async fn hand_in(
    session: &Session,
    run: &RunId,
    event: &Event,
    by: &Actor,
    handing: &Handing,
) -> Result<Exit, Failure> {
    let verdict = take_in(session, run, event, by, handing).await?;
    told(
        session,
        run,
        event,
        verdict.as_ref().map_err(String::as_str).copied(),
        handing,
    )
    .await
}

/// Hands an event in and drives the run on where no engine does. Why it was refused, if it was.
///
/// # Errors
/// When the store cannot be read or written, or no engine took the event.
pub async fn take_in(
    session: &Session,
    run: &RunId,
    event: &Event,
    by: &Actor,
    handing: &Handing,
) -> Result<Result<(), String>, Failure> {
    let relieved = !handing.no_resume && driving::attendant::relieve(session, run).await?;
    if let Some(refusal) = refusal(session, run, event).await? {
        settle_what_is_due(session, run, by, handing).await?;
        if !handing.no_resume {
            stand_in(session, run, by, handing, relieved).await?;
        }
        return Ok(Err(in_words(session, run, event, &refusal).await?));
    }
    let verdict = verdict_on(session, run, event, by, handing).await?;
    if !handing.no_resume {
        // An attendant that had only just been started took it: the one who decides sees what comes of it. And if
        // whoever took it has gone since (it died, or somebody else relieved it), nobody else goes on.
        let relieved = driving::attendant::relieve(session, run).await?;
        let summary = session.summary(run).await?;
        let left = relieved || (verdict.accepted && summary.driven_by.is_none());
        if left && summary.status.outcome.is_none() && !is_served(session, run).await? {
            drive_on(session, run, by, handing).await?;
        }
    }
    if verdict.accepted && matches!(event, Event::Cancel { .. }) && !handing.no_resume {
        wait_for_the_end(session, run, by, handing).await?;
    }
    Ok(if verdict.accepted {
        Ok(())
    } else {
        Err(verdict.message)
    })
}

/// Leaves a run to whom it belongs after a refusal that drove nothing on: to an attendant if it waits for people, and
/// if the attendant that was `relieved` had something under way, this process goes on with that.
async fn stand_in(
    session: &Session,
    run: &RunId,
    by: &Actor,
    handing: &Handing,
    relieved: bool,
) -> Result<(), Failure> {
    let (_, view) = session.view(run).await?;
    if view.outcome.is_some() || session.summary(run).await?.driven_by.is_some() {
        return Ok(());
    }
    if is_served(session, run).await? {
        return Ok(());
    }
    if relieved && view.state != RunState::Waiting {
        return drive_on(session, run, by, handing).await;
    }
    driving::attendant::leave_one(session, run, &view);
    Ok(())
}

/// Whether servers go on with the run, so that nobody else has to.
///
/// # Errors
/// When the store cannot be read.
async fn is_served(session: &Session, run: &RunId) -> Result<bool, Failure> {
    let served = session.local.is_served(run).await;
    served.map_err(driving::from_drive)
}

/// Why the run as it stands would refuse the event without writing anything down, so that nothing has to be driven
/// to say so.
///
/// # Errors
/// When the run cannot be read.
pub async fn refusal(
    session: &Session,
    run: &RunId,
    event: &Event,
) -> Result<Option<ProtocolError>, Failure> {
    let mut machine = session.local.run(run).await.map_err(driving::from_drive)?;
    Ok(machine.handle(event.clone(), Clock::start().now()).err())
}

/// A refusal as the one who decides reads it: of a run that is over, with who decided before, or that nobody did.
async fn in_words(
    session: &Session,
    run: &RunId,
    event: &Event,
    refusal: &ProtocolError,
) -> Result<String, Failure> {
    let mut message = refusal.to_string();
    let (ProtocolError::Over { .. }, Event::Decide(decision)) = (refusal, event) else {
        return Ok(message);
    };
    // They want to know who was first, or that they come too late, not only that the run is over.
    let view = session.view(run).await?.1;
    let question = view
        .nodes
        .get(decision.node.index())
        .and_then(|node| node.question.as_ref());
    let expired = question
        .filter(|question| question.closed.is_some())
        .and_then(|question| question.expires)
        .filter(|at| view.ended.is_some_and(|ended| *at <= ended));
    if let Some(at) = expired {
        let at = crate::clock::date_time(at);
        message.push_str(&format!(
            "\n       nobody answered in time: the question expired at {at}"
        ));
    }
    let answers = question.map(|question| question.answers.as_slice());
    for answer in answers.unwrap_or_default() {
        let words = crate::display::plain::answer_words(&answer.answer);
        message.push_str(&format!(
            "\n       {} {words} at {}",
            answer.by,
            crate::clock::date_time(answer.at)
        ));
    }
    Ok(message)
}

/// A refusal may come from time having passed with no engine to see it (an expired question): the run goes on to
/// what follows from that.
async fn settle_what_is_due(
    session: &Session,
    run: &RunId,
    by: &Actor,
    handing: &Handing,
) -> Result<(), Failure> {
    let machine = session.local.run(run).await.map_err(driving::from_drive)?;
    let due = machine
        .next_timeout()
        .is_some_and(|due| due <= Clock::start().now());
    if !due || handing.no_resume || session.summary(run).await?.driven_by.is_some() {
        return Ok(());
    }
    if is_served(session, run).await? {
        return Ok(());
    }
    drive_on(session, run, by, handing).await
}

/// Drives the run on as `run` does, until it is over or waits. Another engine being quicker is no error.
async fn drive_on(
    session: &Session,
    run: &RunId,
    by: &Actor,
    handing: &Handing,
) -> Result<(), Failure> {
    let manner = Manner {
        leaves: true,
        json: handing.json,
        ..Manner::default()
    };
    match driving::try_drive(session, run, by, &manner).await? {
        Ok(driven) if !handing.json => driving::finish(&driven, &manner),
        Ok(_) | Err(DriveError::Store(StoreError::Held { .. })) => Ok(()),
        Err(error) => Err(driving::from_drive(error)),
    }
}

async fn verdict_on(
    session: &Session,
    run: &RunId,
    event: &Event,
    by: &Actor,
    handing: &Handing,
) -> Result<Verdict, Failure> {
    let key = crate::session::key();
    loop {
        // The same key finds the same entry, so asking again posts nothing again.
        let decided = session
            .local
            .decide(run, event, &key, PATIENCE)
            .await
            .map_err(driving::from_drive)?;
        match decided {
            Decided::Verdict(verdict) => return Ok(verdict),
            Decided::NoEngine(entry) if handing.no_resume => {
                write_down(session, run, entry, event).await?;
            }
            Decided::NoEngine(_) => drive_on(session, run, by, handing).await?,
            Decided::Pending(_) => {
                let engine = session.summary(run).await?.driven_by;
                let engine = engine.map_or_else(
                    || "none of the servers that the run was left to".to_owned(),
                    |owner| owner.to_string(),
                );
                return Err(Failure::new(format!(
                    "the decision is handed in, but not taken yet by {engine}"
                ))
                .help(format!(
                    "it counts when it is taken; `piton show {run}` tells when"
                ))
                .help(format!(
                    "if that process hangs, end it and type `piton resume {run}`"
                )));
            }
        }
    }
}

/// A cancelled run is over when what ran has ended; an engine that dies meanwhile is stood in for.
async fn wait_for_the_end(
    session: &Session,
    run: &RunId,
    by: &Actor,
    handing: &Handing,
) -> Result<(), Failure> {
    loop {
        let summary = session.summary(run).await?;
        // On the way back people may have to be asked first; then it is for them to go on.
        let waits = summary.status.state == RunState::Waiting;
        if summary.status.outcome.is_some() || waits {
            return Ok(());
        }
        if summary.driven_by.is_none() && !is_served(session, run).await? {
            drive_on(session, run, by, handing).await?;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
