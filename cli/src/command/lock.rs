//! `piton lock`: the named locks that runs share: who has them, who waits, and taking one away.

use crate::actor::As;
use crate::clock;
use crate::display::style::{self, Line, Style};
use crate::driving::from_drive;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on, from_store};
use clap::{Args, Subcommand};
use piton_core::id::RunId;
use piton_core::time::Timestamp;
use piton_runtime::driver::DriveError;
use piton_runtime::store::{BrokenLock, LockClaim, LockHolder, Locks, Store, StoreError};
use serde::Serialize;
use std::collections::BTreeSet;
use std::io;

/// What `piton lock` takes.
#[derive(Args, Debug)]
pub struct Lock {
    #[command(subcommand)]
    command: LockCommand,
}

/// What is done with locks.
#[derive(Subcommand, Debug)]
enum LockCommand {
    /// List locks: who has them, who waits for them, which were broken
    List(List),
    /// Take a lock away from whoever has it; the holder is not told and goes on
    Break(Break),
}

/// What `piton lock list` takes.
#[derive(Args, Debug)]
struct List {
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// What `piton lock break` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  piton lock break production-db --reason \"its host burned down\"

Who has the lock goes on without it, beside whoever gets it next: cancel that run first if it may still do harm.
Who broke which lock and why is kept, and `piton lock list` shows it.")]
struct Break {
    /// The lock's name
    #[arg(value_name = "NAME")]
    lock: String,
    /// Why; kept for good
    #[arg(long, value_parser = reason)]
    reason: String,
    #[command(flatten)]
    who: As,
    /// Write the result as JSON
    #[arg(long)]
    json: bool,
}

/// A reason that people can read back.
fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("say why the lock is taken away: others will read it".to_owned());
    }
    Ok(text.to_owned())
}

/// A holder, or who waits, as `--json` writes it. Times are RFC 3339.
#[derive(Debug, Serialize)]
struct ClaimJson {
    lock: String,
    run: String,
    node: Option<String>,
    since: String,
    /// Whether an engine drives the run.
    driven: bool,
}

/// A broken lock as `--json` writes it.
#[derive(Debug, Serialize)]
struct BrokenJson {
    lock: String,
    run: String,
    node: Option<String>,
    since: String,
    by: String,
    account: String,
    at: String,
    reason: String,
    /// When its holder was done; `null` while it works on without the lock.
    let_go: Option<String>,
}

/// What `piton lock list --json` writes.
#[derive(Debug, Serialize)]
struct LocksJson {
    held: Vec<ClaimJson>,
    waiting: Vec<ClaimJson>,
    broken: Vec<BrokenJson>,
}

impl ClaimJson {
    fn of(claim: &LockClaim, driven: &BTreeSet<RunId>) -> ClaimJson {
        ClaimJson {
            lock: claim.name.clone(),
            run: claim.holder.run.to_string(),
            node: claim.holder.node.clone(),
            since: claim.since.to_string(),
            driven: driven.contains(&claim.holder.run),
        }
    }
}

impl BrokenJson {
    fn of(broken: &BrokenLock) -> BrokenJson {
        BrokenJson {
            lock: broken.name.clone(),
            run: broken.holder.run.to_string(),
            node: broken.holder.node.clone(),
            since: broken.since.to_string(),
            by: broken.by.name.clone(),
            account: broken.by.account.clone(),
            at: broken.at.to_string(),
            reason: broken.reason.clone(),
            let_go: broken.let_go.map(|at| at.to_string()),
        }
    }
}

impl Lock {
    /// Does it.
    ///
    /// # Errors
    /// When the store cannot be read or written, or nobody has the lock that is to be broken.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        match self.command {
            LockCommand::List(list) => list.execute(store),
            LockCommand::Break(command) => command.execute(store),
        }
    }
}

impl List {
    fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let (location, locks, driven) = block_on(async {
            let session = Session::open(store).await?;
            let locks = session.store().locks().await.map_err(from_store)?;
            let mut driven = BTreeSet::new();
            for claim in locks.held.iter().chain(&locks.waiting) {
                let run = &claim.holder.run;
                if session.summary(run).await?.driven_by.is_some() {
                    driven.insert(run.clone());
                }
            }
            Ok((session.location, locks, driven))
        })?;
        if self.json {
            let claims = |claims: &[LockClaim]| {
                let claims = claims.iter();
                claims.map(|claim| ClaimJson::of(claim, &driven)).collect()
            };
            output::json(&LocksJson {
                held: claims(&locks.held),
                waiting: claims(&locks.waiting),
                broken: locks.broken.iter().map(BrokenJson::of).collect(),
            })?;
        } else if locks == Locks::default() {
            output::line(&format!("no locks in {location}"))?;
        } else {
            let colour = style::colour(&io::stdout());
            let lines = lines(&locks, &driven, clock::now());
            let text: String = lines
                .iter()
                .map(|line| line.render(colour) + "\n")
                .collect();
            output::text(&text)?;
        }
        Ok(Exit::Success)
    }
}

