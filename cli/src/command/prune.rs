//! `piton prune`: deletes runs that are over.

use crate::clock;
use crate::display::style::{self, Line, Style};
use crate::driving::from_drive;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on, from_store};
use clap::Args;
use piton_core::id::RunId;
use piton_core::time::{Millis, Timestamp};
use piton_runtime::driver::{Clock, PruneError};
use piton_runtime::store::{RunFilter, RunSummary, Store, StoreError};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;

/// What `piton prune` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton prune --older-than 90d --dry-run           what would go?
  piton prune --older-than 90d --keep 20           what ended 90 days ago, but the last 20 runs of each runbook
  piton prune --keep 100 --runbook restore-drill

Only runs that are over are deleted, with their records, logs, kept files and work directories: nothing that is open,
nothing that an engine or a keeper still holds, and no run that another one takes back right now. A run that took back
another goes after that one. What is deleted cannot be audited any more: `piton backup` keeps a copy.
Exits 0, also when there was nothing to delete; 1 when something could not be deleted.")]
pub struct Prune {
    /// Only runs that ended this long ago: 90d, 12h
    #[arg(long, value_name = "TIME", required_unless_present = "keep")]
    older_than: Option<Millis>,
    /// Keep this many of the newest runs of each runbook that are over, whatever their age
    #[arg(long, value_name = "COUNT")]
    keep: Option<usize>,
    /// Only runs of this runbook
    #[arg(long, value_name = "NAME")]
    runbook: Option<String>,
    /// Only say what would be deleted
    #[arg(long)]
    dry_run: bool,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// What came of it, as `--json` writes it.
#[derive(Default, Serialize)]
struct Pruned {
    dry_run: bool,
    /// Bytes of files on this host that went, or would.
    bytes: u64,
    runs: Vec<Gone>,
    kept: Vec<Kept>,
    /// Directories of runs that were gone before.
    directories: Vec<String>,
}

#[derive(Serialize)]
struct Gone {
    run: String,
    runbook: String,
    ended: String,
    records: u64,
    bytes: u64,
    #[serde(skip)]
    ended_at: Timestamp,
}

#[derive(Serialize)]
struct Kept {
    run: String,
    why: String,
}

impl Prune {
    /// Does it.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let pruned = block_on(async {
            let session = Session::open(store).await?;
            let mut pruned = Pruned {
                dry_run: self.dry_run,
                ..Pruned::default()
            };
            let filter = RunFilter {
                runbook: self.runbook.clone(),
                ..RunFilter::default()
            };
            let runs = session.store().runs(&filter).await.map_err(from_store)?;
            for run in self.chosen(runs, Clock::start().now()) {
                self.prune(&session, run, &mut pruned).await?;
            }
            self.sweep(&session, &mut pruned).await?;
            Ok(pruned)
        })?;
        if self.json {
            output::json(&pruned)?;
        } else {
            print(&pruned)?;
        }
        Ok(match pruned.kept.is_empty() {
            true => Exit::Success,
            false => Exit::Failed,
        })
    }

    /// The runs to delete, oldest first: a run comes before those that took it back.
    fn chosen(&self, runs: Vec<RunSummary>, now: Timestamp) -> Vec<RunSummary> {
        let mut newer: BTreeMap<String, usize> = BTreeMap::new();
        let over = runs.into_iter().filter(|run| run.status.outcome.is_some());
        let mut chosen: Vec<RunSummary> = over
            .filter(|run| {
                let newer = newer.entry(run.runbook.clone()).or_default();
                *newer += 1;
                *newer > self.keep.unwrap_or(0)
            })
            .filter(|run| match (self.older_than, run.status.ended) {
                (Some(age), Some(ended)) => now.since(ended) >= age,
                // Nobody knows how old it is.
                (Some(_), None) => false,
                (None, _) => true,
            })
            .collect();
        chosen.reverse();
        chosen
    }

    async fn prune(
        &self,
        session: &Session,
        run: RunSummary,
        pruned: &mut Pruned,
    ) -> Result<(), Failure> {
        let bytes = match self.dry_run {
            true => Ok(session.local.size(&run.id)),
            false => session.local.prune(&run.id).await,
        };
        match bytes {
            Ok(bytes) => {
                let ended_at = run.status.ended.unwrap_or(run.started);
                pruned.bytes = pruned.bytes.saturating_add(bytes);
                pruned.runs.push(Gone {
                    run: run.id.0,
                    runbook: run.runbook,
                    ended: ended_at.to_string(),
                    records: run.head.seq,
                    bytes,
                    ended_at,
                });
            }
            // Somebody else was quicker.
            Err(PruneError::Store(StoreError::NoSuchRun { .. })) => {}
            Err(error @ (PruneError::Keeper { .. } | PruneError::Directory { .. })) => {
                pruned.kept.push(kept(&run.id, &error));
            }
            Err(PruneError::Store(StoreError::StillNeeded { run, why })) => {
                pruned.kept.push(kept(&run, &why));
            }
            Err(PruneError::Store(error)) => return Err(from_store(error)),
        }
        Ok(())
    }

    /// Removes directories whose run is gone: of somebody who died between deleting the two.
    async fn sweep(&self, session: &Session, pruned: &mut Pruned) -> Result<(), Failure> {
        for (directory, bytes) in session.local.without_run().await.map_err(from_drive)? {
            let path = directory.path().display().to_string();
            if !self.dry_run
                && let Err(error) = session.local.remove(&directory)
            {
                let name = directory.path().file_name().unwrap_or_default();
                let run = RunId(name.to_string_lossy().into_owned());
                let why = format!("its directory {path} could not be removed: {error}");
                pruned.kept.push(kept(&run, &why));
                continue;
            }
            pruned.bytes = pruned.bytes.saturating_add(bytes);
            pruned.directories.push(path);
        }
        Ok(())
    }
}

fn kept(run: &RunId, why: &impl ToString) -> Kept {
    Kept {
        run: run.0.clone(),
        why: why.to_string(),
    }
}

fn print(pruned: &Pruned) -> Result<(), Failure> {
    let colour = style::colour(&io::stdout());
    let mut lines: Vec<Line> = Vec::new();
    for gone in &pruned.runs {
        let text = format!(
            "  ended {}, {} records, {}",
            clock::date_time(gone.ended_at),
            gone.records,
            size(gone.bytes)
        );
        lines.push(Line::new().with(Style::Strong, gone.run.clone()).and(text));
    }
    for path in &pruned.directories {
        lines.push(
            Line::new()
                .and(path.clone())
                .with(Style::Dim, "  of a run that is gone"),
        );
    }
    for kept in &pruned.kept {
        let line = Line::new().with(Style::Bad, format!("{} stays: ", kept.run));
        lines.push(line.and(kept.why.clone()));
    }
    let runs = match pruned.runs.len() {
        1 => "1 run".to_owned(),
        runs => format!("{runs} runs"),
    };
    let (verb, files) = match pruned.dry_run {
        true => ("would be deleted", "would be freed"),
        false => ("deleted", "freed"),
    };
    let bytes = size(pruned.bytes);
    lines.push(Line::new().with(
        Style::Strong,
        format!("{runs} {verb}; {bytes} of files {files}"),
    ));
    let text: String = lines
        .iter()
        .map(|line| line.render(colour) + "\n")
        .collect();
    output::text(&text)
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}
