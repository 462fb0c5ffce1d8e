//! The model of people: what they do about a question that is put to them.

use super::script::{Asked, Does, Reply, Script};
use super::world::{Trace, World};
use crate::digest::Digest;
use crate::id::{Actor, Purpose};
use crate::plan::{AnswerType, NodeIndex, Plan};
use crate::record::{Answer, AskView, Question, QuestionKind};
use crate::run::{Decision, Event};
use crate::time::{Millis, Timestamp};
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// People, who remember what they were asked.
#[derive(Clone, Debug, Default)]
pub(super) struct People {
    asked: BTreeSet<(u32, Digest)>,
    questions_of: BTreeMap<NodeIndex, usize>,
}

impl People {
    /// What is sent because of a question, and when. People take no notice of one that they know.
    pub(super) fn ask(
        &mut self,
        script: &Script,
        plan: &Plan,
        question: &Question,
        now: Timestamp,
    ) -> Vec<(Timestamp, Event)> {
        if !self.asked.insert((question.number, question.shown)) {
            return Vec::new();
        }
        let before = self.questions_of.entry(question.node).or_default();
        let replies = script.about(question.node, Asked::of(&question.kind), *before);
        *before += 1;
        let sent = |reply: &Reply| (now.after(reply.after), event(plan, question, reply));
        replies.iter().map(sent).collect()
    }
}

/// Who acts under this name, elsewhere.
pub(super) fn actor(name: &str) -> Actor {
    Actor {
        name: name.to_owned(),
        account: format!("{name}@elsewhere"),
    }
}

fn event(plan: &Plan, question: &Question, reply: &Reply) -> Event {
    let (node, by) = (question.node, actor(&reply.by));
    let answer = match &reply.does {
        Does::Acknowledge => return Event::Acknowledge { node, by },
        Does::Take { over } => {
            return Event::Take {
                node,
                by,
                over: *over,
            };
        }
        Does::Answer(answer) if reply.as_it_stands => answer.clone(),
        Does::Answer(answer) => filled(plan, question, answer.clone()),
    };
    let shown = match reply.about_something_else {
        true => Digest::ZERO,
        false => question.shown,
    };
    Event::Decide(Decision {
        node,
        by,
        answer,
        note: None,
        shown,
    })
}

/// The answer with everything that it has to give.
fn filled(plan: &Plan, question: &Question, mut answer: Answer) -> Answer {
    match (&mut answer, &question.kind) {
        (Answer::Succeeded { outputs, .. } | Answer::Skip { outputs }, _) => {
            let node = plan.node(question.node);
            for name in node.iter().flat_map(|node| node.outputs.keys()) {
                outputs.entry(name.clone()).or_insert(Value::Null);
            }
        }
        (
            Answer::Done { answers, ticked },
            QuestionKind::Manual {
                checklist, asks, ..
            },
        ) => {
            *ticked = (*ticked).max(u32::try_from(checklist.len()).unwrap_or(u32::MAX));
            for ask in asks {
                answers
                    .entry(ask.name.clone())
                    .or_insert_with(|| some_answer(ask));
            }
        }
        (Answer::Confirm { typed }, QuestionKind::Confirm { expected, .. }) if typed.is_empty() => {
            typed.clone_from(expected);
        }
        _ => {}
    }
    answer
}

/// The first possible answer, the default, or any of the right type.
fn some_answer(ask: &AskView) -> Value {
    let first = ask.choices.as_ref().and_then(|choices| choices.first());
    if let Some((value, _)) = first {
        return value.clone();
    }
    ask.default.clone().unwrap_or(match ask.kind {
        AnswerType::String => Value::String("something".to_owned()),
        AnswerType::Int => Value::Int(1),
        AnswerType::Float => Value::Float(1.5),
        AnswerType::Bool => Value::Bool(true),
        AnswerType::Duration => Value::Duration(Millis(1000)),
        AnswerType::Timestamp => Value::Timestamp(Timestamp(0)),
    })
}

/// What an honest person says in place of this answer, as the world is now.
pub(super) fn honest(question: &Question, answer: &mut Answer, world: &World) {
    let there = world.trace(question.node, question.pass);
    match (&question.kind, &answer) {
        (QuestionKind::Interrupted { attempt, .. }, Answer::Succeeded { .. })
            if attempt.purpose == Purpose::Do && there != Some(Trace::Whole) =>
        {
            *answer = Answer::Failed;
        }
        (QuestionKind::Interrupted { .. }, Answer::DidNotHappen) if there.is_some() => {
            *answer = Answer::Failed;
        }
        (QuestionKind::Undo { .. }, Answer::DidNotHappen) if there.is_some() => {
            *answer = Answer::UndoneByHand;
        }
        _ => {}
    }
}
