//! The keeper: one small process a run that holds the processes of its steps, so that they outlive the engine.
//!
//! Start with [`Keeper`], the engine's side: it finds the run's keeper or starts one, has attempts started and
//! ended, and hears of their ends. [`main`] is the other side, the keeper process itself. Between them stand the
//! messages of `protocol` on a Unix socket in the run's directory, and the keeper's append-only log (`log`),
//! from which [`recover`] tells what became of every attempt when the keeper is gone.
//!
//! What is promised: an attempt is started once, however often it is asked for; its result is in the log before
//! anybody is told; its time limit holds with no engine attached; no secret reaches the disk.

mod attempt;
mod client;
mod connection;
mod dir;
pub mod kill;
mod log;
pub mod log_file;
mod outcome;
pub mod output;
mod process;
mod protocol;
pub mod recover;
mod serve;
mod server;
mod spawn;

pub use client::{Executable, Keeper, KeeperError};
pub use dir::KeeperDir;
pub use outcome::{Ended, Status};
pub use protocol::{Known, Launch};
pub use serve::main;
