//! Large plans: work an event does not grow with the plan.

use crate::world::first_in_flight;
use piton_core::id::RunId;
use piton_core::plan::Plan;
use piton_core::run::{Event, Outcome, Produced, Run};
use piton_core::sim::plans::{chain, fan, start};
use piton_core::time::Timestamp;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Runs a plan to its end and loads it again. Gives the number of records, and how long it took.
#[expect(clippy::disallowed_methods, reason = "the test measures")]
fn run_and_load(plan: Plan) -> (usize, Duration) {
    let begun = Instant::now();
    let plan = Arc::new(plan);
    let (mut run, batch) = Run::create(RunId("r".to_owned()), plan.clone(), start(), Timestamp(0));
    let mut records = batch.records;
    while let Some(attempt) = first_in_flight(&run) {
        let outcome = Outcome::succeeded(Produced::default());
        let batch = run
            .handle(Event::AttemptEnded { attempt, outcome }, Timestamp(1))
            .unwrap();
        assert!(
            batch.records.len() < 100,
            "one event brought {} records",
            batch.records.len()
        );
        assert_eq!(run.next_timeout(), None);
        records.extend(batch.records);
    }
    assert!(run.outcome().is_some());
    let written = records.len();
    assert_eq!(Run::load(plan, None, records).unwrap(), run);
    (written, begun.elapsed())
}

fn grows_linearly(small: Plan, large: Plan, records_a_node: usize) {
    let factor = large.nodes.len() as f64 / small.nodes.len() as f64;
    let (nodes, more_nodes) = (small.nodes.len(), large.nodes.len());
    let (few, short) = run_and_load(small);
    let (many, long) = run_and_load(large);
    assert_eq!(
        (few, many),
        (nodes * records_a_node + 2, more_nodes * records_a_node + 2)
    );
    // Quadratic work would make the factor a hundred.
    let grown = long.as_secs_f64() / short.as_secs_f64();
    assert!(
        grown < factor * 3.5,
        "{factor} times the nodes took {grown} times as long: {short:?}, {long:?}"
    );
}

#[test]
fn a_long_chain_is_linear() {
    grows_linearly(chain(10_000), chain(100_000), 4);
}

#[test]
fn a_wide_fan_is_linear() {
    grows_linearly(fan(10_000, 4), fan(100_000, 4), 4);
}
