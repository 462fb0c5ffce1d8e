//! Which answers count.

use super::people::plain;
use super::{View, undo};
use crate::id::{Actor, Purpose};
use crate::plan::{Action, Approve, Manual, Node, NodeIndex};
use crate::record::{Answer, AskView, Fact, QuestionKind};
use crate::run::error::ProtocolError;
use crate::run::event::Decision;
use crate::run::render::with_help;
use crate::run::scope::NodeScope;
use crate::run::settle;
use crate::run::state::{Asking, Closed, NodeState};
use crate::value::Value;
use std::collections::BTreeMap;

type Refused = Result<(), ProtocolError>;

/// The open question of a node.
///
/// # Errors
/// Why nobody is asked there.
pub(super) fn open(view: View<'_>, index: NodeIndex) -> Result<&Asking, ProtocolError> {
    if let Some(over) = view.state.over {
        return Err(ProtocolError::Over {
            outcome: over.outcome,
            at: over.at,
        });
    }
    let Some((node, state)) = view.node(index) else {
        return Err(ProtocolError::NoSuchNode { number: index.0 });
    };
    let Some(asking) = &state.asking else {
        return Err(closed(node, state));
    };
    match asking.question.expires {
        Some(at) if at <= view.now => Err(ProtocolError::Expired {
            node: node.id.clone(),
            at,
        }),
        _ => Ok(asking),
    }
}

/// Takes or refuses a person's answer.
pub(super) fn decide(view: View<'_>, mut decision: Decision) -> Result<Fact, ProtocolError> {
    let index = decision.node;
    let asking = open(view, index)?;
    let Some((node, state)) = view.node(index) else {
        return Err(ProtocolError::NoSuchNode { number: index.0 });
    };
    if decision.shown != asking.question.shown {
        return Err(ProtocolError::ShownChanged {
            node: node.id.clone(),
        });
    }
    if let Some(taken) = &asking.taken
        && taken.until > view.now
        && taken.by.name != decision.by.name
    {
        return Err(ProtocolError::TakenBy {
            node: node.id.clone(),
            by: taken.by.clone(),
            at: taken.at,
            until: taken.until,
        });
    }
    check(view, index, node, asking, &mut decision)?;
    Ok(Fact::Answered {
        node: index,
        pass: state.pass,
        by: decision.by,
        answer: decision.answer,
        note: decision.note,
        shown: decision.shown,
    })
}

/// Whether this person may give this answer to this question. Defaults are filled in.
fn check(
    view: View<'_>,
    index: NodeIndex,
    node: &Node,
    asking: &Asking,
    decision: &mut Decision,
) -> Refused {
    let wrong = |asks: &str, possible| {
        Err(ProtocolError::WrongAnswer {
            node: node.id.clone(),
            asks: asks.to_owned(),
            possible,
        })
    };
    match (&asking.question.kind, &mut decision.answer) {
        (QuestionKind::Approve { terms, .. }, Answer::Approve) => {
            may(view, node, &terms.by, &decision.by)?;
            may_approve(view, node, terms, asking, &decision.by)
        }
        (QuestionKind::Approve { terms, .. }, Answer::Reject) => {
            may(view, node, &terms.by, &decision.by)
        }
        (QuestionKind::Approve { .. }, _) => {
            wrong("whether the run may go on", "approve and reject")
        }
        (QuestionKind::Manual { by, .. }, Answer::Failed) => may(view, node, by, &decision.by),
        (
            QuestionKind::Manual {
                by,
                checklist,
                asks,
                ..
            },
            Answer::Done { answers, ticked },
        ) => {
            may(view, node, by, &decision.by)?;
            complete(view, index, node, asks, checklist.len(), answers, *ticked)
        }
        (QuestionKind::Manual { .. }, _) => wrong(
            "for something to be done or answered",
            "done (with the answers) and failed",
        ),
        (QuestionKind::Confirm { expected, .. }, Answer::Confirm { typed }) => {
            if typed.trim() == expected.trim() {
                return Ok(());
            }
            Err(ProtocolError::NotConfirmed {
                node: node.id.clone(),
                expected: expected.clone(),
            })
        }
        (QuestionKind::Confirm { .. }, Answer::Reject) => Ok(()),
        (QuestionKind::Confirm { .. }, _) => wrong(
            "for what it is about to change to be typed",
            "what has to be typed, and reject",
        ),
        (QuestionKind::Interrupted { .. }, Answer::DidNotHappen | Answer::Failed) => Ok(()),
        (QuestionKind::Interrupted { attempt, .. }, Answer::Succeeded { .. })
            if attempt.purpose.is_back() =>
        {
            Ok(())
        }
        (QuestionKind::Interrupted { attempt, .. }, Answer::Succeeded { .. })
            if !matches!(attempt.purpose, Purpose::Do | Purpose::Probe) =>
        {
            wrong(
                "what became of a look that was interrupted",
                "did-not-happen (then it looks again) and failed",
            )
        }
        (QuestionKind::Interrupted { .. }, Answer::Succeeded { outputs, .. }) => {
            fits_outputs(node, outputs, true)
        }
        (QuestionKind::Interrupted { .. }, _) => wrong(
            "what became of an attempt that was interrupted",
            "succeeded (with its outputs), did-not-happen and failed",
        ),
        (QuestionKind::Failed { .. }, answer) => failed(view, index, node, answer),
        (QuestionKind::Undo { .. }, Answer::Succeeded { .. }) if undo::of(node).is_none() => wrong(
            "what is to become of something that nothing takes back by itself",
            "undone-by-hand, abandon-undo, did-not-happen and stop",
        ),
        (
            QuestionKind::Undo { .. },
            Answer::UndoneByHand
            | Answer::AbandonUndo
            | Answer::DidNotHappen
            | Answer::Succeeded { .. }
            | Answer::Stop,
        ) => Ok(()),
        (QuestionKind::Undo { .. }, _) => wrong(
            "what is to become of something that cannot be undone without a word from you",
            "undone-by-hand, abandon-undo, did-not-happen, succeeded (then its undo runs) and stop",
        ),
        (
            QuestionKind::UndoFailed { .. },
            Answer::Retry | Answer::UndoneByHand | Answer::AbandonUndo | Answer::Stop,
        ) => Ok(()),
        (QuestionKind::UndoFailed { .. }, _) => wrong(
            "what is to become of an undo that failed",
            "retry, undone-by-hand, abandon-undo and stop",
        ),
    }
}

