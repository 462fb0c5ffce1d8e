//! Expressions (a subset of CEL) and templates (text with `${{ expression }}` in it).
//!
//! [`Expression::parse`] reads one, [`Expression::check`] finds what is wrong with it before the run, and
//! [`Expression::evaluate`] works it out against a [`Scope`]. Names keep what people know from CEL: `&&` and `||`
//! forgive an error on one side when the other side decides, there is no implicit conversion in arithmetic, and
//! ints and floats compare by their numeric value. `steps.` may be followed by a node's name with dashes.
//!
//! Everything here is bounded: the length and depth of a text, the steps of an evaluation and the bytes it makes.

mod access;
mod ast;
mod check;
mod error;
mod evaluate;
mod expression;
mod format;
mod functions;
mod json_template;
mod operators;
mod parse;
mod suggest;
mod syntax_error;
mod template;
mod types;

pub use error::ExprError;
pub use expression::{Expression, Reference};
pub use functions::function_examples;
pub use json_template::escaped as escaped_for_json;
pub use suggest::{suggest, suggest_surely};
pub use template::{Template, find_splices};
pub use types::{Resolved, Scope, Type, TypeResolved, TypeScope};

/// A stretch of an expression's or a template's own text, in bytes.
pub type Range = std::ops::Range<usize>;
