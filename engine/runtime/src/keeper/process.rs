//! Knowing processes, boots and process namespaces again.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use rustix::time::{ClockId, clock_gettime};
use std::os::fd::OwnedFd;
use std::time::Duration;

/// A process: its id, and when it started, because ids are used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// When it started, in clock ticks since the machine did.
    pub start_time: u64,
}

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stat {
    pub(crate) process: Process,
    /// It is dead and waits to be taken note of.
    pub(crate) zombie: bool,
    pub(crate) parent: i32,
    pub(crate) group: i32,
    pub(crate) session: i32,
}

impl Stat {
    /// Of a process that exists, also as a zombie.
    pub(crate) fn of(pid: i32) -> Option<Stat> {
        let text = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
        Stat::parse(pid, &text)
    }

    fn parse(pid: i32, text: &[u8]) -> Option<Stat> {
        // The name stands in parentheses and may contain anything, parentheses too: start after the last one.
        let after = text.iter().rposition(|&byte| byte == b')')?;
        let rest = std::str::from_utf8(text.get(after + 1..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().take(20).collect();
        let number = |at: usize| -> Option<i32> { fields.get(at)?.parse().ok() };
        Some(Stat {
            process: Process {
                pid,
                start_time: fields.get(19)?.parse().ok()?,
            },
            zombie: matches!(fields.first(), Some(&("Z" | "X"))),
            parent: number(1)?,
            group: number(2)?,
            session: number(3)?,
        })
    }
}

impl Process {
    /// The process that has this id now.
    #[must_use]
    pub fn of(pid: i32) -> Option<Process> {
        Stat::of(pid).map(|stat| stat.process)
    }

    /// A handle that is ready to read when this very process has ended, or `None` if it has.
    pub(crate) fn open(self) -> Option<OwnedFd> {
        // First the handle, then the start time: so the handle is of exactly this process.
        let handle = pidfd_open(Pid::from_raw(self.pid)?, PidfdFlags::NONBLOCK).ok()?;
        let stat = Stat::of(self.pid)?;
        (stat.process == self && !stat.zombie).then_some(handle)
    }

    /// Whether it lives.
    #[must_use]
    pub fn is_alive(self) -> bool {
        self.open().is_some()
    }

    /// Sends a signal to this very process; nothing happens if it has ended.
    pub(crate) fn signal(self, signal: Signal) {
        if let Some(handle) = self.open() {
            let _ended_meanwhile = pidfd_send_signal(handle, signal);
        }
    }
}

/// Where a process id means something: this boot of this machine, and this process namespace.
pub(crate) fn boot() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let namespace: String = namespace
        .to_string_lossy()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    format!("{}/{namespace}", boot.trim())
}

/// Time since the machine started, including the time it slept.
pub(crate) fn since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or(0),
        u32::try_from(now.tv_nsec).unwrap_or(0),
    )
}

/// This process's file mode creation mask, without changing it.
pub(crate) fn own_umask() -> Option<u32> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(mask.trim(), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_confuse_the_fields() {
        let text = b"7 (a) S 1 (b)) S 4 5 6 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 987654 0 0\n";
        let stat = Stat::parse(7, text).expect("well formed");
        assert_eq!((stat.parent, stat.group, stat.session), (4, 5, 6));
        assert_eq!(
            stat.process,
            Process {
                pid: 7,
                start_time: 987_654
            }
        );
        assert!(!stat.zombie);
    }

    #[test]
    fn this_process_is_alive_and_one_with_another_start_time_is_not() {
        let own = Process::of(std::process::id().cast_signed()).expect("this process");
        assert!(own.is_alive());
        assert!(
            !Process {
                start_time: own.start_time + 1,
                ..own
            }
            .is_alive()
        );
    }
}
