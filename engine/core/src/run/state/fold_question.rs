//! The fold of facts about questions: opened, answered, closed, and the calling of people about them.

use super::asking::{Approval, Taken};
use super::fold::no_node;
use super::{Answering, Asking, Closed, Frame, Given, Misfit, Phase, State, UndoPhase, Undoing};
use crate::id::Actor;
use crate::plan::{NodeIndex, Response};
use crate::record::{Answer, Delivery, Fact, PageId, Question, QuestionKind};
use crate::time::Timestamp;

impl State {
    pub(super) fn fold_question(&mut self, fact: &Fact, frame: &Frame<'_>) -> Result<(), Misfit> {
        match fact {
            Fact::QuestionOpened { question } => self.opened(question, frame),
            Fact::Answered {
                node,
                by,
                answer,
                note,
                ..
            } => {
                let given = Given {
                    by: by.clone(),
                    answer: answer.clone(),
                    note: note.clone(),
                };
                self.answered(*node, given, frame)
            }
            Fact::QuestionExpired { node, .. } => self.expired(*node, frame),
            Fact::QuestionVoided { node, reason, .. } => {
                self.expect_asking(*node)?;
                self.change(*node, None, frame, |state| {
                    state.asking = None;
                    state.closed = Some(Box::new(Closed::Voided {
                        reason: reason.clone(),
                    }));
                    if state.phase == Phase::Asking {
                        state.phase = Phase::Voided;
                    }
                    if let Some(failure) = &mut state.failure
                        && matches!(failure.response, Answering::Escalated { .. })
                    {
                        failure.response = Answering::Settled;
                    }
                })
            }
            Fact::Paged { node, page, .. } => self.change_asking(*node, frame, |asking| {
                asking.paging.sent(page);
            }),
            Fact::PageEnded { page, deliveries } => {
                self.page_ended(*page, deliveries, frame);
                Ok(())
            }
            Fact::Acknowledged { node, until, .. } => self.pause_paging(*node, *until, None, frame),
            Fact::Taken {
                node, by, until, ..
            } => self.pause_paging(*node, *until, Some(by), frame),
            _ => Ok(()),
        }
    }

    fn opened(&mut self, question: &Question, frame: &Frame<'_>) -> Result<(), Misfit> {
        if question.number != self.questions.saturating_add(1) {
            return Err(format!("question {} is not the next one", question.number));
        }
        self.questions = question.number;
        // A person who was asked to do something may have begun.
        let manual = matches!(question.kind, QuestionKind::Manual { .. });
        if manual && self.node(question.node).is_some_and(|node| node.order == 0) {
            self.starts = self.starts.saturating_add(1);
        }
        let order = self.starts;
        // While an attempt is out of reach, the node is where it was: at that attempt.
        let forward = matches!(
            question.kind,
            QuestionKind::Approve { .. }
                | QuestionKind::Manual { .. }
                | QuestionKind::Confirm { .. }
                | QuestionKind::Interrupted { host: None, .. }
        );
        let asking = Asking::new(question.clone(), frame.at);
        self.change(question.node, None, frame, |state| {
            if manual && state.order == 0 {
                state.order = order;
            }
            if forward {
                state.began.get_or_insert(frame.at);
                state.phase = Phase::Asking;
            }
            state.asking = Some(Box::new(asking));
        })
    }

