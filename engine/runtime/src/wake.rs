//! Waking the engine that drives a run, when somebody has put something into the run's inbox.
//!
//! A datagram socket in the run's directory: the engine waits on a [`WakeSocket`], whoever posts calls [`ring`].
//! A wake-up only says "look into the inbox", so it may get lost or come twice; the inbox is what counts.
//!
//! The path of a Unix socket may have some 107 bytes only, which a store in a deep directory exceeds. So sockets
//! are named through the open directory: [`through`] gives `/proc/self/fd/N/NAME`, which is always short.

use crate::store::RunDirectory;
use rustix::fs::{CWD, Mode, OFlags};
use std::fs;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixDatagram as StdDatagram;
use std::path::{Path, PathBuf};
use tokio::net::UnixDatagram;

/// Opens a directory so that [`through`] can name what is in it.
///
/// # Errors
/// When there is no such directory, or it may not be entered.
pub fn open_directory(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(CWD, path, flags, Mode::empty())?)
}

/// A short path to a file of an open directory, valid in this process while the directory stays open.
#[must_use]
pub fn through(directory: &OwnedFd, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", directory.as_raw_fd()))
}

/// The engine's end.
#[derive(Debug)]
pub struct WakeSocket {
    socket: UnixDatagram,
    path: PathBuf,
    inode: u64,
}

impl WakeSocket {
    /// Listens in the run's directory, instead of whoever did before: only who holds the run's lease may call this.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the directory is missing or cannot be written.
    pub fn bind(run: &RunDirectory) -> io::Result<WakeSocket> {
        let directory = open_directory(run.path())?;
        let path = through(&directory, RunDirectory::WAKE_SOCKET);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = StdDatagram::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        let inode = fs::symlink_metadata(&path)?.ino();
        socket.set_nonblocking(true)?;
        let socket = UnixDatagram::from_std(socket)?;
        Ok(WakeSocket {
            socket,
            path: run.wake_socket(),
            inode,
        })
    }

    /// Waits until somebody rings; rings that came together count as one. May be dropped and called again without
    /// losing a ring.
    pub async fn rung(&self) {
        let mut byte = [0; 1];
        if let Err(error) = self.socket.recv(&mut byte).await {
            // Only a broken socket gives an error here. The inbox is still read at each lease renewal.
            tracing::warn!(%error, "the wake-up socket failed");
            std::future::pending::<()>().await;
        }
        while self.socket.try_recv(&mut byte).is_ok() {}
    }
}

impl Drop for WakeSocket {
    fn drop(&mut self) {
        // Another engine may have taken the run over, and the place with it.
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|found| found.ino() == self.inode);
        if ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Wakes the engine that drives the run of this directory. `false` when none listens, which is not an error:
/// whoever drives the run next looks into the inbox first.
///
/// # Errors
/// When an engine may listen but cannot be reached, for instance because the directory belongs to somebody else.
pub fn ring(run: &RunDirectory) -> io::Result<bool> {
    let sent = open_directory(run.path()).and_then(|directory| {
        let socket = StdDatagram::unbound()?;
        // A full queue means that the engine has been rung and has not looked yet; there is no need to wait for it.
        socket.set_nonblocking(true)?;
        socket.send_to(&[1], through(&directory, RunDirectory::WAKE_SOCKET))
    });
    match sent {
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock => Ok(true),
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(false),
            _ => Err(error),
        },
    }
}