/// Whether this can be done about a node that failed.
fn failed(view: View<'_>, index: NodeIndex, node: &Node, answer: &Answer) -> Refused {
    match answer {
        Answer::Retry | Answer::Rollback | Answer::Stop => Ok(()),
        Answer::Skip { .. } if node.never_skip => Err(ProtocolError::NeverSkip {
            node: node.id.clone(),
        }),
        Answer::Skip { outputs } => fits_outputs(node, outputs, false),
        Answer::Succeeded { outputs, .. } => fits_outputs(node, outputs, true),
        Answer::Rewind { to } => may_go_back(view, index, node, *to),
        _ => Err(ProtocolError::WrongAnswer {
            node: node.id.clone(),
            asks: "what is to be done about its failure".to_owned(),
            possible: "retry, skip, succeeded (with its outputs), rewind (to a node), rollback and stop",
        }),
    }
}

fn may_go_back(view: View<'_>, index: NodeIndex, node: &Node, to: NodeIndex) -> Refused {
    let refuse = |reason| {
        Err(ProtocolError::NotBefore {
            node: node.id.clone(),
            to: view.name(to),
            reason,
        })
    };
    let Some(target) = view.plan.node(to) else {
        return Err(ProtocolError::NoSuchNode { number: to.0 });
    };
    if !view
        .shape
        .closure(view.plan.rewind_target(to))
        .contains(&index)
    {
        return refuse("it does not come before it");
    }
    let call = target
        .scope
        .filter(|_| !matches!(target.action, Action::Call(_)))
        .and_then(|scope| view.plan.scopes.get(scope as usize));
    match call {
        Some(call) if !node.id.starts_with(&call.prefix) => {
            refuse("nothing outside a called runbook goes back into it")
        }
        _ => Ok(()),
    }
}

/// Whether this person is one of those who are asked, by name or by role.
fn may(view: View<'_>, node: &Node, names: &[String], by: &Actor) -> Refused {
    let has_role = |name: &String| {
        view.plan
            .contacts
            .get(&by.name)
            .is_some_and(|contact| contact.roles.contains(name))
    };
    if names.is_empty() || names.contains(&by.name) || names.iter().any(has_role) {
        return Ok(());
    }
    Err(ProtocolError::MayNot {
        node: node.id.clone(),
        who: by.name.clone(),
        names: names.to_vec(),
    })
}

