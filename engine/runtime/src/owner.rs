//! Who an engine is, and whether the engine that once took a lease still lives.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs;

/// A process, told apart from every other one there ever was: a process id alone is used again, so its start time,
/// the boot of the kernel and the pid namespace go with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The host's name, for people: [`host_name`].
    pub host: String,
    /// The machine's own id where it has one. Images are cloned with it, so it counts only with the name.
    pub machine: String,
    /// The kernel's boot id; another one after each boot.
    pub boot: String,
    /// The process id, in its namespace.
    pub pid: u32,
    /// When the process started, in clock ticks since boot.
    pub start_time: u64,
    /// The pid namespace the id is of.
    pub pid_namespace: String,
}

/// What is known of an owner from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liveness {
    /// It runs.
    Alive,
    /// It is gone for certain.
    Dead,
    /// It is on another host, in another pid namespace, or this system does not tell.
    Unknown,
}

impl Owner {
    /// This process. What the system does not tell stays empty, and is then never taken as proof.
    #[must_use]
    pub fn this_process() -> Owner {
        let trimmed = |path: &str| {
            fs::read_to_string(path)
                .map(|text| text.trim().to_owned())
                .unwrap_or_default()
        };
        let pid = std::process::id();
        Owner {
            host: host_name(),
            machine: trimmed("/etc/machine-id"),
            boot: trimmed("/proc/sys/kernel/random/boot_id"),
            pid,
            start_time: process_stat(pid).map_or(0, |stat| stat.start_time),
            pid_namespace: fs::read_link("/proc/self/ns/pid")
                .map(|link| link.to_string_lossy().into_owned())
                .unwrap_or_default(),
        }
    }

    /// Whether this owner lives, seen from `here`, which is this process.
    #[must_use]
    pub fn liveness(&self, here: &Owner) -> Liveness {
        let same_host = self.host == here.host && self.machine == here.machine;
        if !same_host || self.boot.is_empty() || here.boot.is_empty() {
            return Liveness::Unknown;
        }
        if self.boot != here.boot {
            return Liveness::Dead;
        }
        let same_namespace =
            !self.pid_namespace.is_empty() && self.pid_namespace == here.pid_namespace;
        if !same_namespace || self.start_time == 0 {
            return Liveness::Unknown;
        }
        match process_stat(self.pid) {
            Some(stat) if stat.start_time != self.start_time || stat.is_over => Liveness::Dead,
            Some(_) => Liveness::Alive,
            None if process_is_gone(self.pid) => Liveness::Dead,
            None => Liveness::Unknown,
        }
    }
}

/// The environment variable that names this host, where the machine's name is not the same for as long as its files.
pub const HOST_VARIABLE: &str = "PITON_HOST";

/// `$PITON_HOST`, else the machine's name.
#[must_use]
pub fn host_name() -> String {
    match std::env::var(HOST_VARIABLE) {
        Ok(name) if !name.trim().is_empty() => name.trim().to_owned(),
        _ => rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// How often is looked whether a process has ended that is not a child of this one.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(250);

/// Waits for the end of a process of this host; for ever if it is on another one, or the system does not tell.
pub async fn ended(owner: &Owner) {
    let here = Owner::this_process();
    loop {
        match owner.liveness(&here) {
            Liveness::Dead => return,
            Liveness::Alive => tokio::time::sleep(LOOK_EVERY).await,
            Liveness::Unknown => std::future::pending().await,
        }
    }
}

/// What `/proc/PID/stat` says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProcessStat {
    /// Clock ticks since boot.
    pub(crate) start_time: u64,
    /// It has ended, and only its parent has not noticed.
    pub(crate) is_over: bool,
}

/// `None` when there is no such process, or it is hidden from us.
pub(crate) fn process_stat(pid: u32) -> Option<ProcessStat> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// Field 3 (state) and field 22 (start time). Field 2 is the program's name in parentheses, which may itself hold
/// spaces, parentheses and any bytes, so the fields are counted from the last closing one.
fn parse_stat(stat: &[u8]) -> Option<ProcessStat> {
    let name_end = stat.iter().rposition(|byte| *byte == b')')?;
    let rest = std::str::from_utf8(stat.get(name_end + 1..)?).ok()?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    let start_time = fields.nth(18)?.parse().ok()?;
    Some(ProcessStat {
        start_time,
        is_over: matches!(state, "Z" | "X" | "x"),
    })
}

/// `/proc` may hide the processes of others (`hidepid`), so that a missing entry is no proof; a signal that cannot
/// find its process is.
fn process_is_gone(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw)
    else {
        return false;
    };
    rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_its_earlier_lives_are_dead() {
        let here = Owner::this_process();
        assert_eq!(here.liveness(&here), Liveness::Alive);
        let earlier_pid = Owner {
            start_time: here.start_time + 1,
            ..here.clone()
        };
        assert_eq!(earlier_pid.liveness(&here), Liveness::Dead);
        let earlier_boot = Owner {
            boot: "before".to_owned(),
            ..here.clone()
        };
        assert_eq!(earlier_boot.liveness(&here), Liveness::Dead);
    }

    #[test]
    fn what_cannot_be_seen_from_here_is_unknown() {
        let here = Owner::this_process();
        for elsewhere in [
            Owner {
                host: "other".to_owned(),
                ..here.clone()
            },
            Owner {
                machine: "other".to_owned(),
                ..here.clone()
            },
            Owner {
                pid_namespace: "pid:[1]".to_owned(),
                ..here.clone()
            },
            Owner {
                pid_namespace: String::new(),
                ..here.clone()
            },
            Owner {
                boot: String::new(),
                ..here.clone()
            },
            Owner {
                start_time: 0,
                ..here.clone()
            },
        ] {
            assert_eq!(
                elsewhere.liveness(&here),
                Liveness::Unknown,
                "{elsewhere:?}"
            );
        }
    }

    #[test]
    fn a_process_that_was_reaped_is_dead_and_one_that_was_not_is_too() {
        let here = Owner::this_process();
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .unwrap();
        let owner = Owner {
            pid: child.id(),
            start_time: process_stat(child.id()).unwrap().start_time,
            ..here.clone()
        };
        assert_eq!(owner.liveness(&here), Liveness::Alive);
        child.kill().unwrap();
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while owner.liveness(&here) != Liveness::Dead {
            assert!(
                std::time::Instant::now() < deadline,
                "a zombie counts as alive"
            );
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert_eq!(owner.liveness(&here), Liveness::Dead);
    }

    #[test]
    fn a_programs_name_cannot_pass_for_fields() {
        let stat = b"42 (a) R 1 (\xff) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 777 1 2";
        assert_eq!(
            parse_stat(stat),
            Some(ProcessStat {
                start_time: 777,
                is_over: false
            })
        );
        assert_eq!(parse_stat(b""), None);
        assert_eq!(parse_stat(b"1 (x"), None);
        assert_eq!(parse_stat(b"1 (x) Z 1"), None);
    }
}
