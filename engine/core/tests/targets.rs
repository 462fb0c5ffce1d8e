//! The clock of the recovery time, and the calls about it, over thousands of generated worlds.

use crate::world::{facts, worlds};
use piton_core::plan::{NodeIndex, Plan, Rto};
use piton_core::record::{Fact, PageId};
use piton_core::sim::Simulator;
use piton_core::time::{Millis, Timestamp};
use proptest::prelude::*;
use std::collections::BTreeMap;

type Checked = Result<(), TestCaseError>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// The clock starts once, stops with its end or with the work, and what was lost is worked out when it has.
    #[test]
    fn the_clock_tells_how_long_it_took(world in worlds()) {
        let (simulator, _) = world.happen();
        check_clock(&simulator)?;
    }

    /// A run whose clock runs past a mark has a page recorded, at the first moment at which an engine looked.
    #[test]
    fn nobody_misses_a_target_unawares(world in worlds()) {
        let (simulator, _) = world.happen();
        check_calls(&simulator)?;
    }
}

fn rto(plan: &Plan) -> Option<&Rto> {
    plan.targets.as_ref()?.rto.as_ref()
}

/// The clock as its facts tell.
#[derive(Default)]
struct Clock {
    started: Option<Timestamp>,
    stopped: Option<bool>,
    measured: bool,
}

pub fn check_clock(simulator: &Simulator) -> Checked {
    let Some(rto) = rto(simulator.plan()) else {
        return Ok(());
    };
    let mut clock = Clock::default();
    let mut done: BTreeMap<NodeIndex, Timestamp> = BTreeMap::new();
    let mut created = None;
    for (at, fact) in facts(simulator) {
        created.get_or_insert(at);
        match fact {
            Fact::NodeSucceeded { node, .. } => {
                done.insert(node, at);
            }
            Fact::NodeSkipped { node, .. } => {
                done.entry(node).or_insert(at);
            }
            Fact::ClockStarted { at: since } => {
                prop_assert!(clock.started.is_none(), "it started twice");
                prop_assert!(since <= at);
                if rto.from.is_none() {
                    prop_assert_eq!(Some(since), created);
                }
                clock.started = Some(since);
            }
            Fact::ClockStopped { at: until, reached } => {
                prop_assert!(clock.started.is_some());
                prop_assert!(clock.stopped.is_none(), "it stopped twice");
                let end = rto.to.filter(|_| reached).map(|to| done[&to]);
                prop_assert_eq!(until, end.unwrap_or(at));
                clock.stopped = Some(reached);
            }
            Fact::ClockResumed => {
                prop_assert_eq!(clock.stopped.take(), Some(true));
                clock.measured = false;
            }
            Fact::LossMeasured { lost, .. } => {
                prop_assert!(!clock.measured, "it was measured twice");
                prop_assert!(clock.stopped.is_some() || clock.started.is_none());
                prop_assert_eq!(lost, Some(Millis(3_000)));
                clock.measured = true;
            }
            Fact::FinallyBegan { .. } | Fact::RunEnded { .. } => {
                prop_assert!(clock.started.is_none() || clock.stopped.is_some());
                prop_assert!(clock.measured, "the run ended and nothing was measured");
            }
            _ => {}
        }
    }
    Ok(())
}

/// Who was called since the clock runs.
#[derive(Default)]
struct Calls {
    since: Option<Timestamp>,
    running: bool,
    missed: Option<bool>,
    level: u32,
    seen: bool,
    number: u32,
}

pub fn check_calls(simulator: &Simulator) -> Checked {
    let plan = simulator.plan();
    let Some(rto) = rto(plan) else {
        return Ok(());
    };
    let policy = rto
        .page
        .as_ref()
        .and_then(|name| plan.escalations.get(name));
    let mut calls = Calls::default();
    let facts = facts(simulator);
    for (place, (at, fact)) in facts.iter().enumerate() {
        match fact {
            Fact::ClockStarted { at } => (calls.since, calls.running) = (Some(*at), true),
            Fact::ClockStopped { .. } => {
                calls = Calls {
                    since: calls.since,
                    number: calls.number,
                    ..Calls::default()
                };
            }
            Fact::ClockResumed => calls.running = true,
            Fact::TargetAcknowledged { .. } => calls.seen = true,
            Fact::TargetPaged { missed, page } => {
                prop_assert!(policy.is_some() && calls.running);
                calls.number += 1;
                prop_assert_eq!(page.id, PageId::of_clock(calls.number));
                if calls.missed == Some(*missed) {
                    prop_assert!(!calls.seen, "somebody had seen it");
                    prop_assert!(page.level >= calls.level);
                } else {
                    prop_assert_eq!(page.level, 1, "each mark begins with the first level");
                    prop_assert!(calls.missed < Some(*missed));
                    calls.seen = false;
                }
                let length = if *missed {
                    Some(rto.within)
                } else {
                    rto.at_risk
                };
                let mark = length
                    .zip(calls.since)
                    .map(|(length, since)| since.after(length));
                prop_assert!(
                    mark.is_some_and(|mark| mark <= *at),
                    "it was paged too early"
                );
                (calls.missed, calls.level) = (Some(*missed), page.level);
            }
            _ => {}
        }
        // What is written down at one moment belongs together.
        let moment_over = facts.get(place + 1).is_none_or(|(next, _)| next > at);
        if moment_over && calls.running && policy.is_some() {
            let past = |length: Option<Millis>| {
                let mark = length
                    .zip(calls.since)
                    .map(|(length, since)| since.after(length));
                mark.is_some_and(|mark| mark <= *at)
            };
            if past(Some(rto.within)) {
                prop_assert_eq!(calls.missed, Some(true), "missed at {:?}", at);
            } else if past(rto.at_risk) {
                prop_assert!(calls.missed.is_some(), "at risk at {:?}", at);
            }
        }
    }
    Ok(())
}
