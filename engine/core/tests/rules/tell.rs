//! Facts in short words, as the examples state them.

use piton_core::plan::{NodeIndex, Plan, Response};
use piton_core::record::{Delivery, Fact, Planned, QuestionKind, UndoEntry};
use piton_core::run::Batch;

/// The facts of a batch in short words.
pub fn tell(plan: &Plan, batch: &Batch) -> Vec<String> {
    batch
        .records
        .iter()
        .map(|record| tell_fact(plan, &record.fact().unwrap()))
        .collect()
}

fn name(plan: &Plan, node: NodeIndex) -> String {
    plan.node(node).unwrap().id.clone()
}

pub fn tell_fact(plan: &Plan, fact: &Fact) -> String {
    let name = |node: &NodeIndex| name(plan, *node);
    match fact {
        Fact::RunCreated { .. } => "created".to_owned(),
        Fact::NodeStarted { node, .. } => format!("begin {}", name(node)),
        Fact::NodeSkipped { node, .. } => format!("skip {}", name(node)),
        Fact::AttemptStarted { attempt, .. } => format!("start {attempt}"),
        Fact::AttemptEnded { attempt, result } => {
            format!("ended {attempt} {:?} {}", result.status, result.message)
                .trim_end()
                .to_owned()
        }
        Fact::LateResult { attempt, result } => format!("late {attempt} {:?}", result.status),
        Fact::AttemptElsewhere { attempt, host, .. } => format!("away {attempt} on {host}"),
        Fact::AttemptReached { attempt } => format!("reached {attempt}"),
        Fact::StopRequested { attempt, .. } => format!("stop {attempt}"),
        Fact::RetryScheduled { node, at, .. } => format!("retry {} at {}", name(node), at.0),
        Fact::QuestionOpened { question } => tell_question(&name(&question.node), &question.kind),
        Fact::Answered {
            node, by, answer, ..
        } => format!("{} says {answer:?} to {}", by.name, name(node)),
        Fact::QuestionExpired { node, .. } => format!("expired {}", name(node)),
        Fact::QuestionVoided { node, reason, .. } => format!("void {}: {reason}", name(node)),
        Fact::NodeSucceeded { node, .. } => format!("done {}", name(node)),
        Fact::NodeFailed { node, message, .. } => format!("fail {}: {message}", name(node)),
        Fact::NodeReopened { node, .. } => format!("reopen {}", name(node)),
        Fact::NodeAssumed { node, .. } => format!("assumed {}", name(node)),
        Fact::ItemDone { node, item, .. } => format!("done {} {item}", name(node)),
        Fact::LookScheduled { node, at, .. } => format!("look {} at {}", name(node), at.0),
        Fact::GateReopened { node, before, .. } => {
            format!("reopen {} for {}", name(node), name(before))
        }
        Fact::LockRequested { node, names, until } => {
            let who = node.as_ref().map_or("the run".to_owned(), name);
            format!("lock {} for {who} until {}", names.join(" "), until.0)
        }
        Fact::LockTaken { node } => {
            format!(
                "locked {}",
                node.as_ref().map_or("the run".to_owned(), name)
            )
        }
        Fact::ResponseTaken {
            node, response, by, ..
        } => {
            let by = by
                .as_ref()
                .map_or(String::new(), |by| format!(" by {}", by.name));
            format!(
                "answer {}: {}{by}",
                name(node),
                tell_response(plan, response)
            )
        }
        Fact::CancelRequested { by, rollback, .. } => {
            let undo = if *rollback { " with rollback" } else { "" };
            format!("cancel by {}{undo}", by.name)
        }
        Fact::Replanned {
            by,
            changed,
            removed,
            anew,
            ..
        } => {
            let names = |nodes: &[NodeIndex]| nodes.iter().map(name).collect::<Vec<_>>().join(",");
            format!(
                "replanned by {}: changed [{}] removed [{}] anew [{}]",
                by.name,
                names(changed),
                names(removed),
                names(anew)
            )
        }
        Fact::CancelRefused { by, because } => format!("not cancelled by {}: {because}", by.name),
        Fact::FinallyBegan { outcome } => format!("finally {outcome:?}"),
        Fact::RunEnded {
            outcome,
            cleanup_failed,
        } => match cleanup_failed.as_slice() {
            [] => format!("over {outcome:?}"),
            failed => {
                let names: Vec<_> = failed.iter().map(name).collect();
                format!("over {outcome:?}, not cleaned up: {}", names.join(" "))
            }
        },
        _ => tell_back(plan, fact),
    }
}

