//! A simulator: a run against a model of the world, with a virtual clock, scripted outcomes, scripted people and
//! an engine that is killed at chosen points.
//!
//! ```text
//! plans      small plans without the language
//! Script     what each attempt does, what people answer, when the engine dies
//! Simulator  the driver, the store, the keeper and the people, all in one thread
//! ```
//!
//! Start with [`Simulator::new`] and [`Simulator::run`], then look at what was written down
//! ([`Simulator::records`]), what was really executed ([`Simulator::executions`]), what that left in the world
//! ([`Simulator::world`]) and what people were told ([`Simulator::verdicts`]). The same plan and script always give
//! the same of each.

mod keeper;
mod outside;
mod people;
pub mod plans;
mod script;
mod simulator;
mod world;

pub use keeper::Execution;
pub use outside::LockStand;
pub use script::{
    Asked, Cancel, Crash, CrashPoint, Did, Does, Ends, FailedCommit, Locking, Paging, Pause,
    Replan, Reply, Script, Scripted,
};
pub use simulator::{Commit, Ending, Simulator, Verdict};
pub use world::{Deed, Done, Spot, Trace, World};
