//! A run keeps its plan: edited runbooks in generated worlds.

use crate::promises::{check_prefixes, check_snapshot};
use crate::view::check_view;
use crate::world::{edited_worlds, facts};
use piton_core::id::{AttemptId, Purpose};
use piton_core::plan::{NodeIndex, Plan};
use piton_core::record::Fact;
use piton_core::run::{ReplanError, Run};
use piton_core::sim::{Ending, Simulator};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What a node is in a pass does not change once something of it has begun, its undo included; what is done is not
    /// done again; what was taken out is never done.
    #[test]
    fn no_definition_changes_under_what_has_begun(world in edited_worlds()) {
        let (simulator, ending) = world.happen();
        prop_assert!(matches!(ending, Ending::Over(_) | Ending::Waiting), "{ending:?}");
        check_definitions(&simulator)?;
        check_nothing_again(&simulator)?;
        check_undo_order(&simulator)?;
        check_view(&simulator)?;
    }

    /// An edited runbook that is refused leaves the run as it was, and one that is taken over says the same as its
    /// digest.
    #[test]
    fn all_of_it_or_nothing(world in edited_worlds()) {
        let (simulator, _) = world.happen();
        for commit in simulator.commits().iter().take(40) {
            let mut run = commit.run.clone();
            for replan in &world.script.replans {
                let before = run.clone();
                let revision = run.revision(&replan.plan);
                let by = piton_core::sim::plans::start().by;
                match run.replan(&replan.plan, by, None, commit.at) {
                    Ok(batch) => {
                        prop_assert_eq!(batch.records.len(), 1);
                        prop_assert!(revision.blocked().is_empty() && revision.refused.is_none());
                        prop_assert_eq!(run.plan().as_ref(), &revision.plan);
                        prop_assert!(run.revision(&replan.plan).is_empty(), "it is taken over");
                        prop_assert_eq!(run.revision(run.plan()).differing().count(), 0);
                    }
                    Err(error) => {
                        prop_assert_eq!(&run, &before);
                        prop_assert_eq!(error == ReplanError::Same, revision.is_empty() && revision.refused.is_none());
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Promise 10 over changes of the plan: every prefix of the journal gives the same run and the same effects.
    #[test]
    fn every_prefix_gives_the_same(world in edited_worlds(), cut in any::<prop::sample::Index>()) {
        let (simulator, _) = world.happen();
        let cut = cut.index(simulator.commits().len());
        check_prefixes(&simulator, cut)?;
        check_snapshot(&simulator, cut)?;
    }
}

/// The plan that the run had at each of its facts.
fn with_plans(simulator: &Simulator) -> Vec<(Arc<Plan>, Fact)> {
    let mut plan = Arc::clone(simulator.plan());
    let facts = facts(simulator).into_iter();
    facts
        .map(|(_, fact)| {
            if let Fact::Replanned { plan: text, .. } = &fact {
                plan = Arc::new(Plan::from_json(text).unwrap());
            }
            (Arc::clone(&plan), fact)
        })
        .collect()
}

fn check_definitions(simulator: &Simulator) -> Result<(), TestCaseError> {
    let mut begun: BTreeMap<(NodeIndex, u32), Arc<Plan>> = BTreeMap::new();
    let mut anew: BTreeSet<(NodeIndex, u32)> = BTreeSet::new();
    for (plan, fact) in with_plans(simulator) {
        let (index, pass) = match &fact {
            Fact::AttemptStarted { attempt, .. } | Fact::AttemptEnded { attempt, .. } => {
                (attempt.node, attempt.pass)
            }
            Fact::NodeSucceeded { node, pass, .. } | Fact::NodeFailed { node, pass, .. } => {
                (*node, *pass)
            }
            Fact::UndoStarted { node, pass, .. } | Fact::NodeUndone { node, pass, .. } => {
                (*node, *pass)
            }
            Fact::NodeStarted { node, pass, .. } => {
                prop_assert!(
                    !plan.node(*node).unwrap().removed,
                    "{} was taken out",
                    node.0
                );
                (*node, *pass)
            }
            Fact::Replanned { anew: indices, .. } => {
                for index in indices {
                    let passes = begun.keys().filter(|(node, _)| node == index);
                    anew.extend(passes.copied().collect::<Vec<_>>());
                }
                continue;
            }
            _ => continue,
        };
        prop_assert!(
            !anew.contains(&(index, pass)),
            "{} goes on in a void pass",
            index.0
        );
        let then = begun
            .entry((index, pass))
            .or_insert_with(|| Arc::clone(&plan));
        prop_assert_eq!(then.node(index), plan.node(index));
    }
    Ok(())
}

fn check_nothing_again(simulator: &Simulator) -> Result<(), TestCaseError> {
    let mut done = BTreeSet::new();
    let mut started: BTreeSet<AttemptId> = BTreeSet::new();
    for (_, fact) in facts(simulator) {
        match fact {
            Fact::NodeSucceeded { node, pass, .. } => {
                done.insert((node, pass));
            }
            Fact::AttemptStarted { attempt, .. } => {
                prop_assert!(started.insert(attempt), "{attempt} was begun twice");
                let again =
                    attempt.purpose == Purpose::Do && done.contains(&(attempt.node, attempt.pass));
                prop_assert!(!again, "{attempt} after the end of its node");
            }
            _ => {}
        }
    }
    for (attempt, execution) in simulator.executions() {
        prop_assert!(started.contains(attempt));
        let (first, last) = (1, simulator.engines().max(1));
        prop_assert!((first..=last).contains(&execution.asked));
    }
    Ok(())
}

/// What is undone is undone in reverse of the order in which it was begun.
fn check_undo_order(simulator: &Simulator) -> Result<(), TestCaseError> {
    let mut order: BTreeMap<(NodeIndex, u32), usize> = BTreeMap::new();
    for (at, (_, fact)) in facts(simulator).into_iter().enumerate() {
        match fact {
            Fact::AttemptStarted { attempt, .. } if attempt.purpose == Purpose::Do => {
                order.entry((attempt.node, attempt.pass)).or_insert(at);
            }
            Fact::AttemptEnded { attempt, result } if attempt.number == 1 => {
                let nothing = result.status == piton_core::record::OutcomeStatus::NotStarted;
                if nothing && attempt.purpose == Purpose::Do {
                    order.remove(&(attempt.node, attempt.pass));
                }
            }
            Fact::NodeSucceeded { node, pass, .. } => {
                order.entry((node, pass)).or_insert(at);
            }
            Fact::UndoPlanned { entries } => {
                let begun = |entry: &piton_core::record::UndoEntry| {
                    order.get(&(entry.node, entry.pass)).copied()
                };
                let places: Vec<_> = entries.iter().filter_map(begun).collect();
                prop_assert!(places.is_sorted_by(|one, next| one > next), "{places:?}");
                prop_assert_eq!(places.len(), entries.len());
            }
            _ => {}
        }
    }
    Ok(())
}

/// The worlds are worth their tests only while edits are taken over and refused in them, early and late.
#[test]
fn edits_are_taken_over_and_refused() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count = |what: &'static str| *seen.entry(what).or_default() += 1;
    for _ in 0..600 {
        let world = edited_worlds().new_tree(&mut runner).unwrap().current();
        let (simulator, _) = world.happen();
        for replan in simulator.replans() {
            match replan {
                Ok(_) => count("taken over"),
                Err(ReplanError::Begun(_)) => count("begun"),
                Err(ReplanError::NotNow { .. }) => count("not now"),
                Err(ReplanError::Over { .. }) => count("over"),
                Err(ReplanError::Same) => count("same"),
                Err(other) => panic!("{other:?}"),
            }
        }
        for (_, fact) in facts(&simulator) {
            if let Fact::Replanned {
                changed,
                removed,
                anew,
                shown,
                ..
            } = fact
            {
                let lists = [
                    ("changed", changed.len()),
                    ("removed", removed.len()),
                    ("anew", anew.len()),
                    ("shown", shown.len()),
                ];
                for (what, many) in lists {
                    (0..many).for_each(|_| count(what));
                }
            }
        }
    }
    for what in [
        "taken over",
        "begun",
        "not now",
        "over",
        "same",
        "changed",
        "removed",
        "anew",
        "shown",
    ] {
        assert!(seen.contains_key(what), "never {what}: {seen:?}");
    }
}

/// A run that was loaded goes on with the plan that it took over.
#[test]
fn a_snapshot_holds_the_plan() {
    use piton_core::id::RunId;
    use piton_core::sim::plans::{chain, start};
    use piton_core::time::Timestamp;
    let first = Arc::new(chain(2));
    let (mut run, batch) = Run::create(RunId("r".into()), first.clone(), start(), Timestamp(0));
    let mut records = batch.records;
    let mut edited = chain(3);
    edited.runbook.clone_from(&first.runbook);
    let replanned = run.replan(&edited, start().by, None, Timestamp(1)).unwrap();
    records.extend(replanned.records);
    let text = serde_json::to_string(&run.snapshot()).unwrap();
    let snapshot = serde_json::from_str(&text).unwrap();
    let loaded = Run::load(first.clone(), Some(snapshot), vec![]).unwrap();
    assert_eq!((&loaded, loaded.plan().nodes.len()), (&run, 3));
    let all = Run::load(first, None, records).unwrap();
    assert_eq!(all, run);
    assert_eq!(all.plan().digest(), all.revision(&edited).plan.digest());
}
