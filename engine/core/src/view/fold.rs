//! What each fact makes of the view.

use super::{FinallyView, LockView, NodeStanding, RefusedView, RunView, UndoState};
use crate::id::{AttemptId, RunId};
use crate::plan::NodeIndex;
use crate::record::{Fact, RenderedAction};
use crate::time::Timestamp;

impl RunView {
    pub(super) fn fold(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::RunCreated {
                run: RunId(id),
                runbook,
                start,
                ..
            } => {
                self.id.clone_from(id);
                self.runbook.clone_from(runbook);
                self.starter = Some(start.by.clone());
                self.start = Some(start.clone());
                self.started = Some(at);
            }
            Fact::CancelRequested { .. }
            | Fact::CancelRefused { .. }
            | Fact::Replanned { .. }
            | Fact::FinallyBegan { .. }
            | Fact::RunEnded { .. }
            | Fact::LockRequested { .. }
            | Fact::LockTaken { .. }
            | Fact::LockExpired { .. } => self.fold_run(fact, at),
            Fact::QuestionOpened { .. }
            | Fact::Answered { .. }
            | Fact::QuestionExpired { .. }
            | Fact::QuestionVoided { .. }
            | Fact::Paged { .. }
            | Fact::PageEnded { .. }
            | Fact::Acknowledged { .. }
            | Fact::Taken { .. } => self.fold_question(fact, at),
            Fact::ClockStarted { .. }
            | Fact::ClockStopped { .. }
            | Fact::ClockResumed
            | Fact::LossMeasured { .. }
            | Fact::TargetPaged { .. }
            | Fact::TargetAcknowledged { .. } => {
                if let Some(targets) = &mut self.targets {
                    targets.fold(fact, at);
                }
            }
            Fact::ResponseTaken { .. }
            | Fact::UndoPlanned { .. }
            | Fact::UndoStarted { .. }
            | Fact::UndoRetryScheduled { .. }
            | Fact::ItemUndone { .. }
            | Fact::NodeUndone { .. }
            | Fact::NothingToUndo { .. }
            | Fact::UndoWanted { .. }
            | Fact::UndoLeft { .. }
            | Fact::UndoFailed { .. }
            | Fact::UndoStopped { .. }
            | Fact::Rewound { .. } => self.fold_back(fact, at),
            Fact::NodeStarted { .. }
            | Fact::NodeSkipped { .. }
            | Fact::AttemptStarted { .. }
            | Fact::AttemptEnded { .. }
            | Fact::LateResult { .. }
            | Fact::StopRequested { .. }
            | Fact::AttemptElsewhere { .. }
            | Fact::AttemptReached { .. }
            | Fact::RetryScheduled { .. }
            | Fact::NodeSucceeded { .. }
            | Fact::NodeFailed { .. }
            | Fact::NodeReopened { .. }
            | Fact::NodeAssumed { .. }
            | Fact::ItemDone { .. }
            | Fact::LookScheduled { .. }
            | Fact::GateReopened { .. } => self.fold_node(fact, at),
        }
    }

    fn fold_run(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::CancelRequested {
                by,
                reason,
                rollback,
            } => self.cancelled(by, reason.as_deref(), *rollback, at),
            Fact::CancelRefused { by, because } => self.refused.push(RefusedView {
                by: by.clone(),
                at,
                because: because.clone(),
            }),
            Fact::Replanned { .. } => self.fold_plan(fact, at),
            Fact::FinallyBegan { outcome } => {
                self.back_ended(at);
                self.finally = Some(FinallyView {
                    outcome: *outcome,
                    began: at,
                });
            }
            Fact::RunEnded {
                outcome,
                cleanup_failed,
            } => {
                self.back_ended(at);
                self.outcome = Some(*outcome);
                self.ended = Some(at);
                self.cleanup_failed = cleanup_failed.iter().map(|node| self.name(*node)).collect();
                if let Some(lock) = &mut self.lock {
                    lock.released = Some(at);
                }
            }
            Fact::LockRequested { node, names, until } => {
                let lock = LockView {
                    names: names.clone(),
                    asked: at,
                    until: *until,
                    taken: None,
                    released: None,
                };
                match node {
                    None => self.lock = Some(lock),
                    Some(index) => {
                        self.stand(*index, NodeStanding::Waiting);
                        self.with(*index, |node| node.lock = Some(lock));
                    }
                }
            }
            Fact::LockExpired { .. } => {
                if let Some(lock) = &mut self.lock {
                    lock.released = Some(at);
                }
            }
            Fact::LockTaken { node } => {
                if let Some(index) = node {
                    self.stand(*index, NodeStanding::Running);
                }
                let lock = match node {
                    None => self.lock.as_mut(),
                    Some(index) => self.node_mut(*index).and_then(|node| node.lock.as_mut()),
                };
                if let Some(lock) = lock {
                    lock.taken = Some(at);
                }
            }
            _ => {}
        }
    }

    fn fold_node(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::NodeStarted { node, inputs, .. } => {
                let waits = matches!(inputs.action, RenderedAction::Wait { .. });
                let standing = if waits {
                    NodeStanding::Waiting
                } else {
                    NodeStanding::Running
                };
                self.stand(*node, standing);
                self.with(*node, |node| {
                    node.fold(fact, at);
                    if waits {
                        node.started.get_or_insert(at);
                    }
                });
            }
            Fact::AttemptStarted { attempt, .. } => {
                let standing = if attempt.purpose.is_back() {
                    NodeStanding::Undoing
                } else {
                    NodeStanding::Running
                };
                self.stand(attempt.node, standing);
                self.with(attempt.node, |node| node.fold(fact, at));
                if attempt.purpose.is_back() {
                    self.undo(attempt.node, attempt.pass, UndoState::Running, None, "", at);
                }
            }
            Fact::AttemptEnded { attempt, .. } => {
                self.with(attempt.node, |node| node.fold(fact, at));
                self.held_back(*attempt);
            }
            Fact::LateResult { attempt, .. }
            | Fact::StopRequested { attempt, .. }
            | Fact::AttemptElsewhere { attempt, .. }
            | Fact::AttemptReached { attempt } => {
                self.with(attempt.node, |node| node.fold(fact, at));
            }
            Fact::RetryScheduled { node, .. } => {
                self.move_on(*node, NodeStanding::Retrying, fact, at)
            }
            Fact::LookScheduled { node, .. } => {
                self.move_on(*node, NodeStanding::Waiting, fact, at)
            }
            Fact::NodeReopened { node, .. } => self.move_on(*node, NodeStanding::Running, fact, at),
            Fact::ItemDone { node, .. } => {
                // Somebody said so of one item; the next one follows.
                if self
                    .node(*node)
                    .is_some_and(|node| node.state == NodeStanding::Asking)
                {
                    self.stand(*node, NodeStanding::Running);
                }
                self.with(*node, |node| node.fold(fact, at));
            }
            Fact::NodeSkipped { node, .. } => self.finish(*node, NodeStanding::Skipped, fact, at),
            Fact::NodeSucceeded { node, .. } | Fact::NodeAssumed { node, .. } => {
                self.finish(*node, NodeStanding::Succeeded, fact, at);
            }
            Fact::NodeFailed { node, .. } => self.finish(*node, NodeStanding::Failed, fact, at),
            Fact::GateReopened { node, .. } => self.again(*node),
            _ => {}
        }
    }
}

