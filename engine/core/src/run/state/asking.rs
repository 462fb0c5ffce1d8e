//! What is known of a question.

use crate::id::Actor;
use crate::record::{Answer, Page, PageId, Question, QuestionKind};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An open question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Asking {
    pub(in crate::run) question: Question,
    pub(in crate::run) opened: Timestamp,
    /// Approvals so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::run) approvals: Vec<Approval>,
    #[serde(default)]
    pub(in crate::run) paging: Paging,
    /// Who has it for themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) taken: Option<Taken>,
}

/// How far the calling of people is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Default)]
pub(in crate::run) struct Paging {
    /// How many pages went out.
    pub(in crate::run) number: u32,
    /// The level that was paged last, from 1; 0 before the first.
    pub(in crate::run) level: u32,
    /// When the next page goes out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) next: Option<Timestamp>,
    /// The next page is for the same level again: somebody there had acknowledged.
    #[serde(default)]
    pub(in crate::run) same_level: bool,
    /// Pages of which nobody has said what became of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::run) open: Vec<Page>,
}

/// That somebody has a question for themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Taken {
    pub(in crate::run) by: Actor,
    pub(in crate::run) at: Timestamp,
    pub(in crate::run) until: Timestamp,
}

/// An approval that counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Approval {
    pub(in crate::run) by: Actor,
    pub(in crate::run) at: Timestamp,
}

/// The answer that closed a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Given {
    pub(in crate::run) by: Actor,
    pub(in crate::run) answer: Answer,
    pub(in crate::run) note: Option<String>,
}

/// How a question was closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::run) enum Closed {
    Answered {
        by: Actor,
        answer: Answer,
        at: Timestamp,
    },
    Expired {
        at: Timestamp,
    },
    Voided {
        reason: String,
    },
}

impl Paging {
    /// A page went out.
    pub(in crate::run) fn sent(&mut self, page: &Page) {
        self.number = page.id.number;
        self.level = page.level;
        self.same_level = false;
        self.next = page.next;
        self.open.push(page.clone());
    }

    /// What became of a page is known. When nobody was reached the next level is called at once.
    pub(in crate::run) fn ended(
        &mut self,
        page: PageId,
        reached: bool,
        levels: usize,
        at: Timestamp,
    ) {
        self.open.retain(|open| open.id != page);
        // It is no use to wait for who was not reached, unless somebody has seen it anyway.
        let waits = !reached && !self.same_level && page.number == self.number;
        if waits && (self.level as usize) < levels {
            self.next = Some(at);
        }
    }

    /// Whether nobody has said yet what became of this page.
    pub(in crate::run) fn is_open(&self, page: PageId) -> bool {
        self.open.iter().any(|open| open.id == page)
    }
}

impl Asking {
    pub(in crate::run) fn new(question: Question, opened: Timestamp) -> Asking {
        let paging = Paging {
            next: question.policy.is_some().then_some(opened),
            ..Paging::default()
        };
        Asking {
            question,
            opened,
            approvals: Vec::new(),
            paging,
            taken: None,
        }
    }

    /// How many answers that approve it takes.
    pub(in crate::run) fn wanted(&self) -> usize {
        match &self.question.kind {
            QuestionKind::Approve { terms, .. } => terms.count.max(1) as usize,
            _ => 1,
        }
    }

    /// Whether it asks what is to become of the run, rather than being part of its plan.
    pub(in crate::run) fn is_decision(&self) -> bool {
        matches!(
            self.question.kind,
            QuestionKind::Failed { .. }
                | QuestionKind::Interrupted { .. }
                | QuestionKind::Undo { .. }
                | QuestionKind::UndoFailed { .. }
        )
    }
}
