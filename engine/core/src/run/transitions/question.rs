//! Questions: how they are put, and which answers count.

use super::View;
use crate::id::{Actor, AttemptId};
use crate::plan::{Approve, Node, NodeIndex};
use crate::record::{Answer, Fact, Question, QuestionKind};
use crate::run::error::ProtocolError;
use crate::run::event::Decision;
use crate::run::settle;
use crate::run::shown;
use crate::run::state::{Asking, Closed, NodeState, Phase};
use crate::time::Timestamp;

/// Opens a question about a node.
pub(super) fn open(
    view: View<'_>,
    index: NodeIndex,
    kind: QuestionKind,
    expires: Option<Timestamp>,
) -> Fact {
    let shown = shown::digest(view.plan, view.shape, view.state, index, &kind);
    Fact::QuestionOpened {
        question: Question {
            node: index,
            pass: view.pass(index),
            kind,
            shown,
            expires,
        },
    }
}

/// Asks a person what became of an attempt.
pub(super) fn interrupted(
    view: View<'_>,
    index: NodeIndex,
    attempt: AttemptId,
    why: &str,
) -> Option<Fact> {
    let kind = QuestionKind::Interrupted {
        attempt,
        why: why.to_owned(),
    };
    Some(open(view, index, kind, None))
}

/// Takes or refuses a person's answer.
pub(super) fn decide(view: View<'_>, decision: Decision) -> Result<Vec<Fact>, ProtocolError> {
    if let Some(over) = view.state.over {
        return Err(ProtocolError::Over {
            outcome: over.outcome,
            at: over.at,
        });
    }
    let index = decision.node;
    let (Some(node), Some(state)) = (view.plan.node(index), view.state.node(index)) else {
        return Err(ProtocolError::NoSuchNode { number: index.0 });
    };
    let Phase::Asking(asking) = &state.phase else {
        return Err(closed(node, state));
    };
    if let Some(at) = asking.question.expires.filter(|at| *at <= view.now) {
        return Err(ProtocolError::Expired {
            node: node.id.clone(),
            at,
        });
    }
    if decision.shown != asking.question.shown {
        return Err(ProtocolError::ShownChanged {
            node: node.id.clone(),
        });
    }
    match &asking.question.kind {
        QuestionKind::Approve(approve) => {
            may_approve(view, node, approve, asking, &decision.by, &decision.answer)?;
        }
        QuestionKind::Interrupted { .. } => fits_interrupted(node, &decision.answer)?,
    }
    Ok(vec![Fact::Answered {
        node: index,
        pass: state.pass,
        by: decision.by,
        answer: decision.answer,
        note: decision.note,
        shown: decision.shown,
    }])
}

/// Why nobody is asked at a node.
fn closed(node: &Node, state: &NodeState) -> ProtocolError {
    let node = node.id.clone();
    match state.closed.as_deref() {
        None => ProtocolError::NothingToDecide { node },
        Some(Closed::Answered { by, answer, at }) => ProtocolError::AlreadyDecided {
            node,
            by: by.clone(),
            answer: answer.clone(),
            at: *at,
        },
        Some(Closed::Expired { at }) => ProtocolError::Expired { node, at: *at },
        Some(Closed::Voided { reason }) => ProtocolError::Voided {
            node,
            reason: reason.clone(),
        },
    }
}

fn may_approve(
    view: View<'_>,
    node: &Node,
    approve: &Approve,
    asking: &Asking,
    by: &Actor,
    answer: &Answer,
) -> Result<(), ProtocolError> {
    if !matches!(answer, Answer::Approve | Answer::Reject) {
        return Err(ProtocolError::WrongAnswer {
            node: node.id.clone(),
            asks: "whether the run may go on".to_owned(),
            possible: "approve and reject",
        });
    }
    let who = by.name.clone();
    if !approve.by.is_empty() && !approve.by.contains(&by.name) {
        return Err(ProtocolError::MayNot {
            node: node.id.clone(),
            who,
            names: approve.by.clone(),
        });
    }
    if *answer == Answer::Reject {
        return Ok(());
    }
    let starter = &view.state.start.by;
    if approve.not_starter && (by.name == starter.name || by.name == starter.account) {
        return Err(ProtocolError::Starter {
            node: node.id.clone(),
            who,
        });
    }
    if let Some(before) = asking
        .approvals
        .iter()
        .find(|approval| approval.by.name == by.name)
    {
        let given = u32::try_from(asking.approvals.len()).unwrap_or(u32::MAX);
        let missing = approve.count.saturating_sub(given);
        return Err(ProtocolError::Twice {
            node: node.id.clone(),
            who,
            at: before.at,
            missing,
        });
    }
    Ok(())
}

fn fits_interrupted(node: &Node, answer: &Answer) -> Result<(), ProtocolError> {
    match answer {
        Answer::DidNotHappen | Answer::Failed => Ok(()),
        Answer::Succeeded { outputs } => {
            let refuse = |reason: String| {
                Err(ProtocolError::Outputs {
                    node: node.id.clone(),
                    reason,
                })
            };
            if let Some(name) = outputs
                .keys()
                .find(|name| !node.outputs.contains_key(*name))
            {
                return refuse(format!("it has no output `{name}`"));
            }
            if let Some(name) = node
                .outputs
                .keys()
                .find(|name| !outputs.contains_key(*name))
            {
                return refuse(format!("`{name}` is missing, and other nodes may use it"));
            }
            for (name, value) in outputs {
                if let Err(reason) = settle::storable(value) {
                    return refuse(format!("`{name}` {reason}"));
                }
            }
            Ok(())
        }
        Answer::Approve | Answer::Reject => Err(ProtocolError::WrongAnswer {
            node: node.id.clone(),
            asks: "what became of an attempt that was interrupted".to_owned(),
            possible: "succeeded (with its outputs), did-not-happen and failed",
        }),
    }
}
