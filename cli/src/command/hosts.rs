//! `piton hosts`: the hosts whose engines work on a store, and the word that one is dead.

use crate::actor::As;
use crate::clock;
use crate::display::clean::one_line;
use crate::display::style::{self, Line, Style};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on, from_store};
use clap::{Args, Subcommand};
use piton_core::id::{Actor, RunId};
use piton_core::record::OutcomeStatus;
use piton_core::run::{Event, Outcome};
use piton_runtime::store::{Host, RunFilter, Store};
use serde::Serialize;
use std::io;

/// What `piton hosts` takes.
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Examples:
  piton hosts
  piton hosts dead rack-7 --reason \"its power supply burnt\"
  piton hosts alive rack-7 --reason \"repaired\"

A step that runs on a host which does not answer is neither started anywhere else nor undone: people are asked. That a
host is dead says that nothing of it runs any more, and that nothing on it will go on: then its steps follow what the
runbook says of interruptions, its runs are free for other hosts, and it gets no run before somebody says that it is
alive. All that is said is kept. A host is named by PITON_HOST, else by its machine."
)]
pub struct Hosts {
    #[command(subcommand)]
    word: Option<Word>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// What can be said of a host.
#[derive(Subcommand, Debug)]
enum Word {
    /// Say that a host is dead: none of its processes runs any more
    Dead(Said),
    /// Take that back: the host may drive runs again
    Alive(Said),
}

#[derive(Args, Debug)]
struct Said {
    /// The host, as `piton hosts` lists it
    host: String,
    /// Why; it is kept
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    who: As,
}

/// A host as `--json` writes it. Times are RFC 3339.
#[derive(Serialize)]
struct Listed {
    host: String,
    seen: Option<String>,
    servers: Vec<String>,
    runs: Vec<String>,
    dead: Option<Dead>,
}

#[derive(Serialize)]
struct Dead {
    by: String,
    at: String,
    reason: String,
}

impl Listed {
    fn of(host: &Host) -> Listed {
        Listed {
            host: host.name.clone(),
            seen: host.seen.map(|at| at.to_string()),
            servers: host.servers.iter().map(|one| one.name.clone()).collect(),
            runs: host.driving.iter().map(|(run, _)| run.0.clone()).collect(),
            dead: host.dead.as_ref().map(|word| Dead {
                by: word.by.to_string(),
                at: word.at.to_string(),
                reason: word.reason.clone(),
            }),
        }
    }
}

impl Hosts {
    /// Does it.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        block_on(async {
            let session = Session::open(store).await?;
            match self.word {
                Some(Word::Dead(said)) => say(&session, &said, true).await,
                Some(Word::Alive(said)) => say(&session, &said, false).await,
                None => list(&session, self.json).await,
            }
        })
    }
}

async fn list(session: &Session, json: bool) -> Result<Exit, Failure> {
    let hosts = session.store().hosts().await.map_err(from_store)?;
    if json {
        output::json(&hosts.iter().map(Listed::of).collect::<Vec<_>>())?;
    } else if hosts.is_empty() {
        output::line("no host has driven a run of this store yet")?;
    } else {
        let colour = style::colour(&io::stdout());
        let width = hosts.iter().map(|host| style::width(&host.name)).max();
        let text: String = hosts
            .iter()
            .map(|host| line(host, width.unwrap_or(0)).render(colour) + "\n")
            .collect();
        output::text(&text)?;
    }
    Ok(Exit::Success)
}

fn line(host: &Host, width: usize) -> Line {
    let line = Line::new().and(style::pad(&one_line(&host.name), width));
    if let Some(word) = &host.dead {
        let text = format!(
            "  dead, said by {} at {}: {}",
            word.by,
            clock::date_time(word.at),
            one_line(&word.reason)
        );
        return line.with(Style::Bad, text);
    }
    let mut said = Vec::new();
    if !host.servers.is_empty() {
        let names: Vec<_> = host.servers.iter().map(|one| one_line(&one.name)).collect();
        said.push(format!("serves as {}", names.join(", ")));
    }
    match host.driving.len() {
        0 => {}
        1 => said.push("drives 1 run".to_owned()),
        runs => said.push(format!("drives {runs} runs")),
    }
    if said.is_empty() {
        said.push("nothing of it is known to run".to_owned());
    }
    let seen = host.seen.map_or_else(
        || "never seen".to_owned(),
        |at| format!("seen {} ago", clock::length(clock::now().since(at))),
    );
    line.and(format!("  {}", said.join(", ")))
        .with(Style::Dim, format!("  {seen}"))
}

async fn say(session: &Session, said: &Said, dead: bool) -> Result<Exit, Failure> {
    let store = session.store();
    let (host, by) = (&said.host, said.who.actor());
    let known = store.hosts().await.map_err(from_store)?;
    if !known.iter().any(|known| known.name == *host) {
        let names: Vec<_> = known.iter().map(|known| known.name.as_str()).collect();
        let names = match names.as_slice() {
            [] => "no host has driven a run of this store yet".to_owned(),
            names => format!("known are {}", names.join(", ")),
        };
        return Err(Failure::usage(format!(
            "no host `{host}` has worked on this store, so nothing was changed; {names}"
        )));
    }
    store
        .say_of_host(host, dead, &by, &said.reason)
        .await
        .map_err(from_store)?;
    if !dead {
        output::note(&format!("✓ {host} may drive runs again"));
        return Ok(Exit::Success);
    }
    let told = tell_runs(session, host, &by, &said.reason).await?;
    let steps = match told {
        0 => "no step of it was out of reach".to_owned(),
        1 => "the end of 1 step on it is unknown, and follows its runbook".to_owned(),
        steps => format!("the ends of {steps} steps on it are unknown, and follow their runbooks"),
    };
    output::note(&format!("✓ {host} counts as dead: {steps}"));
    Ok(Exit::Success)
}

/// Tells all runs with attempts on the host that nobody will hear of them. Those that began on it and that nobody has
/// looked at since find out when they are.
async fn tell_runs(
    session: &Session,
    host: &str,
    by: &Actor,
    reason: &str,
) -> Result<usize, Failure> {
    let store = session.store();
    let open = store
        .runs(&RunFilter::default())
        .await
        .map_err(from_store)?;
    let open = open.iter().filter(|run| run.status.outcome.is_none());
    let mut told = 0;
    for summary in open {
        told += tell_run(session, &summary.id, host, by, reason).await?;
    }
    Ok(told)
}

async fn tell_run(
    session: &Session,
    run: &RunId,
    host: &str,
    by: &Actor,
    reason: &str,
) -> Result<usize, Failure> {
    let from_drive = crate::driving::from_drive;
    let engines = session.store().engines(run).await.map_err(from_store)?;
    if !engines.iter().any(|engine| engine.owner.host == host) {
        return Ok(0);
    }
    let machine = session.local.run(run).await.map_err(from_drive)?;
    let mut told = 0;
    for (attempt, on) in machine.away() {
        if on != host {
            continue;
        }
        let why = format!("host {host} is dead, as {by} said: {reason}");
        let event = Event::AttemptEnded {
            attempt,
            outcome: Outcome::not_succeeded(OutcomeStatus::Unknown, why),
        };
        let key = format!("{host} is dead: {attempt}");
        let posted = session.local.post(run, &event, &key).await;
        posted.map_err(from_drive)?;
        told += 1;
    }
    Ok(told)
}
