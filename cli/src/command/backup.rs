//! `piton backup`: a copy of the store.

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on, from_store};
use clap::Args;
use piton_core::id::RunId;
use piton_runtime::store::location::{create_private_directory, private_file};
use piton_runtime::store::{BackupError, Location, RunDirectory, RunFilter, SqliteStore, Store};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What `piton backup` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton backup /mnt/backup/runs.db
  piton --store sqlite:/mnt/backup/runs.db runs        the copy is a store like any other
  piton audit --against /mnt/backup/runs.db.heads      is what was copied still as it was?

FILE is the database as it is at one moment; engines go on meanwhile. FILE.d has the logs and the kept files of its
runs, FILE.heads the last record of each with its hash. To restore, put FILE and FILE.d where the store was, or name
the copy with --store. Of what was under way in an open run nobody knows more there, so it is asked about.
A store in Postgres is copied with `pg_dump`. Exits 0, or 1 when there is no copy.")]
pub struct Backup {
    /// The file to write; it must not be there yet
    file: PathBuf,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// The last records of the runs of a store, as they are kept beside a copy.
#[derive(Debug, Deserialize, Serialize)]
pub struct Heads {
    /// For each run.
    pub runs: Vec<HeadOf>,
}

/// The last record of a run.
#[derive(Debug, Deserialize, Serialize)]
pub struct HeadOf {
    /// The run's id.
    pub run: String,
    /// The record's number; 0 for none.
    pub records: u64,
    /// Its hash.
    pub head: piton_core::digest::Digest,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Copied {
    file: String,
    heads: String,
    runs: usize,
}

impl Backup {
    /// Does it.
    ///
    /// # Errors
    /// When there is such a file, or the copy cannot be written.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        let file = std::path::absolute(&self.file).map_err(|error| {
            Failure::usage(format!("{} is no path: {error}", self.file.display()))
        })?;
        let heads_file = beside(&file, ".heads");
        let runs = block_on(async {
            let session = Session::open(store).await?;
            let folder = beside(&file, ".d");
            for taken in [&heads_file, &folder] {
                if fs::symlink_metadata(taken).is_ok() {
                    return Err(refused(&BackupError::Exists(taken.clone())));
                }
            }
            session
                .store()
                .backup(&file)
                .map_err(|error| refused(&error))?;
            // What is said of the copy is read from it: the store itself goes on.
            let copy = SqliteStore::open(&file).map_err(from_store)?;
            let runs = copy.runs(&RunFilter::default()).await.map_err(from_store)?;
            let there = Location::Sqlite(file.clone());
            for run in &runs {
                let open = run.status.outcome.is_none();
                let (from, to) = (session.directory(&run.id), there.run_directory(&run.id));
                copy_run(&from, &to, open).map_err(|error| unwritable(&to, &run.id, &error))?;
            }
            let heads = Heads {
                runs: runs
                    .iter()
                    .map(|run| HeadOf {
                        run: run.id.0.clone(),
                        records: run.head.seq,
                        head: run.head.hash,
                    })
                    .collect(),
            };
            write_heads(&heads_file, &heads)?;
            Ok(runs.len())
        })?;
        let (file, heads) = (file.display().to_string(), heads_file.display().to_string());
        if self.json {
            output::json(&Copied { file, heads, runs })?;
        } else {
            let what = match runs {
                1 => "1 run".to_owned(),
                runs => format!("{runs} runs"),
            };
            output::line(&format!(
                "✓ {what} copied to {file}; their heads are in {heads}"
            ))?;
        }
        Ok(Exit::Success)
    }
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn refused(error: &BackupError) -> Failure {
    let failure = Failure::new(error);
    match error {
        BackupError::Exists(_) => {
            failure.help("name another file, or move that one away: nothing is written over")
        }
        BackupError::Postgres { .. } => failure
            .help("`pg_restore` puts it back; the password is for `pg_dump` to find: $PGPASSWORD or ~/.pgpass"),
        _ => failure.help("the store itself is as it was"),
    }
}

fn unwritable(to: &RunDirectory, run: &RunId, error: &io::Error) -> Failure {
    Failure::new(format!(
        "the files of run {run} could not be copied to {}: {error}; the copy of the database is whole",
        to.path().display()
    ))
    .help("free some space there, remove the copy, then try again")
}

fn write_heads(path: &Path, heads: &Heads) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(heads).unwrap_or_default();
    let written = private_file()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
    written.map_err(|error| Failure::new(format!("{} cannot be written: {error}", path.display())))
}

/// Of a boot that never was: what a copy does not say of an attempt did not, for that, not happen.
const NO_BOOT: &str = "copied";

/// Copies what people read of a run. What its keeper and engines wrote down for each other is not: whoever goes on with
/// the copy cannot know what became of what was under way.
fn copy_run(from: &RunDirectory, to: &RunDirectory, open: bool) -> io::Result<()> {
    to.create()?;
    for name in ["logs", "out", "evidence"] {
        copy_folder(&from.path().join(name), &to.path().join(name))?;
    }
    if open {
        write_new(&to.keeper_log(), &format!("H 1 {NO_BOOT}\n"))?;
        write_new(&to.engine_log(), &format!("{NO_BOOT} -\n"))?;
    }
    Ok(())
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = private_file().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}

/// Copies the files of a folder and of those in it. What ends meanwhile, or is no file, is left out.
fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    let Ok(entries) = fs::read_dir(from) else {
        return Ok(());
    };
    create_private_directory(to)?;
    for entry in entries {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_folder(&source, &target)?;
        } else if kind.is_file() {
            let mut file = match fs::File::open(&source) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let mut copy = private_file().write(true).create_new(true).open(&target)?;
            io::copy(&mut file, &mut copy)?;
        }
    }
    Ok(())
}