/// Where nodes stand.
impl RunView {
    pub(super) fn with(&mut self, index: NodeIndex, change: impl FnOnce(&mut super::NodeView)) {
        if let Some(node) = self.node_mut(index) {
            change(node);
        }
    }

    pub(super) fn stand(&mut self, index: NodeIndex, standing: NodeStanding) {
        let Some(node) = self.nodes.get_mut(index.index()) else {
            return;
        };
        self.busy -= usize::from(node.state.is_busy());
        self.busy += usize::from(standing.is_busy());
        node.stand(standing);
    }

    pub(super) fn move_on(
        &mut self,
        index: NodeIndex,
        standing: NodeStanding,
        fact: &Fact,
        at: Timestamp,
    ) {
        self.stand(index, standing);
        self.with(index, |node| node.fold(fact, at));
    }

    /// A node ends in its pass: what it held is let go of.
    fn finish(&mut self, index: NodeIndex, standing: NodeStanding, fact: &Fact, at: Timestamp) {
        self.move_on(index, standing, fact, at);
        self.with(index, |node| {
            node.ended = Some(at);
            if let Some(lock) = &mut node.lock {
                lock.released.get_or_insert(at);
            }
        });
    }

    pub(super) fn again(&mut self, index: NodeIndex) {
        self.questions.retain(|open| open.index != index);
        let Some(node) = self.nodes.get_mut(index.index()) else {
            return;
        };
        self.busy -= usize::from(node.state.is_busy());
        node.next_pass();
    }

    /// An attempt ended of a node that the run goes back before: nothing more comes of that pass.
    fn held_back(&mut self, attempt: AttemptId) {
        let member = self.members.get(attempt.node.index()) == Some(&true);
        let still = |node: &super::NodeView| node.state == NodeStanding::Running;
        if member
            && !attempt.purpose.is_back()
            && self.node(attempt.node).is_some_and(still)
            && self
                .node(attempt.node)
                .is_some_and(|node| node.running().is_none())
        {
            self.stand(attempt.node, NodeStanding::Voided);
        }
    }
}
