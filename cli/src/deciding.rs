//! Handing in a decision or a cancel: what `approve`, `reject`, `decide` and `cancel` have in common.
//!
//! The event goes into the run's inbox. If an engine drives the run, it says what became of it; if none does, this
//! process drives the run on, or, with `--no-resume`, only writes the decision down.

use crate::actor::As;
use crate::driving::{self, Manner};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on, from_store};
use clap::Args;
use piton_core::digest::Digest;
use piton_core::id::{Actor, RunId};
use piton_core::record::Answer;
use piton_core::run::{Decision, Event, ProtocolError, Run};
use piton_core::time::Millis;
use piton_core::view::RunView;
use piton_runtime::driver::{Clock, Decided, DriveError};
use piton_runtime::owner::Owner;
use piton_runtime::store::{Commit, InboxId, RunStatus, Store, StoreError, Verdict};
use serde::Serialize;
use std::time::Duration;

/// How long an engine that drives the run may take to look at a decision.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long the lease lasts under which a decision alone is written.
const SHORT_LEASE: Millis = Millis(10_000);

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

/// What every command takes that answers the question which is open at a node.
#[derive(Args, Debug)]
pub struct Answering {
    /// The run: its id, a part of it, or `last`
    run: String,
    /// The node whose question is answered
    node: String,
    #[command(flatten)]
    who: As,
    /// What there is to say about it; kept with the decision
    #[arg(long)]
    note: Option<String>,
    /// Decide only if this is still what is shown: the digest that `piton show` prints
    #[arg(long, value_name = "DIGEST")]
    shown: Option<Digest>,
    #[command(flatten)]
    handing: Handing,
}

impl Answering {
    /// Hands the answer in.
    ///
    /// # Errors
    /// When there is no such run or node, or the decision is refused.
    pub fn hand_in(self, answer: Answer, store: Option<&str>) -> Result<Exit, Failure> {
        let session = Session::open(store)?;
        block_on(async {
            let run = session.resolve(Some(&self.run)).await?;
            let (_, view) = session.view(&run).await?;
            let by = self.who.actor();
            let event = decision(&view, &self.node, by.clone(), answer, self.note, self.shown)?;
            hand_in(&session, &run, &event, &by, &self.handing).await
        })
    }
}

/// What became of it, as `--json` writes it.
#[derive(Serialize)]
struct Handed<'a> {
    run: &'a str,
    accepted: bool,
    message: &'a str,
    state: &'static str,
}

/// The decision about a node, for the question that is open there. What was shown is what `--shown` says, else what
/// the question shows now.
///
/// # Errors
/// When the run has no such node.
fn decision(
    view: &RunView,
    node: &str,
    by: Actor,
    answer: Answer,
    note: Option<String>,
    shown: Option<Digest>,
) -> Result<Event, Failure> {
    let Some(at) = view.nodes.iter().position(|one| one.id == node) else {
        let failure = Failure::usage(format!("run {} has no node `{node}`", view.id));
        let near = piton_core::expr::suggest(node, view.nodes.iter().map(|one| one.id.as_str()));
        return Err(match near {
            Some(near) => failure.help(format!("did you mean `{near}`?")),
            None => failure.help(format!("`piton show {}` lists its nodes", view.id)),
        });
    };
    let question = view.nodes.get(at).and_then(|node| node.question.as_ref());
    let shown = shown
        .or(question.map(|question| question.shown))
        .unwrap_or(Digest::ZERO);
    let node = piton_core::plan::NodeIndex(u32::try_from(at).unwrap_or(u32::MAX));
    Ok(Event::Decide(Decision {
        node,
        by,
        answer,
        note,
        shown,
    }))
}

/// Hands an event in, drives the run on where no engine does, and says what became of it.
///
/// # Errors
/// When the store cannot be read or written, or no engine took the event.
pub async fn hand_in(
    session: &Session,
    run: &RunId,
    event: &Event,
    by: &Actor,
    handing: &Handing,
) -> Result<Exit, Failure> {
    if let Some(refusal) = refused_as_it_stands(session, run, event).await? {
        settle_what_is_due(session, run, by, handing).await?;
        return told(session, run, event, Err(&refusal), handing).await;
    }
    let verdict = verdict_on(session, run, event, by, handing).await?;
    if verdict.accepted && matches!(event, Event::Cancel { .. }) && !handing.no_resume {
        wait_for_the_end(session, run, by, handing).await?;
    }
    let verdict = if verdict.accepted {
        Ok(())
    } else {
        Err(verdict.message.as_str())
    };
    told(session, run, event, verdict, handing).await
}

