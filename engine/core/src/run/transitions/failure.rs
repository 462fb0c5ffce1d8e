//! What is done about failures: the responses of a node's ladder, then of the call it is part of, and what people
//! decide.
//!
//! Responses of several nodes are taken one after another. A rollback goes before everything else, also before a
//! rewind that is under way; of several rewinds the one that goes back over most nodes is first, and makes those
//! within it unnecessary.

use super::{View, question};
use crate::plan::{NodeIndex, Response};
use crate::record::{Answer, Fact, QuestionKind, SkipReason};
use crate::run::state::{Answering, NodeState};

/// A response that is to be taken.
struct Next {
    node: NodeIndex,
    owner: NodeIndex,
    rung: Option<u32>,
    response: Response,
    by: Option<crate::id::Actor>,
}

impl Next {
    fn fact(self, view: View<'_>) -> Fact {
        Fact::ResponseTaken {
            node: self.node,
            pass: view.pass(self.node),
            owner: self.owner,
            rung: self.rung,
            response: self.response,
            by: self.by,
        }
    }
}

/// The next response of all nodes that failed.
pub(super) fn respond(view: View<'_>) -> Option<Fact> {
    let mut all: Vec<_> = open(view).collect();
    // Another rewind waits until the one that is under way is done, and so does the end of the run: what is undone
    // is undone to the end.
    if view.state.back.is_some() {
        all.retain(|next| !matches!(next.response, Response::Rewind { .. } | Response::Stop));
    }
    let urgency = |next: &Next| match &next.response {
        Response::Rollback => (2, 0),
        Response::Rewind { to, .. } => (1, view.shape.closure(view.plan.rewind_target(*to)).len()),
        _ => (0, 0),
    };
    // The first of the most urgent ones, in reading order.
    let next = all.into_iter().rev().max_by_key(urgency)?;
    Some(next.fact(view))
}

/// The next response that rolls the run back. Nothing else is taken in a run that ends or goes back already.
pub(super) fn roll_back(view: View<'_>) -> Option<Fact> {
    if view.state.cancelled.is_some() || view.state.undo_stopped {
        return None;
    }
    let next = open(view).find(|next| next.response == Response::Rollback)?;
    Some(next.fact(view))
}

fn open(view: View<'_>) -> impl Iterator<Item = Next> + '_ {
    let failing = view.state.agenda.failing.iter();
    failing.filter_map(move |index| {
        let state = view.state.node(*index)?;
        match &state.failure.as_ref()?.response {
            Answering::Decided { response, by } => Some(Next {
                node: *index,
                owner: *index,
                rung: None,
                response: response.clone(),
                by: Some(by.clone()),
            }),
            _ => Some(ladder(view, *index, state)),
        }
    })
}

/// The next rung that can be taken: of the node's own ladder, then of the calls it is part of, from the inside out.
fn ladder(view: View<'_>, index: NodeIndex, state: &NodeState) -> Next {
    let (mut owner, mut from) = state
        .failure
        .as_ref()
        .and_then(|failure| failure.from)
        .unwrap_or((index, 0));
    while let Some(node) = view.plan.node(owner) {
        let counts = view.state.node(owner).map_or(&[][..], |state| &state.rungs);
        for (rung, response) in (0u32..).zip(&node.on_fail).skip(from as usize) {
            let used = counts.get(rung as usize).copied().unwrap_or_default();
            let usable = match response {
                Response::Rewind { times, .. } => used < *times,
                _ => true,
            };
            if usable {
                return Next {
                    node: index,
                    owner,
                    rung: Some(rung),
                    response: response.clone(),
                    by: None,
                };
            }
        }
        match node.call {
            Some(call) if call != owner => (owner, from) = (call, 0),
            _ => break,
        }
    }
    Next {
        node: index,
        owner: index,
        rung: None,
        response: Response::Stop,
        by: None,
    }
}

/// Asks people what is to become of a node that failed.
pub(super) fn escalate(view: View<'_>, index: NodeIndex, state: &NodeState) -> Option<Fact> {
    let failure = state.failure.as_ref()?;
    let Answering::Escalated { policy, expires } = &failure.response else {
        return None;
    };
    let kind = QuestionKind::Failed {
        message: failure.message.clone(),
    };
    let expires = expires.map(|length| view.now.after(length));
    Some(question::open(view, index, kind, expires, Some(policy)))
}

/// What a decision means that concerns only the node itself.
pub(super) fn decided(view: View<'_>, index: NodeIndex, state: &NodeState) -> Option<Fact> {
    let Answering::Given(given) = &state.failure.as_ref()?.response else {
        return None;
    };
    let pass = view.pass(index);
    Some(match &given.answer {
        Answer::Skip { outputs } => Fact::NodeSkipped {
            node: index,
            pass,
            reason: SkipReason::Decided,
            outputs: outputs.clone(),
        },
        Answer::Succeeded { outputs, .. } => Fact::NodeSucceeded {
            node: index,
            pass,
            outputs: outputs.clone(),
        },
        _ => Fact::NodeReopened { node: index, pass },
    })
}
