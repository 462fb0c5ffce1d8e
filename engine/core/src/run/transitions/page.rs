//! Calling people about an open question, level by level, until somebody acknowledges or decides.

use super::{View, decide};
use crate::id::Actor;
use crate::plan::{DECIDE_WITHIN, Escalation, NodeIndex};
use crate::record::{Delivery, Fact, Page, PageId, QuestionKind, RenderedContact, WhyAsk};
use crate::run::error::ProtocolError;
use crate::run::render;
use crate::run::state::{Asking, Paging};
use crate::time::Millis;

/// Calls the people of the next level whose time has come.
pub(super) fn due(view: View<'_>) -> Option<Fact> {
    let (at, index) = *view.state.agenda.pages.first()?;
    if at > view.now {
        return None;
    }
    let state = view.state.node(index)?;
    let asking = state.asking.as_deref()?;
    let policy = policy(view, asking)?;
    let id = PageId {
        question: asking.question.number,
        number: asking.paging.number.saturating_add(1),
    };
    Some(Fact::Paged {
        node: index,
        pass: state.pass,
        page: page(
            view,
            policy,
            &asking.paging,
            id,
            message(view, index, asking),
        ),
    })
}

/// The page that is sent after those that were.
pub(super) fn page(
    view: View<'_>,
    policy: &Escalation,
    paging: &Paging,
    id: PageId,
    message: String,
) -> Page {
    let last = u32::try_from(policy.levels.len()).unwrap_or(u32::MAX);
    let number = if paging.same_level {
        paging.level
    } else {
        paging.level.saturating_add(1)
    };
    let number = number.clamp(1, last.max(1));
    let level = policy.levels.get(number.saturating_sub(1) as usize);
    let ack_within = level.and_then(|level| level.ack_within);
    // Somebody always comes after a level that is not the last one.
    let ack_within = ack_within.or((number < last).then_some(DECIDE_WITHIN));
    let contacts = level.map_or(&[][..], |level| &level.page);
    Page {
        id,
        level: number,
        contacts: reached(view, contacts),
        message,
        next: ack_within.map(|length| view.now.after(length)),
    }
}

fn policy<'a>(view: View<'a>, asking: &Asking) -> Option<&'a Escalation> {
    let name = asking.question.policy.as_ref()?;
    view.plan.escalations.get(name)
}

/// Contacts with how they are reached. What cannot be worked out is no reason to call nobody.
fn reached(view: View<'_>, names: &[String]) -> Vec<RenderedContact> {
    let scope = view.scope(NodeIndex(u32::MAX));
    let one = |name: &String| {
        let found = render::contacts(view.plan, std::slice::from_ref(name), &scope);
        found
            .ok()
            .and_then(|mut contacts| contacts.pop())
            .unwrap_or_else(|| RenderedContact {
                contact: name.clone(),
                name: None,
                via: Vec::new(),
            })
    };
    names.iter().map(one).collect()
}

/// What people are told, in a line.
fn message(view: View<'_>, index: NodeIndex, asking: &Asking) -> String {
    let node = view.name(index);
    let runbook = &view.plan.runbook;
    match &asking.question.kind {
        QuestionKind::Approve { .. } => format!("{runbook}: `{node}` waits for an approval"),
        QuestionKind::Manual { .. } => format!("{runbook}: `{node}` waits for somebody to do it"),
        QuestionKind::Confirm { .. } => {
            format!("{runbook}: `{node}` waits for its target to be confirmed")
        }
        QuestionKind::Interrupted {
            why,
            host: Some(host),
            ..
        } => {
            format!("{runbook}: `{node}` may still run on host {host}, out of reach: {why}")
        }
        QuestionKind::Interrupted { why, .. } => {
            format!("{runbook}: nobody knows whether `{node}` happened: {why}")
        }
        QuestionKind::Failed { message } => {
            format!("{runbook}: `{node}` failed and waits for a decision: {message}")
        }
        QuestionKind::Undo { why } => {
            let why = match why {
                WhyAsk::Irreversible => "nothing takes it back",
                WhyAsk::Unstated => "the runbook does not say how it is taken back",
                WhyAsk::HalfDone => "it was started and did not succeed",
                WhyAsk::Assumed => "it was done outside this run",
            };
            format!("{runbook}: the run goes back, and `{node}` needs a word from you: {why}")
        }
        QuestionKind::UndoFailed { message } => {
            format!("{runbook}: the undo of `{node}` failed: {message}")
        }
    }
}

/// Somebody has seen a question and will decide it.
pub(super) fn acknowledge(
    view: View<'_>,
    index: NodeIndex,
    by: Actor,
) -> Result<Fact, ProtocolError> {
    let asking = decide::open(view, index)?;
    Ok(Fact::Acknowledged {
        node: index,
        pass: asking.question.pass,
        by,
        until: view.now.after(decide_within(view, asking)),
    })
}

/// Somebody takes a question for themselves.
pub(super) fn take(
    view: View<'_>,
    index: NodeIndex,
    by: Actor,
    over: bool,
) -> Result<Fact, ProtocolError> {
    let asking = decide::open(view, index)?;
    if let Some(taken) = &asking.taken
        && taken.until > view.now
        && taken.by.name != by.name
        && !over
    {
        return Err(ProtocolError::TakenBy {
            node: view.name(index),
            by: taken.by.clone(),
            at: taken.at,
            until: taken.until,
        });
    }
    Ok(Fact::Taken {
        node: index,
        pass: asking.question.pass,
        by,
        until: view.now.after(decide_within(view, asking)),
    })
}

fn decide_within(view: View<'_>, asking: &Asking) -> Millis {
    policy(view, asking).map_or(DECIDE_WITHIN, |policy| policy.decide_within)
}

/// What became of a call; nothing if its question is closed, or it was said before.
pub(super) fn ended(view: View<'_>, page: PageId, deliveries: Vec<Delivery>) -> Option<Fact> {
    if page.is_of_clock() {
        let open = view.state.over.is_none() && view.state.clock.paging.is_open(page);
        return open.then_some(Fact::PageEnded { page, deliveries });
    }
    let mut asking = view.state.agenda.asking.iter();
    let open = asking.any(|index| {
        view.state
            .node(*index)
            .and_then(|state| state.asking.as_deref())
            .is_some_and(|asking| asking.paging.is_open(page))
    });
    open.then_some(Fact::PageEnded { page, deliveries })
}
