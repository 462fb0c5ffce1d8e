//! Ending all that an attempt started.
//!
//! What belongs to an attempt: its main process; that process's group and session; every process whose environment
//! carries the marks `PITON_RUN` and `PITON_ATTEMPT`, wherever it went; and all descendants of these. This works
//! without a keeper too ([`end_all`]), for what a dead one left behind.

use super::process::{Process, Stat};
use piton_core::id::AttemptId;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::Signal;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// How often to look again for processes that are being ended.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long [`end_all`] goes on killing before it says what is left. A process in the middle of a device's work
/// cannot be ended at all.
const KILL_FOR: Duration = Duration::from_secs(10);

/// An attempt whose processes are looked for.
#[derive(Clone, Debug)]
pub struct Target {
    /// The run, as in `PITON_RUN`.
    pub run: String,
    /// The attempt, as in `PITON_ATTEMPT`.
    pub attempt: AttemptId,
    /// Its main process, dead or alive, if one is known.
    pub main: Option<Process>,
    /// A keeper whose orphaned children without marks, if they are no older than the main process, belong to this
    /// attempt, because it is the only one that runs.
    pub(crate) orphans_of: Option<i32>,
}

/// Processes that could not be ended.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "these processes of attempt {attempt} cannot be ended, even by KILL: {}",
    list(processes)
)]
pub struct StillAlive {
    /// The attempt.
    pub attempt: AttemptId,
    /// What is left.
    pub processes: Vec<Process>,
}

fn list(processes: &[Process]) -> String {
    let pids: Vec<String> = processes
        .iter()
        .map(|process| process.pid.to_string())
        .collect();
    pids.join(", ")
}

impl Target {
    /// What this attempt of this run left behind.
    #[must_use]
    pub fn new(run: impl Into<String>, attempt: AttemptId, main: Option<Process>) -> Target {
        Target {
            run: run.into(),
            attempt,
            main,
            orphans_of: None,
        }
    }

    /// All processes of the attempt that live now, except this one.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        let own = std::process::id().cast_signed();
        let all: BTreeMap<i32, Stat> = all_processes()
            .filter(|stat| stat.process.pid != own && Some(stat.process.pid) != self.orphans_of)
            .map(|stat| (stat.process.pid, stat))
            .collect();
        // The id of the main process names its session and group until another process has it.
        let main = self
            .main
            .filter(|main| all.get(&main.pid).is_none_or(|stat| stat.process == *main));
        let mut found = BTreeSet::new();
        for stat in all.values() {
            let pid = stat.process.pid;
            let by_id =
                main.is_some_and(|main| [pid, stat.group, stat.session].contains(&main.pid));
            if by_id || self.claims(stat) {
                found.insert(pid);
            }
        }
        // Children may come in the table before their parents: go on until nothing is added.
        loop {
            let before = found.len();
            let children = all
                .values()
                .filter(|stat| found.contains(&stat.parent))
                .map(|stat| stat.process.pid);
            let children: Vec<i32> = children.collect();
            found.extend(children);
            if found.len() == before {
                break;
            }
        }
        found
            .iter()
            .filter_map(|pid| all.get(pid))
            .filter(|stat| !stat.zombie)
            .map(|stat| stat.process)
            .collect()
    }

    /// By its environment, or as an orphan without marks.
    fn claims(&self, stat: &Stat) -> bool {
        if stat.zombie {
            return false;
        }
        let environment =
            std::fs::read(format!("/proc/{}/environ", stat.process.pid)).unwrap_or_default();
        let mark = |name: &[u8]| {
            environment
                .split(|&byte| byte == 0)
                .find_map(|line| line.strip_prefix(name))
                .map(<[u8]>::to_vec)
        };
        match (mark(b"PITON_RUN="), mark(b"PITON_ATTEMPT=")) {
            (Some(run), Some(attempt)) => {
                run == self.run.as_bytes() && attempt == self.attempt.to_string().as_bytes()
            }
            _ => {
                self.orphans_of == Some(stat.parent)
                    && self
                        .main
                        .is_some_and(|main| stat.process.start_time >= main.start_time)
            }
        }
    }

    /// Sends a signal to all of them and says who they were.
    pub(crate) fn signal(&self, signal: Signal) -> Vec<Process> {
        let processes = self.processes();
        for process in &processes {
            process.signal(signal);
            if signal == Signal::TERM {
                // A stopped process takes note of TERM only when it goes on.
                process.signal(Signal::CONT);
            }
        }
        processes
    }
}

fn all_processes() -> impl Iterator<Item = Stat> {
    std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok())
        .filter_map(Stat::of)
}

/// Ends all that the attempt started: TERM, and after `grace` KILL until none is left. Blocks; in an async context
/// call it where that is allowed.
///
/// # Errors
/// Names the processes that even KILL did not end within ten seconds.
pub fn end_all(target: &Target, grace: Duration) -> Result<(), StillAlive> {
    let begin = Instant::now();
    let mut left = target.signal(Signal::TERM);
    while !left.is_empty() {
        let elapsed = begin.elapsed();
        if elapsed > grace + KILL_FOR {
            return Err(StillAlive {
                attempt: target.attempt,
                processes: left,
            });
        }
        wait_for_one(&left, LOOK_AGAIN);
        let found = if elapsed < grace {
            target.processes()
        } else {
            target.signal(Signal::KILL)
        };
        left = still_there(found, &left);
    }
    Ok(())
}

/// What is found now, and what was there before and still is: a process in the middle of its end has neither its
/// environment nor, as a rule, its parent any more, so that nothing tells whose it was.
pub(crate) fn still_there(mut found: Vec<Process>, before: &[Process]) -> Vec<Process> {
    for process in before {
        if !found.contains(process) && process.is_alive() {
            found.push(*process);
        }
    }
    found
}

/// Waits until one of these has ended, or for this long.
fn wait_for_one(processes: &[Process], at_most: Duration) {
    let handles: Vec<_> = processes
        .iter()
        .filter_map(|process| process.open())
        .collect();
    if handles.len() < processes.len() {
        return;
    }
    let mut polled: Vec<PollFd<'_>> = handles
        .iter()
        .map(|handle| PollFd::new(handle, PollFlags::IN))
        .collect();
    let timeout = Timespec {
        tv_sec: 0,
        tv_nsec: at_most.subsec_nanos().into(),
    };
    let _interrupted = poll(&mut polled, Some(&timeout));
}