fn may_approve(
    view: View<'_>,
    node: &Node,
    terms: &Approve,
    asking: &Asking,
    by: &Actor,
) -> Refused {
    let who = by.name.clone();
    let starter = &view.state.start.by;
    let same_account = by.name == by.account && by.account == starter.account;
    let is_starter = by.name == starter.name || by.name == starter.account || same_account;
    if terms.not_starter && is_starter {
        return Err(ProtocolError::Starter {
            node: node.id.clone(),
            who,
        });
    }
    let before = asking
        .approvals
        .iter()
        .find(|approval| approval.by.name == by.name);
    if let Some(before) = before {
        let given = u32::try_from(asking.approvals.len()).unwrap_or(u32::MAX);
        return Err(ProtocolError::Twice {
            node: node.id.clone(),
            who,
            at: before.at,
            missing: terms.count.saturating_sub(given),
        });
    }
    Ok(())
}

/// Whether everything that was asked for is there: entries ticked off, answers of the right type, among the choices,
/// and valid. Defaults are filled in.
fn complete(
    view: View<'_>,
    index: NodeIndex,
    node: &Node,
    asks: &[AskView],
    checklist: usize,
    answers: &mut BTreeMap<String, Value>,
    ticked: u32,
) -> Refused {
    let refuse = |reason: String| {
        Err(ProtocolError::NotDone {
            node: node.id.clone(),
            reason,
        })
    };
    if (ticked as usize) < checklist {
        return refuse(format!(
            "{ticked} of {checklist} entries of its checklist are ticked off"
        ));
    }
    if let Some(name) = answers
        .keys()
        .find(|name| asks.iter().all(|ask| ask.name != **name))
    {
        return refuse(format!("it does not ask for `{name}`"));
    }
    for ask in asks {
        let name = &ask.name;
        let given = answers.get(name).or(ask.default.as_ref());
        let Some(value) = given.cloned() else {
            return refuse(format!("`{name}` is not answered"));
        };
        if let Err(reason) = fits(view, index, node, ask, &value) {
            return refuse(format!("`{name}` {reason}"));
        }
        answers.insert(name.clone(), value);
    }
    Ok(())
}

/// Whether a value answers a question, else why not, as the rest of a sentence about it.
fn fits(
    view: View<'_>,
    index: NodeIndex,
    node: &Node,
    ask: &AskView,
    value: &Value,
) -> Result<(), String> {
    settle::storable(value)?;
    let text = plain(value);
    if ask.kind.read(&text).as_ref() != Some(value) {
        return Err(format!(
            "cannot be `{text}`: it takes {}",
            ask.kind.describe()
        ));
    }
    if let Some(choices) = &ask.choices
        && !choices.iter().any(|(choice, _)| choice == value)
    {
        return Err(format!("cannot be `{text}`: that is none of the choices"));
    }
    let Some(rule) = rule_of(node, &ask.name) else {
        return Ok(());
    };
    let scope = NodeScope {
        value: Some(value),
        ..view.scope(index)
    };
    match rule.evaluate_bool(&scope) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!(
            "cannot be `{text}`: it has to fulfil {}",
            rule.text()
        )),
        Err(error) => Err(format!("cannot be checked: {}", with_help(&error))),
    }
}

fn rule_of<'a>(node: &'a Node, ask: &str) -> Option<&'a crate::expr::Expression> {
    let Action::Manual(Manual { asks, .. }) = &node.action else {
        return None;
    };
    asks.iter()
        .find(|written| written.name == ask)?
        .validate
        .as_ref()
}

/// Whether these are outputs that a node has; all of them, if they have to be.
fn fits_outputs(node: &Node, outputs: &BTreeMap<String, Value>, all: bool) -> Refused {
    let refuse = |reason: String| {
        Err(ProtocolError::Outputs {
            node: node.id.clone(),
            reason,
        })
    };
    let names = node.output_names();
    if let Some(name) = outputs.keys().find(|name| !names.contains(&name.as_str())) {
        return refuse(format!("it has no output `{name}`"));
    }
    if let Some(name) = names
        .iter()
        .find(|name| all && !outputs.contains_key(**name))
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

/// Why nobody is asked at a node.
fn closed(node: &Node, state: &NodeState) -> ProtocolError {
    let node = node.id.clone();
    match state.closed.as_deref() {
        None => ProtocolError::NothingToDecide { node },
        Some(Closed::Answered { by, answer, at }) => ProtocolError::AlreadyDecided {
            node,
            by: by.clone(),
            answer: Box::new(answer.clone()),
            at: *at,
        },
        Some(Closed::Expired { at }) => ProtocolError::Expired { node, at: *at },
        Some(Closed::Voided { reason }) => ProtocolError::Voided {
            node,
            reason: reason.clone(),
        },
    }
}
