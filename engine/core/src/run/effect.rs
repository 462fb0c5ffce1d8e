//! What has to happen in the world because of an event.

use crate::id::{AttemptId, Purpose};
use crate::plan::{Action, NodeIndex};
use crate::record::{
    Inputs, Page, Question, RenderedAction, RenderedTarget, RunOutcome, StopReason,
};
use crate::text::Text;
use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;

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
    /// Call people, and say with [`super::Event::PageEnded`] what became of it.
    Page {
        /// The node whose question it is; `None` if it is about the run's clock.
        node: Option<NodeIndex>,
        /// The page.
        page: Page,
    },
    /// Take these locks, all at once, and say so with [`super::Event::Locked`].
    Lock {
        /// For which node; `None` for the whole run.
        node: Option<NodeIndex>,
        /// Their names.
        names: Vec<String>,
    },
    /// Let go of a node's locks, or of those it asked for.
    Unlock {
        /// Which node.
        node: NodeIndex,
    },
    /// The run is over: let go of what was held for it.
    Finish(RunOutcome),
}

/// An attempt to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Which attempt.
    pub attempt: AttemptId,
    /// The node's inputs (of one item, if it is done for each of a list), frozen when its pass began; on the way
    /// back, those of its undo.
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
            Purpose::Do | Purpose::Undo => Some(&self.inputs.action),
            Purpose::Probe => self.inputs.probe.as_ref(),
            Purpose::Capture => self.inputs.capture.as_ref(),
            Purpose::Recheck | Purpose::UndoCheck => self.inputs.target.as_ref(),
            Purpose::Check(place) => match &self.inputs.action {
                RenderedAction::Checks(checks) => {
                    checks.get(place as usize).map(|check| &check.probe)
                }
                _ => None,
            },
            Purpose::Choices(place) => match &self.inputs.action {
                RenderedAction::Manual(manual) => manual.asks.get(place as usize)?.from.as_ref(),
                _ => None,
            },
            Purpose::Target(place) if place == self.attempt.node.0 => self.inputs.target.as_ref(),
            Purpose::Target(place) => Some(&self.behind(place)?.action),
        }
    }

    /// Environment variables for it.
    #[must_use]
    pub fn env(&self) -> &BTreeMap<String, Text> {
        match self.attempt.purpose {
            Purpose::Target(place) => self
                .behind(place)
                .map_or(&self.inputs.env, |target| &target.env),
            _ => &self.inputs.env,
        }
    }

    /// The working directory; `None` for the run's base directory.
    #[must_use]
    pub fn dir(&self) -> Option<&Text> {
        match self.attempt.purpose {
            Purpose::Target(place) => match self.behind(place) {
                Some(target) => target.dir.as_ref(),
                None => self.inputs.dir.as_ref(),
            },
            _ => self.inputs.dir.as_ref(),
        }
    }

    /// The target of a node behind a gate.
    fn behind(&self, place: u32) -> Option<&RenderedTarget> {
        let mut targets = self.inputs.targets.iter();
        targets.find(|target| target.node.0 == place)
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
                format!(
                    "ask n{}.p{} q{}",
                    question.node.0, question.pass, question.number
                )
            }
            Effect::Page { page, .. } => format!("page {}", page.id),
            Effect::Lock { node, .. } => match node {
                Some(node) => format!("lock n{}", node.0),
                None => "lock run".to_owned(),
            },
            Effect::Unlock { node } => format!("unlock n{}", node.0),
            Effect::Finish(_) => "finish".to_owned(),
        }
    }
}

/// Whether an action is carried out by people rather than by the runtime; such a node has no attempts.
#[must_use]
pub fn is_for_people(action: &Action) -> bool {
    matches!(action, Action::Approve(_) | Action::Manual(_))
}

/// Whether looking at a node with this action takes no place: it has no attempt of its own.
pub(super) fn is_placeless(action: &Action) -> bool {
    is_for_people(action) || matches!(action, Action::Wait(_) | Action::Call(_))
}
