//! That a run took over an edited runbook.

use super::{NodeStanding, NodeView, RunView, TargetsView};
use crate::digest::Digest;
use crate::id::Actor;
use crate::plan::NodeIndex;
use crate::record::Fact;
use crate::time::Timestamp;
use serde::Serialize;

/// That a run took over an edited runbook.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReplanView {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Option<String>,
    /// The digest of the plan from then on.
    pub digest: Digest,
    /// The names of the nodes that say something else since then.
    pub changed: Vec<String>,
    /// The names of those that are new.
    pub added: Vec<String>,
    /// The names of those that were taken out.
    pub removed: Vec<String>,
}

impl RunView {
    /// The plan itself was read before: see [`RunView::apply`].
    pub(super) fn fold_plan(&mut self, fact: &Fact, at: Timestamp) {
        let (
            Fact::Replanned {
                digest,
                by,
                reason,
                changed,
                removed,
                anew,
                shown,
                ..
            },
            Some(plan),
        ) = (fact, self.plan.clone())
        else {
            return;
        };
        let back_again = |view: &NodeView| view.state == NodeStanding::Skipped;
        let mut added = Vec::new();
        for index in anew {
            if self.node(*index).is_some_and(back_again) && !removed.contains(index) {
                added.push(self.name(*index));
            }
            if self.questions.iter().any(|open| open.index == *index) {
                self.close(*index, "the runbook was changed");
            }
            self.again(*index);
        }
        for (index, digest) in shown {
            self.all_questions(*index, |question| {
                if question.closed.is_none() {
                    question.shown = *digest;
                }
            });
        }
        for (view, node) in self.nodes.iter_mut().zip(&plan.nodes) {
            view.redefine(&plan, node);
        }
        for node in plan.nodes.iter().skip(self.nodes.len()) {
            added.push(node.id.clone());
            self.nodes.push(NodeView::new(&plan, node));
        }
        for index in removed {
            self.stand(*index, NodeStanding::Skipped);
            self.with(*index, |node| {
                node.ended = Some(at);
                node.message = format!("taken out of the runbook by {by}");
            });
        }
        let started = |targets: &TargetsView| {
            let rto = targets.rto.as_ref();
            rto.is_some_and(|rto| rto.started_at.is_some())
        };
        if !self.targets.as_ref().is_some_and(started) {
            self.targets = TargetsView::new(&plan);
        }
        self.title.clone_from(&plan.title);
        self.derive(&plan);
        let names = |nodes: &[NodeIndex]| nodes.iter().map(|node| self.name(*node)).collect();
        let replan = ReplanView {
            by: by.clone(),
            at,
            reason: reason.clone(),
            digest: *digest,
            changed: names(changed),
            added,
            removed: names(removed),
        };
        self.replans.push(replan);
    }
}
