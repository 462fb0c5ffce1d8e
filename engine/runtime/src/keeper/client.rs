//! The engine's side of the keeper.

use super::dir::KeeperDir;
use super::outcome::Ended;
use super::protocol::{Frames, Known, Launch, PROTOCOL, Refusal, Reply, Request, frame};
use piton_core::id::AttemptId;
use piton_core::time::Millis;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::Instant;

/// How long a keeper may take to answer the first message. It answers in about a millisecond; a machine under
/// heavy load may need much longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long to go on when the keeper that answered went away at that very moment, or another is just starting.
const KEEP_TRYING: Duration = Duration::from_secs(10);

/// What to execute as the keeper: `piton __keeper DIR`.
#[derive(Clone, Debug)]
pub struct Executable {
    /// The program.
    pub program: PathBuf,
    /// The arguments before the directory.
    pub args: Vec<OsString>,
}

impl Default for Executable {
    /// This very program with the hidden command. By `/proc/self/exe`, because the file may have been replaced by
    /// a newer one since this process began.
    fn default() -> Executable {
        Executable {
            program: PathBuf::from("/proc/self/exe"),
            args: vec![OsString::from("__keeper")],
        }
    }
}

/// Why there is no keeper to talk to.
#[derive(Debug, thiserror::Error)]
pub enum KeeperError {
    /// The keeper went away. Its processes may go on; [`Keeper::attach_or_start`] again, and start or watch the
    /// attempts again, to learn what became of them.
    #[error(
        "the keeper of run {run} went away; processes that it held go on, and `piton resume {run}` finds out about them"
    )]
    Gone {
        /// The run.
        run: String,
    },
    /// A newer engine has the run.
    #[error(
        "another engine has taken over run {run} (its fence is {newest}); this one must not go on"
    )]
    Fenced {
        /// The run.
        run: String,
        /// The fence of the newer engine.
        newest: u64,
    },
    /// The keeper is of an incompatible version.
    #[error(
        "the keeper of run {run} was started by another version of piton (it speaks protocol {speaks}, this one {PROTOCOL}); \
         nothing was lost: finish the run with the version that started it"
    )]
    Protocol {
        /// The run.
        run: String,
        /// What the keeper speaks.
        speaks: u32,
    },
    /// The keeper could not start.
    #[error(
        "the keeper of run {run} could not start: {message}; no process was started, and after the repair `piton resume {run}` goes on"
    )]
    Broken {
        /// The run.
        run: String,
        /// Why.
        message: String,
    },
    /// The socket, the directory or the program could not be used.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What happened.
        #[source]
        source: io::Error,
    },
}

/// A connection to the keeper of a run. Dropping it leaves the keeper and its processes alone.
pub struct Keeper {
    dir: KeeperDir,
    stream: UnixStream,
    pid: i32,
    known: BTreeMap<AttemptId, Known>,
    umask: Option<u32>,
    /// One message is written at a time.
    writing: tokio::sync::Mutex<()>,
    received: Mutex<Received>,
}

#[derive(Default)]
struct Received {
    frames: Frames,
    ended: VecDeque<(AttemptId, Ended)>,
}

