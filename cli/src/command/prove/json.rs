//! What other programs read.

use super::Proof;
use piton_core::plan::NodeIndex;
use piton_core::prove::Ending;
use piton_dsl::scenario::told;
use serde::Serialize;
use std::collections::BTreeMap;

/// What `--json` writes.
#[derive(Serialize)]
pub struct Shown {
    file: String,
    mode: Option<String>,
    proved: bool,
    runs: u64,
    unexplored: u64,
    failures: u32,
    milliseconds: u64,
    endings: BTreeMap<&'static str, u64>,
    cleanup_failed: u64,
    assumed: Assumed,
    errors: Vec<Error>,
}

/// What was not worked out.
#[derive(Serialize)]
struct Assumed {
    outputs: Vec<String>,
    conditions: Vec<String>,
    lists: Vec<String>,
}

/// A way that a run must not end.
#[derive(Serialize)]
struct Error {
    kind: &'static str,
    at: Option<String>,
    nodes: Vec<String>,
    steps: Vec<String>,
    runs: u64,
    scenario: String,
}

/// All of it.
pub fn shown(proof: &Proof<'_>) -> Shown {
    let explored = proof.explored;
    let name = |index: &NodeIndex| Some(proof.plan.node(*index)?.id.clone());
    let names = |nodes: &[NodeIndex]| nodes.iter().filter_map(name).collect();
    Shown {
        file: proof.file.to_owned(),
        mode: proof.plan.mode.clone(),
        proved: explored.faults.is_empty() && explored.unexplored == 0,
        runs: explored.runs,
        unexplored: explored.unexplored,
        failures: proof.limits.failures,
        milliseconds: u64::try_from(proof.took.as_millis()).unwrap_or(u64::MAX),
        endings: explored
            .endings
            .iter()
            .map(|(ending, runs)| (ending.words(), *runs))
            .collect(),
        cleanup_failed: explored.cleanup_failed,
        assumed: Assumed {
            outputs: names(&proof.assumed.outputs),
            conditions: names(&proof.assumed.conditions),
            lists: names(&proof.assumed.lists),
        },
        errors: explored
            .faults
            .iter()
            .map(|found| Error {
                kind: Ending::Fault(found.fault).words(),
                at: found.at.as_ref().and_then(name),
                nodes: names(&found.nodes),
                steps: found
                    .steps
                    .iter()
                    .map(|step| told(proof.plan, step))
                    .collect(),
                runs: found.runs,
                scenario: proof.scenario(found),
            })
            .collect(),
    }
}
