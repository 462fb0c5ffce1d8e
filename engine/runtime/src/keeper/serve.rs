//! The keeper process: how it begins, and its one loop.

use super::connection::Connection;
use super::dir::KeeperDir;
use super::log::{Contents, Log};
use super::output::Stream;
use super::process::{boot, since_boot};
use super::protocol::{Refusal, Reply};
use super::server::Server;
use super::spawn::close_inherited;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, Mode, flock};
use rustix::process::{getpid, set_child_subreaper, setsid, umask};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// How long to wait for the lock: a child of a dead keeper holds it between fork and exec, and an engine that looks
/// at what a dead keeper left behind holds it as long as it reads.
const LOCK_WITHIN: Duration = Duration::from_secs(10);

/// How long a keeper without an engine and without anything to hold stays: an engine that restarts finds it.
const IDLE: Duration = Duration::from_secs(5);

/// How often to take note of processes that ended, other than main processes, which tell.
const REAP_EVERY: Duration = Duration::from_secs(30);

/// The same when they are all that is left to wait for.
const LAST_CHILDREN: Duration = Duration::from_secs(1);

/// The keeper of the run in this directory: what `piton __keeper DIR` does. Called before any thread is started.
/// Standard input may be the first connection.
#[must_use]
pub fn main(dir: &Path) -> ExitCode {
    let dir = KeeperDir::new(dir);
    // The keeper's own session: what happens to the engine's terminal does not concern it. It fails only where
    // this process leads a group already, started by hand in a shell.
    let _leader_already = setsid();
    umask(Mode::from_raw_mode(0o077));
    close_inherited();
    let first = detach();
    report_panics(&dir);
    match begin(&dir) {
        Ok((server, listener)) => {
            run(server, &listener, first);
            ExitCode::SUCCESS
        }
        Err(refusal) => {
            if let Refusal::Broken { message } = &refusal {
                complain(&dir, message);
            }
            if let Some(mut connection) = first {
                connection.send(&Reply::Refused { reason: refusal });
            }
            ExitCode::FAILURE
        }
    }
}

/// Lets go of what was inherited; a socket on standard input is the first connection.
fn detach() -> Option<Connection> {
    let stdin = io::stdin();
    let first = rustix::fs::fstat(&stdin)
        .ok()
        .filter(|stat| {
            rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Socket
        })
        .and_then(|_socket| stdin.as_fd().try_clone_to_owned().ok())
        .filter(|socket| rustix::io::ioctl_fionbio(socket, true).is_ok())
        .map(Connection::new);
    if let Ok(null) = File::options().read(true).write(true).open("/dev/null") {
        let _best_effort = rustix::stdio::dup2_stdin(&null);
        let _best_effort = rustix::stdio::dup2_stdout(&null);
        let _best_effort = rustix::stdio::dup2_stderr(&null);
    }
    first
}

fn complain(dir: &KeeperDir, message: &str) {
    if let Ok(mut file) = File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(dir.errors())
    {
        let _nowhere_left_to_say_it = writeln!(file, "{message}");
    }
}

/// Nobody reads the keeper's standard error.
fn report_panics(dir: &KeeperDir) {
    let dir = dir.clone();
    std::panic::set_hook(Box::new(move |panic| {
        complain(&dir, &format!("this is a bug of piton: {panic}"))
    }));
}

fn begin(dir: &KeeperDir) -> Result<(Server, UnixListener), Refusal> {
    let broken = |what: String| {
        move |error: io::Error| Refusal::Broken {
            message: format!("{what}: {error}"),
        }
    };
    let lock = lock(dir)?;
    let boot = boot();
    let log_path = dir.log();
    let contents = Contents::read(&log_path, &boot)
        .map_err(broken(format!("cannot read {}", log_path.display())))?;
    let log = Log::open(&log_path, &contents, &boot)
        .map_err(broken(format!("cannot write {}", log_path.display())))?;
    let listener = listen(dir).map_err(broken(format!(
        "cannot listen on {}",
        dir.socket().display()
    )))?;
    // Processes whose parents end become this one's children. Without it they could still be found by their marks.
    let _older_kernel = set_child_subreaper(Some(getpid()));
    Ok((Server::new(dir.clone(), lock, log, contents), listener))
}

fn lock(dir: &KeeperDir) -> Result<File, Refusal> {
    let path = dir.lock();
    let broken = |error: io::Error| Refusal::Broken {
        message: format!("cannot lock {}: {error}", path.display()),
    };
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .map_err(broken)?;
    let give_up = since_boot() + LOCK_WITHIN;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                let answers = dir
                    .short_socket()
                    .and_then(|(_open, socket)| UnixStream::connect(socket))
                    .is_ok();
                if answers || since_boot() > give_up {
                    return Err(Refusal::NotTheKeeper);
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(error) => return Err(broken(error.into())),
        }
    }
}

