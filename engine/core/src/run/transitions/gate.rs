//! Asking people whether the run may go on, and what their answers or their silence mean.

use super::{View, question};
use crate::plan::{Action, Node, NodeIndex};
use crate::record::{Answer, Fact, QuestionKind};
use crate::run::event::Produced;
use crate::run::scope::NodeScope;
use crate::run::settle;
use crate::run::state::{Asking, Given, Phase};

/// Opens the question of the next gate that has begun.
pub(super) fn ask(view: View<'_>) -> Option<Fact> {
    let index = *view.state.agenda.unasked.first()?;
    let Action::Approve(approve) = &view.plan.node(index)?.action else {
        return None;
    };
    let expires = approve.expires.map(|length| view.now.after(length));
    Some(question::open(
        view,
        index,
        QuestionKind::Approve(approve.clone()),
        expires,
    ))
}

/// Closes the next question whose time has run out.
pub(super) fn expire(view: View<'_>) -> Option<Fact> {
    let (at, index) = *view.state.agenda.expiries.first()?;
    (at <= view.now).then(|| Fact::QuestionExpired {
        node: index,
        pass: view.pass(index),
    })
}

/// What an answer means for its node.
pub(super) fn decided(view: View<'_>, index: NodeIndex, node: &Node, given: &Given) -> Fact {
    let pass = view.pass(index);
    let noted = given
        .note
        .as_deref()
        .map(|note| format!(": {note}"))
        .unwrap_or_default();
    match &given.answer {
        Answer::Approve => {
            let scope = NodeScope {
                plan: view.plan,
                shape: view.shape,
                state: view.state,
                node: index,
                produced: None,
            };
            match settle::outputs(node, &Produced::default(), &scope) {
                Ok(outputs) => Fact::NodeSucceeded {
                    node: index,
                    pass,
                    outputs,
                },
                Err(message) => view.fail(index, message),
            }
        }
        Answer::Succeeded { outputs } => Fact::NodeSucceeded {
            node: index,
            pass,
            outputs: outputs.clone(),
        },
        Answer::Reject => view.fail(index, format!("rejected by {}{noted}", given.by)),
        Answer::Failed | Answer::DidNotHappen => {
            view.fail(index, format!("{} said that it failed{noted}", given.by))
        }
    }
}

/// What silence means for a node.
pub(super) fn expired(view: View<'_>, index: NodeIndex, asking: &Asking) -> Fact {
    let waited = asking
        .question
        .expires
        .unwrap_or(view.now)
        .since(asking.opened);
    let message = match (&asking.question.kind, asking.approvals.len()) {
        (QuestionKind::Approve(approve), given @ 1..) => {
            format!("only {given} of {} approved within {waited}", approve.count)
        }
        (QuestionKind::Approve(_), 0) => format!("nobody approved within {waited}"),
        (QuestionKind::Interrupted { .. }, _) => format!("nobody answered within {waited}"),
    };
    view.fail(index, message)
}

/// Takes the next open question back.
pub(super) fn void(view: View<'_>, reason: &str) -> Option<Fact> {
    let index = *view.state.agenda.asking.first()?;
    let Phase::Asking(asking) = &view.state.node(index)?.phase else {
        return None;
    };
    Some(Fact::QuestionVoided {
        node: index,
        pass: asking.question.pass,
        reason: reason.to_owned(),
    })
}
