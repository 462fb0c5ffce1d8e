//! What a keeper holds, and what it does about requests and events. The loop around it is in [`super::serve`].

use super::attempt::{Attempt, Input};
use super::connection::Connection;
use super::dir::KeeperDir;
use super::log::{Contents, Log, Trace};
use super::outcome::{Ended, Status};
use super::output::{Capture, Stream};
use super::process::since_boot;
use super::protocol::{Known, Launch, PROTOCOL, Refusal, Reply, Request};
use super::recover::{OTHER_BOOT, SAW_NOT};
use super::serve::Token;
use super::spawn::Spawner;
use piton_core::id::AttemptId;
use piton_core::time::Millis;
use rustix::event::PollFlags;
use rustix::process::{WaitOptions, wait};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// The state of a keeper.
pub(crate) struct Server {
    pub(crate) dir: KeeperDir,
    pub(crate) connections: Vec<Connection>,
    run: String,
    pid: i32,
    /// Held as long as the keeper lives; children share it until they execute their program.
    _lock: File,
    log: Log,
    spawner: Spawner,
    /// What earlier keepers of the run wrote.
    before: Contents,
    fence: u64,
    running: Vec<Attempt>,
    ended: BTreeMap<AttemptId, Ended>,
    /// Output of attempts that are over, which daemons still hold open.
    leftover: Vec<Capture>,
    shutdown: bool,
    has_children: bool,
}

impl Server {
    pub(crate) fn new(dir: KeeperDir, lock: File, log: Log, before: Contents) -> Server {
        Server {
            run: dir.run(),
            dir,
            connections: Vec::new(),
            pid: std::process::id().cast_signed(),
            _lock: lock,
            log,
            spawner: Spawner::default(),
            fence: before.fence,
            before,
            running: Vec::new(),
            ended: BTreeMap::new(),
            leftover: Vec::new(),
            shutdown: false,
            has_children: false,
        }
    }

    /// Everything that may happen.
    pub(crate) fn interests<'a>(&'a self, mut add: impl FnMut(Token, BorrowedFd<'a>, PollFlags)) {
        for (at, connection) in self.connections.iter().enumerate() {
            let send = if connection.wants_to_send() {
                PollFlags::OUT
            } else {
                PollFlags::empty()
            };
            add(
                Token::Connection(at),
                connection.socket(),
                PollFlags::IN | send,
            );
        }
        for (at, attempt) in self.running.iter().enumerate() {
            if !attempt.has_exited() {
                add(Token::Main(at), attempt.handle.as_fd(), PollFlags::IN);
            }
            if let Some(input) = &attempt.stdin {
                add(Token::Stdin(at), input.pipe.as_fd(), PollFlags::OUT);
            }
            if let Some(capture) = &attempt.capture {
                for stream in [Stream::Stdout, Stream::Stderr] {
                    if let Some(pipe) = capture.pipe(stream) {
                        add(Token::Output(at, stream), pipe.as_fd(), PollFlags::IN);
                    }
                }
            }
        }
        for (at, capture) in self.leftover.iter().enumerate() {
            for stream in [Stream::Stdout, Stream::Stderr] {
                if let Some(pipe) = capture.pipe(stream) {
                    add(Token::Leftover(at, stream), pipe.as_fd(), PollFlags::IN);
                }
            }
        }
    }

    /// Something can be read or written.
    pub(crate) fn ready(&mut self, token: Token) {
        match token {
            Token::Listener | Token::Timer | Token::Main(_) => {}
            Token::Connection(at) => self.connection_ready(at),
            Token::Stdin(at) => {
                if let Some(attempt) = self.running.get_mut(at) {
                    attempt.stdin.take_if(|input| !input.write());
                }
            }
            Token::Output(at, stream) => {
                if let Some(capture) = self
                    .running
                    .get_mut(at)
                    .and_then(|attempt| attempt.capture.as_mut())
                {
                    capture.read(stream);
                }
            }
            Token::Leftover(at, stream) => {
                if let Some(capture) = self.leftover.get_mut(at) {
                    capture.read(stream);
                }
            }
        }
    }

    fn connection_ready(&mut self, at: usize) {
        if let Some(connection) = self.connections.get_mut(at) {
            connection.flush();
            connection.receive();
        }
        loop {
            let Some(connection) = self.connections.get_mut(at) else {
                return;
            };
            let fence = connection.fence;
            match (connection.next(), fence) {
                (Ok(None), _) => return,
                (Ok(Some(Request::Hello { protocol, fence })), None) => {
                    self.hello(at, protocol, fence)
                }
                (Ok(Some(request)), Some(fence)) if fence >= self.fence => {
                    self.request(at, request)
                }
                // Nonsense, a request before the hello, or one that came too late.
                (Ok(Some(_)) | Err(_), _) => return connection.close(),
            }
        }
    }