fn listen(dir: &KeeperDir) -> io::Result<UnixListener> {
    let (_open, path) = dir.short_socket()?;
    // This process has the lock, so a socket that is there belongs to a dead keeper.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// What a poll was about.
#[derive(Clone, Copy)]
pub(crate) enum Token {
    Listener,
    Timer,
    Connection(usize),
    /// The main process of an attempt, by its place among those that run.
    Main(usize),
    Stdin(usize),
    Output(usize, Stream),
    /// A pipe that daemons of an attempt that is over still hold, by its place.
    Leftover(usize, Stream),
}

fn run(mut server: Server, listener: &UnixListener, first: Option<Connection>) {
    server.connections.extend(first);
    let mut timer = Timer::default();
    let mut idle_since: Option<Duration> = None;
    loop {
        timer.set(server.next_time());
        let timeout = match idle_since {
            Some(since) => Some((since + IDLE).saturating_sub(since_boot())),
            None if server.waits_for_children() => Some(LAST_CHILDREN),
            None if server.holds_processes() => Some(REAP_EVERY),
            None => None,
        };
        let ready = wait(&server, listener, timer.fd(), timeout);
        // First who has ended: a request to stop comes too late for those.
        let mut reap = ready.is_empty() || server.is_ending();
        for token in &ready {
            if let Token::Main(at) = token {
                server.main_ended(*at);
                reap = true;
            }
        }
        if reap {
            server.reap();
        }
        for token in ready {
            match token {
                Token::Listener => accept(listener, &mut server),
                Token::Timer => timer.rang(),
                other => server.ready(other),
            }
        }
        server.advance();
        server.connections.retain(Connection::is_open);
        if server.may_go() {
            break;
        }
        idle_since = server
            .is_idle()
            .then(|| idle_since.unwrap_or_else(since_boot));
        if idle_since.is_some_and(|since| since_boot() >= since + IDLE) {
            break;
        }
    }
    let _gone_already = std::fs::remove_file(server.dir.socket());
}

fn accept(listener: &UnixListener, server: &mut Server) {
    while let Ok((stream, _)) = listener.accept() {
        if stream.set_nonblocking(true).is_ok() {
            server
                .connections
                .push(Connection::new(OwnedFd::from(stream)));
        }
    }
}

fn wait(
    server: &Server,
    listener: &UnixListener,
    timer: Option<BorrowedFd<'_>>,
    timeout: Option<Duration>,
) -> Vec<Token> {
    let mut tokens = vec![Token::Listener];
    let mut polled = vec![PollFd::new(listener, PollFlags::IN)];
    if let Some(timer) = timer {
        tokens.push(Token::Timer);
        polled.push(PollFd::from_borrowed_fd(timer, PollFlags::IN));
    }
    server.interests(|token, fd, flags| {
        tokens.push(token);
        polled.push(PollFd::from_borrowed_fd(fd, flags));
    });
    let timeout = timeout.map(|timeout| Timespec {
        tv_sec: timeout.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    });
    if poll(&mut polled, timeout.as_ref()).is_err() {
        return Vec::new();
    }
    let ready = tokens
        .iter()
        .zip(&polled)
        .filter(|(_, polled)| !polled.revents().is_empty());
    ready.map(|(token, _)| *token).collect()
}

/// A timer that also counts while the machine sleeps, and then rings at once. Made when it is first needed, and set
/// anew only when something is due earlier than it would ring: in a chain of steps with time limits, hardly ever.
#[derive(Default)]
struct Timer {
    fd: Option<OwnedFd>,
    rings_at: Option<Duration>,
}

impl Timer {
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.fd.as_ref().map(AsFd::as_fd)
    }

    fn set(&mut self, due: Option<Duration>) {
        let Some(due) = due else { return };
        if self.rings_at.is_some_and(|at| at <= due) {
            return;
        }
        if self.fd.is_none() {
            let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
            self.fd = timerfd_create(TimerfdClockId::Boottime, flags).ok();
        }
        let Some(fd) = &self.fd else { return };
        // Zero would mean never.
        let at = due.max(Duration::from_nanos(1));
        let at = Timespec {
            tv_sec: at.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: at.subsec_nanos().into(),
        };
        let once = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: at,
        };
        if timerfd_settime(fd, TimerfdTimerFlags::ABSTIME, &once).is_ok() {
            self.rings_at = Some(due);
        }
    }

    fn rang(&mut self) {
        self.rings_at = None;
        if let Some(fd) = &self.fd {
            let _how_often = rustix::io::read(fd, &mut [0u8; 8]);
        }
    }
}
