//! The keeper with real processes: each row of its table, time limits, endings, output.

mod endings;
mod output;
mod rows;
mod support;
