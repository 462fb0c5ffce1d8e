//! What the core promises, as seen from outside.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod expr;
mod journal;
mod promises;
mod rules;
mod scale;
mod view;
mod world;
