//! Starting the process of an attempt. The one place with unsafe code: here, and in `child`, what the child does
//! before it executes its program.
#![allow(unsafe_code)]

mod child;
mod image;
mod start_note;

use super::log::Log;
use super::outcome::Status;
use super::protocol::Launch;
use child::{Child, Stack};
use image::Image;
use rustix::io::FdFlags;
use rustix::pipe::{PipeFlags, pipe_with};
use start_note::StartNote;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

/// A process that was started. Pipes do not block.
pub(crate) struct Spawned {
    pub(crate) pid: i32,
    /// Ready to read when it has ended.
    pub(crate) handle: OwnedFd,
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
}

/// Starts processes, and keeps what it needs each time.
#[derive(Default)]
pub(crate) struct Spawner {
    stack: Stack,
    /// What a process reads that has no standard input.
    null: Option<File>,
}

impl Spawner {
    /// Starts the process: in a session of its own, after the child wrote its `P` line. The error says that none of
    /// the program's code ran, and why.
    pub(crate) fn spawn(
        &mut self,
        launch: &Launch,
        run: &str,
        fence: u64,
        log: &mut Log,
    ) -> Result<Spawned, Status> {
        let Some(program) = launch.argv.first() else {
            return Err(Status::NotStarted {
                errno: 0,
                message: "the command is empty".into(),
            });
        };
        self.try_spawn(launch, run, fence, log.file())
            .map_err(|error| {
                log.suspect();
                explain(&error, program, launch)
            })
    }

    fn try_spawn(
        &mut self,
        launch: &Launch,
        run: &str,
        fence: u64,
        log: &File,
    ) -> io::Result<Spawned> {
        let marks = [
            ("PITON_RUN", run.to_owned()),
            ("PITON_ATTEMPT", launch.attempt.to_string()),
            ("PITON_FENCE", fence.to_string()),
        ];
        let mut image = Image::new(&launch.argv, &launch.env, &marks)?;
        let mut note = StartNote::new(launch.attempt);
        let stdin = match &launch.stdin {
            Some(_) => Some(pipe(End::Write)?),
            None => None,
        };
        let (stdout, stderr) = (pipe(End::Read)?, pipe(End::Read)?);
        let null = match &mut self.null {
            Some(null) => null,
            none => none.insert(File::open("/dev/null")?),
        };
        let child = Child {
            stdin: stdin
                .as_ref()
                .map_or(null.as_fd(), |(_, theirs)| theirs.as_fd()),
            stdout: stdout.1.as_fd(),
            stderr: stderr.1.as_fd(),
            dir: &launch.dir,
            umask: launch.umask.unwrap_or(0o022),
            log: log.as_fd(),
            note: &mut note,
            image: &mut image,
        };
        let (pid, handle) = child.start(&mut self.stack)?;
        Ok(Spawned {
            pid,
            handle,
            stdin: stdin.map(|(ours, _)| ours),
            stdout: stdout.0,
            stderr: stderr.0,
        })
    }
}

/// Which end of a pipe is the keeper's.
#[derive(PartialEq, Eq)]
enum End {
    Read,
    Write,
}

/// A pipe: the keeper's end, which does not block, and the child's. The standard streams are open, so neither is one
/// of their numbers.
fn pipe(ours: End) -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
    let (ours, theirs) = match ours {
        End::Read => (read, write),
        End::Write => (write, read),
    };
    rustix::io::ioctl_fionbio(&ours, true)?;
    Ok((ours, theirs))
}

/// Closes what this process inherited beside the standard streams: a pipe or a lock of whoever called the engine
/// must not stay open for as long as the run takes. To be called first of all.
pub(crate) fn close_inherited() {
    let numbers = std::fs::read_dir("/proc/self/fd").into_iter().flatten();
    let numbers: Vec<RawFd> = numbers
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|&number| number > 2)
        .collect();
    for number in numbers {
        // SAFETY: only asked for its flags; if it is not open (the listing's own is not any more) that is told.
        let flags = rustix::io::fcntl_getfd(unsafe { BorrowedFd::borrow_raw(number) });
        // What was inherited is not marked to be closed on exec, or it would not be here; what this process opened
        // itself is, and belongs to somebody.
        if flags.is_ok_and(|flags| !flags.contains(FdFlags::CLOEXEC)) {
            // SAFETY: nothing in this process knows of it, as said.
            drop(unsafe { OwnedFd::from_raw_fd(number) });
        }
    }
}

/// Which resource was missing.
fn explain(error: &io::Error, program: &str, launch: &Launch) -> Status {
    let dir = &launch.dir;
    let errno = rustix::io::Errno::from_io_error(error);
    let message = match errno {
        _ if !dir.is_dir() => format!("the directory `{}` does not exist", dir.display()),
        Some(rustix::io::Errno::NOENT) if !program.contains('/') => {
            format!("there is no program `{program}` on PATH")
        }
        Some(rustix::io::Errno::NOENT) if dir.join(Path::new(program)).exists() => {
            format!("the interpreter that the first line of `{program}` names does not exist")
        }
        Some(rustix::io::Errno::NOENT) => format!("there is no program `{program}`"),
        Some(rustix::io::Errno::ACCESS) => {
            format!(
                "`{program}` may not be executed in `{}`: permission denied",
                dir.display()
            )
        }
        Some(rustix::io::Errno::NOEXEC) => {
            format!(
                "`{program}` is not a program that this system can execute; a script needs a first line like #!/bin/sh"
            )
        }
        Some(rustix::io::Errno::TOOBIG) => {
            format!(
                "the arguments and the environment of `{program}` are longer than the system allows"
            )
        }
        Some(rustix::io::Errno::NOSPC) => "the disk with the run's directory is full".to_owned(),
        _ => format!("`{program}` could not be started: {error}"),
    };
    Status::NotStarted {
        errno: error.raw_os_error().unwrap_or(0),
        message,
    }
}