    fn hello(&mut self, at: usize, protocol: u32, fence: u64) {
        let refusal = if protocol != PROTOCOL {
            Some(Refusal::Protocol { speaks: PROTOCOL })
        } else if fence < self.fence {
            Some(Refusal::Fenced { newest: self.fence })
        } else {
            None
        };
        if let Some(reason) = refusal {
            return self.refuse(at, reason);
        }
        self.fence = fence;
        let outrun: Vec<usize> = (0..self.connections.len())
            .filter(|&other| {
                self.connections
                    .get(other)
                    .is_some_and(|c| c.fence.is_some_and(|theirs| theirs < fence))
            })
            .collect();
        for other in outrun {
            self.refuse(other, Refusal::Fenced { newest: fence });
        }
        let known = self.known();
        if let Some(connection) = self.connections.get_mut(at) {
            connection.fence = Some(fence);
            connection.send(&Reply::Welcome {
                protocol: PROTOCOL,
                pid: self.pid,
                known,
            });
        }
    }

    fn refuse(&mut self, at: usize, reason: Refusal) {
        if let Some(connection) = self.connections.get_mut(at) {
            connection.send(&Reply::Refused { reason });
            connection.close();
        }
    }

    fn known(&self) -> Vec<(AttemptId, Known)> {
        let mut known: BTreeMap<AttemptId, Known> = BTreeMap::new();
        for (id, entry) in &self.before.entries {
            let ended = entry.ended.clone().map(Known::Ended);
            known.insert(*id, ended.unwrap_or(Known::LeftOver));
        }
        known.extend(
            self.ended
                .iter()
                .map(|(id, ended)| (*id, Known::Ended(ended.clone()))),
        );
        known.extend(
            self.running
                .iter()
                .map(|attempt| (attempt.id, Known::Running)),
        );
        known.into_iter().collect()
    }

    fn request(&mut self, at: usize, request: Request) {
        match request {
            Request::Hello { .. } => {}
            Request::Start(launch) => {
                let (id, resumed) = (launch.attempt, launch.resumed);
                let limits = (launch.deadline_in, launch.grace);
                if self.not_started(at, id, resumed, limits) {
                    self.start(launch);
                }
            }
            Request::Watch {
                attempt,
                deadline_in,
                grace,
            } => {
                if self.not_started(at, attempt, true, (deadline_in, grace)) {
                    self.tell_not_started(at, attempt);
                }
            }
            Request::Stop { attempt } => {
                if self.not_started(at, attempt, true, (None, Launch::GRACE)) {
                    self.tell_not_started(at, attempt);
                }
                let orphans_of = self.orphans_of();
                if let Some(running) = self
                    .running
                    .iter_mut()
                    .find(|running| running.id == attempt)
                {
                    running.end(Status::Stopped, &self.run, orphans_of, since_boot());
                }
            }
            Request::Shutdown => self.shutdown = true,
        }
    }

    /// Whether an attempt was certainly never started. If it was, its end is told: now, or when it comes.
    fn not_started(
        &mut self,
        at: usize,
        id: AttemptId,
        resumed: bool,
        limits: (Option<Millis>, Millis),
    ) -> bool {
        if self.running.iter().any(|attempt| attempt.id == id) {
            return false;
        }
        if let Some(ended) = self.ended.get(&id) {
            let reply = Reply::Ended {
                attempt: id,
                ended: ended.clone(),
            };
            self.connections
                .get_mut(at)
                .into_iter()
                .for_each(|connection| connection.send(&reply));
            return false;
        }
        match self.before.trace(id, resumed) {
            Trace::NotStarted => return true,
            Trace::Ended(ended) => self.tell(id, ended),
            Trace::OtherBoot => self.finish(id, Ended::with(Status::Unknown(OTHER_BOOT.into()))),
            Trace::Ran(process) => match process.open() {
                Some(handle) => {
                    let mut attempt = Attempt::new(id, process.pid, handle);
                    attempt.orphan = Some(process);
                    self.admit(attempt, limits);
                }
                None => self.finish(id, Ended::with(Status::Unknown(SAW_NOT.into()))),
            },
        }
        false
    }

    fn tell_not_started(&mut self, at: usize, attempt: AttemptId) {
        let message = "it was never started".to_owned();
        let ended = Ended::with(Status::NotStarted { errno: 0, message });
        if let Some(connection) = self.connections.get_mut(at) {
            connection.send(&Reply::Ended { attempt, ended });
        }
    }

    fn start(&mut self, mut launch: Launch) {
        let id = launch.attempt;
        if let Err(error) = self.log.begin(id, self.fence) {
            let message = format!("cannot write {}: {error}", self.dir.log().display());
            let status = Status::NotStarted {
                errno: error.raw_os_error().unwrap_or(0),
                message,
            };
            return self.refused(id, status);
        }
        let spawned = match self
            .spawner
            .spawn(&launch, &self.run, self.fence, &mut self.log)
        {
            Ok(spawned) => spawned,
            Err(status) => return self.refused(id, status),
        };
        self.has_children = true;
        let mut attempt = Attempt::new(id, spawned.pid, spawned.handle);
        attempt.capture = Some(Capture::new(
            spawned.stdout,
            spawned.stderr,
            &launch.secrets,
            self.dir.output_log(id),
            self.dir.stdout(id),
        ));
        let input = spawned.stdin.zip(launch.stdin.take());
        attempt.stdin = input.map(|(pipe, bytes)| Input::new(pipe, bytes));
        attempt.stdin.take_if(|input| !input.write());
        self.admit(attempt, (launch.deadline_in, launch.grace));
    }

