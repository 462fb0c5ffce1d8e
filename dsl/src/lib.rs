//! Piton's runbook language: from text in either syntax to diagnostics and a plan.
//!
//! Data flows one way: a [`source::SourceFile`] is parsed by [`syntax`] to a tree of [`node::Node`]s, which the later
//! modules type, lint and compile. Nothing here reads a clock, a file or the environment.

// The parsers that pest makes name it; pest does without `std` here, whose guard of the stack costs a seventh of the
// time. What bounds the stack is how deep brackets may be nested.
extern crate alloc;

pub mod allow;
pub mod check;
pub mod compile;
pub mod diagnostic;
pub mod fix;
pub mod json_schema;
pub mod lint;
pub mod loader;
pub mod lower;
pub mod node;
pub mod print;
pub mod reference;
pub mod report;
pub mod rule_pages;
pub mod runbook;
pub mod scenario;
pub mod schema;
pub mod scripts;
mod shell;
pub mod source;
pub mod syntax;

pub use check::{Called, Checked, check, check_text, check_with};
pub use compile::{CompileError, Params, compile, compile_mode};
pub use lint::catalogue::{Page, catalogue, explain};
pub use loader::{LoadError, Loader};
pub use scripts::{Script, scripts};
