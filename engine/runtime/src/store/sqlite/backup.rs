//! A copy of the store while engines work on it.

use super::SqliteStore;
use crate::store::location::private_file;
use crate::store::{BackupError, StoreError};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

impl SqliteStore {
    /// Writes a copy of the store as it is at one moment to a file that is not there yet, for this user only. Engines
    /// go on meanwhile. The copy is under its name only when it is whole and on the disk.
    ///
    /// # Errors
    /// When there is such a file, or it cannot be written; no file of that name was made then.
    pub fn backup(&self, to: &Path) -> Result<(), BackupError> {
        if fs::symlink_metadata(to).is_ok() {
            return Err(BackupError::Exists(to.to_owned()));
        }
        let partial = partial(to);
        let unwritable = |source| BackupError::Unwritable {
            path: to.to_owned(),
            source,
        };
        // What somebody left who died on the way is made anew.
        match fs::remove_file(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(unwritable(error)),
            _ => {}
        }
        private_file()
            .write(true)
            .create_new(true)
            .open(&partial)
            .map_err(unwritable)?;
        let written = self.copy_to(&partial).map_err(BackupError::Store);
        let kept = written.and_then(|()| keep(&partial, to));
        if kept.is_err() {
            let _ = fs::remove_file(&partial);
        }
        kept
    }

    /// SQLite writes into a file that is there and empty.
    fn copy_to(&self, partial: &Path) -> Result<(), StoreError> {
        self.with(None, "being copied", |connection| {
            let path = partial
                .to_str()
                .ok_or_else(|| self.corrupt(format!("{} is no UTF-8 path", partial.display())))?;
            connection.execute("VACUUM INTO ?1", [path])?;
            Ok(())
        })
    }
}

/// Gives the copy its name, unless somebody else has taken that meanwhile.
fn keep(partial: &Path, to: &Path) -> Result<(), BackupError> {
    let unwritable = |source| BackupError::Unwritable {
        path: to.to_owned(),
        source,
    };
    File::open(partial)
        .and_then(|file| file.sync_all())
        .map_err(unwritable)?;
    match fs::hard_link(partial, to) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(BackupError::Exists(to.to_owned()));
        }
        Err(error) => return Err(unwritable(error)),
    }
    fs::remove_file(partial).map_err(unwritable)?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = File::open(parent.unwrap_or(Path::new(".")));
    folder.and_then(|it| it.sync_all()).map_err(unwritable)
}

fn partial(to: &Path) -> PathBuf {
    let mut name = OsString::from(to.as_os_str());
    name.push(".partial");
    PathBuf::from(name)
}
