//! The driver: what makes a run go on.
//!
//! [`Local`] is where to start; [`serve()`] drives many runs in one process. It commits what the core decides, then has it done; its loop is in `drive.rs`, the
//! attempts it has under way in `attempts.rs`, the processes among these in [`processes`], and the calls for people in
//! `pages.rs`.

mod attempts;
mod audit;
mod bell;
mod clock;
mod drive;
pub(crate) mod engine_log;
mod error;
mod local;
mod locks;
mod logs;
mod options;
mod pages;
pub mod processes;
mod prune;
mod reach;
mod report;
mod serve;
pub(crate) mod tenure;
mod traces;

pub use audit::Audit;
pub use clock::Clock;
pub use drive::status;
pub use error::{AuditError, DriveError, NotReplanned};
pub use local::{Begin, Decided, Local};
pub use options::{DriveEnd, DriveOptions, Observer, PATIENCE_VARIABLE, STORE_PATIENCE, Until};
pub use prune::PruneError;
pub use serve::{Served, Serving, serve};