    fn admit(&mut self, mut attempt: Attempt, (deadline_in, grace): (Option<Millis>, Millis)) {
        let length = |millis: Millis| Duration::from_millis(millis.0);
        attempt.deadline = deadline_in.and_then(|millis| since_boot().checked_add(length(millis)));
        attempt.grace = length(grace);
        self.running.push(attempt);
    }

    /// An attempt is over: it is written down, then told.
    fn finish(&mut self, id: AttemptId, ended: Ended) {
        // If the disk is full the engine is told all the same. What is lost is only that a later keeper of this
        // boot finds the result.
        let _told_anyway = self.log.end(id, &ended);
        self.tell(id, ended);
    }

    /// An attempt was not started. One that only wants room is told and forgotten, so that it can be started later.
    fn refused(&mut self, id: AttemptId, status: Status) {
        match status.wants_room() {
            true => self.announce(id, Ended::with(status)),
            false => self.finish(id, Ended::with(status)),
        }
    }

    fn tell(&mut self, attempt: AttemptId, ended: Ended) {
        self.ended.insert(attempt, ended.clone());
        self.announce(attempt, ended);
    }

    fn announce(&mut self, attempt: AttemptId, ended: Ended) {
        let reply = Reply::Ended { attempt, ended };
        for connection in self
            .connections
            .iter_mut()
            .filter(|connection| connection.fence.is_some())
        {
            connection.send(&reply);
        }
    }

    /// The keeper whose orphans belong to the only attempt there is.
    fn orphans_of(&self) -> Option<i32> {
        (self.running.len() == 1).then_some(self.pid)
    }

    /// When something is to be done even if nothing happens: time since the machine started.
    pub(crate) fn next_time(&self) -> Option<Duration> {
        self.running.iter().filter_map(Attempt::next_time).min()
    }

    /// A main process has ended. The status of an orphan went to whoever is its parent.
    pub(crate) fn main_ended(&mut self, at: usize) {
        if let Some(attempt) = self
            .running
            .get_mut(at)
            .filter(|attempt| attempt.orphan.is_some())
        {
            attempt.exited(None);
        }
    }

    /// Takes note of the processes that ended.
    pub(crate) fn reap(&mut self) {
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    let pid = pid.as_raw_nonzero().get();
                    let is_main =
                        |attempt: &&mut Attempt| attempt.pid == pid && attempt.orphan.is_none();
                    if let Some(attempt) = self.running.iter_mut().find(is_main) {
                        attempt.exited(Some(status));
                    }
                }
                Ok(None) => return,
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => {
                    self.has_children = false;
                    return;
                }
            }
        }
    }

    /// Does what is due, and tells of the attempts that are over.
    pub(crate) fn advance(&mut self) {
        let orphans_of = self.orphans_of();
        let mut at = 0;
        while let Some(attempt) = self.running.get_mut(at) {
            // Without a time limit and still running: nothing to look at the clock for.
            let due = attempt.has_exited() || attempt.next_time().is_some();
            match due
                .then(|| attempt.advance(&self.run, orphans_of, since_boot()))
                .flatten()
            {
                Some(status) => {
                    let mut attempt = self.running.remove(at);
                    let ended = attempt.settle(status);
                    self.leftover
                        .extend(attempt.capture.filter(Capture::is_open));
                    self.finish(attempt.id, ended);
                }
                None => at += 1,
            }
        }
        self.leftover.retain(Capture::is_open);
    }

    /// Whether processes are being ended, so that others than main processes matter.
    pub(crate) fn is_ending(&self) -> bool {
        self.running.iter().any(Attempt::is_ending)
    }

    /// Whether there is anything to come back for.
    pub(crate) fn holds_processes(&self) -> bool {
        !self.running.is_empty() || !self.leftover.is_empty()
    }

    /// Whether children, which are no attempt's main process, are all that is left.
    pub(crate) fn waits_for_children(&self) -> bool {
        self.has_children && self.connections.is_empty() && !self.holds_processes()
    }

    /// Whether nobody needs this keeper now.
    pub(crate) fn is_idle(&self) -> bool {
        self.connections.is_empty() && !self.holds_processes() && !self.has_children
    }

    /// Whether the run is over and nothing is held. Daemons that closed their output go on without a keeper.
    pub(crate) fn may_go(&self) -> bool {
        self.shutdown && !self.holds_processes()
    }
}
