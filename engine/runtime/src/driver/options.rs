//! How a run is driven, how driving it ended, and who is told meanwhile.

use crate::store::StoreError;
use piton_core::record::{Question, Record, RunOutcome};
use piton_core::run::Run;
use piton_core::time::Millis;
use std::time::Duration;
use tokio::sync::watch;

/// When to leave a run that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Until {
    /// Leave as soon as nothing but people is waited for: they can decide from another process.
    #[default]
    WaitingOrOver,
    /// Leave as soon as nothing but people is waited for, none of them is still to be called, and none of them has only
    /// so long to decide.
    NobodyToCall,
    /// Stay until the run is over.
    Over,
}

/// How long a store that cannot be reached is waited for, unless [`PATIENCE_VARIABLE`] says otherwise: a server that is
/// started again, or another one that takes its place.
pub const STORE_PATIENCE: Duration = Duration::from_secs(600);

/// The environment variable that says how long a store that cannot be reached is waited for, as in `30m`.
pub const PATIENCE_VARIABLE: &str = "PITON_STORE_PATIENCE";

/// What the environment says, else [`STORE_PATIENCE`].
fn store_patience() -> Duration {
    let Ok(text) = std::env::var(PATIENCE_VARIABLE) else {
        return STORE_PATIENCE;
    };
    match text.parse::<Millis>() {
        Ok(length) => Duration::from_millis(length.0),
        Err(error) => {
            tracing::warn!(%error, "{PATIENCE_VARIABLE} is passed over");
            STORE_PATIENCE
        }
    }
}

/// How a run is driven.
#[derive(Clone, Debug)]
pub struct DriveOptions {
    /// When to leave.
    pub until: Until,
    /// Becomes true when the engine is to leave: what runs goes on under its keeper, and nothing new is started.
    /// A closed channel means that nobody will ask.
    pub stop: watch::Receiver<bool>,
    /// How long a store that cannot be reached is waited for, while what runs goes on. Then the engine leaves.
    pub store_patience: Duration,
    /// For tests of what a crash leaves: the process aborts once this record is durable, before anything that it asks
    /// for is done.
    pub die_after: Option<u64>,
}

impl DriveOptions {
    /// Options without anybody who could ask the engine to leave early.
    #[must_use]
    pub fn until(until: Until) -> DriveOptions {
        DriveOptions {
            until,
            stop: watch::channel(false).1,
            store_patience: store_patience(),
            die_after: None,
        }
    }
}

impl Default for DriveOptions {
    fn default() -> DriveOptions {
        DriveOptions::until(Until::default())
    }
}

/// How driving a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DriveEnd {
    /// The run is over.
    Over(RunOutcome),
    /// Only people are waited for.
    Waiting,
    /// The engine was asked to leave. What runs goes on; `piton resume` attaches to it again.
    Detached,
}

/// Is told what happens to a run while it is driven. Nothing is told before it is durable.
pub trait Observer {
    /// The engine holds the run: it was loaded, and this is where it stands. Called again if the engine had to
    /// load the run anew.
    fn on_loaded(&mut self, run: &Run) {
        let _ = run;
    }

    /// These records were written; `run` is the state after them.
    fn on_records(&mut self, run: &Run, records: &[Record]) {
        let _ = (run, records);
    }

    /// The store cannot be reached. It is waited for, at most for so long; what runs goes on, and nothing is started.
    fn on_store_away(&mut self, error: &StoreError, patience: Duration) {
        let _ = (error, patience);
    }

    /// The store can be reached again, and the run is still this engine's.
    fn on_store_back(&mut self) {}

    /// The store has taken records of the run; it took this long.
    fn on_commit(&mut self, took: Duration) {
        let _ = took;
    }

    /// The store failed at something. What is done about it, the engine says by how it goes on.
    fn on_store_error(&mut self, error: &StoreError) {
        let _ = error;
    }

    /// A question is open: when it is opened, and again for each open question when a run is loaded.
    fn on_question(&mut self, run: &Run, question: &Question) {
        let _ = (run, question);
    }
}

/// An observer that looks away.
impl Observer for () {}
