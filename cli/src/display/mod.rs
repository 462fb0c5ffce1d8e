//! What people see of a run.
//!
//! Everything that decides *what* is shown is a pure function from a [`piton_core::view::RunView`] to [`style::Line`]s:
//! [`frame`] (a run in a terminal), [`plain`] (one line an event), [`question`], [`report`]. [`painter`] puts a
//! frame on the terminal and [`tail`] reads what steps print.

pub mod action;
pub mod back;
pub mod choices;
pub mod clean;
pub mod details;
pub mod evidence;
pub mod frame;
pub mod node;
pub mod painter;
pub mod plain;
pub mod question;
pub mod report;
pub mod stored;
pub mod style;
pub mod tail;
pub mod targets;
