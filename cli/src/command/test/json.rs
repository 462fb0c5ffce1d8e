//! What other programs read.

use super::{Outcome, Tested, Wrong};
use piton_dsl::scenario::Mismatch;
use serde::Serialize;

/// What came of the scenarios of one runbook.
#[derive(Serialize)]
pub struct Shown {
    runbook: String,
    file: String,
    passed: bool,
    scenarios: Vec<Scenario>,
    coverage: Coverage,
}

#[derive(Serialize)]
struct Scenario {
    name: String,
    mode: Option<String>,
    passed: bool,
    error: Option<String>,
    differences: Vec<Difference>,
}

#[derive(Serialize)]
struct Difference {
    what: &'static str,
    line: usize,
    column: usize,
    expected: String,
    found: String,
}

#[derive(Serialize)]
struct Coverage {
    percent: u32,
    nodes: usize,
    all_nodes: usize,
    edges: usize,
    all_edges: usize,
    untaken: Vec<String>,
}

/// All of it.
pub fn shown(all: &[Tested]) -> Vec<Shown> {
    all.iter().map(of_runbook).collect()
}

fn of_runbook(tested: &Tested) -> Shown {
    let coverage = &tested.coverage;
    Shown {
        runbook: tested.runbook.clone(),
        file: tested.source.name.clone(),
        passed: tested.failed() == 0,
        scenarios: tested
            .scenarios
            .iter()
            .map(|it| of_scenario(tested, it))
            .collect(),
        coverage: Coverage {
            percent: coverage.percent(),
            nodes: coverage.nodes.len(),
            all_nodes: coverage.all_nodes.len(),
            edges: coverage.edges.len(),
            all_edges: coverage.all_edges.len(),
            untaken: coverage.untaken().map(ToString::to_string).collect(),
        },
    }
}

fn of_scenario(tested: &Tested, outcome: &Outcome) -> Scenario {
    let difference = |mismatch: &Mismatch| {
        let (line, column) = tested.source.position(mismatch.span.start);
        Difference {
            what: mismatch.what,
            line,
            column,
            expected: mismatch.expected.clone(),
            found: mismatch.found.clone(),
        }
    };
    let (error, differences) = match &outcome.result {
        Ok(()) => (None, Vec::new()),
        Err(Wrong::Broken(why)) => (Some(why.clone()), Vec::new()),
        Err(Wrong::Differs(found)) => (None, found.iter().map(difference).collect()),
    };
    Scenario {
        name: outcome.name.clone(),
        mode: outcome.mode.clone(),
        passed: outcome.result.is_ok(),
        error,
        differences,
    }
}
