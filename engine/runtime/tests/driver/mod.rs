//! Runs driven for real: a SQLite store, a keeper, processes.

mod actions;
mod back;
mod calling;
mod evidence;
mod hosts;
mod http;
mod interruptions;
mod locks;
mod people;
mod repairs;
pub mod support;
mod waiting;
mod web;
