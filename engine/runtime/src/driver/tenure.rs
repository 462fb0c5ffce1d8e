//! For how long an engine may rely on its lease, by its own clock.
//!
//! A commit shows that the lease held when it was made, and an engine may be stopped right after it, for as long as
//! somebody likes. So before anything is begun that another engine could begin too, the age of the last renewal is
//! looked at: from when the renewal was asked for, for the lease's whole length, in time that also passes while the
//! machine sleeps. An engine whose lease is older begins nothing until it has renewed it.

use piton_core::time::Millis;
use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use tokio::sync::Notify;

/// How long the lease may be relied upon.
#[derive(Debug)]
pub(crate) struct Tenure {
    length: i64,
    until: Cell<i64>,
    renewed: Notify,
}

/// An instant before the store was asked for a lease, or to renew it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked(i64);

impl Asked {
    /// Now.
    pub fn now() -> Asked {
        Asked(boot_millis())
    }
}

impl Tenure {
    /// Of a lease of this length that was asked for then.
    pub fn new(length: Millis, asked: Asked) -> Tenure {
        let length = i64::try_from(length.0).unwrap_or(i64::MAX);
        Tenure {
            length,
            until: Cell::new(asked.0.saturating_add(length)),
            renewed: Notify::new(),
        }
    }

    /// The lease was renewed.
    pub fn renewed(&self, asked: Asked) {
        let until = asked.0.saturating_add(self.length);
        self.until.set(until.max(self.until.get()));
        self.renewed.notify_waiters();
    }

    /// Whether nobody else can have the run by now.
    pub fn holds(&self) -> bool {
        boot_millis() < self.until.get()
    }

    /// Waits until that is so; for ever, if the lease is not renewed again.
    pub async fn held(&self) {
        loop {
            let renewed = self.renewed.notified();
            if self.holds() {
                return;
            }
            renewed.await;
        }
    }
}

fn boot_millis() -> i64 {
    let time = clock_gettime(ClockId::Boottime);
    time.tv_sec
        .saturating_mul(1000)
        .saturating_add(time.tv_nsec / 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn a_lease_is_relied_upon_from_when_it_was_asked_for() {
        let asked = Asked::now();
        let tenure = Tenure::new(Millis(600_000), asked);
        assert!(tenure.holds());
        tenure.held().await;
        let old = Asked(asked.0 - 600_001);
        let tenure = Tenure::new(Millis(600_000), old);
        assert!(!tenure.holds());
        tenure.renewed(Asked(old.0 - 1));
        assert!(!tenure.holds(), "an answer that was long under way");
        let waits = async {
            tenure.held().await;
            tenure.holds()
        };
        let renews = async { tenure.renewed(Asked::now()) };
        assert!(tokio::join!(waits, renews).0);
    }
}
