//! What became of the attempts of a run, by the table:
//!
//! | found | then |
//! |---|---|
//! | the keeper answers | [`Recovered::Answers`]: attach |
//! | lock won, same boot, no `B`, or `B` without `P` | [`Fate::NotStarted`]: none of the step's code ran |
//! | `X` | [`Fate::Ended`] |
//! | `P`, no `X`, alive | [`Fate::Orphan`]: wait for it or end it; never start beside it |
//! | `P`, no `X`, dead; or another boot or host | [`Fate::Unknown`] |
//!
//! A new keeper follows the same table for every attempt that it is asked to start, so an engine that goes on with a
//! run just starts its outstanding attempts again. This module is for those who want to know without starting a
//! keeper.

use super::client::{Keeper, KeeperError};
use super::dir::KeeperDir;
use super::kill::{StillAlive, Target, end_all};
use super::log::{Contents, Trace};
use super::outcome::Ended;
use super::process::{Process, boot, since_boot};
use piton_core::id::AttemptId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::time::Duration;
use tokio::time::Instant;

pub(crate) const OTHER_BOOT: &str = "it may have run before the machine was restarted, or on another machine, and nobody saw how it ended";
pub(crate) const SAW_NOT: &str = "it ended after its keeper had died, and nobody saw how";

/// How long a child of a dead keeper may take from fork to exec.
const LOCK_WITHIN: Duration = Duration::from_secs(10);

/// What was found of a run's keeper.
pub enum Recovered {
    /// It lives.
    Answers(Keeper),
    /// It does not; this is what it left.
    Gone(Leftovers),
}

/// What a dead keeper left behind. No other keeper can start as long as this exists, so drop it before starting one.
pub struct Leftovers {
    run: String,
    contents: Contents,
    _lock: Option<File>,
}

/// What became of an attempt.
#[derive(Debug)]
pub enum Fate {
    /// Provably none of its code ran: it can be started.
    NotStarted,
    /// It ended, and this is how.
    Ended(Ended),
    /// It runs without a keeper.
    Orphan(Orphan),
    /// Nobody knows how it ended; the text says why.
    Unknown(String),
}

/// An attempt whose main process outlived its keeper. How it ends cannot be found out.
#[derive(Clone, Debug)]
pub struct Orphan {
    /// Its main process.
    pub process: Process,
    target: Target,
}

/// Finds out whether the run's keeper lives and, if not, what it left. `fence` as for [`Keeper::attach`].
///
/// # Errors
/// See [`KeeperError`].
pub async fn recover(dir: &KeeperDir, fence: u64) -> Result<Recovered, KeeperError> {
    let give_up = Instant::now() + LOCK_WITHIN;
    let failed = |what, path| move |source| KeeperError::Io { what, path, source };
    loop {
        if let Some(keeper) = Keeper::attach(dir, fence).await? {
            return Ok(Recovered::Answers(keeper));
        }
        match try_lock(dir).map_err(failed("lock", dir.lock()))? {
            Locked::By(lock) => {
                let contents =
                    Contents::read(&dir.log(), &boot()).map_err(failed("read", dir.log()))?;
                return Ok(Recovered::Gone(Leftovers {
                    run: dir.run(),
                    contents,
                    _lock: lock,
                }));
            }
            Locked::Elsewhere if Instant::now() < give_up => {
                tokio::time::sleep(Duration::from_millis(2)).await
            }
            Locked::Elsewhere => {
                let source = io::Error::new(
                    io::ErrorKind::TimedOut,
                    "somebody holds it, and no keeper answers",
                );
                return Err(failed("lock", dir.lock())(source));
            }
        }
    }
}

enum Locked {
    /// This process has it, or there never was anything to lock.
    By(Option<File>),
    Elsewhere,
}

fn try_lock(dir: &KeeperDir) -> io::Result<Locked> {
    let file = match File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(dir.lock())
    {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Locked::By(None)),
        opened => opened?,
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Locked::By(Some(file))),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(Locked::Elsewhere),
        Err(error) => Err(error.into()),
    }
}

impl Leftovers {
    /// What became of an attempt that the journal holds.
    #[must_use]
    pub fn fate(&self, attempt: AttemptId) -> Fate {
        match self.contents.trace(attempt, true) {
            Trace::NotStarted => Fate::NotStarted,
            Trace::Ended(ended) => Fate::Ended(ended),
            Trace::OtherBoot => Fate::Unknown(OTHER_BOOT.into()),
            Trace::Ran(process) if process.is_alive() => {
                let target = Target::new(self.run.clone(), attempt, Some(process));
                Fate::Orphan(Orphan { process, target })
            }
            Trace::Ran(_) => Fate::Unknown(SAW_NOT.into()),
        }
    }

    /// All attempts that the keeper's log names.
    pub fn attempts(&self) -> impl Iterator<Item = AttemptId> + '_ {
        self.contents.entries.keys().copied()
    }
}

impl Orphan {
    /// Waits until the main process has ended; says whether it has within this time. Blocks.
    #[must_use]
    pub fn wait(&self, at_most: Duration) -> bool {
        let give_up = since_boot().saturating_add(at_most);
        let Some(handle) = self.process.open() else {
            return true;
        };
        loop {
            let left = give_up.saturating_sub(since_boot());
            let timeout = Timespec {
                tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            match poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&timeout)) {
                Ok(ready) if ready > 0 => return true,
                _ if left.is_zero() => return false,
                _ => {}
            }
        }
    }

    /// Ends all that the attempt started: TERM, and after `grace` KILL. Blocks.
    ///
    /// # Errors
    /// Names what is left.
    pub fn end(&self, grace: Duration) -> Result<(), StillAlive> {
        end_all(&self.target, grace)
    }
}
