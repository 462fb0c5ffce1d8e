//! Starting the process of an attempt. The one place with unsafe code: what the child does between fork and exec.
#![allow(unsafe_code)]

use super::log::Log;
use super::outcome::Status;
use super::protocol::Launch;
use piton_core::id::AttemptId;
use rustix::fs::{Mode, OFlags};
use rustix::io::FdFlags;
use rustix::process::{Pid, PidfdFlags, getpid, pidfd_open, setsid, umask};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// A process that was started. Pipes do not block.
pub(crate) struct Spawned {
    pub(crate) pid: i32,
    /// Ready to read when it has ended.
    pub(crate) handle: OwnedFd,
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
}

/// Starts the process: in a session of its own, after the child wrote its `P` line. The error says that none of
/// the program's code ran, and why.
pub(crate) fn spawn(
    launch: &Launch,
    run: &str,
    fence: u64,
    log: &mut Log,
) -> Result<Spawned, Status> {
    let Some((program, args)) = launch.argv.split_first() else {
        return Err(Status::NotStarted {
            errno: 0,
            message: "the command is empty".into(),
        });
    };
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(&launch.dir)
        .env_clear()
        .envs(&launch.env);
    command
        .env("PITON_RUN", run)
        .env("PITON_ATTEMPT", launch.attempt.to_string());
    command.env("PITON_FENCE", fence.to_string());
    command.stdin(if launch.stdin.is_some() {
        Stdio::piped()
    } else {
        Stdio::null()
    });
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut note = StartNote::new(launch.attempt, log.file().as_raw_fd());
    let mask = Mode::from_raw_mode(launch.umask.unwrap_or(0o022));
    // SAFETY: the closure runs in the forked child of a single-threaded process and only makes system calls on
    // memory prepared before the fork; it neither allocates nor takes locks.
    unsafe {
        command.pre_exec(move || {
            setsid()?;
            umask(mask);
            note.write()
        });
    }
    let spawned = command.spawn().and_then(|mut child| {
        let pid = Pid::from_child(&child);
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (stdin, Some(stdout), Some(stderr)) = pipes else {
            return Err(io::Error::other("a pipe to it is missing"));
        };
        let stdin = stdin.map(OwnedFd::from);
        let (stdout, stderr) = (OwnedFd::from(stdout), OwnedFd::from(stderr));
        for pipe in [Some(&stdout), Some(&stderr), stdin.as_ref()]
            .into_iter()
            .flatten()
        {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        let handle = pidfd_open(pid, PidfdFlags::empty())?;
        Ok(Spawned {
            pid: pid.as_raw_nonzero().get(),
            handle,
            stdin,
            stdout,
            stderr,
        })
    });
    spawned.map_err(|error| {
        log.suspect();
        explain(&error, program, launch)
    })
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

/// The `P` line, as far as it can be written before the fork.
struct StartNote {
    line: [u8; 128],
    length: usize,
    log: RawFd,
}

impl StartNote {
    fn new(attempt: AttemptId, log: RawFd) -> StartNote {
        let mut note = StartNote {
            line: [0; 128],
            length: 0,
            log,
        };
        note.push(format!("P {attempt} ").as_bytes());
        note
    }

    /// Runs between fork and exec: system calls only.
    fn write(&mut self) -> io::Result<()> {
        let mut stat = [0u8; 1024];
        let file = rustix::fs::open(
            c"/proc/self/stat",
            OFlags::RDONLY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let length = rustix::io::read(&file, &mut stat)?;
        let Some(start_time) = stat.get(..length).and_then(start_time_field) else {
            return Err(rustix::io::Errno::BADMSG.into());
        };
        let mut digits = [0u8; 20];
        self.push(decimal(
            getpid().as_raw_nonzero().get().unsigned_abs().into(),
            &mut digits,
        ));
        self.push(b" ");
        self.push(start_time);
        self.push(b"\n");
        // SAFETY: the keeper's log stays open for as long as the keeper lives, and in the child until it executes.
        let log = unsafe { BorrowedFd::borrow_raw(self.log) };
        let line = self.line.get(..self.length).unwrap_or_default();
        let written = rustix::io::write(log, line)?;
        if written == line.len() {
            Ok(())
        } else {
            Err(rustix::io::Errno::NOSPC.into())
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if let Some(room) = self.line.get_mut(self.length..end) {
            room.copy_from_slice(bytes);
            self.length = end;
        }
    }
}

/// Field 22 of `/proc/PID/stat`, counted from behind the name, which may contain anything.
fn start_time_field(stat: &[u8]) -> Option<&[u8]> {
    let after = stat.iter().rposition(|&byte| byte == b')')?;
    stat.get(after + 2..)?.split(|&byte| byte == b' ').nth(19)
}

fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut first = digits.len();
    for (at, place) in digits.iter_mut().enumerate().rev() {
        *place = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        first = at;
        if number == 0 {
            break;
        }
    }
    digits.get(first..).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for number in [0, 7, 10, 4_194_304, u64::MAX] {
            assert_eq!(decimal(number, &mut [0; 20]), number.to_string().as_bytes());
        }
    }

    #[test]
    fn the_start_time_is_that_of_the_process_table() {
        let stat = std::fs::read("/proc/self/stat").expect("linux");
        let own = super::super::process::Process::of(std::process::id().cast_signed())
            .expect("this process");
        assert_eq!(
            start_time_field(&stat),
            Some(own.start_time.to_string().as_bytes())
        );
    }
}