    fn answered(&mut self, node: NodeIndex, given: Given, frame: &Frame<'_>) -> Result<(), Misfit> {
        let asking = self.expect_asking(node)?;
        let missing = asking.wanted().saturating_sub(asking.approvals.len());
        let at = frame.at;
        if given.answer == Answer::Approve && missing > 1 {
            return self.change_asking(node, frame, |asking| {
                asking.approvals.push(Approval { by: given.by, at });
            });
        }
        let kind = asking.question.kind.clone();
        self.change(node, None, frame, |state| {
            state.asking = None;
            state.closed = Some(Box::new(Closed::Answered {
                by: given.by.clone(),
                answer: given.answer.clone(),
                at,
            }));
            match kind {
                QuestionKind::Interrupted { host: Some(_), .. } => {
                    let flight = state.flight_mut();
                    if let Some(away) = flight.and_then(|flight| flight.elsewhere.as_mut()) {
                        away.given = Some(given);
                    }
                }
                QuestionKind::Interrupted { .. } if given.answer == Answer::DidNotHappen => {
                    state.phase = Phase::Again { at };
                }
                QuestionKind::Confirm { .. } if given.answer != Answer::Reject => {
                    state.prepared.confirmed = true;
                    state.phase = Phase::Begun;
                }
                QuestionKind::Approve { .. }
                | QuestionKind::Interrupted { .. }
                | QuestionKind::Manual { .. }
                | QuestionKind::Confirm { .. } => state.phase = Phase::Decided(Box::new(given)),
                QuestionKind::Failed { .. } => {
                    if let Some(failure) = &mut state.failure {
                        failure.response = decided(given);
                    }
                }
                QuestionKind::Undo { .. } => {
                    if let Undoing::Planned { given: slot, .. } = &mut state.undo {
                        *slot = Some(Box::new(given));
                    }
                }
                QuestionKind::UndoFailed { .. } => {
                    if let Undoing::Now(now) = &mut state.undo {
                        now.phase = UndoPhase::Decided(Box::new(given));
                    }
                }
            }
        })
    }

    fn expired(&mut self, node: NodeIndex, frame: &Frame<'_>) -> Result<(), Misfit> {
        let asking = self.expect_asking(node)?.clone();
        let at = asking.question.expires.unwrap_or(frame.at);
        self.change(node, None, frame, |state| {
            state.asking = None;
            state.closed = Some(Box::new(Closed::Expired { at }));
            match &mut state.failure {
                // The next rung of the ladder is taken: `from` points there since this one was.
                Some(failure) if state.phase == Phase::Failed => failure.response = Answering::Open,
                _ => state.phase = Phase::Expired(Box::new(asking)),
            }
        })
    }

    fn page_ended(&mut self, page: PageId, deliveries: &[Delivery], frame: &Frame<'_>) {
        let reached = deliveries.iter().any(|delivery| delivery.failed.is_none());
        if page.is_of_clock() {
            return self.clock_page_ended(page, reached, frame);
        }
        let with = |index: &NodeIndex| {
            let asking = self.node(*index)?.asking.as_deref()?;
            (asking.question.number == page.question).then_some(*index)
        };
        let Some(node) = self.agenda.asking.iter().find_map(with) else {
            return;
        };
        let at = frame.at;
        let levels = self
            .node(node)
            .and_then(|state| state.asking.as_deref()?.question.policy.as_ref())
            .and_then(|policy| frame.plan.escalations.get(policy))
            .map_or(0, |policy| policy.levels.len());
        // The question is open, because the agenda has it.
        let _ = self.change_asking(node, frame, |asking| {
            asking.paging.ended(page, reached, levels, at);
        });
    }

    fn pause_paging(
        &mut self,
        node: NodeIndex,
        until: Timestamp,
        taker: Option<&Actor>,
        frame: &Frame<'_>,
    ) -> Result<(), Misfit> {
        let at = frame.at;
        self.change_asking(node, frame, |asking| {
            if asking.question.policy.is_some() {
                asking.paging.next = Some(until);
                asking.paging.same_level = asking.paging.level > 0;
            }
            if let Some(by) = taker {
                asking.taken = Some(Taken {
                    by: by.clone(),
                    at,
                    until,
                });
            }
        })
    }

    fn change_asking(
        &mut self,
        node: NodeIndex,
        frame: &Frame<'_>,
        change: impl FnOnce(&mut Asking),
    ) -> Result<(), Misfit> {
        self.expect_asking(node)?;
        self.change(node, None, frame, |state| {
            if let Some(asking) = &mut state.asking {
                change(asking);
            }
        })
    }

    fn expect_asking(&self, node: NodeIndex) -> Result<&Asking, Misfit> {
        self.node(node)
            .ok_or_else(|| no_node(node))?
            .asking
            .as_deref()
            .ok_or_else(|| format!("no question was open at node {}", node.0))
    }
}

/// What a decision about a failure is: those that concern the whole run are taken when nothing else stands in the
/// way of it.
fn decided(given: Given) -> Answering {
    let response = match &given.answer {
        Answer::Rewind { to } => Response::Rewind { to: *to, times: 0 },
        Answer::Rollback => Response::Rollback,
        Answer::Stop => Response::Stop,
        _ => return Answering::Given(Box::new(given)),
    };
    Answering::Decided {
        response,
        by: given.by,
    }
}
