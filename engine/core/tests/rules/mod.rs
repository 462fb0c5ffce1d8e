//! The rules of running, one example each: which records follow from which event.

mod back;
mod calls;
mod cancel;
mod checks;
mod confirmations;
mod decisions;
mod elsewhere;
mod gates;
mod interruptions;
mod items;
mod locks;
mod looks;
mod manual;
mod order;
mod pages;
mod replan;
mod results;
mod retries;
mod targets;
mod tell;
mod values;

use tell::tell;
pub use tell::tell_fact;

use piton_core::id::{Actor, AttemptId, Purpose, RunId};
use piton_core::plan::NodeIndex;
use piton_core::record::{Answer, OutcomeStatus};
use piton_core::run::{Decision, Event, Outcome, Produced, ProtocolError, Run};
use piton_core::sim::plans::{PlanBuilder, start};
use piton_core::time::{Millis, Timestamp};
use std::sync::Arc;

/// A run with a clock in hand.
pub struct Trial {
    pub run: Run,
    pub now: Timestamp,
}

/// The id of an attempt at a node's action.
pub fn attempt(node: u32, number: u32) -> AttemptId {
    AttemptId {
        node: NodeIndex(node),
        pass: 1,
        purpose: Purpose::Do,
        number,
    }
}

/// The id of an attempt at a node's probe.
pub fn probe(node: u32, number: u32) -> AttemptId {
    AttemptId {
        purpose: Purpose::Probe,
        ..attempt(node, number)
    }
}

/// The id of an attempt for another purpose.
pub fn for_purpose(node: u32, purpose: Purpose, number: u32) -> AttemptId {
    AttemptId {
        purpose,
        ..attempt(node, number)
    }
}

/// The id of an attempt to undo a node.
pub fn undo(node: u32, number: u32) -> AttemptId {
    for_purpose(node, Purpose::Undo, number)
}

/// The same in another pass.
pub fn in_pass(attempt: AttemptId, pass: u32) -> AttemptId {
    AttemptId { pass, ..attempt }
}

/// A process that exited with 0 and printed this.
pub fn printed(stdout: &str) -> Outcome {
    Outcome::succeeded(Produced {
        exit_code: Some(0),
        stdout: Some(stdout.to_owned()),
        ..Produced::default()
    })
}

pub fn failed(message: &str) -> Outcome {
    Outcome::not_succeeded(OutcomeStatus::Failed, message)
}

pub fn unknown(message: &str) -> Outcome {
    Outcome::not_succeeded(OutcomeStatus::Unknown, message)
}

pub fn actor(name: &str) -> Actor {
    Actor {
        name: name.to_owned(),
        account: format!("{name}@elsewhere"),
    }
}

impl Trial {
    /// Creates the run, and says what was written down.
    pub fn create(plan: PlanBuilder) -> (Trial, Vec<String>) {
        let now = Timestamp(0);
        let plan = Arc::new(plan.build().unwrap());
        let (run, batch) = Run::create(RunId("trial".to_owned()), plan, start(), now);
        let told = tell(run.plan(), &batch);
        (Trial { run, now }, told)
    }

    pub fn after(&mut self, length: u64) -> &mut Trial {
        self.now = self.now.after(Millis(length));
        self
    }

    pub fn send(&mut self, event: Event) -> Result<Vec<String>, ProtocolError> {
        let before = self.run.clone();
        let sent = self.run.handle(event, self.now);
        match sent {
            Ok(batch) => Ok(tell(self.run.plan(), &batch)),
            Err(error) => {
                assert_eq!(self.run, before, "a refused event changed the run");
                Err(error)
            }
        }
    }

    pub fn ended(&mut self, attempt: AttemptId, outcome: Outcome) -> Vec<String> {
        self.send(Event::AttemptEnded { attempt, outcome }).unwrap()
    }

    pub fn tick(&mut self) -> Vec<String> {
        self.send(Event::Tick).unwrap()
    }

    pub fn cancel(&mut self, by: &str) -> Result<Vec<String>, ProtocolError> {
        self.send(Event::Cancel {
            by: actor(by),
            reason: None,
            rollback: false,
        })
    }

    pub fn cancel_and_undo(&mut self, by: &str) -> Result<Vec<String>, ProtocolError> {
        self.send(Event::Cancel {
            by: actor(by),
            reason: None,
            rollback: true,
        })
    }

    pub fn acknowledge(&mut self, node: u32, by: &str) -> Result<Vec<String>, ProtocolError> {
        self.send(Event::Acknowledge {
            node: NodeIndex(node),
            by: actor(by),
        })
    }

    pub fn acknowledge_clock(&mut self, by: &str) -> Result<Vec<String>, ProtocolError> {
        self.send(Event::AcknowledgeTarget { by: actor(by) })
    }

    pub fn take(&mut self, node: u32, by: &str, over: bool) -> Result<Vec<String>, ProtocolError> {
        self.send(Event::Take {
            node: NodeIndex(node),
            by: actor(by),
            over,
        })
    }

    pub fn locked(&mut self, node: Option<u32>) -> Vec<String> {
        self.send(Event::Locked {
            node: node.map(NodeIndex),
        })
        .unwrap()
    }

    /// Answers the open question of a node.
    pub fn answer(
        &mut self,
        node: u32,
        by: &str,
        answer: Answer,
    ) -> Result<Vec<String>, ProtocolError> {
        let decision = self.decision(node, by, answer);
        self.send(Event::Decide(decision))
    }

    pub fn decision(&self, node: u32, by: &str, answer: Answer) -> Decision {
        let open = self
            .run
            .questions()
            .find(|question| question.node == NodeIndex(node));
        let shown = open.map_or(piton_core::digest::Digest::ZERO, |question| question.shown);
        Decision {
            node: NodeIndex(node),
            by: actor(by),
            answer,
            note: None,
            shown,
        }
    }

    /// The stable ids of what is outstanding.
    pub fn outstanding(&self) -> Vec<String> {
        self.run.outstanding().map(|effect| effect.id()).collect()
    }
}
