//! Bringing what attempts print into the store, where it keeps logs, so that people on other hosts can read it.
//!
//! The keeper writes logs into the run's directory, masked; from there they are copied, beside the loop that commits
//! and never in its way. Chunks begin at multiples of [`LOG_CHUNK`], so that whoever comes after an engine that died
//! writes the same ones again, and the rest.

use crate::store::{LOG_CHUNK, LOG_HEAD, LOG_TAIL, RunDirectory, Store, StoreError};
use piton_core::id::{AttemptId, RunId};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How often what is new is copied.
const EVERY: Duration = Duration::from_secs(1);

/// How long an engine that leaves copies what is left. The next one on this host copies the rest.
const LEAVING: Duration = Duration::from_secs(10);

/// For so many rounds without news a log is looked at each time, and then only every so often.
const PATIENT_ROUNDS: u32 = 60;

/// The logs of one run.
pub(super) struct Logs<'a, S> {
    store: &'a S,
    run: RunId,
    directory: RunDirectory,
    /// Up to where each log was copied.
    copied: Option<BTreeMap<AttemptId, Copied>>,
    /// When the directory was changed last, as far as it was listed.
    listed: Option<SystemTime>,
    round: u32,
}

/// How far a log was copied.
#[derive(Clone, Copy, Debug, Default)]
struct Copied {
    end: u64,
    /// For how many rounds nothing came.
    idle: u32,
}

impl<'a, S: Store> Logs<'a, S> {
    pub fn new(store: &'a S, run: &RunId, directory: &RunDirectory) -> Logs<'a, S> {
        Logs {
            store,
            run: run.clone(),
            directory: directory.clone(),
            copied: None,
            listed: None,
            round: 0,
        }
    }

    /// Copies what comes, until dropped.
    pub async fn follow(&mut self) -> Infallible {
        if !self.store.keeps_logs() {
            return std::future::pending().await;
        }
        loop {
            if let Err(error) = self.copy(false).await {
                tracing::debug!(%error, "logs were not copied into the store");
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Copies what is left, before the engine leaves.
    pub async fn finish(&mut self) {
        if !self.store.keeps_logs() {
            return;
        }
        let copied = tokio::time::timeout(LEAVING, self.copy(true)).await;
        match copied {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(%error, "the last of the logs was not copied into the store");
            }
            Err(_) => tracing::warn!("the last of the logs was not copied into the store in time"),
        }
    }

    /// Copies what is new. `all`: of every log, however long nothing came.
    async fn copy(&mut self, all: bool) -> Result<(), StoreError> {
        if self.copied.is_none() {
            let ends = self.store.log_ends(&self.run).await?;
            let known = |(attempt, end)| {
                let idle = PATIENT_ROUNDS - 2;
                (attempt, Copied { end, idle })
            };
            self.copied = Some(ends.into_iter().map(known).collect());
        }
        self.list();
        self.round = self.round.wrapping_add(1);
        let (store, run, directory) = (self.store, &self.run, &self.directory);
        for (attempt, copied) in self.copied.iter_mut().flatten() {
            let looked_at =
                all || copied.idle < PATIENT_ROUNDS || self.round.is_multiple_of(PATIENT_ROUNDS);
            if !looked_at {
                continue;
            }
            let before = copied.end;
            copy_one(store, run, *attempt, &directory.log(*attempt), copied).await?;
            copied.idle = match copied.end == before {
                true => copied.idle.saturating_add(1),
                false => 0,
            };
        }
        Ok(())
    }

    /// Learns of logs that are new in the directory.
    fn list(&mut self) {
        let logs = self.directory.logs();
        let changed = std::fs::metadata(&logs).and_then(|it| it.modified()).ok();
        if changed.is_some() && changed == self.listed {
            return;
        }
        let Some(known) = &mut self.copied else {
            return;
        };
        for entry in std::fs::read_dir(&logs).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let attempt = name.to_str().and_then(|name| name.strip_suffix(".log"));
            if let Some(Ok(attempt)) = attempt.map(str::parse::<AttemptId>) {
                known.entry(attempt).or_default();
            }
        }
        // The clock of a file system may be coarse: what came in the same tick is listed again.
        let is_past = |at: &SystemTime| at.elapsed().is_ok_and(|ago| ago > Duration::from_secs(1));
        self.listed = changed.filter(is_past);
    }
}

/// Copies the rest of one log, of a long one only its beginning and its end.
async fn copy_one<S: Store>(
    store: &S,
    run: &RunId,
    attempt: AttemptId,
    path: &Path,
    copied: &mut Copied,
) -> Result<(), StoreError> {
    let Ok(mut file) = File::open(path) else {
        // It is on another host.
        return Ok(());
    };
    loop {
        let length = file.metadata().map_or(0, |it| it.len());
        if length <= copied.end {
            return Ok(());
        }
        let mut start = copied.end - copied.end % LOG_CHUNK;
        let tail = length.saturating_sub(LOG_TAIL);
        if start >= LOG_HEAD {
            start = start.max(tail - tail % LOG_CHUNK);
        }
        let chunk = match read_chunk(&mut file, start) {
            Ok(chunk) => chunk,
            Err(error) => {
                tracing::warn!(%error, path = %path.display(), "a log cannot be read");
                return Ok(());
            }
        };
        let end = start + chunk.len() as u64;
        if end <= copied.end {
            return Ok(());
        }
        store.append_log(run, attempt, start, &chunk).await?;
        copied.end = end;
    }
}

fn read_chunk(file: &mut File, start: u64) -> io::Result<Vec<u8>> {
    let mut chunk = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.by_ref().take(LOG_CHUNK).read_to_end(&mut chunk)?;
    Ok(chunk)
}
