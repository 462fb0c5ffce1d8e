//! What a failure leads to: the responses of `on_fail`, and what a step leaves for them to take back.

use super::Context;
use crate::runbook::{Action, Effect, Node, Response, Spanned};
use crate::source::Span;
use piton_core::plan::NodeKind;

/// How many `rewind`s of the runbook's own `on_fail`, which each node may take, are followed through the graph.
const MOST_SHARED: usize = 16;

/// A `rewind` that a node may take.
pub(crate) struct Rewind {
    /// Where it says which node to go back to.
    pub(crate) span: Span,
    /// The node to go back to.
    pub(crate) to: usize,
    /// The node that fails.
    pub(crate) failing: usize,
}

/// What is known of what a node leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leaves {
    /// Nothing that would have to be taken back, or nothing that could be read.
    Nothing,
    /// Something that nothing takes back.
    Irreversible,
    /// The author does not say.
    Unstated,
}

impl Context<'_> {
    /// Every list of responses in the file: the one for all nodes without any, then those of nodes.
    pub(crate) fn ladders(&self) -> impl Iterator<Item = &[Spanned<Response>]> {
        let shared = self.runbook.on_fail.iter();
        let own = self
            .runbook
            .nodes
            .iter()
            .filter_map(|node| node.on_fail.as_ref());
        shared.chain(own).map(Vec::as_slice)
    }

    /// The responses to a node's failure that can be taken, in order. Those of the runbook are not for nodes that
    /// run when everything is over.
    pub(crate) fn responses_of<'a>(&'a self, node: &'a Node) -> &'a [Spanned<Response>] {
        let shared = || match node.finally || node.key("on_fail").is_some() {
            true => None,
            false => self.runbook.on_fail.as_deref(),
        };
        let all = node.on_fail.as_deref().or_else(shared).unwrap_or_default();
        let taken = end_of(all).map_or(all.len(), |end| end + 1);
        all.get(..taken).unwrap_or(all)
    }

    /// Every `rewind` to a node that there is, with each node that may take it.
    pub(crate) fn rewinds(&self) -> Vec<Rewind> {
        let mut found = Vec::new();
        for (failing, node) in self.runbook.nodes.iter().enumerate() {
            if node.finally {
                continue;
            }
            let most = if node.on_fail.is_some() {
                usize::MAX
            } else {
                MOST_SHARED
            };
            let rewinds = self.responses_of(node).iter().filter_map(|response| {
                let Response::Rewind { to, .. } = &response.value else {
                    return None;
                };
                Some(Rewind {
                    span: to.span,
                    to: self.find(&to.value)?,
                    failing,
                })
            });
            found.extend(rewinds.take(most));
        }
        found
    }
}

/// The place of the response behind which none can be taken.
pub(crate) fn end_of(responses: &[Spanned<Response>]) -> Option<usize> {
    responses.iter().position(|response| match response.value {
        Response::Stop | Response::Continue | Response::Rollback => true,
        // What stands behind it is taken when nobody has decided after the policy's whole time.
        Response::Escalate { .. } | Response::Rewind { .. } => false,
    })
}

/// What a node leaves behind that is in the way of going back.
pub(crate) fn leaves(node: &Node) -> Leaves {
    if node.kind == NodeKind::Gate {
        return Leaves::Nothing;
    }
    match node.effects.as_slice() {
        [] if says_nothing(node) => Leaves::Unstated,
        effects => {
            let lasting = |(_, effect): &(Span, Effect)| matches!(effect, Effect::Irreversible(_));
            match effects.iter().any(lasting) {
                true => Leaves::Irreversible,
                false => Leaves::Nothing,
            }
        }
    }
}

/// Whether a step has to say what it leaves behind, and does not. A message stays sent, time passes, and the steps of
/// a runbook that is called speak for themselves.
pub(crate) fn says_nothing(node: &Node) -> bool {
    let speaks_for_itself = matches!(
        node.action(),
        Some(Action::Notify(_) | Action::Wait(_) | Action::Call(_))
    );
    let keyword = |keyword: &str| matches!(keyword, "notify" | "wait" | "call");
    let written = node.actions.iter().any(|action| keyword(action.keyword));
    node.effects.is_empty() && !speaks_for_itself && !written
}
