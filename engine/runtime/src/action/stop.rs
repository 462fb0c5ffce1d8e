//! Telling an attempt to end.

use tokio::sync::watch;

/// Held by the driver, one an attempt: tells it to end. Dropping it tells nothing.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

/// Held by the attempt.
#[derive(Clone, Debug)]
pub struct StopSignal(watch::Receiver<bool>);

/// A stopper and its signal.
#[must_use]
pub fn stop_pair() -> (Stopper, StopSignal) {
    let (sender, receiver) = watch::channel(false);
    (Stopper(sender), StopSignal(receiver))
}

impl Stopper {
    /// Tells the attempt to end.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl StopSignal {
    /// Whether the attempt was told to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when the attempt is told to end, and never if it is not.
    pub async fn stopped(&mut self) {
        if self.0.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
