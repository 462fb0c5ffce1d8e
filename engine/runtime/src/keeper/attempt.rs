//! An attempt that a keeper holds: its process, its time limit, and how it is being ended.

use super::kill::{LOOK_AGAIN, Target, still_there};
use super::outcome::{Ended, Status};
use super::output::Capture;
use super::process::Process;
use piton_core::id::AttemptId;
use rustix::process::{Signal, WaitStatus};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// An attempt between its start and its end. Instants are times since the machine started.
pub(crate) struct Attempt {
    pub(crate) id: AttemptId,
    pub(crate) pid: i32,
    /// Ready to read when the main process has ended.
    pub(crate) handle: OwnedFd,
    /// Its output; an orphan of an earlier keeper has none, its pipes died with that keeper.
    pub(crate) capture: Option<Capture>,
    pub(crate) stdin: Option<Input>,
    pub(crate) deadline: Option<Duration>,
    pub(crate) grace: Duration,
    /// For an orphan of an earlier keeper: which process it is. Its status goes to somebody else.
    pub(crate) orphan: Option<Process>,
    /// How the main process ended, once it has.
    exit: Option<Status>,
    ending: Option<Ending>,
}

/// All that the attempt started is being ended.
struct Ending {
    status: Status,
    /// The main process, whose id is not its own any more once it was waited for.
    main: Option<Process>,
    kill_at: Duration,
    look_at: Duration,
    /// Its processes when they were last looked for.
    left: Vec<Process>,
}

impl Attempt {
    pub(crate) fn new(id: AttemptId, pid: i32, handle: OwnedFd) -> Attempt {
        Attempt {
            id,
            pid,
            handle,
            capture: None,
            stdin: None,
            deadline: None,
            grace: Duration::ZERO,
            orphan: None,
            exit: None,
            ending: None,
        }
    }

    /// The main process has ended.
    pub(crate) fn exited(&mut self, status: Option<WaitStatus>) {
        let status = match status {
            Some(status) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => Status::Exited(code),
                (None, Some(signal)) => Status::Signalled(signal),
                (None, None) => Status::Unknown("its exit status cannot be read".into()),
            },
            None => Status::Unknown(
                "it went on after its keeper died, and nobody saw how it ended".into(),
            ),
        };
        self.exit = Some(status);
        self.stdin = None;
        if let Some(ending) = &mut self.ending {
            ending.look_at = Duration::ZERO;
        }
    }

    /// Whether the main process has ended.
    pub(crate) fn has_exited(&self) -> bool {
        self.exit.is_some()
    }

    /// Whether it is being ended.
    pub(crate) fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Begins to end all that the attempt started, unless that has begun. To be called before the main process is
    /// waited for.
    pub(crate) fn end(
        &mut self,
        status: Status,
        run: &str,
        orphans_of: Option<i32>,
        now: Duration,
    ) {
        if self.ending.is_some() || self.exit.is_some() {
            return;
        }
        let main = self.orphan.or_else(|| Process::of(self.pid));
        self.ending = Some(Ending {
            status,
            main,
            kill_at: now + self.grace,
            look_at: now + LOOK_AGAIN,
            left: Vec::new(),
        });
        let left = self
            .target(run, orphans_of)
            .map(|target| target.signal(Signal::TERM));
        if let (Some(ending), Some(left)) = (&mut self.ending, left) {
            ending.left = left;
        }
    }

    fn target(&self, run: &str, orphans_of: Option<i32>) -> Option<Target> {
        let ending = self.ending.as_ref()?;
        Some(Target {
            orphans_of,
            ..Target::new(run, self.id, ending.main)
        })
    }

    /// When something is to be done without anything happening.
    pub(crate) fn next_time(&self) -> Option<Duration> {
        match &self.ending {
            None => self.deadline,
            Some(ending) if self.exit.is_some() => Some(ending.look_at),
            Some(ending) => Some(ending.kill_at.max(ending.look_at)),
        }
    }

    /// Does what is due: ends it when its time is up, kills what TERM did not end. Gives the attempt's end when it
    /// is over.
    pub(crate) fn advance(
        &mut self,
        run: &str,
        orphans_of: Option<i32>,
        now: Duration,
    ) -> Option<Status> {
        if self.exit.is_none() && self.deadline.is_some_and(|deadline| deadline <= now) {
            self.end(Status::TimedOut, run, orphans_of, now);
        }
        let Some(target) = self.target(run, orphans_of) else {
            return self.exit.clone();
        };
        let exited = self.exit.is_some();
        let ending = self.ending.as_mut()?;
        let left = if now >= ending.kill_at && now >= ending.look_at {
            ending.look_at = now + LOOK_AGAIN;
            target.signal(Signal::KILL)
        } else if exited && now >= ending.look_at {
            ending.look_at = now + LOOK_AGAIN;
            target.processes()
        } else {
            return None;
        };
        ending.left = still_there(left, &ending.left);
        (exited && ending.left.is_empty()).then(|| ending.status.clone())
    }

    /// The attempt's end with its remarks; takes in the last of its output.
    pub(crate) fn settle(&mut self, status: Status) -> Ended {
        let Some(capture) = &mut self.capture else {
            return Ended::with(status);
        };
        capture.settle();
        Ended {
            status,
            stdout_cut: capture.stdout_cut(),
            output_lost: capture.lost(),
        }
    }
}

/// What is still to be written to a process's standard input.
pub(crate) struct Input {
    pub(crate) pipe: OwnedFd,
    bytes: Vec<u8>,
    written: usize,
}

impl Input {
    pub(crate) fn new(pipe: OwnedFd, bytes: Vec<u8>) -> Input {
        Input {
            pipe,
            bytes,
            written: 0,
        }
    }

    /// Writes what the pipe takes; says whether more is left. A process that does not read its input is no error.
    pub(crate) fn write(&mut self) -> bool {
        while let Some(rest) = self
            .bytes
            .get(self.written..)
            .filter(|rest| !rest.is_empty())
        {
            match rustix::io::write(&self.pipe, rest) {
                Ok(count) => self.written += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return true,
                Err(_) => return false,
            }
        }
        false
    }
}