/// Why the run as it stands would refuse the event, so that nothing has to be driven to say so.
async fn refused_as_it_stands(
    session: &Session,
    run: &RunId,
    event: &Event,
) -> Result<Option<String>, Failure> {
    let mut machine = session.local.run(run).await.map_err(driving::from_drive)?;
    let Err(error) = machine.handle(event.clone(), Clock::start().now()) else {
        return Ok(None);
    };
    let mut message = error.to_string();
    if let (ProtocolError::Over { .. }, Event::Decide(decision)) = (&error, event) {
        // The one who decides wants to know who was first, not only that the run is over.
        let view = session.view(run).await?.1;
        let question = view
            .nodes
            .get(decision.node.index())
            .and_then(|node| node.question.as_ref());
        for answer in question
            .map(|question| question.answers.as_slice())
            .unwrap_or_default()
        {
            let words = crate::display::plain::answer_words(&answer.answer);
            message.push_str(&format!(
                "\n       {} {words} at {}",
                answer.by,
                crate::clock::date_time(answer.at)
            ));
        }
    }
    Ok(Some(message))
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
                let engine = session
                    .summary(run)
                    .await?
                    .driven_by
                    .map(|owner| owner.to_string())
                    .unwrap_or_default();
                return Err(Failure::new(format!(
                    "the decision is handed in, but {engine} has not taken it yet"
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

/// Takes the event without driving the run: one commit, and nothing is started. What follows from it is started by
/// the next engine, as after a crash right after the commit.
async fn write_down(
    session: &Session,
    run: &RunId,
    entry: InboxId,
    event: &Event,
) -> Result<(), Failure> {
    let store = session.store();
    let lease = match store
        .acquire(run, &Owner::this_process(), SHORT_LEASE)
        .await
    {
        Ok(lease) => lease,
        Err(StoreError::Held { .. }) => return Ok(()),
        Err(error) => return Err(from_store(error)),
    };
    let written = async {
        let mut machine = session.local.run(run).await.map_err(driving::from_drive)?;
        let (head, now) = (machine.head(), Clock::start().now());
        let (verdict, records) = match machine.handle(event.clone(), now) {
            Ok(batch) => (
                Verdict {
                    accepted: true,
                    message: String::new(),
                },
                batch.records,
            ),
            Err(error) => (
                Verdict {
                    accepted: false,
                    message: error.to_string(),
                },
                Vec::new(),
            ),
        };
        let (consumed, status) = ([(entry, verdict)], status(&machine, now));
        let commit = Commit {
            records: &records,
            snapshot: None,
            consumed: &consumed,
            status: &status,
        };
        match store.commit(&lease, head, commit).await {
            // Somebody else has taken it: what they decided is the verdict.
            Err(StoreError::Decided { .. }) => Ok(()),
            other => other.map_err(from_store),
        }
    };
    let written = written.await;
    if let Err(error) = store.release(&lease).await {
        tracing::warn!(%error, "the lease was not given back");
    }
    written
}

fn status(run: &Run, now: piton_core::time::Timestamp) -> RunStatus {
    let node = |index| run.plan().node(index).map(|node| node.id.clone());
    RunStatus {
        state: run.state(),
        outcome: run.outcome(),
        ended: run.outcome().map(|_| now),
        waiting_for: run
            .questions()
            .filter_map(|question| node(question.node))
            .collect(),
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
        if summary.status.outcome.is_some() {
            return Ok(());
        }
        if summary.driven_by.is_none() {
            drive_on(session, run, by, handing).await?;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn told(
    session: &Session,
    run: &RunId,
    event: &Event,
    verdict: Result<(), &str>,
    handing: &Handing,
) -> Result<Exit, Failure> {
    if handing.json {
        let state = crate::command::runs::StateWord::of(&session.summary(run).await?).word();
        let (accepted, message) = (verdict.is_ok(), verdict.err().unwrap_or_default());
        output::json(&Handed {
            run: &run.0,
            accepted,
            message,
            state,
        })?;
    }
    match (verdict, event) {
        (Err(message), _) => {
            return Err(
                Failure::new(message).help(format!("`piton show {run}` tells how the run stands"))
            );
        }
        (Ok(()), _) if handing.json => {}
        (Ok(()), Event::Decide(decision)) => {
            let words = crate::display::plain::answer_words(&decision.answer);
            output::note(&format!("✓ it counts: {} {words}", decision.by));
        }
        (Ok(()), _) => output::note(&format!("✓ run {run} is cancelled")),
    }
    Ok(Exit::Success)
}