impl Keeper {
    /// Connects to the run's keeper, and starts one if there is none. `fence` is the token of the run's lease: a
    /// keeper that has seen a higher one refuses.
    ///
    /// # Errors
    /// See [`KeeperError`]. No attempt was started.
    pub async fn attach_or_start(
        dir: &KeeperDir,
        fence: u64,
        executable: &Executable,
    ) -> Result<Keeper, KeeperError> {
        dir.create().map_err(|source| KeeperError::Io {
            what: "make",
            path: dir.path().into(),
            source,
        })?;
        let give_up = Instant::now() + KEEP_TRYING;
        loop {
            let attached = match Keeper::attach(dir, fence).await? {
                Some(keeper) => Some(keeper),
                None => start_keeper(dir, fence, executable).await?,
            };
            match attached {
                Some(keeper) => return Ok(keeper),
                None if Instant::now() >= give_up => return Err(gone(dir)),
                // Another keeper holds the lock and does not answer yet, or no longer.
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }

    /// Connects to the run's keeper if there is one.
    ///
    /// # Errors
    /// See [`KeeperError`].
    pub async fn attach(dir: &KeeperDir, fence: u64) -> Result<Option<Keeper>, KeeperError> {
        let connected = dir
            .short_socket()
            .and_then(|(_open, path)| std::os::unix::net::UnixStream::connect(path));
        match connected {
            Ok(stream) => greet(dir, stream, fence).await,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
                ) =>
            {
                Ok(None)
            }
            Err(source) => Err(KeeperError::Io {
                what: "connect to",
                path: dir.socket(),
                source,
            }),
        }
    }

    /// The keeper's process id.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// What the keeper knew of its attempts when this connection was made.
    #[must_use]
    pub fn known(&self) -> &BTreeMap<AttemptId, Known> {
        &self.known
    }

    /// Starts an attempt, or, if it was started before, attaches to it. Returns when the keeper has been asked; the
    /// end comes through [`Keeper::ended`], also of an attempt that could not be started or ended long ago.
    ///
    /// # Errors
    /// [`KeeperError::Gone`]: whether the keeper read the request is not known; attach again and start again.
    pub async fn start(&self, mut launch: Launch) -> Result<(), KeeperError> {
        launch.umask = launch.umask.or(self.umask);
        self.send(&Request::Start(launch)).await
    }

    /// Asks for the end of an attempt without starting it: one that was never started ends as not started.
    ///
    /// # Errors
    /// [`KeeperError::Gone`].
    pub async fn watch(
        &self,
        attempt: AttemptId,
        deadline_in: Option<Millis>,
        grace: Millis,
    ) -> Result<(), KeeperError> {
        self.send(&Request::Watch {
            attempt,
            deadline_in,
            grace,
        })
        .await
    }

    /// Has all that an attempt started ended: TERM, and after its grace KILL. The end comes through
    /// [`Keeper::ended`].
    ///
    /// # Errors
    /// [`KeeperError::Gone`].
    pub async fn stop(&self, attempt: AttemptId) -> Result<(), KeeperError> {
        self.send(&Request::Stop { attempt }).await
    }

    /// The run is over: the keeper goes as soon as it has nothing left to hold.
    ///
    /// # Errors
    /// [`KeeperError::Gone`], which here is as good.
    pub async fn shutdown(&self) -> Result<(), KeeperError> {
        self.send(&Request::Shutdown).await
    }

    /// The next attempt that ended. Nothing is lost when the future is dropped before it is ready.
    ///
    /// # Errors
    /// [`KeeperError::Gone`] or [`KeeperError::Fenced`].
    pub async fn ended(&self) -> Result<(AttemptId, Ended), KeeperError> {
        loop {
            if let Some(ended) = self.take_ended()? {
                return Ok(ended);
            }
            self.stream.readable().await.map_err(|_| gone(&self.dir))?;
            let mut chunk = [0; 16 * 1024];
            match self.stream.try_read(&mut chunk) {
                Ok(0) => return Err(gone(&self.dir)),
                Ok(count) => self
                    .received()
                    .frames
                    .push(chunk.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(gone(&self.dir)),
            }
        }
    }

    fn received(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_ended(&self) -> Result<Option<(AttemptId, Ended)>, KeeperError> {
        let mut received = self.received();
        while let Some(reply) = received
            .frames
            .next::<Reply>()
            .map_err(|_| gone(&self.dir))?
        {
            match reply {
                Reply::Ended { attempt, ended } => received.ended.push_back((attempt, ended)),
                Reply::Refused { reason } => return Err(refused(&self.dir, reason)),
                Reply::Welcome { .. } => {}
            }
        }
        Ok(received.ended.pop_front())
    }

    async fn send(&self, request: &Request) -> Result<(), KeeperError> {
        let bytes = frame(request);
        let _turn = self.writing.lock().await;
        write_all(&self.stream, &bytes)
            .await
            .map_err(|_| gone(&self.dir))?;
        // The kernel wakes the keeper on this very processor, because who writes to a socket usually sleeps next.
        // What is left to do here can wait until the keeper has begun.
        std::thread::yield_now();
        Ok(())
    }
}

async fn write_all(stream: &UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn gone(dir: &KeeperDir) -> KeeperError {
    KeeperError::Gone { run: dir.run() }
}

fn refused(dir: &KeeperDir, reason: Refusal) -> KeeperError {
    let run = dir.run();
    match reason {
        Refusal::Fenced { newest } => KeeperError::Fenced { run, newest },
        Refusal::Protocol { speaks } => KeeperError::Protocol { run, speaks },
        Refusal::NotTheKeeper => KeeperError::Gone { run },
        Refusal::Broken { message } => KeeperError::Broken { run, message },
    }
}

/// Says hello. `None` when the other side goes away or is not the keeper: then there may be another.
async fn greet(
    dir: &KeeperDir,
    stream: std::os::unix::net::UnixStream,
    fence: u64,
) -> Result<Option<Keeper>, KeeperError> {
    let unusable = |source| KeeperError::Io {
        what: "use the socket",
        path: dir.socket(),
        source,
    };
    stream.set_nonblocking(true).map_err(unusable)?;
    let stream = UnixStream::from_std(stream).map_err(unusable)?;
    if write_all(
        &stream,
        &frame(&Request::Hello {
            protocol: PROTOCOL,
            fence,
        }),
    )
    .await
    .is_err()
    {
        return Ok(None);
    }
    let answer = tokio::time::timeout(ANSWER_WITHIN, first_reply(&stream)).await;
    let Ok(answer) = answer else {
        let source = io::Error::new(io::ErrorKind::TimedOut, "it does not answer");
        return Err(KeeperError::Io {
            what: "talk to the keeper at",
            path: dir.socket(),
            source,
        });
    };
    let Some((reply, frames)) = answer else {
        return Ok(None);
    };
    match reply {
        Reply::Welcome { pid, known, .. } => Ok(Some(Keeper {
            dir: dir.clone(),
            stream,
            pid,
            known: known.into_iter().collect(),
            umask: super::process::own_umask(),
            writing: tokio::sync::Mutex::new(()),
            received: Mutex::new(Received {
                frames,
                ended: VecDeque::new(),
            }),
        })),
        Reply::Refused {
            reason: Refusal::NotTheKeeper,
        }
        | Reply::Ended { .. } => Ok(None),
        Reply::Refused { reason } => Err(refused(dir, reason)),
    }
}

async fn first_reply(stream: &UnixStream) -> Option<(Reply, Frames)> {
    let mut frames = Frames::default();
    let mut chunk = vec![0; 64 * 1024];
    loop {
        stream.readable().await.ok()?;
        match stream.try_read(&mut chunk) {
            Ok(0) => return None,
            Ok(count) => frames.push(chunk.get(..count)?),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return None,
        }
        if let Some(reply) = frames.next::<Reply>().ok()? {
            return Some((reply, frames));
        }
    }
}

/// Starts a keeper, whose first connection is its standard input: so there is no socket to wait for. `None` when
/// another keeper was faster.
async fn start_keeper(
    dir: &KeeperDir,
    fence: u64,
    executable: &Executable,
) -> Result<Option<Keeper>, KeeperError> {
    let unusable = |source| KeeperError::Io {
        what: "start the keeper",
        path: executable.program.clone(),
        source,
    };
    let path = std::path::absolute(dir.path()).map_err(unusable)?;
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().map_err(unusable)?;
    let mut command = Command::new(&executable.program);
    command
        .arg0("piton")
        .args(&executable.args)
        .arg(path)
        .current_dir("/");
    // The keeper needs nothing of the environment, and secrets in it are safer where they are not copied to. The
    // marks of an attempt stay: a keeper that a step started indirectly belongs to that step's attempt.
    command.env_clear();
    for name in ["PITON_RUN", "PITON_ATTEMPT", "LD_LIBRARY_PATH"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().map_err(unusable)?;
    // The command holds the other end too; without this its death would go unnoticed.
    drop(command);
    // Nobody waits for the keeper, but somebody has to take its exit status when it goes.
    let reaper = std::thread::Builder::new()
        .name("keeper-reaper".into())
        .stack_size(64 * 1024);
    reaper.spawn(move || child.wait()).map_err(unusable)?;
    greet(dir, ours, fence).await
}