impl Break {
    fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let by = self.who.actor();
        let done = block_on(async {
            let session = Session::open(store).await?;
            let done = session.local.break_lock(&self.lock, &by, &self.reason);
            done.await.map_err(|error| match error {
                DriveError::Store(error @ StoreError::NoSuchLock { .. }) => Failure::usage(error),
                error => from_drive(error),
            })
        })?;
        if self.json {
            let broken: Vec<_> = done.broken.iter().map(BrokenJson::of).collect();
            output::json(&broken)?;
            return Ok(Exit::Success);
        }
        for broken in &done.broken {
            output::line(&format!(
                "✓ `{}` was taken away from {}, which goes on without it; `piton cancel {}` ends it",
                broken.name, broken.holder, broken.holder.run
            ))?;
        }
        if let Some(next) = done.waiting.first() {
            output::line(&format!("  {next} waits for it and may begin now"))?;
        }
        Ok(Exit::Success)
    }
}

/// One line for each holder, waiter and broken lock, the lock's name first.
fn lines(locks: &Locks, driven: &BTreeSet<RunId>, now: Timestamp) -> Vec<Line> {
    let held = locks.held.iter().map(|claim| claim.name.as_str());
    let waiting = locks.waiting.iter().map(|claim| claim.name.as_str());
    let broken = locks.broken.iter().map(|lock| lock.name.as_str());
    let columns = held.chain(waiting).chain(broken).map(style::width).max();
    let row = |name: &str, style: Style, word: &str| {
        Line::new()
            .with(Style::Strong, style::pad(name, columns.unwrap_or(0)))
            .with(style, format!("  {}", style::pad(word, 7)))
    };
    let claim = |claim: &LockClaim, style: Style, word: &str| {
        let line = row(&claim.name, style, word).and(format!("  {}", who(&claim.holder)));
        let line = line.with(
            Style::Dim,
            format!("  since {}", clock::near(claim.since, now)),
        );
        if driven.contains(&claim.holder.run) {
            line
        } else {
            let resume = format!("  no engine drives it: piton resume {}", claim.holder.run);
            line.with(Style::Asks, resume)
        }
    };
    let held = locks
        .held
        .iter()
        .map(|held| claim(held, Style::Live, "held"));
    let waiting = locks
        .waiting
        .iter()
        .map(|one| claim(one, Style::Asks, "waiting"));
    let broken = locks.broken.iter().map(|lock| {
        let line = row(&lock.name, Style::Bad, "broken").and(format!("  {}", who(&lock.holder)));
        let by = format!(
            "  by {} at {}: {}",
            lock.by,
            clock::near(lock.at, now),
            lock.reason
        );
        let line = line.with(Style::Dim, by);
        match lock.let_go {
            Some(_) => line,
            None => line.with(Style::Asks, "  works on without it"),
        }
    });
    held.chain(waiting).chain(broken).collect()
}

fn who(holder: &LockHolder) -> String {
    match &holder.node {
        Some(node) => format!("{} `{node}`", holder.run),
        None => holder.run.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use piton_core::id::Actor;

    fn claim(name: &str, run: &str, node: Option<&str>) -> LockClaim {
        LockClaim {
            name: name.to_owned(),
            holder: LockHolder {
                run: RunId(run.to_owned()),
                node: node.map(str::to_owned),
            },
            since: Timestamp(1_763_872_000_000),
        }
    }

    #[test]
    fn each_lock_says_whose_it_is_and_what_to_type_when_nobody_goes_on() {
        let one = claim("production-db", "restore-7k3fq", None);
        let locks = Locks {
            held: vec![one.clone(), claim("disk", "copy-1a2b3", Some("copy"))],
            waiting: vec![claim("disk", "copy-4c5d6", Some("copy"))],
            broken: vec![BrokenLock {
                name: "net".to_owned(),
                holder: one.holder.clone(),
                since: one.since,
                by: Actor {
                    name: "ada".to_owned(),
                    account: "ada".to_owned(),
                },
                at: one.since,
                reason: "its host burned down".to_owned(),
                let_go: None,
            }],
        };
        let driven = BTreeSet::from([one.holder.run.clone(), RunId("copy-4c5d6".to_owned())]);
        let lines: Vec<_> = lines(&locks, &driven, one.since)
            .iter()
            .map(Line::plain)
            .collect();
        assert!(lines[0].starts_with("production-db  held     restore-7k3fq  since "));
        assert!(lines[1].starts_with("disk           held     copy-1a2b3 `copy`  since "));
        assert!(lines[1].ends_with("  no engine drives it: piton resume copy-1a2b3"));
        assert!(lines[2].starts_with("disk           waiting  copy-4c5d6 `copy`  since "));
        assert!(lines[3].starts_with("net            broken   restore-7k3fq  by ada at "));
        assert!(lines[3].ends_with(": its host burned down  works on without it"));
    }

    #[test]
    fn a_lock_is_not_broken_without_a_reason() {
        assert!(reason(" ").is_err());
        assert_eq!(reason(" late ").as_deref(), Ok("late"));
    }
}
