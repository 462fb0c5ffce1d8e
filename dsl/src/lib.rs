//! Piton's runbook language: from text in either syntax to diagnostics and a plan.
//!
//! Data flows one way: a [`source::SourceFile`] is parsed by [`syntax`] to a tree of [`node::Node`]s, which the later
//! modules type, lint and compile. Nothing here reads a clock, a file or the environment.

pub mod diagnostic;
pub mod node;
pub mod report;
pub mod source;
pub mod syntax;
