//! Tests of the whole language: files in, diagnostics and plans out.

mod allow;
mod call;
mod catalogue;
mod compile;
mod each;
mod embedded;
mod files;
mod fixes;
mod http;
mod json_schema;
mod keys;
mod lint;
mod mistakes;
mod modes;
mod mutation;
mod reference;
mod rule_pages;
mod rules;
mod scenario;
mod schema;
mod seeds;
mod sql;
mod syntax;
mod syntax_codes;
mod targets;
