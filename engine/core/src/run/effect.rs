//! What has to happen in the world because of an event.

use crate::id::AttemptId;
use crate::plan::Action;
use crate::record::{Inputs, Question, RenderedAction, RunOutcome, StopReason};
use crate::time::{Millis, Timestamp};

/// Something for the driver to do, after the records that ask for it are durable. Each has a stable id
/// ([`Effect::id`]); doing one again after a crash must be harmless or noticed, and `outstanding` gives those that
/// are not known to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start an attempt, unless it was started already.
    Start(Work),
    /// End an attempt that runs. Its end is reported as usual.
    Stop {
        /// Which.
        attempt: AttemptId,
        /// Why.
        reason: StopReason,
    },
    /// Put a question to people.
    Ask(Question),
    /// The run is over: let go of what was held for it.
    Finish(RunOutcome),
}

/// An attempt to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Which attempt.
    pub attempt: AttemptId,
    /// The node's inputs, frozen when its pass began.
    pub inputs: Inputs,
    /// How long it may take.
    pub timeout: Option<Millis>,
    /// When its time is up: the record's time plus `timeout`.
    pub deadline: Option<Timestamp>,
}

impl Work {
    /// What is to be done: the node's action, or its probe.
    #[must_use]
    pub fn action(&self) -> Option<&RenderedAction> {
        match self.attempt.purpose {
            crate::id::Purpose::Do => Some(&self.inputs.action),
            crate::id::Purpose::Probe => self.inputs.probe.as_ref(),
            crate::id::Purpose::Check(place) => match &self.inputs.action {
                RenderedAction::Checks(checks) => {
                    checks.get(place as usize).map(|check| &check.probe)
                }
                _ => None,
            },
        }
    }
}

impl Effect {
    /// The same effect has the same id, however often it is derived.
    #[must_use]
    pub fn id(&self) -> String {
        match self {
            Effect::Start(work) => format!("start {}", work.attempt),
            Effect::Stop { attempt, .. } => format!("stop {attempt}"),
            Effect::Ask(question) => {
                let about = match &question.kind {
                    crate::record::QuestionKind::Approve(_) => "approve".to_owned(),
                    crate::record::QuestionKind::Interrupted { attempt, .. } => attempt.to_string(),
                };
                format!("ask n{}.p{} {about}", question.node.0, question.pass)
            }
            Effect::Finish(_) => "finish".to_owned(),
        }
    }
}

/// Whether an action is carried out by people rather than by the runtime; such a node has no attempts.
#[must_use]
pub fn is_for_people(action: &Action) -> bool {
    matches!(action, Action::Approve(_))
}
