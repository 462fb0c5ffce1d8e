//! Opening the file: making it, telling what it is, and setting the connection up.

use super::Transaction;
use super::failure::{BUSY_TIMEOUT, Place};
use super::schema::{self, Layout};
use crate::store::StoreError;
use crate::store::location::{create_private_directory, private_file, runs_directory};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const DOING: &str = "being opened";

/// After this many pages (4 KiB each) the log is written into the database. The log file is then used again from
/// its beginning, and overwriting costs less to make durable than growing does; so not too many. Writing back costs
/// two more synchronisations; so not too few.
const CHECKPOINT_PAGES: u32 = 256;

pub(super) fn open(place: &Place) -> Result<Connection, StoreError> {
    make_file(place)?;
    let failure = |error: rusqlite::Error| place.failure(&error, DOING, None);
    // Each connection is used by one thread at a time, so SQLite's own mutexes are not needed.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(place.path(), flags).map_err(failure)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failure)?;
    connection.set_prepared_statement_cache_capacity(48);
    check_layout(&connection, place)?;
    if connection.is_readonly("main").map_err(failure)? {
        return Err(StoreError::Unwritable {
            place: place.to_string(),
            reason: "the file may only be read".to_owned(),
            run: None,
        });
    }
    use_write_ahead_log(&connection).map_err(failure)?;
    connection
        .execute_batch(&format!(
            "PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY;
             PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES};"
        ))
        .map_err(failure)?;
    schema::migrate(&connection).map_err(failure)?;
    // Somebody else may have made the file into something since it was looked at.
    check_layout(&connection, place)?;
    Ok(connection)
}

/// SQLite would make the file readable by others, so we make it, and refuse an empty one that was not empty before.
fn make_file(place: &Place) -> Result<(), StoreError> {
    let path = place.path();
    let failure = |error: io::Error| place.io_failure(&error, "being made");
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => {
            return Err(failure(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        Ok(found) if found.len() == 0 => return refuse_emptied(place),
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failure(error)),
    }
    if let Some(parent) = path.parent() {
        create_private_directory(parent).map_err(failure)?;
    }
    let made = private_file().write(true).create_new(true).open(path);
    match made {
        Ok(file) => {
            // The name has to survive a power cut as the records do.
            let parent = path.parent().unwrap_or(Path::new("/"));
            file.sync_all()
                .and_then(|()| fs::File::open(parent))
                .and_then(|directory| directory.sync_all())
                .map_err(failure)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failure(error)),
    }
}

/// An empty file beside which runs are kept has lost them; SQLite would take it for a new database, and throw away
/// the log, which may be all that is left.
fn refuse_emptied(place: &Place) -> Result<(), StoreError> {
    let mut log = place.path().as_os_str().to_owned();
    log.push("-wal");
    let has_log = fs::metadata(PathBuf::from(log)).is_ok_and(|log| log.len() > 0);
    let has_runs =
        fs::read_dir(runs_directory(place.path())).is_ok_and(|mut runs| runs.next().is_some());
    // Asked again, because another process may have made the store just now.
    let still_empty = fs::metadata(place.path()).is_ok_and(|file| file.len() == 0);
    if still_empty && (has_log || has_runs) {
        return Err(StoreError::Corrupt {
            place: place.to_string(),
            reason: "the file is empty, but its runs' files are still there".to_owned(),
        });
    }
    Ok(())
}

fn check_layout(connection: &Connection, place: &Place) -> Result<(), StoreError> {
    // From one state: between two of the marks another process may have made the file into a store.
    let found = Transaction::read(connection)
        .and_then(|_one_state| schema::layout(connection))
        .map_err(|error| place.failure(&error, DOING, None))?;
    match found {
        Layout::Ours(found) if found > schema::known() => Err(StoreError::Newer {
            place: place.to_string(),
            found,
            known: schema::known(),
        }),
        Layout::Foreign => Err(StoreError::NotAStore {
            place: place.to_string(),
            reason: "it is the SQLite database of another program".to_owned(),
        }),
        Layout::Ours(_) | Layout::Empty => Ok(()),
    }
}

/// Changing the journal mode needs the file for itself, and does not wait for it as other statements do.
fn use_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    loop {
        let mode = connection.query_row("PRAGMA journal_mode = WAL", [], |row| {
            row.get::<_, String>(0)
        });
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Err(error) if error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) => {
                return Err(error);
            }
            Ok(_) | Err(_) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
            Ok(mode) => {
                // A file system without shared memory keeps the old mode.
                return Err(rusqlite::Error::SqliteFailure(
                    rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
                    Some(format!(
                        "its file system cannot hold a write-ahead log (journal mode {mode})"
                    )),
                ));
            }
        }
    }
}
