//! `piton test`: the scenarios beside runbooks, played in virtual time.
//!
//! `files` finds them, `playing` plays them side by side, and `pretty`, `json` and `junit` say what came of it.

mod command;
mod files;
mod json;
mod junit;
mod playing;
mod pretty;

pub use command::Test;

use piton_dsl::scenario::{Coverage, Mismatch};
use piton_dsl::source::SourceFile;
use std::sync::Arc;

/// What came of the scenarios of one runbook.
struct Tested {
    /// The runbook, as it was named.
    runbook: String,
    /// The scenario file.
    source: Arc<SourceFile>,
    /// In the order of the file.
    scenarios: Vec<Outcome>,
    /// What they came through together.
    coverage: Coverage,
}

/// What came of one scenario.
struct Outcome {
    name: String,
    mode: Option<String>,
    result: Result<(), Wrong>,
}

/// Why a scenario did not pass.
enum Wrong {
    /// It went another way than expected.
    Differs(Vec<Mismatch>),
    /// It cannot be played, and why; the report stands on standard error.
    Broken(String),
}

impl Tested {
    fn failed(&self) -> usize {
        let failed = |outcome: &&Outcome| outcome.result.is_err();
        self.scenarios.iter().filter(failed).count()
    }
}

/// How many there are of something.
fn counted(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

/// What a difference is about, and where its expectation stands.
fn place(tested: &Tested, mismatch: &Mismatch) -> String {
    let (line, column) = tested.source.position(mismatch.span.start);
    format!("{}:{line}:{column}", tested.source.name)
}
