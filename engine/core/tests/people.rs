//! Calling people and letting them decide, over thousands of generated worlds.

use crate::world::{facts, worlds};
use piton_core::id::Actor;
use piton_core::plan::NodeIndex;
use piton_core::record::{Fact, PageId, Question};
use piton_core::run::{Event, ProtocolError};
use piton_core::sim::Simulator;
use piton_core::time::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Checked = Result<(), TestCaseError>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Everybody is called who has to be, level by level, not while somebody decides, and every call is made.
    #[test]
    fn nobody_waits_alone(world in worlds()) {
        let (simulator, _) = world.happen();
        check_pages(&simulator)?;
        check_sent(&simulator)?;
    }

    /// While somebody has a question, nobody else decides it.
    #[test]
    fn who_takes_a_question_decides_it(world in worlds()) {
        let (simulator, _) = world.happen();
        check_taken(&simulator)?;
    }
}

/// A question that is open.
struct Open {
    question: Question,
    pages: u32,
    level: u32,
    next: Option<Timestamp>,
    paused: Option<Timestamp>,
}

pub fn check_pages(simulator: &Simulator) -> Checked {
    let plan = simulator.plan();
    let mut open: BTreeMap<NodeIndex, Open> = BTreeMap::new();
    let mut numbers = 0;
    for (at, fact) in facts(simulator) {
        match fact {
            Fact::QuestionOpened { question } => {
                numbers += 1;
                prop_assert_eq!(question.number, numbers);
                let opened = Open {
                    pages: 0,
                    level: 0,
                    next: question.policy.as_ref().map(|_| at),
                    paused: None,
                    question: question.clone(),
                };
                open.insert(question.node, opened);
            }
            Fact::Answered { node, .. }
            | Fact::QuestionExpired { node, .. }
            | Fact::QuestionVoided { node, .. } => {
                // An approval of several leaves it open; further pages would be about nothing known here.
                open.remove(&node);
            }
            Fact::Acknowledged { node, until, .. } | Fact::Taken { node, until, .. } => {
                if let Some(one) = open.get_mut(&node) {
                    prop_assert!(until >= at);
                    one.paused = Some(until);
                    one.next = Some(until);
                }
            }
            Fact::PageEnded { page, deliveries } => {
                let nobody = deliveries.iter().all(|one| one.failed.is_some());
                for one in open.values_mut() {
                    let last = (one.question.number, one.pages) == (page.question, page.number);
                    if last && nobody && one.paused.is_none() {
                        one.next = Some(at);
                    }
                }
            }
            Fact::Paged { node, page, .. } => {
                let Some(one) = open.get_mut(&node) else {
                    continue;
                };
                let policy = one.question.policy.clone().unwrap();
                let levels = &plan.escalations[&policy].levels;
                one.pages += 1;
                let id = PageId {
                    question: one.question.number,
                    number: one.pages,
                };
                prop_assert_eq!(page.id, id);
                prop_assert!(
                    one.paused.is_none_or(|until| until <= at),
                    "paged in a pause"
                );
                prop_assert!(one.next.is_none_or(|next| next <= at), "paged too early");
                let last = levels.len() as u32;
                let paused = one.paused.take().is_some();
                prop_assert!(
                    page.level == (one.level + 1).min(last) || (paused && page.level == one.level),
                    "level {} after level {}",
                    page.level,
                    one.level
                );
                let level = &levels[page.level as usize - 1];
                let called: Vec<_> = page.contacts.iter().map(|one| &one.contact).collect();
                prop_assert_eq!(called, level.page.iter().collect::<Vec<_>>());
                (one.level, one.next) = (page.level, page.next);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Every call that was written down was made, and none that was not.
pub fn check_sent(simulator: &Simulator) -> Checked {
    let sent: BTreeMap<_, _> = simulator.pages().iter().copied().collect();
    let mut written = 0;
    for (_, fact) in facts(simulator) {
        if let Fact::Paged { page, .. } | Fact::TargetPaged { page, .. } = fact {
            written += 1;
            let times = sent.get(&page.id).copied().unwrap_or_default();
            // An engine may have died with it, and the question been closed before a new one came.
            if simulator.engines() == 1 {
                prop_assert_eq!(times, 1, "page {} was sent {} times", page.id, times);
            }
        }
    }
    prop_assert!(sent.len() <= written);
    Ok(())
}

pub fn check_taken(simulator: &Simulator) -> Checked {
    let mut taken: BTreeMap<NodeIndex, (Actor, Timestamp)> = BTreeMap::new();
    for (at, fact) in facts(simulator) {
        match fact {
            Fact::Taken {
                node, by, until, ..
            } => {
                taken.insert(node, (by, until));
            }
            Fact::Answered { node, by, .. } => {
                if let Some((who, until)) = taken.remove(&node) {
                    prop_assert!(
                        at >= until || who.name == by.name,
                        "{by} decided what {who} had"
                    );
                }
            }
            Fact::QuestionOpened { question } => {
                taken.remove(&question.node);
            }
            _ => {}
        }
    }
    for verdict in simulator.verdicts() {
        if let (Event::Decide(decision), Err(ProtocolError::TakenBy { by, until, .. })) =
            (&verdict.event, &verdict.result)
        {
            prop_assert!(by.name != decision.by.name && verdict.at < *until);
        }
    }
    Ok(())
}
