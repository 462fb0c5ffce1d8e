//! Handing in what people decide: what `approve`, `done`, `decide`, `ack`, `cancel` and their like have in common.
//!
//! The event goes into the run's inbox. If an engine drives the run, it says what became of it; if none does, this
//! process drives the run on, or, with `--no-resume`, only writes the decision down.

mod answering;
mod handing;
mod told;
mod writing;

pub use answering::{Answering, Saying, open_question, which};
pub use handing::{Handing, hand_in, refusal, take_in};
