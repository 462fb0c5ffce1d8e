//! The rules of running, one example each: which records follow from which event.

mod cancel;
mod checks;
mod gates;
mod interruptions;
mod order;
mod results;
mod retries;
mod values;

use piton_core::id::{Actor, AttemptId, Purpose, RunId};
use piton_core::plan::{NodeIndex, Plan, Response};
use piton_core::record::{Answer, Fact, OutcomeStatus, QuestionKind};
use piton_core::run::{Batch, Decision, Event, Outcome, Produced, ProtocolError, Run};
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
        })
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

/// The facts of a batch in short words.
pub fn tell(plan: &Plan, batch: &Batch) -> Vec<String> {
    batch
        .records
        .iter()
        .map(|record| tell_fact(plan, &record.fact().unwrap()))
        .collect()
}

fn tell_fact(plan: &Plan, fact: &Fact) -> String {
    let name = |node: &NodeIndex| plan.node(*node).unwrap().id.clone();
    match fact {
        Fact::RunCreated { .. } => "created".to_owned(),
        Fact::NodeStarted { node, .. } => format!("begin {}", name(node)),
        Fact::NodeSkipped { node, .. } => format!("skip {}", name(node)),
        Fact::AttemptStarted { attempt, .. } => format!("start {attempt}"),
        Fact::AttemptEnded { attempt, result } => {
            format!("ended {attempt} {:?} {}", result.status, result.message)
                .trim_end()
                .to_owned()
        }
        Fact::LateResult { attempt, result } => format!("late {attempt} {:?}", result.status),
        Fact::StopRequested { attempt, .. } => format!("stop {attempt}"),
        Fact::RetryScheduled { node, at, .. } => format!("retry {} at {}", name(node), at.0),
        Fact::QuestionOpened { question } => match &question.kind {
            QuestionKind::Approve(_) => format!("ask {} to approve", name(&question.node)),
            QuestionKind::Interrupted { attempt, why } => format!("ask about {attempt}: {why}"),
        },
        Fact::Answered {
            node, by, answer, ..
        } => format!("{} says {answer:?} to {}", by.name, name(node)),
        Fact::QuestionExpired { node, .. } => format!("expired {}", name(node)),
        Fact::QuestionVoided { node, reason, .. } => format!("void {}: {reason}", name(node)),
        Fact::NodeSucceeded { node, .. } => format!("done {}", name(node)),
        Fact::NodeFailed {
            node,
            message,
            response,
            ..
        } => {
            let then = if *response == Response::Continue {
                ", go on"
            } else {
                ""
            };
            format!("fail {}: {message}{then}", name(node))
        }
        Fact::CancelRequested { by, .. } => format!("cancel by {}", by.name),
        Fact::RunEnded { outcome } => format!("over {outcome:?}"),
    }
}
