//! Trying a plan out without executing anything: what it ends in if this happens, and what if anything happens.
//!
//! ```text
//! assume    the plan, with what depends on values that nobody knows yet put aside
//! World     one run of it in virtual time, which asks what happens at every point where something may
//! explore   all ways from there with up to two failures, each way once
//! Verdict   how such a way ends, and whether that is an error of the runbook
//! ```
//!
//! The steps are taken by the same code as those of a real run; only the journal is missing. [`World`] is what
//! `piton test` drives with a scenario, and [`explore`] drives it with everything that can go wrong.

mod account;
mod assume;
mod choice;
mod explore;
mod result;
mod verdict;
mod world;

pub use account::Account;
pub use assume::{Assumed, assume};
pub use choice::{Choice, Fate, Hold, Point, Step};
pub use explore::{Explored, Found, Limits, explore};
pub use result::{given, supposed};
pub use verdict::{Ending, Fault, Verdict};
pub use world::{Progress, World};
