//! Runs driven for real: a SQLite store, a keeper, processes.

mod actions;
mod interruptions;
mod people;
mod repairs;
mod support;
