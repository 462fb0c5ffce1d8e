//! The fold of the fact that the run took over an edited runbook.

use super::fold::no_node;
use super::{Closed, Frame, Misfit, NodeState, Phase, Shared, State};
use crate::digest::Digest;
use crate::plan::NodeIndex;

/// What those are told whose question is void.
const CHANGED: &str = "the runbook was changed";

impl State {
    /// From now on the plan is that of the frame.
    pub(super) fn replanned(
        &mut self,
        removed: &[NodeIndex],
        anew: &[NodeIndex],
        shown: &[(NodeIndex, Digest)],
        frame: &Frame<'_>,
    ) -> Result<(), Misfit> {
        if frame.plan.nodes.len() < self.nodes.len() {
            return Err("the new plan leaves nodes out".to_owned());
        }
        for node in frame.plan.nodes.iter().skip(self.nodes.len()) {
            self.nodes
                .push(Shared::new(NodeState::new(0, node.finally)));
        }
        for index in anew {
            begin_anew(self.node_mut(*index)?);
        }
        for index in removed {
            let state = self.node_mut(*index)?;
            state.phase = Phase::Skipped;
            state.finished = Some(frame.at);
        }
        for (index, digest) in shown {
            if let Some(asking) = &mut self.node_mut(*index)?.asking {
                asking.question.shown = *digest;
            }
        }
        self.count_again(frame);
        self.plan = frame.shape.digest;
        self.replans = self.replans.saturating_add(1);
        self.rebuild(frame.plan);
        Ok(())
    }

    fn node_mut(&mut self, index: NodeIndex) -> Result<&mut NodeState, Misfit> {
        let state = self.nodes.get_mut(index.index());
        Ok(state.ok_or_else(|| no_node(index))?.for_change())
    }

    /// Works out again what follows from the plan and from where the nodes stand.
    fn count_again(&mut self, frame: &Frame<'_>) {
        (self.unfinished, self.unfinished_finally) = (0, 0);
        for (index, node) in frame.plan.indices().zip(&frame.plan.nodes) {
            let Some(state) = self.node(index) else {
                continue;
            };
            let (finished, pristine) = (state.is_finished(), state.is_pristine());
            match node.finally {
                true => self.unfinished_finally += usize::from(!finished),
                false => self.unfinished += usize::from(!finished),
            }
            if !pristine {
                continue;
            }
            let awaited = |need: &&NodeIndex| match frame.plan.node(**need) {
                Some(needed) => {
                    let settled = self.node(**need).is_some_and(NodeState::lets_others_go_on);
                    needed.finally == node.finally && !settled
                }
                None => true,
            };
            let waiting = node.needs.iter().filter(awaited).count();
            let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
            if let Some(state) = self.nodes.get_mut(index.index())
                && (state.waiting_for != waiting || state.held != node.finally)
            {
                let state = state.for_change();
                state.waiting_for = waiting;
                state.held = node.finally;
            }
        }
    }
}

/// What was asked about it is void, and nothing of it has begun.
fn begin_anew(state: &mut NodeState) {
    if state.asking.take().is_some() {
        state.closed = Some(Box::new(Closed::Voided {
            reason: CHANGED.to_owned(),
        }));
    }
    state.next_pass(0);
}
