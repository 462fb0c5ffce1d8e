//! Questions: how they are put, how they run out, and how they are taken back.

use super::View;
use crate::plan::NodeIndex;
use crate::record::{Fact, Question, QuestionKind};
use crate::run::shown;
use crate::time::Timestamp;

/// Opens a question about a node.
pub(super) fn open(
    view: View<'_>,
    index: NodeIndex,
    kind: QuestionKind,
    expires: Option<Timestamp>,
    policy: Option<&str>,
) -> Fact {
    let shown = shown::digest(view.plan, view.shape, view.state, index, &kind);
    let policy = policy
        .or_else(|| view.plan.node(index)?.page.as_deref())
        .or(view.plan.page.as_deref());
    // Whoever has to say what becomes of the run is called, if the runbook names anybody at all.
    let decision = matches!(
        kind,
        QuestionKind::Interrupted { .. }
            | QuestionKind::Undo { .. }
            | QuestionKind::UndoFailed { .. }
    );
    let only = || {
        let mut policies = view.plan.escalations.keys();
        policies
            .next()
            .filter(|_| policies.next().is_none() && decision)
    };
    let policy = policy.or_else(|| only().map(String::as_str));
    // A policy that is not there cannot be paged; the rules of `check` find that.
    let policy = policy.filter(|policy| view.plan.escalations.contains_key(*policy));
    Fact::QuestionOpened {
        question: Question {
            node: index,
            pass: view.pass(index),
            kind,
            shown,
            expires,
            number: view.state.questions.saturating_add(1),
            policy: policy.map(str::to_owned),
        },
    }
}

/// Closes the next question whose time has run out.
pub(super) fn expire(view: View<'_>) -> Option<Fact> {
    let (at, index) = *view.state.agenda.expiries.first()?;
    (at <= view.now).then(|| Fact::QuestionExpired {
        node: index,
        pass: view.pass(index),
    })
}

/// Takes the next open question back, of those nodes for which this is true.
pub(super) fn void(
    view: View<'_>,
    reason: &str,
    which: impl Fn(NodeIndex) -> bool,
) -> Option<Fact> {
    let mut asking = view.state.agenda.asking.iter().copied();
    // What is asked about an attempt out of reach is asked until its end is known, whatever becomes of the run.
    let away = |index: NodeIndex| view.state.node(index).is_some_and(|it| it.away().is_some());
    let index = asking.find(|index| which(*index) && !away(*index))?;
    Some(Fact::QuestionVoided {
        node: index,
        pass: view.pass(index),
        reason: reason.to_owned(),
    })
}
