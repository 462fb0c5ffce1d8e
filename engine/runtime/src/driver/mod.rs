//! The driver: what makes a run go on.
//!
//! [`Local`] is where to start. It commits what the core decides, then has it done; its loop is in `drive.rs`, the
//! attempts it has under way in `attempts.rs`, the processes among these in [`processes`], and the calls for people in
//! `pages.rs`.

mod attempts;
mod audit;
mod clock;
mod drive;
pub(crate) mod engine_log;
mod error;
mod local;
mod locks;
mod options;
mod pages;
pub mod processes;

pub use audit::Audit;
pub use clock::Clock;
pub use error::{AuditError, DriveError};
pub use local::{Begin, Decided, Local};
pub use options::{DriveEnd, DriveOptions, Observer, Until};
