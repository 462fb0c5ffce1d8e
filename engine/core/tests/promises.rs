//! The promises of the engine, each over thousands of generated worlds.

use crate::world::{facts, worlds};
use piton_core::id::{Actor, AttemptId, Purpose};
use piton_core::plan::{Approve, Interrupted, Node, NodeIndex, Response};
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
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

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

    /// A run comes to an end, or waits for somebody; it is never stuck.
    #[test]
    fn every_run_ends_or_waits(world in worlds()) {
        let (simulator, ending) = world.happen();
        check_ending(&simulator, &ending)?;
    }
}

proptest! {
    // Each case loads the run once for every record.
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Promise 10: every prefix of the journal gives the same run and the same outstanding effects.
    #[test]
    fn a_record_is_a_fact(world in worlds(), cut in any::<prop::sample::Index>()) {
        let (simulator, _) = world.happen();
        let cut = cut.index(simulator.commits().len());
        check_prefixes(&simulator, cut)?;
        check_snapshot(&simulator, cut)?;
    }
}

pub fn check_intent_first(simulator: &Simulator) -> Result<(), TestCaseError> {
    let plan = simulator.plan();
    let mut started = BTreeMap::new();
    let mut done = BTreeSet::new();
    let mut reopened = BTreeSet::new();
    let need_done = |done: &BTreeSet<NodeIndex>, node: NodeIndex| {
        let needs = &plan.node(node).unwrap().needs;
        needs.iter().all(|need| done.contains(need))
    };
    for (seq, (_, fact)) in (1u64..).zip(facts(simulator)) {
        match fact {
            Fact::AttemptStarted { attempt, .. } => {
                started.insert(attempt, seq);
                prop_assert!(
                    attempt.purpose.is_back() || need_done(&done, attempt.node),
                    "{attempt} began before its needs were done"
                );
            }
            Fact::NodeSucceeded { node, .. }
            | Fact::NodeSkipped { node, .. }
            | Fact::NodeAssumed { node, .. }
            | Fact::ResponseTaken {
                node,
                response: Response::Continue,
                ..
            } => {
                done.insert(node);
                reopened.remove(&node);
            }
            // What runs when the run ends does so whatever became of the others.
            Fact::NodeFailed { node, .. } if plan.node(node).unwrap().finally => {
                done.insert(node);
            }
            // What has begun goes on while a gate that it needed is done again for another node.
            Fact::GateReopened { node, .. } => {
                reopened.insert(node);
            }
            Fact::Rewound { nodes, .. } => done.retain(|node| !nodes.contains(node)),
            Fact::NodeStarted { node, .. } => {
                let needs = &plan.node(node).unwrap().needs;
                prop_assert!(
                    need_done(&done, node) && !needs.iter().any(|need| reopened.contains(need)),
                    "node {} began before its needs",
                    node.0
                );
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
        if simulator.engines() == 1 {
            prop_assert_eq!(execution.asked, 1);
        }
    }
    Ok(())
}

/// A node in one of its passes, as its facts tell.
#[derive(Default)]
struct Watched {
    finished: bool,
    running: Option<AttemptId>,
    /// How the last attempt at the action itself ended.
    ended: Option<(AttemptId, OutcomeStatus)>,
    /// Since then: what lets another one follow.
    again: BTreeSet<&'static str>,
    retries: u32,
}

pub fn check_nothing_twice(simulator: &Simulator) -> Result<(), TestCaseError> {
    let plan = simulator.plan();
    let mut passes: BTreeMap<(NodeIndex, u32), Watched> = BTreeMap::new();
    let mut begun = BTreeSet::new();
    let mut halting = false;
    let mut in_flight = 0;
    for (_, fact) in facts(simulator) {
        match &fact {
            Fact::AttemptStarted { attempt, .. } => {
                let node = plan.node(attempt.node).unwrap();
                let watched = passes.entry((attempt.node, attempt.pass)).or_default();
                prop_assert!(watched.running.is_none(), "{attempt} beside another one");
                if !attempt.purpose.is_back() {
                    prop_assert!(!watched.finished, "{attempt} after the end of its node");
                    prop_assert!(!halting || node.finally, "{attempt} in a run that ends");
                }
                if attempt.purpose == Purpose::Do {
                    check_again(node, watched, *attempt)?;
                    watched.again.clear();
                }
                watched.running = Some(*attempt);
                in_flight += 1;
                prop_assert!(in_flight <= plan.parallel);
            }
            Fact::AttemptEnded { attempt, result } => {
                let watched = passes.entry((attempt.node, attempt.pass)).or_default();
                prop_assert_eq!(watched.running.take(), Some(*attempt));
                in_flight -= 1;
                match (attempt.purpose, result.status) {
                    (Purpose::Do, status) => watched.ended = Some((*attempt, status)),
                    (Purpose::Probe, OutcomeStatus::Failed) => {
                        watched.again.insert("probe");
                    }
                    _ => {}
                }
            }
            Fact::RetryScheduled {
                node, pass, after, ..
            } => {
                let watched = passes.entry((*node, *pass)).or_default();
                watched.retries += 1;
                let own = plan.node(*node).unwrap();
                prop_assert!(watched.retries <= own.retry.times && (!halting || own.finally));
                if after.purpose == Purpose::Do {
                    let (_, status) = watched.ended.unwrap();
                    prop_assert!(matches!(
                        status,
                        OutcomeStatus::Failed | OutcomeStatus::TimedOut | OutcomeStatus::Stopped
                    ));
                }
                watched.again.insert("retry");
            }
            Fact::LookScheduled { node, pass, .. } => {
                let watched = passes.entry((*node, *pass)).or_default();
                watched.again.insert("look");
            }
            Fact::ItemDone { node, pass, .. } => {
                let watched = passes.entry((*node, *pass)).or_default();
                watched.again.insert("item");
                watched.retries = 0;
            }
            Fact::Answered {
                node,
                pass,
                answer: Answer::DidNotHappen,
                ..
            } => {
                let watched = passes.entry((*node, *pass)).or_default();
                watched.again.insert("did not happen");
            }
            Fact::NodeReopened { node, pass } => {
                let watched = passes.entry((*node, *pass)).or_default();
                prop_assert!(watched.finished, "only what failed is tried again");
                watched.finished = false;
                watched.retries = 0;
                watched.again.insert("reopened");
            }
            Fact::NodeStarted { node, pass, .. } => {
                let finally = plan.node(*node).unwrap().finally;
                prop_assert!(begun.insert((*node, *pass)), "begun twice in a pass");
                prop_assert!(!halting || finally);
            }
            Fact::NodeSucceeded { node, pass, .. }
            | Fact::NodeSkipped { node, pass, .. }
            | Fact::NodeFailed { node, pass, .. } => {
                let watched = passes.entry((*node, *pass)).or_default();
                let decided = matches!(fact, Fact::NodeSucceeded { .. } | Fact::NodeSkipped { .. });
                prop_assert!(watched.running.is_none());
                prop_assert!(!watched.finished || decided, "finished twice");
                watched.finished = true;
            }
            Fact::QuestionOpened { question } => prop_assert!(
                !halting
                    || matches!(
                        question.kind,
                        QuestionKind::Undo { .. } | QuestionKind::UndoFailed { .. }
                    ),
                "{question:?} in a run that ends"
            ),
            Fact::ResponseTaken {
                response: Response::Stop | Response::Rollback,
                ..
            }
            | Fact::CancelRequested { .. } => halting = true,
            _ => {}
        }
    }
    Ok(())
}

/// Whether this attempt may follow what came before it in its pass.
fn check_again(node: &Node, watched: &Watched, next: AttemptId) -> Result<(), TestCaseError> {
    let Some((before, status)) = watched.ended else {
        return Ok(());
    };
    let because = |what| watched.again.contains(what);
    let asked = because("did not happen") || because("reopened") || because("look");
    let allowed = match status {
        OutcomeStatus::NotStarted => true,
        OutcomeStatus::Succeeded => because("look") || because("item") || because("reopened"),
        OutcomeStatus::Unknown => {
            asked
                || match node.interrupted {
                    Interrupted::Ask | Interrupted::Fail => because("item"),
                    Interrupted::Rerun => true,
                    Interrupted::Probe(_) => because("probe") || because("item"),
                }
        }
        OutcomeStatus::Failed | OutcomeStatus::TimedOut | OutcomeStatus::Stopped => {
            because("retry") || asked
        }
    };
    prop_assert!(allowed, "{next} followed {before}, which ended {status:?}");
    Ok(())
}

pub fn check_decisions(simulator: &Simulator) -> Result<(), TestCaseError> {
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
                pass,
                by,
                answer,
                shown,
                ..
            } => {
                answered += 1;
                let Some((question, approved)) = open.get_mut(&node) else {
                    return Err(TestCaseError::fail("an answer to nothing was counted"));
                };
                prop_assert_eq!((shown, pass), (question.shown, question.pass));
                prop_assert!(
                    question.expires.is_none_or(|expires| at < expires),
                    "counted after its expiry"
                );
                prop_assert!(
                    fits(&question.kind, &answer),
                    "{answer:?} was counted for {:?}",
                    question.kind
                );
                let (QuestionKind::Approve { terms, .. }, Answer::Approve) =
                    (&question.kind, &answer)
                else {
                    open.remove(&node);
                    continue;
                };
                prop_assert!(may_approve(simulator, terms, &by.name));
                prop_assert!(!approved.contains(&by.name), "one person was counted twice");
                approved.push(by.name);
                if approved.len() == terms.count as usize {
                    open.remove(&node);
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

fn may_approve(simulator: &Simulator, terms: &Approve, name: &str) -> bool {
    let contact = simulator.plan().contacts.get(name);
    let roles = contact.map_or(&[][..], |contact| &contact.roles);
    let asked = terms.by.iter().any(|by| by == name || roles.contains(by));
    let starter = ["starter", "starter@here"].contains(&name);
    (terms.by.is_empty() || asked) && !(terms.not_starter && starter)
}

/// Whether a question of this kind can be answered like this.
fn fits(kind: &QuestionKind, answer: &Answer) -> bool {
    use Answer::{
        AbandonUndo, Approve, Confirm, DidNotHappen, Done, Failed, Reject, Retry, Rewind, Rollback,
        Skip, Stop, Succeeded, UndoneByHand,
    };
    match kind {
        QuestionKind::Approve { .. } => matches!(answer, Approve | Reject),
        QuestionKind::Interrupted { .. } => {
            matches!(answer, Succeeded { .. } | DidNotHappen | Failed)
        }
        QuestionKind::Manual { .. } => matches!(answer, Done { .. } | Failed),
        QuestionKind::Confirm { expected, .. } => match answer {
            Confirm { typed } => typed == expected,
            answer => *answer == Reject,
        },
        QuestionKind::Failed { .. } => matches!(
            answer,
            Retry | Skip { .. } | Succeeded { .. } | Rewind { .. } | Rollback | Stop
        ),
        QuestionKind::Undo { .. } => matches!(
            answer,
            UndoneByHand | AbandonUndo | DidNotHappen | Succeeded { .. } | Stop
        ),
        QuestionKind::UndoFailed { .. } => {
            matches!(answer, Retry | UndoneByHand | AbandonUndo | Stop)
        }
    }
}

pub fn check_over(simulator: &Simulator) -> Result<(), TestCaseError> {
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
            rollback: false,
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

/// Every prefix is loaded from the one before it; some also from the start.
pub fn check_prefixes(simulator: &Simulator, whole: usize) -> Result<(), TestCaseError> {
    let (plan, records) = (simulator.plan(), simulator.records());
    let mut from = 0;
    let mut before: Option<Run> = None;
    for commit in simulator.commits() {
        let through = commit.through as usize;
        for cut in from + 1..=through {
            let snapshot = before.as_mut().map(Run::snapshot);
            let next = records[cut - 1..cut].to_vec();
            let mut loaded = Run::load(plan.clone(), snapshot, next).unwrap();
            if cut == through {
                check_same(&loaded, &commit.run)?;
                before = Some(loaded);
                continue;
            }
            before = Some(loaded.clone());
            // A journal that ends inside a batch goes on to exactly the batch that was meant.
            prop_assert!(loaded.next_timeout().is_some_and(|at| at <= commit.at));
            let rest = loaded.handle(Event::Tick, commit.at).unwrap();
            prop_assert_eq!(&rest.records[..], &records[cut..through]);
            prop_assert_eq!(&loaded, &commit.run);
        }
        from = through;
    }
    prop_assert_eq!(from, records.len());
    let commit = &simulator.commits()[whole];
    let all = records[..commit.through as usize].to_vec();
    check_same(&Run::load(plan.clone(), None, all).unwrap(), &commit.run)
}

fn check_same(loaded: &Run, live: &Run) -> Result<(), TestCaseError> {
    prop_assert_eq!(loaded, live);
    prop_assert_eq!(
        loaded.outstanding().collect::<Vec<_>>(),
        live.outstanding().collect::<Vec<_>>()
    );
    prop_assert_eq!(loaded.next_timeout(), live.next_timeout());
    prop_assert_eq!(loaded.state(), live.state());
    Ok(())
}

pub fn check_snapshot(simulator: &Simulator, cut: usize) -> Result<(), TestCaseError> {
    let (plan, records) = (simulator.plan(), simulator.records());
    let commit = &simulator.commits()[cut];
    let text = serde_json::to_string(&commit.run.clone().snapshot()).unwrap();
    let snapshot = serde_json::from_str(&text).unwrap();
    let tail = records[commit.through as usize..].to_vec();
    let from_snapshot = Run::load(plan.clone(), Some(snapshot), tail).unwrap();
    let from_start = Run::load(plan.clone(), None, records.to_vec()).unwrap();
    prop_assert_eq!(from_snapshot, from_start);
    Ok(())
}

pub fn check_ending(simulator: &Simulator, ending: &Ending) -> Result<(), TestCaseError> {
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