fn tell_question(name: &str, kind: &QuestionKind) -> String {
    match kind {
        QuestionKind::Approve { .. } => format!("ask {name} to approve"),
        QuestionKind::Interrupted {
            attempt,
            host: Some(host),
            ..
        } => format!("ask about {attempt} on {host}"),
        QuestionKind::Interrupted { attempt, why, .. } => format!("ask about {attempt}: {why}"),
        QuestionKind::Manual { .. } => format!("ask {name} to do it"),
        QuestionKind::Confirm { expected, .. } => format!("ask {name} to confirm {expected}"),
        QuestionKind::Failed { message } => format!("ask {name} what now: {message}"),
        QuestionKind::Undo { why } => format!("ask {name} how to undo: {why:?}"),
        QuestionKind::UndoFailed { message } => format!("ask {name} about its undo: {message}"),
    }
}

fn tell_response(plan: &Plan, response: &Response) -> String {
    match response {
        Response::Stop => "stop".to_owned(),
        Response::Continue => "go on".to_owned(),
        Response::Rewind { to, .. } => format!("back to {}", name(plan, *to)),
        Response::Escalate { policy, .. } => format!("escalate to {policy}"),
        Response::Rollback => "rollback".to_owned(),
    }
}

/// Facts of the way back, and of calling people.
fn tell_back(plan: &Plan, fact: &Fact) -> String {
    let name = |node: &NodeIndex| name(plan, *node);
    match fact {
        Fact::UndoPlanned { entries } => {
            let told = |entry: &UndoEntry| match entry.planned {
                Planned::Run => name(&entry.node),
                Planned::Ask(why) => format!("{}? {why:?}", name(&entry.node)),
            };
            let entries: Vec<_> = entries.iter().map(told).collect();
            format!("to undo: {}", entries.join(", "))
        }
        Fact::UndoStarted { node, .. } => format!("undo {}", name(node)),
        Fact::UndoRetryScheduled { node, at, .. } => {
            format!("retry the undo of {} at {}", name(node), at.0)
        }
        Fact::ItemUndone { node, item, .. } => format!("undone {} {item}", name(node)),
        Fact::NodeUndone { node, by, .. } => {
            let by = by
                .as_ref()
                .map_or(String::new(), |by| format!(" by {}", by.name));
            format!("undone {}{by}", name(node))
        }
        Fact::NothingToUndo { node, by, .. } => {
            format!("nothing to undo at {}: {}", name(node), by.name)
        }
        Fact::UndoWanted { node, by, .. } => format!("undo {} after all: {}", name(node), by.name),
        Fact::UndoLeft { left } => format!("left {}: {}", name(&left.node), left.why),
        Fact::UndoFailed { node, message, .. } => {
            format!("undo of {} failed: {message}", name(node))
        }
        Fact::UndoStopped { node, by } => format!("undo stopped at {} by {}", name(node), by.name),
        Fact::Rewound { to, nodes } => {
            let nodes: Vec<_> = nodes.iter().map(name).collect();
            format!("back at {}: {}", name(to), nodes.join(" "))
        }
        Fact::Paged { node, page, .. } => {
            let who: Vec<_> = page
                .contacts
                .iter()
                .map(|one| one.contact.as_str())
                .collect();
            format!("page {} {} about {}", page.id, who.join(" "), name(node))
        }
        Fact::PageEnded { page, deliveries } => {
            let told = |delivery: &Delivery| match &delivery.failed {
                None => delivery.contact.clone(),
                Some(why) => format!("not {}: {why}", delivery.contact),
            };
            let told: Vec<_> = deliveries.iter().map(told).collect();
            format!("paged {page} {}", told.join(", "))
        }
        Fact::Acknowledged {
            node, by, until, ..
        } => {
            format!("{} has seen {} until {}", by.name, name(node), until.0)
        }
        Fact::Taken {
            node, by, until, ..
        } => {
            format!("{} takes {} until {}", by.name, name(node), until.0)
        }
        _ => tell_clock(fact),
    }
}

/// Facts of the run's clock, and of what was lost.
fn tell_clock(fact: &Fact) -> String {
    match fact {
        Fact::ClockStarted { at } => format!("clock since {}", at.0),
        Fact::ClockStopped { at, reached } => {
            let there = if *reached { "" } else { ", not there" };
            format!("clock stops at {}{there}", at.0)
        }
        Fact::ClockResumed => "clock runs on".to_owned(),
        Fact::LossMeasured { lost, why } => match (lost, why) {
            (Some(lost), _) => format!("lost {lost}"),
            (None, why) => format!("lost nobody knows: {}", why.as_deref().unwrap_or_default()),
        },
        Fact::TargetPaged { missed, page } => {
            let who: Vec<_> = page
                .contacts
                .iter()
                .map(|one| one.contact.as_str())
                .collect();
            let what = if *missed { "missed" } else { "at risk" };
            format!("page {} {}: {what}", page.id, who.join(" "))
        }
        Fact::TargetAcknowledged { by } => format!("{} has seen the clock", by.name),
        _ => format!("{fact:?}"),
    }
}
