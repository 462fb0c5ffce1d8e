//! Questions to people: what was answered, who was called, and who has it.

use super::{NodeStanding, RunView, UndoState};
use crate::digest::Digest;
use crate::id::Actor;
use crate::plan::NodeIndex;
use crate::record::{Answer, Delivery, Fact, Page, PageId, Question, QuestionKind};
use crate::time::Timestamp;
use serde::Serialize;

/// A question as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QuestionView {
    /// The node's name.
    pub node: String,
    /// The node's place in the plan, as an answer names it.
    pub index: NodeIndex,
    /// The node's pass.
    pub pass: u32,
    /// Its number in the run, from 1.
    pub number: u32,
    /// The question.
    #[serde(flatten)]
    pub kind: QuestionKind,
    /// The digest that an answer has to name.
    pub shown: Digest,
    /// When it was opened.
    pub opened: Timestamp,
    /// When it expires.
    pub expires: Option<Timestamp>,
    /// The escalation policy that is paged while nobody answers.
    pub policy: Option<String>,
    /// The calls for people, in order.
    pub pages: Vec<PageView>,
    /// Who acknowledged or took it last. Whether that still holds is for the clock to say: see [`HeldView::until`].
    pub held: Option<HeldView>,
    /// The answers that counted.
    pub answers: Vec<AnswerView>,
    /// How it was closed without an answer.
    pub closed: Option<String>,
}

/// An answer as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnswerView {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// What.
    pub answer: Answer,
    /// What they said about it.
    pub note: Option<String>,
}

/// That somebody acknowledged or took a question.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeldView {
    /// Who.
    pub by: Actor,
    /// When.
    pub at: Timestamp,
    /// Until when paging pauses, and until when it is theirs if they took it.
    pub until: Timestamp,
    /// Whether they took it, so that only they decide it.
    pub taken: bool,
}

/// A call for people as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PageView {
    /// Which: `q3.2` is the second call about the third question, `rto.1` the first about the run's clock.
    pub id: String,
    /// The level of the policy, from 1.
    pub level: u32,
    /// Who was called, by their names in the runbook.
    pub contacts: Vec<String>,
    /// When it was decided to call them.
    pub at: Timestamp,
    /// When the next call goes out if nobody acknowledges.
    pub next: Option<Timestamp>,
    /// What became of it, for each contact; `None` while it is not known.
    pub deliveries: Option<Vec<Delivery>>,
}

impl PageView {
    pub(super) fn new(page: &Page, at: Timestamp) -> PageView {
        let contacts = page.contacts.iter();
        PageView {
            id: page.id.to_string(),
            level: page.level,
            contacts: contacts.map(|contact| contact.contact.clone()).collect(),
            at,
            next: page.next,
            deliveries: None,
        }
    }
}

impl QuestionView {
    /// Who has it at this moment, if somebody acknowledged or took it and their time is not up.
    #[must_use]
    pub fn held_at(&self, now: Timestamp) -> Option<&HeldView> {
        self.held.as_ref().filter(|held| held.until > now)
    }

    /// Whether it can still be answered.
    #[must_use]
    pub fn is_open(&self) -> bool {
        if self.closed.is_some() {
            return false;
        }
        let wanted = match &self.kind {
            QuestionKind::Approve { terms, .. } => terms.count.max(1) as usize,
            _ => 1,
        };
        let decides = |answer: &AnswerView| answer.answer != Answer::Approve;
        self.answers.len() < wanted && !self.answers.iter().any(decides)
    }

    pub(super) fn delivered(&mut self, page: PageId, deliveries: &[Delivery]) {
        let id = page.to_string();
        if let Some(page) = self.pages.iter_mut().find(|page| page.id == id) {
            page.deliveries = Some(deliveries.to_vec());
        }
    }
}

