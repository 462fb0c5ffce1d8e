//! The way back, over thousands of generated worlds: what is undone, in which order, and what is left.

use crate::world::{facts, orderly_worlds, worlds};
use piton_core::id::{Actor, AttemptId, Purpose};
use piton_core::plan::{NodeIndex, Plan, Response, UndoAfter, WorldEffect};
use piton_core::record::{
    Answer, Fact, OutcomeStatus, Planned, QuestionKind, RunOutcome, UndoEntry,
};
use piton_core::run::{Event, ProtocolError};
use piton_core::sim::{Ending, Simulator};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// What every property of the way back is tried on.
type Checked = Result<(), TestCaseError>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What depends on something is undone before it, each node and pass at most once with success, and nothing
    /// before people said what to do about what nobody can tell. A rewind concerns the node that it goes back to and
    /// all that depends on it, and nothing else; no rung is taken more often than it may be.
    #[test]
    fn undo_is_ordered_and_leaves_other_branches_alone(world in worlds()) {
        let (simulator, _) = world.happen();
        check_order(&simulator)?;
        check_once(&simulator)?;
        check_asked_first(&simulator)?;
        check_why_undone(&simulator)?;
        check_rewinds(&simulator)?;
        check_passes(&simulator)?;
        check_ladders(&simulator)?;
    }

    /// A run that says that it was rolled back has left nothing; one that was in part says exactly what is left.
    #[test]
    fn what_is_said_to_be_undone_is(world in orderly_worlds()) {
        let (simulator, ending) = world.happen();
        check_world(&simulator, &ending)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Going back is not cut short by a cancel, which is written down and refused.
    #[test]
    fn the_way_back_is_not_cut_short(world in worlds()) {
        let (simulator, _) = world.happen();
        check_cancels(&simulator)?;
    }

    /// What nothing takes back does not start while people decide about the run.
    #[test]
    fn nothing_irreversible_starts_while_people_decide(world in worlds()) {
        let (simulator, _) = world.happen();
        check_irreversible(&simulator)?;
    }

    /// What runs when the run ends does so once, however it ends.
    #[test]
    fn what_runs_at_the_end_runs_once(world in worlds()) {
        let (simulator, ending) = world.happen();
        check_finally(&simulator, &ending)?;
    }
}

/// Everything that a node needs, directly or not.
fn ancestors(plan: &Plan) -> Vec<BTreeSet<NodeIndex>> {
    let mut all: Vec<BTreeSet<NodeIndex>> = Vec::new();
    for node in &plan.nodes {
        let mut own: BTreeSet<_> = node.needs.iter().copied().collect();
        for need in &node.needs {
            own.extend(all[need.index()].iter().copied());
        }
        all.push(own);
    }
    all
}

/// The ways back of a run: what was planned, and what followed up to its end.
fn ways_back(facts: &[Fact]) -> Vec<(&[UndoEntry], &[Fact])> {
    let mut ways = Vec::new();
    for (at, fact) in facts.iter().enumerate() {
        let Fact::UndoPlanned { entries } = fact else {
            continue;
        };
        let rest = &facts[at + 1..];
        let ends = |fact: &Fact| {
            matches!(
                fact,
                Fact::Rewound { .. }
                    | Fact::FinallyBegan { .. }
                    | Fact::RunEnded { .. }
                    | Fact::UndoPlanned { .. }
            )
        };
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        ways.push((&entries[..], &rest[..length]));
    }
    ways
}

fn without_times(simulator: &Simulator) -> Vec<Fact> {
    let facts = facts(simulator);
    facts.into_iter().map(|(_, fact)| fact).collect()
}

