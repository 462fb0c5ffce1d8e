//! What was seen of a run while it was tried out.

use crate::id::AttemptId;
use crate::plan::{NodeIndex, Response};
use crate::record::Fact;
use crate::time::Timestamp;

/// What was seen of a run: little, or on request every fact.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The node whose failure ended the run, and why.
    pub stopped: Option<(NodeIndex, Stop)>,
    /// How often people were called.
    pub pages: u32,
    /// Whether the nodes that run at the end were done, or which of them were not.
    pub cleanup_failed: Vec<NodeIndex>,
    /// The attempts that were started since somebody last looked, with the places of their items.
    pub(super) started: Vec<(AttemptId, Option<u32>)>,
    /// How many facts there were.
    pub(super) facts: u32,
    /// Everything, if it was asked for.
    pub(super) tape: Option<Vec<(Timestamp, Fact)>>,
}

/// Why a failure ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The runbook says so.
    Stated,
    /// The runbook says nothing, or nothing that could be done once more.
    Unstated,
    /// Somebody decided it.
    Decided,
}

impl Account {
    /// Takes notice of a fact.
    pub(super) fn note(&mut self, at: Timestamp, fact: &Fact) {
        self.facts += 1;
        if let Some(tape) = &mut self.tape {
            tape.push((at, fact.clone()));
        }
        match fact {
            Fact::AttemptStarted { attempt, item, .. } => self.started.push((*attempt, *item)),
            Fact::Paged { .. } | Fact::TargetPaged { .. } => self.pages += 1,
            Fact::ResponseTaken {
                node,
                response: Response::Stop,
                rung,
                by,
                ..
            } => {
                let why = match (by, rung) {
                    (Some(_), _) => Stop::Decided,
                    (None, Some(_)) => Stop::Stated,
                    (None, None) => Stop::Unstated,
                };
                // One that nobody stated is the one to tell of.
                if self
                    .stopped
                    .is_none_or(|(_, known)| known != Stop::Unstated)
                {
                    self.stopped = Some((*node, why));
                }
            }
            Fact::RunEnded { cleanup_failed, .. } => {
                self.cleanup_failed.clone_from(cleanup_failed);
            }
            _ => {}
        }
    }
}
