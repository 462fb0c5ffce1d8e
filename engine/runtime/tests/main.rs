//! The parts of the runtime, against real files and processes.

// Helpers outside of test functions count as tests too: what cannot go on fails.
#![allow(clippy::unwrap_used)]

mod channel;
mod driver;
mod keeper;
mod postgres;
mod store;
mod team;
