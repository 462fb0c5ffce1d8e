//! Where decisions are handed in while this process drives the run: those of `--yes`, those that are typed, and a
//! cancel.

use crate::failure::Failure;
use crate::session::Session;
use piton_core::id::{Actor, RunId};
use piton_core::plan::NodeIndex;
use piton_core::record::{Answer, QuestionKind};
use piton_core::run::{Decision, Event};
use piton_core::view::QuestionView;
use piton_runtime::store::InboxId;
use std::collections::BTreeSet;

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

    /// With `--yes`, approves at each open gate once; whether that counts is for the run to say. Returns how many
    /// approvals were handed in.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn approve_all(&mut self, questions: &[QuestionView]) -> Result<usize, Failure> {
        if !self.yes {
            return Ok(0);
        }
        let open = questions
            .iter()
            .filter(|question| matches!(question.kind, QuestionKind::Approve(_)));
        let new: Vec<QuestionView> = open
            .filter(|question| {
                self.tried
                    .insert((question.index, question.shown.to_string()))
            })
            .cloned()
            .collect();
        for question in &new {
            self.answer(question, Answer::Approve, Some("--yes".to_owned()))
                .await?;
        }
        Ok(new.len())
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
