//! The pure core of Piton: what a plan is, what happened to a run, and what has to happen next.
//!
//! Start with [`plan::Plan`] (what is to be done), then [`record::Fact`] (what is written down about it), then
//! [`run::Run`] (the state machine that turns events into records and effects).
//!
//! Nothing here reads a clock, a file, the environment or a random source, and nothing here waits: time comes in
//! with each event, and everything that has to happen in the world goes out as an [`run::Effect`]. Nothing
//! in it should stand against `wasm32-unknown-unknown`: `./test` builds it there where that target is installed.
//! `clippy.toml` beside it names what may not be called.

// The parsers that pest makes name it; pest does without `std` here, whose guard of the stack costs a seventh of the
// time. What bounds the stack is how deep brackets may be nested.
extern crate alloc;

pub mod digest;
pub mod expr;
pub mod id;
pub mod plan;
pub mod prove;
pub mod record;
pub mod run;
pub mod sim;
pub mod sql;
pub mod text;
pub mod time;
pub mod value;
pub mod view;
