//! Bells: how the servers of a store hear that a run needs one of them.
//!
//! Each server has a directory of its own beside those of the runs, `.servers/PID-START/`, with a wake-up socket in
//! it. Whoever posts to a run that nobody drives, or leaves one to servers, rings all of them. A ring may get lost:
//! servers look by themselves every few seconds too.

use crate::owner::Owner;
use crate::store::{Location, RunDirectory};
use crate::wake::{WakeSocket, ring};
use piton_core::id::RunId;
use std::io;
use std::path::{Path, PathBuf};

/// The directory's name. No run has it, because the id of a run does not begin with a dot.
const NAME: &str = ".servers";

/// A server's bell; silent from when it is dropped.
#[derive(Debug)]
pub(super) struct Bell {
    socket: Option<WakeSocket>,
    path: PathBuf,
}

impl Bell {
    /// Where the bells of a store's servers hang on this host.
    pub fn directory(location: &Location) -> PathBuf {
        let any = location.run_directory(&RunId("a".to_owned()));
        let runs = any.path().parent().unwrap_or(Path::new("/"));
        runs.join(NAME)
    }

    /// Hangs up the bell of a server.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn hang(location: &Location, owner: &Owner) -> io::Result<Bell> {
        let name = format!("{}-{}", owner.pid, owner.start_time);
        let path = Bell::directory(location).join(name);
        crate::store::location::create_private_directory(&path)?;
        let socket = WakeSocket::bind(&RunDirectory::at(path.clone()))?;
        Ok(Bell {
            socket: Some(socket),
            path,
        })
    }

    /// Waits until somebody rings; may be dropped and called again without losing a ring.
    pub async fn rung(&self) {
        match &self.socket {
            Some(socket) => socket.rung().await,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        self.socket = None;
        let _ = std::fs::remove_dir(&self.path);
    }
}

/// Rings all servers of the store on this host, and takes down the bells of those that died.
pub(super) fn ring_servers(location: &Location) {
    let directory = Bell::directory(location);
    let Ok(bells) = std::fs::read_dir(&directory) else {
        return;
    };
    for bell in bells.filter_map(Result::ok) {
        let directory = RunDirectory::at(bell.path());
        match ring(&directory) {
            Ok(true) => {}
            // Its server died, or is just hanging it up and then looks by itself.
            Ok(false) if is_abandoned(&bell.path()) => {
                let _ = std::fs::remove_file(directory.wake_socket());
                let _ = std::fs::remove_dir(directory.path());
            }
            Ok(false) => {}
            Err(error) => tracing::debug!(%error, "a server was not woken"),
        }
    }
}

/// Whether the process that a bell is named after is gone.
fn is_abandoned(bell: &Path) -> bool {
    let name = bell.file_name().and_then(|name| name.to_str());
    let Some((pid, start)) = name.and_then(|name| name.split_once('-')) else {
        return false;
    };
    let (Ok(pid), Ok(start_time)) = (pid.parse(), start.parse()) else {
        return false;
    };
    let here = Owner::this_process();
    let owner = Owner {
        pid,
        start_time,
        ..here.clone()
    };
    owner.liveness(&here) == crate::owner::Liveness::Dead
}