impl RunView {
    pub(super) fn fold_question(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::QuestionOpened { question } => self.opened(question, at),
            Fact::Answered {
                node,
                by,
                answer,
                note,
                ..
            } => {
                let answer = AnswerView {
                    by: by.clone(),
                    at,
                    answer: answer.clone(),
                    note: note.clone(),
                };
                self.answered(*node, answer);
            }
            Fact::QuestionExpired { node, .. } => self.close(*node, "nobody answered in time"),
            Fact::QuestionVoided { node, reason, .. } => {
                self.close(*node, reason);
                if self
                    .node(*node)
                    .is_some_and(|node| node.state == NodeStanding::Asking)
                {
                    self.stand(*node, NodeStanding::Voided);
                }
            }
            Fact::Paged { node, page, .. } => {
                let view = PageView::new(page, at);
                self.asked(*node, |question| question.pages.push(view.clone()));
            }
            Fact::PageEnded { page, deliveries } if page.is_of_clock() => {
                if let Some(targets) = &mut self.targets {
                    targets.delivered(*page, deliveries);
                }
            }
            Fact::PageEnded { page, deliveries } => {
                let node = self.nodes.iter().position(|node| {
                    let last = node.question.iter();
                    let mut questions = last.chain(node.earlier_questions.iter().rev());
                    questions.any(|question| question.number == page.question)
                });
                let Some(index) = node.and_then(|at| u32::try_from(at).ok()) else {
                    return;
                };
                let number = page.question;
                self.all_questions(NodeIndex(index), |question| {
                    if question.number == number {
                        question.delivered(*page, deliveries);
                    }
                });
            }
            Fact::Acknowledged {
                node, by, until, ..
            } => self.hold(*node, by, *until, false, at),
            Fact::Taken {
                node, by, until, ..
            } => self.hold(*node, by, *until, true, at),
            _ => {}
        }
    }

    fn opened(&mut self, question: &Question, at: Timestamp) {
        let Some(node) = self.node(question.node) else {
            return;
        };
        let before = match question.kind {
            QuestionKind::Failed { .. }
            | QuestionKind::Undo { .. }
            | QuestionKind::UndoFailed { .. }
            | QuestionKind::Interrupted { host: Some(_), .. } => Some(node.state),
            QuestionKind::Approve { .. }
            | QuestionKind::Interrupted { host: None, .. }
            | QuestionKind::Manual { .. }
            | QuestionKind::Confirm { .. } => None,
        };
        let view = QuestionView {
            node: node.id.clone(),
            index: question.node,
            pass: question.pass,
            number: question.number,
            kind: question.kind.clone(),
            shown: question.shown,
            opened: at,
            expires: question.expires,
            policy: question.policy.clone(),
            pages: Vec::new(),
            held: None,
            answers: Vec::new(),
            closed: None,
        };
        self.stand(question.node, NodeStanding::Asking);
        self.with(question.node, |node| {
            node.started.get_or_insert(at);
            node.before = before;
            let last = node.question.replace(view.clone());
            node.earlier_questions.extend(last);
        });
        if matches!(question.kind, QuestionKind::Undo { .. }) {
            self.undo(
                question.node,
                question.pass,
                UndoState::Asking,
                None,
                "",
                at,
            );
        }
        self.questions.push(view);
    }

    /// Changes the question of a node that is open, or was last.
    fn asked(&mut self, index: NodeIndex, change: impl Fn(&mut QuestionView)) {
        let open = self.questions.iter_mut().find(|open| open.index == index);
        if let Some(open) = open {
            change(open);
        }
        let last = self.node_mut(index).and_then(|node| node.question.as_mut());
        if let Some(last) = last {
            change(last);
        }
    }

    pub(super) fn all_questions(&mut self, index: NodeIndex, change: impl Fn(&mut QuestionView)) {
        self.asked(index, &change);
        self.with(index, |node| {
            node.earlier_questions.iter_mut().for_each(change)
        });
    }

    fn hold(&mut self, index: NodeIndex, by: &Actor, until: Timestamp, taken: bool, at: Timestamp) {
        let held = HeldView {
            by: by.clone(),
            at,
            until,
            taken,
        };
        self.asked(index, |question| question.held = Some(held.clone()));
    }

    fn answered(&mut self, index: NodeIndex, answer: AnswerView) {
        let goes_on = matches!(answer.answer, Answer::DidNotHappen | Answer::Confirm { .. });
        self.asked(index, |question| question.answers.push(answer.clone()));
        let question = self.node(index).and_then(|node| node.question.as_ref());
        if question.is_none_or(QuestionView::is_open) {
            return;
        }
        self.questions.retain(|open| open.index != index);
        if !self.come_back(index) && goes_on {
            self.stand(index, NodeStanding::Running);
        }
    }

    pub(super) fn close(&mut self, index: NodeIndex, how: &str) {
        self.questions.retain(|open| open.index != index);
        if let Some(question) = self.node_mut(index).and_then(|node| node.question.as_mut()) {
            question.closed = Some(how.to_owned());
        }
        self.come_back(index);
    }

    /// A question about something that stands anyway is over: the node is what it was before.
    fn come_back(&mut self, index: NodeIndex) -> bool {
        let before = self.node_mut(index).and_then(|node| node.before.take());
        if let Some(before) = before {
            self.stand(index, before);
        }
        before.is_some()
    }
}
