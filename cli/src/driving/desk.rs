//! Where decisions are handed in while this process drives the run: those of `--yes`, those that are typed, and a
//! cancel.

use crate::failure::Failure;
use crate::session::Session;
use piton_core::id::{Actor, RunId};
use piton_core::plan::NodeIndex;
use piton_core::record::{Answer, AskView, QuestionKind};
use piton_core::run::{Decision, Event};
use piton_core::view::QuestionView;
use piton_runtime::store::InboxId;
use std::collections::{BTreeMap, BTreeSet};

/// Decisions on their way.
pub struct Desk<'a> {
    session: &'a Session,
    run: &'a RunId,
    /// Who acts.
    pub actor: &'a Actor,
    yes: bool,
    tried: BTreeSet<(NodeIndex, String)>,
    posted: Vec<InboxId>,
    cancelled: bool,
}

impl<'a> Desk<'a> {
    /// A desk for this run.
    #[must_use]
    pub fn new(session: &'a Session, run: &'a RunId, actor: &'a Actor, yes: bool) -> Desk<'a> {
        Desk {
            session,
            run,
            actor,
            yes,
            tried: BTreeSet::new(),
            posted: Vec::new(),
            cancelled: false,
        }
    }

    /// With `--yes`, approves at each open gate once, and says that each open task is done, with the defaults of its
    /// questions; whether that counts is for the run to say. Returns how many answers were handed in.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn approve_all(&mut self, questions: &[QuestionView]) -> Result<usize, Failure> {
        if !self.yes {
            return Ok(0);
        }
        let mut count = 0;
        for question in questions {
            let Some(answer) = yes_to(&question.kind) else {
                continue;
            };
            if self
                .tried
                .insert((question.index, question.shown.to_string()))
            {
                self.answer(question, answer, Some("--yes".to_owned()))
                    .await?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Hands in an answer.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn answer(
        &mut self,
        question: &QuestionView,
        answer: Answer,
        note: Option<String>,
    ) -> Result<(), Failure> {
        let decision = Decision {
            node: question.index,
            by: self.actor.clone(),
            answer,
            note,
            shown: question.shown,
        };
        self.posted.push(
            self.session
                .post(self.run, &Event::Decide(decision))
                .await?,
        );
        Ok(())
    }

    /// Cancels the run, once.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn cancel(&mut self) -> Result<(), Failure> {
        if !std::mem::replace(&mut self.cancelled, true) {
            let event = Event::Cancel {
                by: self.actor.clone(),
                reason: Some("Ctrl-C".to_owned()),
                rollback: false,
            };
            self.posted.push(self.session.post(self.run, &event).await?);
        }
        Ok(())
    }

    /// Why what was handed in does not count, for each that was refused since the last call.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn refusals(&mut self) -> Result<Vec<String>, Failure> {
        let mut refusals = Vec::new();
        for entry in std::mem::take(&mut self.posted) {
            match self.session.verdict(entry).await? {
                None => self.posted.push(entry),
                Some(verdict) if !verdict.accepted => refusals.push(verdict.message),
                Some(_) => {}
            }
        }
        Ok(refusals)
    }
}

/// What `--yes` answers. It stands for a person who has agreed to what the runbook says before it began; what nobody
/// could have agreed to before it happened (a failure, an interruption, the way back, a confirmation of what a
/// destructive step has found) is left to a person who looks.
fn yes_to(kind: &QuestionKind) -> Option<Answer> {
    match kind {
        QuestionKind::Approve { .. } => Some(Answer::Approve),
        QuestionKind::Manual {
            checklist, asks, ..
        } => Some(Answer::Done {
            answers: defaults(asks)?,
            ticked: u32::try_from(checklist.len()).unwrap_or(u32::MAX),
        }),
        QuestionKind::Interrupted { .. }
        | QuestionKind::Confirm { .. }
        | QuestionKind::Failed { .. }
        | QuestionKind::Undo { .. }
        | QuestionKind::UndoFailed { .. } => None,
    }
}

/// The defaults of all questions, if each has one.
fn defaults(asks: &[AskView]) -> Option<BTreeMap<String, piton_core::value::Value>> {
    asks.iter()
        .map(|ask| Some((ask.name.clone(), ask.default.clone()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use piton_core::plan::AnswerType;
    use piton_core::record::WhyAsk;
    use piton_core::text::Text;
    use piton_core::value::Value;

    fn manual(default: Option<Value>) -> QuestionKind {
        QuestionKind::Manual {
            instructions: None,
            checklist: vec![Text::literal("tell them")],
            asks: vec![AskView {
                name: "backup".to_owned(),
                kind: AnswerType::String,
                help: None,
                choices: None,
                validate: None,
                default,
            }],
            by: vec![],
        }
    }

    #[test]
    fn yes_gives_defaults_and_never_makes_up_an_answer() {
        let latest = Value::String("LATEST".to_owned());
        let answers = BTreeMap::from([("backup".to_owned(), latest.clone())]);
        let done = Answer::Done { answers, ticked: 1 };
        assert_eq!(yes_to(&manual(Some(latest))), Some(done));
        assert_eq!(yes_to(&manual(None)), None);
    }

    #[test]
    fn yes_decides_nothing_that_went_wrong_or_destroys() {
        let message = "exit code 1".to_owned();
        for kind in [
            QuestionKind::Failed {
                message: message.clone(),
            },
            QuestionKind::UndoFailed { message },
            QuestionKind::Undo {
                why: WhyAsk::Irreversible,
            },
            QuestionKind::Confirm {
                expected: "prod".to_owned(),
                target: None,
            },
        ] {
            assert_eq!(yes_to(&kind), None, "{kind:?}");
        }
    }
}
