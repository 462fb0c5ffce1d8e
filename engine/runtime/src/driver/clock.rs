//! The engine's clock: wall time once, boot time from then on.
//!
//! Engines of a run that follow each other between two boots share one clock, which the first of them writes down in
//! the run's directory. So a wall clock that is set between two engines does not end a restore that has an hour left.

use crate::store::RunDirectory;
use piton_core::time::Timestamp;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Gives instants that never jump: the wall clock is read once, and what has passed since is counted in boot time,
/// which goes on while the machine sleeps. A wall clock that is set meanwhile does not bend a deadline.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    wall: i64,
    boot: i64,
}

impl Clock {
    /// A clock that is anchored now.
    #[must_use]
    pub fn start() -> Clock {
        let wall = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            // Before 1970: the clock of this machine is not set.
            Err(_) => 0,
        };
        Clock {
            wall,
            boot: boot_millis(),
        }
    }

    /// The clock of the run with this directory, which never shows less than `last`, the time of the run's last
    /// record: the clock of another host, or of this one before a boot, may have been ahead.
    #[must_use]
    pub fn of_run(directory: &RunDirectory, last: Timestamp) -> Clock {
        let anchored = anchored(directory, Clock::start()).unwrap_or_else(|error| {
            // Only a clock that was set meanwhile would show.
            tracing::warn!(%error, "the run's clock could not be kept");
            Clock::start()
        });
        let behind = last.0.saturating_sub(anchored.now().0).max(0);
        Clock {
            wall: anchored.wall.saturating_add(behind),
            boot: anchored.boot,
        }
    }

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp(
            self.wall
                .saturating_add(boot_millis().saturating_sub(self.boot).max(0)),
        )
    }
}

/// How a clock is written down.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Anchor {
    /// The kernel's boot id; boot time of another boot means nothing.
    boot_id: String,
    wall: i64,
    boot: i64,
}

/// The clock that was written down since the last boot, or this one, which is written down then.
fn anchored(directory: &RunDirectory, fresh: Clock) -> io::Result<Clock> {
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    let boot_id = boot_id.trim();
    let path = directory.clock();
    // One that cannot be read, because its writer died over it, is as good as none.
    let known = std::fs::read_to_string(&path)
        .ok()
        .and_then(|text| serde_json::from_str::<Anchor>(&text).ok());
    if let Some(Anchor { wall, boot, .. }) = known.filter(|known| known.boot_id == boot_id) {
        return Ok(Clock { wall, boot });
    }
    let anchor = Anchor {
        boot_id: boot_id.to_owned(),
        wall: fresh.wall,
        boot: fresh.boot,
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(serde_json::to_string(&anchor)?.as_bytes())?;
    Ok(fresh)
}

/// Milliseconds since the machine was started, sleep included.
fn boot_millis() -> i64 {
    let time = clock_gettime(ClockId::Boottime);
    time.tv_sec
        .saturating_mul(1000)
        .saturating_add(time.tv_nsec / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run's directory that goes away with it.
    struct Folder(RunDirectory);

    impl Folder {
        fn new() -> Folder {
            let path = std::env::temp_dir().join(crate::store::new_run_id("piton-clock").0);
            let directory = RunDirectory::at(path);
            directory.create().unwrap();
            Folder(directory)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(self.0.path());
        }
    }

    #[test]
    fn a_wall_clock_that_is_set_between_two_engines_does_not_show() {
        let folder = Folder::new();
        let directory = &folder.0;
        let first = Clock::of_run(directory, Timestamp(0));
        // An hour back in the file is as if the wall clock had been set an hour ahead since.
        let mut anchor: Anchor =
            serde_json::from_str(&std::fs::read_to_string(directory.clock()).unwrap()).unwrap();
        anchor.wall -= 3_600_000;
        std::fs::write(directory.clock(), serde_json::to_string(&anchor).unwrap()).unwrap();
        let second = Clock::of_run(directory, Timestamp(0));
        assert_eq!(second.wall, first.wall - 3_600_000);
        assert_eq!(second.boot, first.boot);
    }

    #[test]
    fn a_boot_or_a_torn_file_begins_a_new_clock() {
        let folder = Folder::new();
        let directory = &folder.0;
        let old = r#"{"boot_id":"another","wall":1,"boot":1}"#;
        for text in [old, "", "{\"boot_id\":"] {
            std::fs::write(directory.clock(), text).unwrap();
            let clock = Clock::of_run(directory, Timestamp(0));
            assert!(clock.now().0 > 1_700_000_000_000);
            assert_eq!(Clock::of_run(directory, Timestamp(0)).wall, clock.wall);
        }
    }

    #[test]
    fn the_clock_never_shows_less_than_the_last_record() {
        let folder = Folder::new();
        let directory = &folder.0;
        let ahead = Timestamp(Clock::start().now().0 + 3_600_000);
        let clock = Clock::of_run(directory, ahead);
        assert!(clock.now() >= ahead && clock.now().0 - ahead.0 < 60_000);
    }

    #[test]
    fn the_clock_agrees_with_the_wall_clock_and_does_not_go_back() {
        let clock = Clock::start();
        let (first, second) = (clock.now(), clock.now());
        assert!(first <= second);
        let later = Clock::start().now();
        assert!(later.0 - first.0 < 60_000, "{first} and {later}");
        assert!(first.0 > 1_700_000_000_000, "{first}");
    }
}
