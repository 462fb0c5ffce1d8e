//! The promises of the engine, each over thousands of generated worlds.

use crate::world::{World, facts, worlds};
use piton_core::id::{Actor, AttemptId, Purpose};
use piton_core::plan::{Interrupted, NodeIndex};
use piton_core::record::{Answer, Fact, OutcomeStatus, Question, QuestionKind};
use piton_core::run::{Decision, Event, Outcome, ProtocolError, Run};
use piton_core::sim::{Ending, Simulator};
use piton_core::time::{Millis, Timestamp};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

fn actor(name: &str) -> Actor {
    Actor {
        name: name.to_owned(),
        account: format!("{name}@here"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 700, failure_persistence: None, ..ProptestConfig::default() })]

    /// Promise 1: an attempt is durable before its process starts; a result is durable before anything depends on it.
    #[test]
    fn intent_is_durable_first(world in worlds()) {
        let (simulator, _) = world.happen();
        check_intent_first(&simulator)?;
    }

    /// Promise 2: a node that finished never runs again in its pass; an unknown outcome follows `interrupted`.
    #[test]
    fn nothing_is_done_twice_by_accident(world in worlds()) {
        let (simulator, _) = world.happen();
        check_nothing_twice(&simulator)?;
    }

    /// Promise 5: a decision counts once, in time, and for what was shown.
    #[test]
    fn decisions_count_once(world in worlds()) {
        let (simulator, _) = world.happen();
        check_decisions(&simulator)?;
    }

    /// Promise 7: a late result of a run that is over is recorded once and changes nothing.
    #[test]
    fn over_is_over(world in worlds()) {
        let (simulator, ending) = world.happen();
        if let Ending::Over(_) = ending {
            check_over(&simulator)?;
        }
    }

    /// Promise 10: every prefix of the journal gives the same run and the same outstanding effects.
    #[test]
    fn a_record_is_a_fact(world in worlds(), cut in any::<prop::sample::Index>()) {
        let (simulator, _) = world.happen();
        check_prefixes(&simulator)?;
        check_snapshot(&simulator, cut)?;
    }

    /// A run comes to an end, or waits for somebody; it is never stuck.
    #[test]
    fn every_run_ends_or_waits(world in worlds()) {
        check_ending(&world)?;
    }
}

fn check_intent_first(simulator: &Simulator) -> Result<(), TestCaseError> {
    let mut started = BTreeMap::new();
    let mut done = BTreeMap::new();
    for (seq, (_, fact)) in (1u64..).zip(facts(simulator)) {
        match fact {
            Fact::AttemptStarted { attempt, .. } => {
                started.insert(attempt, seq);
            }
            Fact::NodeSucceeded { node, .. }
            | Fact::NodeSkipped { node, .. }
            | Fact::NodeFailed { node, .. } => {
                done.insert(node, seq);
            }
            Fact::NodeStarted { node, .. } => {
                for need in &simulator.plan().node(node).unwrap().needs {
                    prop_assert!(
                        done.contains_key(need),
                        "node {} began before its needs",
                        node.0
                    );
                }
            }
            _ => {}
        }
    }
    for (attempt, execution) in simulator.executions() {
        let intent = started.get(attempt);
        prop_assert!(
            intent.is_some_and(|seq| *seq <= execution.after_record),
            "{attempt} ran before its record"
        );
        for need in &simulator.plan().node(attempt.node).unwrap().needs {
            prop_assert!(
                done[need] <= execution.after_record,
                "{attempt} ran before what it needs was durable"
            );
        }
        if simulator.engines() == 1 {
            prop_assert_eq!(execution.asked, 1);
        }
    }
    Ok(())
}

#[derive(Default)]
struct Watched {
    finished: bool,
    running: Option<AttemptId>,
    ended: Option<(AttemptId, OutcomeStatus)>,
    tries: u32,
    retries: u32,
}

fn check_nothing_twice(simulator: &Simulator) -> Result<(), TestCaseError> {
    let plan = simulator.plan();
    let mut nodes: BTreeMap<NodeIndex, Watched> = BTreeMap::new();
    let mut halting = false;
    let mut in_flight = 0;
    for (_, fact) in facts(simulator) {
        match &fact {
            Fact::AttemptStarted { attempt, .. } => {
                let watched = nodes.entry(attempt.node).or_default();
                prop_assert!(
                    !watched.finished && watched.running.is_none() && !halting,
                    "{attempt}"
                );
                if let Some((before, status)) = watched.ended {
                    check_again(simulator, before, status, *attempt)?;
                }
                watched.running = Some(*attempt);
                watched.tries += u32::from(attempt.purpose == Purpose::Do);
                in_flight += 1;
                prop_assert!(in_flight <= plan.parallel);
            }
            Fact::AttemptEnded { attempt, result } => {
                let watched = nodes.entry(attempt.node).or_default();
                prop_assert_eq!(watched.running.take(), Some(*attempt));
                watched.ended = Some((*attempt, result.status));
                in_flight -= 1;
            }
            Fact::RetryScheduled { node, .. } => {
                let watched = nodes.entry(*node).or_default();
                watched.retries += 1;
                prop_assert!(!halting && watched.retries <= plan.node(*node).unwrap().retry.times);
                let (_, status) = watched.ended.unwrap();
                prop_assert!(matches!(
                    status,
                    OutcomeStatus::Failed | OutcomeStatus::TimedOut
                ));
            }
            Fact::NodeStarted { node, .. } => prop_assert!(!halting && !nodes.contains_key(node)),
            Fact::NodeSucceeded { node, .. }
            | Fact::NodeSkipped { node, .. }
            | Fact::NodeFailed { node, .. } => {
                let watched = nodes.entry(*node).or_default();
                prop_assert!(!watched.finished && watched.running.is_none());
                watched.finished = true;
            }
            Fact::QuestionOpened { .. } => prop_assert!(!halting),
            _ => {}
        }
        let stops = matches!(
            &fact,
            Fact::NodeFailed {
                response: piton_core::plan::Response::Stop,
                ..
            }
        );
        halting |= stops || matches!(fact, Fact::CancelRequested { .. });
    }
    Ok(())
}

