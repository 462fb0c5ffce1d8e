//! The engine's clock: wall time once, boot time from then on.

use piton_core::time::Timestamp;
use rustix::time::{ClockId, clock_gettime};
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

    /// The present instant.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp(
            self.wall
                .saturating_add(boot_millis().saturating_sub(self.boot).max(0)),
        )
    }
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
