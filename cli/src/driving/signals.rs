//! Signals while a run is driven.

use crate::failure::Failure;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What somebody or something wants of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Ctrl-C.
    Interrupt,
    /// Leave; what runs goes on.
    Leave,
    /// The terminal has another size, or the process was stopped and goes on.
    Redraw,
}

/// The signals that are listened to.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
    window: Signal,
    again: Signal,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn listen() -> Result<Signals, Failure> {
        let on = |kind| {
            signal(kind)
                .map_err(|error| Failure::new(format!("signals cannot be listened to: {error}")))
        };
        Ok(Signals {
            interrupt: on(SignalKind::interrupt())?,
            terminate: on(SignalKind::terminate())?,
            hang_up: on(SignalKind::hangup())?,
            window: on(SignalKind::window_change())?,
            again: on(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    /// The next one.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Interrupt,
            _ = self.terminate.recv() => Asked::Leave,
            _ = self.hang_up.recv() => Asked::Leave,
            _ = self.window.recv() => Asked::Redraw,
            _ = self.again.recv() => Asked::Redraw,
        }
    }
}
