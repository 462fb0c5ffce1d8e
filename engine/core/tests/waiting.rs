//! Waiting, over thousands of generated worlds: looks, locks and items.

use crate::world::{facts, worlds};
use piton_core::id::Purpose;
use piton_core::plan::NodeIndex;
use piton_core::record::{Fact, OutcomeStatus, QuestionKind};
use piton_core::sim::{Ending, Simulator};
use piton_core::time::Timestamp;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Checked = Result<(), TestCaseError>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing of a node that needs locks runs without them, and a run that is over has none.
    #[test]
    fn locks_are_held_and_let_go(world in worlds()) {
        let (simulator, ending) = world.happen();
        check_locks(&simulator)?;
        if let Ending::Over(_) = ending {
            prop_assert!(simulator.locks().is_empty(), "left: {:?}", simulator.locks());
        }
    }

    /// Looks, waits and retries begin no earlier than they were said to; what is checked holds when it starts.
    #[test]
    fn nothing_starts_before_its_time(world in worlds()) {
        let (simulator, _) = world.happen();
        check_times(&simulator)?;
        check_prepared(&simulator)?;
    }

    /// Each item is done once a pass, in order, and taken back once, in reverse.
    #[test]
    fn items_are_done_one_by_one(world in worlds()) {
        let (simulator, _) = world.happen();
        check_items(&simulator)?;
    }
}

pub fn check_locks(simulator: &Simulator) -> Checked {
    let plan = simulator.plan();
    let mut wanted: BTreeSet<Option<NodeIndex>> = BTreeSet::new();
    let mut held: BTreeSet<Option<NodeIndex>> = BTreeSet::new();
    for (_, fact) in facts(simulator) {
        match fact {
            Fact::LockRequested { node, names, .. } => {
                prop_assert!(!names.is_empty() && !held.contains(&node));
                wanted.insert(node);
            }
            Fact::LockTaken { node } => {
                prop_assert!(wanted.remove(&node), "nobody waited for these locks");
                held.insert(node);
            }
            Fact::NodeSucceeded { node, .. }
            | Fact::NodeFailed { node, .. }
            | Fact::NodeSkipped { node, .. } => {
                held.remove(&Some(node));
                wanted.remove(&Some(node));
            }
            Fact::Rewound { nodes, .. } => {
                for node in nodes {
                    held.remove(&Some(node));
                    wanted.remove(&Some(node));
                }
            }
            Fact::NodeStarted { node, .. } => prop_assert!(
                plan.lock.is_none() || plan.node(node).unwrap().finally || held.contains(&None),
                "node {} began without the run's locks",
                node.0
            ),
            Fact::AttemptStarted { attempt, .. } if !attempt.purpose.is_back() => {
                let needs = plan.node(attempt.node).unwrap().lock.is_some();
                prop_assert!(
                    !needs || held.contains(&Some(attempt.node)),
                    "{attempt} without its locks"
                );
            }
            _ => {}
        }
    }
    Ok(())
}

pub fn check_times(simulator: &Simulator) -> Checked {
    let mut not_before: BTreeMap<NodeIndex, Timestamp> = BTreeMap::new();
    for (at, fact) in facts(simulator) {
        match fact {
            Fact::RetryScheduled { node, at: time, .. }
            | Fact::LookScheduled { node, at: time, .. }
            | Fact::UndoRetryScheduled { node, at: time, .. } => {
                not_before.insert(node, time);
            }
            Fact::NodeStarted { node, inputs, .. } => {
                not_before.remove(&node);
                if let piton_core::record::RenderedAction::Wait { until } = inputs.action {
                    not_before.insert(node, until);
                }
            }
            Fact::NodeReopened { node, .. } | Fact::UndoStarted { node, .. } => {
                not_before.remove(&node);
            }
            Fact::AttemptStarted { attempt, .. } => {
                if let Some(time) = not_before.remove(&attempt.node) {
                    prop_assert!(time <= at, "{attempt} too early");
                }
            }
            Fact::NodeSucceeded { node, .. } => {
                if let Some(time) = not_before.remove(&node) {
                    prop_assert!(time <= at, "node {} was done too early", node.0);
                }
            }
            Fact::Answered { node, .. } => {
                not_before.remove(&node);
            }
            _ => {}
        }
    }
    Ok(())
}

/// What a node wants to know, or to be told, before it starts was found and told in its pass.
pub fn check_prepared(simulator: &Simulator) -> Checked {
    let plan = simulator.plan();
    let mut known: BTreeSet<(NodeIndex, u32, Purpose)> = BTreeSet::new();
    let mut confirmed = BTreeSet::new();
    let mut asked = BTreeMap::new();
    for (_, fact) in facts(simulator) {
        match fact {
            Fact::QuestionOpened { question } => {
                let confirm = matches!(question.kind, QuestionKind::Confirm { .. });
                asked.insert(question.node, confirm);
            }
            Fact::Answered { node, pass, .. } if asked.remove(&node) == Some(true) => {
                confirmed.insert((node, pass));
            }
            Fact::AttemptEnded { attempt, result } if result.status == OutcomeStatus::Succeeded => {
                known.insert((attempt.node, attempt.pass, attempt.purpose));
            }
            Fact::AttemptStarted { attempt, .. } if attempt.purpose == Purpose::Do => {
                let node = plan.node(attempt.node).unwrap();
                let has = |purpose| known.contains(&(attempt.node, attempt.pass, purpose));
                prop_assert!(node.capture.is_none() || has(Purpose::Capture));
                prop_assert!(node.target.is_none() || has(Purpose::Recheck));
                prop_assert!(
                    node.confirm.is_none() || confirmed.contains(&(attempt.node, attempt.pass)),
                    "{attempt} without confirmation"
                );
            }
            _ => {}
        }
    }
    Ok(())
}

pub fn check_items(simulator: &Simulator) -> Checked {
    let mut done: BTreeMap<(NodeIndex, u32), Vec<u32>> = BTreeMap::new();
    let mut undone: BTreeMap<(NodeIndex, u32), Vec<u32>> = BTreeMap::new();
    for (_, fact) in facts(simulator) {
        match fact {
            Fact::ItemDone {
                node, pass, item, ..
            } => {
                let list = done.entry((node, pass)).or_default();
                prop_assert_eq!(item as usize, list.len(), "out of order");
                list.push(item);
            }
            Fact::AttemptStarted {
                attempt,
                item: Some(item),
                ..
            } if attempt.purpose == Purpose::Do => {
                let list = done.get(&(attempt.node, attempt.pass));
                prop_assert_eq!(item as usize, list.map_or(0, Vec::len), "out of order");
            }
            Fact::ItemUndone {
                node, pass, item, ..
            } => {
                let list = undone.entry((node, pass)).or_default();
                prop_assert!(
                    list.last().is_none_or(|last| *last > item),
                    "not in reverse"
                );
                list.push(item);
            }
            _ => {}
        }
    }
    Ok(())
}
