//! Deleting runs that are over, and what was left of some that were.
//!
//! The rows go first, in one transaction, then the directory: who dies in between leaves a directory without a run,
//! which nobody asks for and the next `prune` removes. The other way round a run would be there whose evidence is gone.

use super::error::DriveError;
use crate::keeper::KeeperDir;
use crate::store::location::Location;
use crate::store::{RunDirectory, Store, StoreError, is_run_id};
use piton_core::id::RunId;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A directory without a run stays so long: a run that is being made has its directory first.
const SETTLED: Duration = Duration::from_secs(60 * 60);

/// Why a run was not deleted.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// The store refuses, or cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its keeper lives.
    #[error("run {run} was not deleted: its keeper still holds processes")]
    Keeper {
        /// The run.
        run: RunId,
    },
    /// The run is deleted, and its directory is not.
    #[error(
        "run {run} is deleted, and its directory {path} could not be: {source}; the next `piton prune` tries again"
    )]
    Directory {
        /// The run.
        run: RunId,
        /// The directory.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Deletes a run with its directory. Gives the bytes of the files that went.
pub(super) async fn prune<S: Store>(
    store: &S,
    directory: &RunDirectory,
    run: &RunId,
) -> Result<u64, PruneError> {
    if has_keeper(directory.path()) {
        return Err(PruneError::Keeper { run: run.clone() });
    }
    let bytes = size(directory.path());
    store.delete(run).await?;
    remove(directory.path()).map_err(|source| PruneError::Directory {
        run: run.clone(),
        path: directory.path().display().to_string(),
        source,
    })?;
    Ok(bytes)
}

/// The directories of runs that the store does not have, with the bytes in them. A run that is just being made is not
/// among them.
pub(super) async fn without_run<S: Store>(
    store: &S,
    location: &Location,
) -> Result<Vec<(RunDirectory, u64)>, DriveError> {
    let entries = match fs::read_dir(location.runs_directory()) {
        Ok(entries) => entries,
        Err(_) => return Ok(Vec::new()),
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_directory || !is_run_id(&name) || !is_settled(&path) || has_keeper(&path) {
            continue;
        }
        match store.summary(&RunId(name)).await {
            Err(StoreError::NoSuchRun { .. }) => {
                let bytes = size(&path);
                found.push((RunDirectory::at(path), bytes));
            }
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

fn is_settled(path: &Path) -> bool {
    let changed = fs::metadata(path).and_then(|about| about.modified());
    let age = changed.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
    age.is_ok_and(|age| age >= SETTLED)
}

fn has_keeper(path: &Path) -> bool {
    KeeperDir::new(path).is_held()
}

/// Removes a directory with all that is in it. One that is not there is no error.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// The bytes of the files in a directory, as far as they can be looked at. Links are not followed.
pub(super) fn size(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(about) if about.is_dir() => size(&entry.path()),
            Ok(about) => about.len(),
            Err(_) => 0,
        })
        .fold(0, u64::saturating_add)
}
