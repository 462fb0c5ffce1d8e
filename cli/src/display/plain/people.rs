//! What people are asked and called about, and what they answer.

use super::Say;
use crate::clock;
use crate::display::clean::one_line;
use crate::display::question::summary;
use crate::display::style::{Line, Style};
use piton_core::plan::{NodeIndex, Plan};
use piton_core::record::{Answer, Delivery, Page, Question};
use piton_core::view::NodeView;

impl Say<'_> {
    pub(super) fn opened(&self, question: &Question) -> Line {
        let node = self.plan.node(question.node);
        let title = node.and_then(|node| node.title.as_deref()).map(one_line);
        let text = summary(self.plan, question.node, &question.kind);
        let text = title.map(|title| format!("{title}  ")).unwrap_or_default() + &text;
        self.line("?", Style::Asks, question.node, text)
    }

    /// `paged infra-lead (level 1); level 2 at 03:25:00`.
    pub(super) fn paged(&self, node: NodeIndex, page: &Page) -> Line {
        let question = self.view.node(node).and_then(|node| node.question.as_ref());
        let policy = question.and_then(|question| question.policy.as_ref());
        let text = self.called(page, policy);
        self.line("»", Style::Asks, node, text)
    }

    /// Who is called by a page of this policy, and when the next one is.
    pub(super) fn called(&self, page: &Page, policy: Option<&String>) -> String {
        let contacts = page.contacts.iter();
        let contacts: Vec<&str> = contacts.map(|contact| contact.contact.as_str()).collect();
        let levels = policy
            .and_then(|policy| self.plan.escalations.get(policy))
            .map_or(0, |policy| policy.levels.len());
        let next = page.next.map(|next| {
            let time = clock::near(next, self.at);
            if (page.level as usize) < levels {
                format!("; level {} at {time}", page.level + 1)
            } else {
                format!("; again at {time}")
            }
        });
        format!(
            "paged {} (level {}){}",
            contacts.join(", "),
            page.level,
            next.unwrap_or_default()
        )
    }

    /// Who could not be reached.
    pub(super) fn delivered(&self, question: u32, deliveries: &[Delivery]) -> Vec<Line> {
        let of = |node: &NodeView| {
            let mut all = node.question.iter().chain(&node.earlier_questions);
            all.any(|one| one.number == question)
        };
        let id = self.view.nodes.iter().find(|node| of(node));
        let id = id.map_or("?", |node| node.id.as_str());
        self.not_reached(id, deliveries)
    }

    /// Who could not be reached about this.
    pub(super) fn not_reached(&self, id: &str, deliveries: &[Delivery]) -> Vec<Line> {
        deliveries
            .iter()
            .filter_map(|delivery| {
                let why = one_line(delivery.failed.as_deref()?);
                let text = format!("could not reach {}: {why}", delivery.contact);
                Some(self.run("!", Style::Bad, id, text))
            })
            .collect()
    }
}

/// What an answer says of the one who gave it.
#[must_use]
pub fn answer_words(answer: &Answer) -> &'static str {
    match answer {
        Answer::Approve => "approved",
        Answer::Reject => "rejected",
        Answer::Succeeded { .. } => "said that it succeeded",
        Answer::DidNotHappen => "said that it did not happen",
        Answer::Failed => "said that it failed",
        Answer::Done { .. } => "did it",
        Answer::Confirm { .. } => "confirmed it",
        Answer::Retry => "had it tried again",
        Answer::Skip { .. } => "skipped it",
        Answer::Rewind { .. } => "went back",
        Answer::Rollback => "rolled the run back",
        Answer::Stop => "stopped it",
        Answer::UndoneByHand => "undid it by hand",
        Answer::AbandonUndo => "left it as it is",
    }
}

/// [`answer_words`], with what was answered and where to.
#[must_use]
pub fn answer_text(plan: &Plan, answer: &Answer) -> String {
    let words = answer_words(answer);
    match answer {
        Answer::Rewind { to } => {
            let to = plan.node(*to).map_or("?", |node| node.id.as_str());
            format!("{words} to `{to}`")
        }
        Answer::Done { answers, .. } if !answers.is_empty() => {
            let answers = answers.iter().map(|(name, value)| {
                let value = one_line(&value.to_json().to_string());
                format!("{name} = {value}")
            });
            format!("answered {}", answers.collect::<Vec<_>>().join(", "))
        }
        Answer::Succeeded {
            evidence: Some(evidence),
            ..
        } => format!("{words} ({})", one_line(evidence)),
        _ => words.to_owned(),
    }
}
