//! `piton resume`: goes on with a run whose engine ended, also with an edited runbook.
//!
//! `edited` makes a plan of the edited file as this run would have it; `text` and `json` say what it would change.

mod command;
mod edited;
mod json;
mod text;

pub use command::Resume;