pub fn check_order(simulator: &Simulator) -> Checked {
    let before = ancestors(simulator.plan());
    for (entries, way) in ways_back(&without_times(simulator)) {
        let planned: Vec<_> = entries.iter().map(|entry| entry.node).collect();
        check_reverse(&before, &planned)?;
        let begun: Vec<_> = way
            .iter()
            .filter_map(|fact| match fact {
                Fact::UndoStarted { node, .. } => Some(*node),
                _ => None,
            })
            .collect();
        check_reverse(&before, &begun)?;
        let mut running: Option<NodeIndex> = None;
        for fact in way {
            match fact {
                Fact::UndoStarted { node, pass, .. } => {
                    prop_assert!(
                        entries
                            .iter()
                            .any(|entry| (entry.node, entry.pass) == (*node, *pass)),
                        "undone without a plan"
                    );
                }
                Fact::AttemptStarted { attempt, .. } if attempt.purpose.is_back() => {
                    prop_assert!(running.is_none_or(|node| node == attempt.node));
                    running = Some(attempt.node);
                }
                Fact::AttemptEnded { .. } => running = None,
                _ => {}
            }
        }
    }
    Ok(())
}

fn check_reverse(before: &[BTreeSet<NodeIndex>], order: &[NodeIndex]) -> Checked {
    for (at, node) in order.iter().enumerate() {
        for later in &order[at + 1..] {
            prop_assert!(
                !before[later.index()].contains(node),
                "node {} is undone before node {}, which depends on it: {order:?}",
                node.0,
                later.0
            );
        }
    }
    Ok(())
}

pub fn check_once(simulator: &Simulator) -> Checked {
    let mut undone = BTreeSet::new();
    let mut succeeded: BTreeSet<(NodeIndex, u32, Option<u32>)> = BTreeSet::new();
    let mut items: BTreeMap<AttemptId, Option<u32>> = BTreeMap::new();
    for fact in without_times(simulator) {
        match fact {
            Fact::NodeUndone { node, pass, .. } => {
                prop_assert!(undone.insert((node, pass)), "undone twice");
            }
            Fact::AttemptStarted { attempt, item, .. } if attempt.purpose == Purpose::Undo => {
                prop_assert!(
                    !succeeded.contains(&(attempt.node, attempt.pass, item)),
                    "{attempt} after the undo had succeeded"
                );
                items.insert(attempt, item);
            }
            Fact::AttemptEnded { attempt, result }
                if attempt.purpose == Purpose::Undo
                    && result.status == OutcomeStatus::Succeeded =>
            {
                succeeded.insert((attempt.node, attempt.pass, items[&attempt]));
            }
            _ => {}
        }
    }
    Ok(())
}

