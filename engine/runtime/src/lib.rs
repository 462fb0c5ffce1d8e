//! Everything of Piton that waits: stores, the keeper of processes, actions, and the driver that ties them
//! together.
//!
//! Start with [`driver::Local`]: it submits a run, drives it and takes decisions for it. It commits what the core
//! decides to a [`store`], and only then has it done by an [`action`]; processes are held by the run's [`keeper`],
//! which outlives the engine.

pub mod action;
pub mod channel;
pub mod driver;
pub mod keeper;
pub mod mask;
pub mod owner;
mod postgres;
pub mod secrets;
pub mod store;
pub mod traces;
pub mod wake;
mod web;