/// Whether `next` may follow the attempt `before`, which ended like this.
fn check_again(
    simulator: &Simulator,
    before: AttemptId,
    status: OutcomeStatus,
    next: AttemptId,
) -> Result<(), TestCaseError> {
    let all = facts(simulator);
    let ended =
        |fact: &Fact| matches!(fact, Fact::AttemptEnded { attempt, .. } if *attempt == before);
    let started =
        |fact: &Fact| matches!(fact, Fact::AttemptStarted { attempt, .. } if *attempt == next);
    let between = all
        .iter()
        .map(|(_, fact)| fact)
        .skip_while(|fact| !ended(fact))
        .take_while(|fact| !started(fact));
    let (mut retried, mut did_not_happen) = (false, false);
    for fact in between {
        retried |= matches!(fact, Fact::RetryScheduled { after, .. } if *after == before);
        did_not_happen |= matches!(fact, Fact::Answered { node, answer: Answer::DidNotHappen, .. } if *node == before.node);
    }
    let node = simulator.plan().node(before.node).unwrap();
    let allowed = match (before.purpose, status) {
        (_, OutcomeStatus::Succeeded) => false,
        (Purpose::Do, OutcomeStatus::Unknown) => match node.interrupted {
            Interrupted::Ask => did_not_happen,
            Interrupted::Rerun => next.purpose == Purpose::Do,
            Interrupted::Fail => false,
            Interrupted::Probe(_) => next.purpose == Purpose::Probe,
        },
        (Purpose::Do, _) => retried && next.purpose == Purpose::Do,
        (_, OutcomeStatus::Failed) => next.purpose == Purpose::Do,
        (_, _) => did_not_happen && next.purpose == Purpose::Do,
    };
    prop_assert!(allowed, "{next} followed {before}, which ended {status:?}");
    Ok(())
}

fn check_decisions(simulator: &Simulator) -> Result<(), TestCaseError> {
    let mut open: BTreeMap<NodeIndex, (Question, Vec<String>)> = BTreeMap::new();
    let mut answered = 0;
    for (at, fact) in facts(simulator) {
        match fact {
            Fact::QuestionOpened { question } => {
                let before = open.insert(question.node, (question, Vec::new()));
                prop_assert!(before.is_none(), "two questions were open at one node");
            }
            Fact::Answered {
                node,
                by,
                answer,
                shown,
                ..
            } => {
                answered += 1;
                let Some((question, approved)) = open.get_mut(&node) else {
                    return Err(TestCaseError::fail("an answer to nothing was counted"));
                };
                prop_assert_eq!(shown, question.shown);
                prop_assert!(
                    question.expires.is_none_or(|expires| at < expires),
                    "counted after its expiry"
                );
                match (&question.kind, &answer) {
                    (QuestionKind::Approve(approve), Answer::Approve) => {
                        prop_assert!(approve.by.is_empty() || approve.by.contains(&by.name));
                        prop_assert!(
                            !approve.not_starter
                                || !["starter", "starter@here"].contains(&by.name.as_str())
                        );
                        prop_assert!(!approved.contains(&by.name), "one person was counted twice");
                        approved.push(by.name);
                        if approved.len() == approve.count as usize {
                            open.remove(&node);
                        }
                    }
                    (QuestionKind::Approve(_), Answer::Reject) => {
                        open.remove(&node);
                    }
                    (
                        QuestionKind::Interrupted { .. },
                        Answer::Succeeded { .. } | Answer::DidNotHappen | Answer::Failed,
                    ) => {
                        open.remove(&node);
                    }
                    (kind, answer) => prop_assert!(false, "{answer:?} was counted for {kind:?}"),
                }
            }
            Fact::QuestionExpired { node, .. } => {
                let closed = open.remove(&node);
                prop_assert!(
                    closed.is_some_and(|(q, _)| q.expires.is_some_and(|expires| expires <= at))
                );
            }
            Fact::QuestionVoided { node, .. } => prop_assert!(open.remove(&node).is_some()),
            _ => {}
        }
    }
    let decisions = simulator
        .verdicts()
        .iter()
        .filter(|verdict| matches!(verdict.event, Event::Decide(_)));
    let taken = decisions.filter(|verdict| verdict.result.is_ok()).count();
    prop_assert_eq!(
        taken,
        answered,
        "somebody was told something else than what was written down"
    );
    Ok(())
}

