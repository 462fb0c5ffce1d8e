//! The state machine of a run: one event in, records and effects out.
//!
//! ```text
//! Run::create(id, plan, start, now)          -> (Run, Batch)
//! Run::load(plan, snapshot, records)         -> Run               fold facts, evaluate nothing
//! run.handle(event, now)                     -> Batch             Err: the state is unchanged
//! run.outstanding()                          -> effects that are not known to be done
//! run.next_timeout()                         -> when to send Event::Tick
//! ```

mod effect;
mod event;

pub use effect::{Effect, Work, is_for_people};
pub use event::{Decision, Event, Outcome, Produced};
