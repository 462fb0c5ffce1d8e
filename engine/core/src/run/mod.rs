//! The state machine of a run: one event in, records and effects out.
//!
//! ```text
//! Run::create(id, plan, start, now)          -> (Run, Batch)
//! Run::load(plan, snapshot, records)         -> Run               fold facts, evaluate nothing
//! run.handle(event, now)                     -> Batch             Err: the state is unchanged
//! run.outstanding()                          -> effects that are not known to be done
//! run.next_timeout()                         -> when to send Event::Tick
//! ```
//!
//! Start with [`Run`] in `machine.rs`. An event is first admitted or refused (`transitions/`), which writes down
//! the fact that it brings. Then `transitions::next` names the next fact that follows from the state, again and
//! again until nothing follows. Every fact goes through the one fold in `state.rs`, live and after a load alike,
//! so that a run which was loaded from any prefix of its journal is the run that wrote it.

mod agenda;
mod effect;
mod error;
mod event;
mod machine;
mod rehearsal;
mod render;
mod scope;
mod settle;
mod shape;
mod shown;
mod snapshot;
mod stage;
mod state;
mod transitions;

pub use effect::{Effect, Work, is_for_people};
pub use error::{LoadError, ProtocolError};
pub use event::{Decision, Event, Outcome, Produced};
pub use machine::{Batch, Head, HeldLock, Run, RunState};
pub(crate) use rehearsal::Rehearsal;
pub use render::ITEM_LIMIT;
pub use settle::OUTPUT_LIMIT;
pub use snapshot::{SNAPSHOT_VERSION, Snapshot};
pub use transitions::{BecameWord, NothingToUndo, ReplanError, Revised, Revision, Whole};
