//! Putting SQLite's errors into the words of the store.

use crate::store::StoreError;
use piton_core::id::RunId;
use rusqlite::ErrorCode;
use rusqlite::ffi;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a call waits for another process that has the store locked. Writers hold it for milliseconds.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Where the store is, for messages.
#[derive(Clone, Debug)]
pub(super) struct Place(PathBuf);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sqlite:{}", self.0.display())
    }
}

impl Place {
    pub(super) fn of(path: &Path) -> Place {
        Place(path.to_owned())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn failure(
        &self,
        error: &rusqlite::Error,
        doing: &'static str,
        run: Option<&RunId>,
    ) -> StoreError {
        let (place, run) = (self.to_string(), run.cloned());
        let reason = error.to_string();
        let Some(code) = error.sqlite_error() else {
            // Not from SQLite but from reading a column: a value of another type or size than we ever wrote.
            return StoreError::Corrupt { place, reason };
        };
        match code.code {
            ErrorCode::DiskFull => StoreError::Full { place, run },
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy {
                place,
                seconds: BUSY_TIMEOUT.as_secs(),
            },
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                StoreError::Unwritable { place, reason, run }
            }
            ErrorCode::NotADatabase if self.begins_as_database() => {
                StoreError::Corrupt { place, reason }
            }
            ErrorCode::NotADatabase => StoreError::NotAStore {
                place,
                reason: "it is not a SQLite database".to_owned(),
            },
            ErrorCode::DatabaseCorrupt
            | ErrorCode::ConstraintViolation
            | ErrorCode::TypeMismatch => StoreError::Corrupt { place, reason },
            // Some writes that fail for want of space are reported as plain input/output errors: growing the
            // shared-memory file, synchronising.
            ErrorCode::SystemIoFailure if self.has_no_space() => StoreError::Full { place, run },
            ErrorCode::SystemIoFailure if code.extended_code == ffi::SQLITE_IOERR_SHORT_READ => {
                StoreError::Corrupt { place, reason }
            }
            _ => StoreError::Failed {
                place,
                doing,
                reason,
                run,
            },
        }
    }

    /// Whether what there is of the file is the beginning of a SQLite database: then it was one, and was cut or
    /// overwritten.
    fn begins_as_database(&self) -> bool {
        const MAGIC: &[u8] = b"SQLite format 3\0";
        let mut beginning = Vec::new();
        let read = File::open(self.path())
            .and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut beginning));
        read.is_ok() && !beginning.is_empty() && MAGIC.starts_with(&beginning)
    }

    /// Below a mebibyte a file system is as good as full.
    fn has_no_space(&self) -> bool {
        let directory = self.path().parent().unwrap_or(Path::new("/"));
        rustix::fs::statvfs(directory)
            .is_ok_and(|stat| stat.f_bavail.saturating_mul(stat.f_frsize) < 1024 * 1024)
    }

    pub(super) fn io_failure(&self, error: &std::io::Error, doing: &'static str) -> StoreError {
        use std::io::ErrorKind;
        let (place, reason) = (self.to_string(), error.to_string());
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                StoreError::Full { place, run: None }
            }
            ErrorKind::IsADirectory => StoreError::NotAStore {
                place,
                reason: "it is a directory".to_owned(),
            },
            ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::NotFound
            | ErrorKind::NotADirectory
            | ErrorKind::AlreadyExists => StoreError::Unwritable {
                place,
                reason,
                run: None,
            },
            _ => StoreError::Failed {
                place,
                doing,
                reason,
                run: None,
            },
        }
    }
}
