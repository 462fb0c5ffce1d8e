//! Where a keeper's files are.

use crate::store::RunDirectory;
use piton_core::id::AttemptId;
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// The directory of a run, as its keeper and the keeper's clients see it. Its last part is the run's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeeperDir(RunDirectory);

impl KeeperDir {
    /// The directory at this path; it need not exist yet.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> KeeperDir {
        KeeperDir(RunDirectory::at(path.into()))
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The id of the run: the directory's name. Steps carry it as `PITON_RUN`.
    #[must_use]
    pub fn run(&self) -> String {
        self.path()
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default()
    }

    /// What the keeper holds locked while it lives.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.0.keeper_lock()
    }

    /// Whether somebody holds that lock: the keeper, or a step that it has just begun.
    #[must_use]
    pub fn is_held(&self) -> bool {
        let Ok(file) = File::options().write(true).open(self.lock()) else {
            return false;
        };
        flock(&file, FlockOperation::NonBlockingLockExclusive).is_err()
    }

    /// The keeper's log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.0.keeper_log()
    }

    /// Why a keeper could not start, when one could not.
    #[must_use]
    pub fn errors(&self) -> PathBuf {
        self.path().join("keeper.err")
    }

    /// The keeper's socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.0.keeper_socket()
    }

    /// Both output streams of an attempt, line by line ([`super::output`]). There is none if nothing was written.
    #[must_use]
    pub fn output_log(&self, attempt: AttemptId) -> PathBuf {
        self.0.log(attempt)
    }

    /// The standard output of an attempt as it was, secrets masked. There is none if nothing was written.
    #[must_use]
    pub fn stdout(&self, attempt: AttemptId) -> PathBuf {
        self.0.out(attempt)
    }

    /// The standard output of an attempt, or nothing if it wrote none.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub fn read_stdout(&self, attempt: AttemptId) -> io::Result<Vec<u8>> {
        match std::fs::read(self.stdout(attempt)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            read => read,
        }
    }

    /// Makes the directory, readable by its owner only, if it is not there.
    pub(crate) fn create(&self) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(self.path())
    }

    /// A path to the socket that is short enough for a socket's address (108 bytes), whatever the directory's
    /// length. It holds as long as the returned handle is open.
    pub(crate) fn short_socket(&self) -> io::Result<(File, PathBuf)> {
        let dir = rustix::fs::open(
            self.path(),
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let path = PathBuf::from(format!(
            "/proc/self/fd/{}/{}",
            dir.as_raw_fd(),
            RunDirectory::KEEPER_SOCKET
        ));
        Ok((File::from(dir), path))
    }
}