pub fn check_asked_first(simulator: &Simulator) -> Checked {
    for (entries, way) in ways_back(&without_times(simulator)) {
        let asked = entries
            .iter()
            .filter(|entry| matches!(entry.planned, Planned::Ask(_)));
        let mut open: BTreeSet<_> = asked.map(|entry| entry.node).collect();
        for fact in way {
            match fact {
                Fact::Answered { node, .. } => {
                    open.remove(node);
                }
                Fact::UndoStopped { .. } => open.clear(),
                Fact::AttemptStarted { attempt, .. } if attempt.purpose.is_back() => {
                    prop_assert!(
                        open.is_empty(),
                        "{attempt} before {open:?} were asked about"
                    );
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// An undo runs by itself only where the node, or the item, had succeeded, or where its undo is for all that started.
pub fn check_why_undone(simulator: &Simulator) -> Checked {
    let mut well = BTreeSet::new();
    for fact in without_times(simulator) {
        match fact {
            Fact::NodeSucceeded { node, pass, .. }
            | Fact::ItemDone { node, pass, .. }
            | Fact::UndoWanted { node, pass, .. } => {
                well.insert((node, pass));
            }
            Fact::NodeAssumed { node, .. } => {
                well.insert((node, 1));
            }
            Fact::AttemptStarted { attempt, .. } if attempt.purpose == Purpose::Undo => {
                let WorldEffect::Undo(undo) = &simulator.plan().node(attempt.node).unwrap().effect
                else {
                    return Err(TestCaseError::fail("an undo of a node that has none"));
                };
                prop_assert!(
                    undo.after == UndoAfter::Started
                        || well.contains(&(attempt.node, attempt.pass)),
                    "{attempt} of what had not succeeded"
                );
            }
            _ => {}
        }
    }
    Ok(())
}

pub fn check_rewinds(simulator: &Simulator) -> Checked {
    let plan = simulator.plan();
    let before = ancestors(plan);
    let facts = without_times(simulator);
    let concerns =
        |to: NodeIndex, node: NodeIndex| node == to || before[node.index()].contains(&to);
    for (at, fact) in facts.iter().enumerate() {
        if let Fact::Rewound { to, nodes } = fact {
            for node in nodes {
                prop_assert!(concerns(*to, *node), "node {} went back too", node.0);
            }
        }
        let Fact::ResponseTaken {
            response: Response::Rewind { to, .. },
            node,
            ..
        } = fact
        else {
            continue;
        };
        prop_assert!(
            concerns(*to, *node),
            "it went back to what is not before it"
        );
        // A wider response may take this one's place before it is done.
        let way = facts[at + 1..].iter().take_while(|fact| {
            !matches!(
                fact,
                Fact::Rewound { .. }
                    | Fact::ResponseTaken { .. }
                    | Fact::CancelRequested { .. }
                    | Fact::UndoStopped { .. }
                    | Fact::RunEnded { .. }
            )
        });
        for fact in way {
            match fact {
                Fact::AttemptStarted { attempt, .. } if concerns(*to, attempt.node) => {
                    prop_assert!(attempt.purpose.is_back(), "{attempt} on the way back");
                }
                Fact::QuestionVoided { node, .. } => {
                    prop_assert!(concerns(*to, *node), "a question elsewhere was voided");
                }
                Fact::StopRequested { attempt, .. } => {
                    prop_assert!(concerns(*to, attempt.node), "{attempt} was stopped");
                }
                Fact::UndoPlanned { entries } => {
                    prop_assert!(entries.iter().all(|entry| concerns(*to, entry.node)));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// A node's pass changes only when it goes back or its evidence is too old; what it gave in a pass stays.
pub fn check_passes(simulator: &Simulator) -> Checked {
    let mut passes = vec![1u32; simulator.plan().nodes.len()];
    let mut begun = BTreeSet::new();
    let mut touched = BTreeSet::new();
    for fact in without_times(simulator) {
        if let Fact::NodeStarted { node, pass, .. }
        | Fact::NodeSkipped { node, pass, .. }
        | Fact::NodeFailed { node, pass, .. } = &fact
        {
            touched.insert((*node, *pass));
        }
        match &fact {
            // What had not begun begins in the pass that it was in.
            Fact::Rewound { nodes, .. } => {
                for node in nodes {
                    let pass = &mut passes[node.index()];
                    *pass += u32::from(touched.contains(&(*node, *pass)));
                }
            }
            Fact::GateReopened { node, pass, .. } => {
                prop_assert_eq!(passes[node.index()], *pass);
                passes[node.index()] += 1;
            }
            Fact::NodeStarted { node, pass, .. } => {
                prop_assert_eq!(passes[node.index()], *pass);
                prop_assert!(begun.insert((*node, *pass)), "begun twice in a pass");
            }
            Fact::NodeSucceeded { node, pass, .. }
            | Fact::NodeFailed { node, pass, .. }
            | Fact::NodeSkipped { node, pass, .. } => {
                prop_assert_eq!(passes[node.index()], *pass);
            }
            Fact::AttemptStarted { attempt, .. } => {
                prop_assert_eq!(passes[attempt.node.index()], attempt.pass);
            }
            _ => {}
        }
    }
    Ok(())
}

pub fn check_ladders(simulator: &Simulator) -> Checked {
    let mut taken: BTreeMap<(NodeIndex, u32), u32> = BTreeMap::new();
    for fact in without_times(simulator) {
        let Fact::ResponseTaken {
            owner,
            rung: Some(rung),
            response,
            ..
        } = fact
        else {
            continue;
        };
        let on_ladder = &simulator.plan().node(owner).unwrap().on_fail;
        match on_ladder.get(rung as usize) {
            Some(own) => prop_assert_eq!(own, &response),
            // Below the last rung the run stops.
            None => prop_assert_eq!(&Response::Stop, &response),
        }
        let count = taken.entry((owner, rung)).or_default();
        *count += 1;
        if let Response::Rewind { times, .. } = response {
            prop_assert!(*count <= times, "rung {rung} was taken {count} times");
        }
    }
    Ok(())
}

pub fn check_world(simulator: &Simulator, ending: &Ending) -> Checked {
    let facts = without_times(simulator);
    let said = said_to_be_left(&facts);
    let matters = |node: NodeIndex| {
        let node = simulator.plan().node(node).unwrap();
        // What runs at the end stays.
        !matches!(node.effect, WorldEffect::None | WorldEffect::Abandoned(_)) && !node.finally
    };
    let outcome = match ending {
        Ending::Over(outcome) => outcome,
        _ => return Ok(()),
    };
    let back = matches!(
        outcome,
        RunOutcome::RolledBack | RunOutcome::PartlyRolledBack
    );
    let wanted = |fact: &Fact| {
        matches!(
            fact,
            Fact::ResponseTaken {
                response: Response::Rollback,
                ..
            } | Fact::CancelRequested { rollback: true, .. }
        )
    };
    // Who stops the way back to a node leaves what other branches did too, which nobody wanted to undo.
    if !back || !facts.iter().any(wanted) {
        return Ok(());
    }
    let left: BTreeSet<_> = simulator
        .world()
        .left()
        .filter(|(spot, _)| matters(spot.node))
        .map(|(spot, _)| (spot.node, spot.pass))
        .collect();
    let told: BTreeSet<_> = said.keys().copied().collect();
    for (node, pass) in &left {
        prop_assert!(
            told.contains(&(*node, *pass)),
            "node {} pass {pass} is left, and the run ended {outcome:?} saying that {told:?} are",
            node.0
        );
    }
    let expected = match told.is_empty() {
        true => RunOutcome::RolledBack,
        false => RunOutcome::PartlyRolledBack,
    };
    prop_assert_eq!(*outcome, expected);
    // What is said to be left without anybody having said so is there.
    for (spot, by) in said {
        prop_assert!(by.is_some() || left.contains(&spot), "{spot:?} is not left");
    }
    Ok(())
}

/// What is left by what the run says, and by whom.
fn said_to_be_left(facts: &[Fact]) -> BTreeMap<(NodeIndex, u32), Option<Actor>> {
    let mut left = BTreeMap::new();
    for fact in facts {
        if let Fact::UndoLeft { left: one } = fact {
            left.insert((one.node, one.pass), one.by.clone());
        }
    }
    for (entries, way) in ways_back(facts) {
        let settled: BTreeSet<_> = way
            .iter()
            .filter_map(|fact| match fact {
                Fact::NodeUndone { node, .. } | Fact::NothingToUndo { node, .. } => Some(*node),
                _ => None,
            })
            .collect();
        for fact in way {
            if let Fact::UndoStopped { by, .. } = fact {
                for entry in entries
                    .iter()
                    .filter(|entry| !settled.contains(&entry.node))
                {
                    left.insert((entry.node, entry.pass), Some(by.clone()));
                }
            }
        }
    }
    left
}

pub fn check_cancels(simulator: &Simulator) -> Checked {
    let facts = without_times(simulator);
    let (mut not_now, mut rollback) = (false, false);
    for fact in &facts {
        match fact {
            Fact::UndoPlanned { .. } | Fact::FinallyBegan { .. } => not_now = true,
            Fact::Rewound { .. } => not_now = false,
            Fact::UndoStopped { .. } => (not_now, rollback) = (false, false),
            Fact::ResponseTaken {
                response: Response::Rollback,
                ..
            } => rollback = true,
            // What goes back to a node can go back further still.
            Fact::CancelRequested { rollback: true, .. } if !rollback => {
                rollback = true;
                not_now = false;
            }
            Fact::CancelRequested { .. } => prop_assert!(!not_now && !rollback, "cut short"),
            _ => {}
        }
    }
    let refused = |fact: &&Fact| matches!(fact, Fact::CancelRefused { .. });
    let written = facts.iter().filter(refused).count();
    let told = simulator.verdicts().iter().filter(|verdict| {
        let cancel = matches!(verdict.event, Event::Cancel { .. });
        cancel && matches!(verdict.result, Err(ProtocolError::NotNow { .. }))
    });
    prop_assert_eq!(told.count(), written);
    Ok(())
}

pub fn check_irreversible(simulator: &Simulator) -> Checked {
    let mut deciding = BTreeSet::new();
    for fact in without_times(simulator) {
        match fact {
            Fact::QuestionOpened { question } => {
                if matches!(
                    question.kind,
                    QuestionKind::Failed { .. }
                        | QuestionKind::Interrupted { .. }
                        | QuestionKind::Undo { .. }
                        | QuestionKind::UndoFailed { .. }
                ) {
                    deciding.insert(question.node);
                }
            }
            Fact::Answered { node, answer, .. } if answer != Answer::Approve => {
                deciding.remove(&node);
            }
            Fact::QuestionExpired { node, .. } | Fact::QuestionVoided { node, .. } => {
                deciding.remove(&node);
            }
            Fact::AttemptStarted { attempt, .. } if attempt.purpose == Purpose::Do => {
                let node = simulator.plan().node(attempt.node).unwrap();
                let irreversible = matches!(
                    node.effect,
                    WorldEffect::Irreversible(_) | WorldEffect::Unstated
                );
                prop_assert!(
                    deciding.is_empty() || !irreversible,
                    "{attempt} while people decide at {deciding:?}"
                );
            }
            _ => {}
        }
    }
    Ok(())
}

pub fn check_finally(simulator: &Simulator, ending: &Ending) -> Checked {
    let plan = simulator.plan();
    let facts = without_times(simulator);
    let finally = |node: NodeIndex| plan.node(node).unwrap().finally;
    let mut began = false;
    let mut ended: BTreeMap<NodeIndex, u32> = BTreeMap::new();
    let mut failed = BTreeSet::new();
    for fact in &facts {
        match fact {
            Fact::FinallyBegan { .. } => {
                prop_assert!(!began, "it began twice");
                began = true;
            }
            Fact::NodeStarted { node, .. } => {
                prop_assert_eq!(finally(*node), began, "node {} began", node.0);
            }
            Fact::NodeSucceeded { node, .. }
            | Fact::NodeSkipped { node, .. }
            | Fact::NodeFailed { node, .. }
                if finally(*node) =>
            {
                prop_assert!(began);
                *ended.entry(*node).or_default() += 1;
                if let Fact::NodeFailed { node, .. } = fact {
                    failed.insert(*node);
                }
            }
            Fact::QuestionOpened { question } => {
                prop_assert!(
                    !began && !finally(question.node),
                    "somebody is asked at the end"
                );
            }
            Fact::RunEnded { cleanup_failed, .. } => {
                let told: BTreeSet<_> = cleanup_failed.iter().copied().collect();
                prop_assert_eq!(&told, &failed);
            }
            _ => {}
        }
    }
    if let Ending::Over(_) = ending {
        for node in plan.indices().filter(|node| finally(*node)) {
            prop_assert_eq!(ended.get(&node), Some(&1), "node {} at the end", node.0);
        }
    }
    Ok(())
}
