//! Tests of the whole language: files in, diagnostics and plans out.

mod catalogue;
mod compile;
mod lint;
mod mutation;
mod schema;
mod syntax;
