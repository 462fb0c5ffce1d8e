//! How a run is driven, how driving it ended, and who is told meanwhile.

use piton_core::record::{Question, Record, RunOutcome};
use piton_core::run::Run;
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

/// How a run is driven.
#[derive(Clone, Debug)]
pub struct DriveOptions {
    /// When to leave.
    pub until: Until,
    /// Becomes true when the engine is to leave: what runs goes on under its keeper, and nothing new is started.
    /// A closed channel means that nobody will ask.
    pub stop: watch::Receiver<bool>,
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

    /// A question is open: when it is opened, and again for each open question when a run is loaded.
    fn on_question(&mut self, run: &Run, question: &Question) {
        let _ = (run, question);
    }
}

/// An observer that looks away.
impl Observer for () {}
