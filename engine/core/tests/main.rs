//! What the core promises, as seen from outside.

#![allow(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod back;
mod elsewhere;
mod expr;
mod golden;
mod journal;
mod people;
mod promises;
mod prove;
mod replan;
mod rules;
mod scale;
mod simulation;
mod targets;
mod view;
mod waiting;
mod world;