fn check_over(simulator: &Simulator) -> Result<(), TestCaseError> {
    let mut run = Run::load(simulator.plan().clone(), None, simulator.records().to_vec()).unwrap();
    let (outcome, now) = (run.outcome(), simulator.now());
    prop_assert_eq!(run.next_timeout(), None);
    prop_assert_eq!(run.in_flight().count(), 0);
    prop_assert_eq!(run.questions().count(), 0);
    let known_late: BTreeSet<_> = facts(simulator)
        .iter()
        .filter_map(|(_, fact)| match fact {
            Fact::LateResult { attempt, .. } => Some(*attempt),
            _ => None,
        })
        .collect();
    for attempt in simulator.executions().keys() {
        let outcome = Outcome::not_succeeded(OutcomeStatus::Failed, "a word from the past");
        let event = Event::AttemptEnded {
            attempt: *attempt,
            outcome,
        };
        let batch = run.handle(event.clone(), now).unwrap();
        prop_assert_eq!(
            batch.records.len(),
            usize::from(!known_late.contains(attempt))
        );
        prop_assert!(batch.effects.is_empty());
        prop_assert_eq!(run.handle(event, now).unwrap().records, vec![]);
    }
    let node = NodeIndex(0);
    let shown = piton_core::digest::Digest::ZERO;
    let decision = Decision {
        node,
        by: actor("ann"),
        answer: Answer::Approve,
        note: None,
        shown,
    };
    for event in [
        Event::Decide(decision),
        Event::Cancel {
            by: actor("ann"),
            reason: None,
        },
    ] {
        let refused = run.handle(event, now);
        prop_assert!(
            matches!(refused, Err(ProtocolError::Over { .. })),
            "{refused:?}"
        );
    }
    prop_assert!(
        run.handle(Event::Tick, now.after(Millis(1 << 40)))
            .unwrap()
            .records
            .is_empty()
    );
    prop_assert_eq!(run.outcome(), outcome);
    Ok(())
}

fn check_prefixes(simulator: &Simulator) -> Result<(), TestCaseError> {
    let (plan, records) = (simulator.plan(), simulator.records());
    let mut from = 0;
    for commit in simulator.commits() {
        let through = commit.through as usize;
        let loaded = Run::load(plan.clone(), None, records[..through].to_vec()).unwrap();
        prop_assert_eq!(&loaded, &commit.run);
        prop_assert_eq!(
            loaded.outstanding().collect::<Vec<_>>(),
            commit.run.outstanding().collect::<Vec<_>>()
        );
        prop_assert_eq!(loaded.next_timeout(), commit.run.next_timeout());
        prop_assert_eq!(loaded.state(), commit.run.state());
        // A journal that ends inside a batch goes on to exactly the batch that was meant.
        for cut in from + 1..through {
            let mut torn = Run::load(plan.clone(), None, records[..cut].to_vec()).unwrap();
            prop_assert!(torn.next_timeout().is_some_and(|at| at <= commit.at));
            let rest = torn.handle(Event::Tick, commit.at).unwrap();
            prop_assert_eq!(&rest.records[..], &records[cut..through]);
            prop_assert_eq!(&torn, &commit.run);
        }
        from = through;
    }
    prop_assert_eq!(from, records.len());
    Ok(())
}

fn check_snapshot(simulator: &Simulator, cut: prop::sample::Index) -> Result<(), TestCaseError> {
    let (plan, records) = (simulator.plan(), simulator.records());
    let commit = &simulator.commits()[cut.index(simulator.commits().len())];
    let text = serde_json::to_string(&commit.run.clone().snapshot()).unwrap();
    let snapshot = serde_json::from_str(&text).unwrap();
    let tail = records[commit.through as usize..].to_vec();
    let from_snapshot = Run::load(plan.clone(), Some(snapshot), tail).unwrap();
    let from_start = Run::load(plan.clone(), None, records.to_vec()).unwrap();
    prop_assert_eq!(from_snapshot, from_start);
    Ok(())
}

fn check_ending(world: &World) -> Result<(), TestCaseError> {
    let (simulator, ending) = world.happen();
    match ending {
        Ending::Over(_) => {
            prop_assert!(simulator.finished() >= 1, "nobody was told that it is over")
        }
        Ending::Waiting => {
            let run =
                Run::load(simulator.plan().clone(), None, simulator.records().to_vec()).unwrap();
            prop_assert!(run.questions().all(|question| question.expires.is_none()));
        }
        other => prop_assert!(false, "{other:?}"),
    }
    let times: Vec<Timestamp> = simulator.records().iter().map(|record| record.at).collect();
    prop_assert!(times.is_sorted());
    Ok(())
}
