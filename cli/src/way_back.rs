//! What taking a run back would undo, found out without doing any of it.

use crate::display::action;
use crate::undo_set::why;
use piton_core::id::RunId;
use piton_core::plan::{Action, NodeIndex, Plan, WorldEffect};
use piton_core::record::{Fact, OutcomeStatus, Planned, Record, UndoEntry};
use piton_core::run::{Effect, Event, Outcome, Run};
use piton_core::time::Timestamp;
use piton_runtime::store::rollback_run_id;
use std::collections::BTreeSet;

/// Something on the way back, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The node that is taken back.
    pub node: String,
    /// What is done about it: the beginning of its undo, or why people are asked.
    pub what: String,
}

/// The way back of a run that goes on, if this event were to begin it now: as if what runs were stopped at once.
/// `None` when the run would refuse the event, or nobody can say before what runs has ended.
#[must_use]
pub fn of_live(run: &Run, event: &Event, now: Timestamp) -> Option<Vec<Step>> {
    let mut trial = run.clone();
    let mut events = vec![event.clone()];
    while let Some(event) = events.pop() {
        let batch = trial.handle(event, now).ok()?;
        if batch.refused.is_some() {
            return None;
        }
        if let Some(entries) = planned(&batch.records) {
            let plan = run.plan();
            return Some(entries.iter().map(|entry| step(plan, entry)).collect());
        }
        for effect in batch.effects {
            if let Effect::Stop { attempt, .. } = effect {
                let outcome = Outcome::not_succeeded(OutcomeStatus::Stopped, "");
                events.push(Event::AttemptEnded { attempt, outcome });
            }
        }
    }
    None
}

fn planned(records: &[Record]) -> Option<Vec<UndoEntry>> {
    records.iter().find_map(|record| match record.fact().ok()? {
        Fact::UndoPlanned { entries } => Some(entries),
        _ => None,
    })
}

fn step(plan: &Plan, entry: &UndoEntry) -> Step {
    let node = plan.node(entry.node);
    let what = match (entry.planned, node.map(|node| &node.effect)) {
        (Planned::Ask(because), _) => format!("asks first: {}", why(because)),
        (Planned::Run, Some(WorldEffect::Undo(undo))) => first_line(&undo.action),
        (Planned::Run, _) => String::new(),
    };
    let node = node.map_or_else(|| "?".to_owned(), |node| node.id.clone());
    Step { node, what }
}

fn first_line(action: &Action) -> String {
    let lines = action::lines(action);
    let more = if lines.len() > 1 { " …" } else { "" };
    let first = lines.first().map(String::as_str).unwrap_or_default();
    format!("{}: {first}{more}", action::word(action))
}

/// What a plan made by [`Run::rollback_plan`] does.
#[must_use]
pub fn of_plan(back: &Plan) -> Vec<Step> {
    let what = |action: &Action| match action {
        Action::Manual(manual) => {
            let instructions = manual.instructions.as_ref().map(|text| text.text());
            format!("asks first: {}", instructions.unwrap_or_default())
        }
        action => first_line(action),
    };
    let step = |node: &piton_core::plan::Node| Step {
        node: node.id.clone(),
        what: what(&node.action),
    };
    back.nodes.iter().map(step).collect()
}

/// A plan made by [`Run::rollback_plan`] without what an earlier try of it has done: nothing is undone twice.
#[must_use]
pub fn without(mut back: Plan, done: &BTreeSet<String>) -> Plan {
    back.nodes.retain(|node| !done.contains(&node.id));
    for (at, node) in (0u32..).zip(&mut back.nodes) {
        node.needs = at.checked_sub(1).map(NodeIndex).into_iter().collect();
    }
    back
}

/// The name of the `number`th run that takes this one back, from 1. The first has a fixed name, so that there cannot
/// be two at once.
#[must_use]
pub fn name(run: &RunId, number: u32) -> RunId {
    rollback_run_id(run, number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::plan;

    #[test]
    fn the_run_that_takes_back_is_named_after_its_run() {
        let run = RunId("restore-7k3fq".to_owned());
        assert_eq!(name(&run, 1).0, "restore-7k3fq-rollback");
        assert_eq!(name(&run, 2).0, "restore-7k3fq-rollback-2");
    }

    #[test]
    fn what_an_earlier_try_undid_is_not_undone_again() {
        let done = BTreeSet::from(["c".to_owned(), "a".to_owned()]);
        let left = without(plan(&["d", "c", "b", "a"]), &done);
        let of: Vec<_> = left
            .nodes
            .iter()
            .map(|node| (node.id.as_str(), node.needs.as_slice()))
            .collect();
        assert_eq!(of, [("d", &[][..]), ("b", &[NodeIndex(0)][..])]);
        assert_eq!(of_plan(&left)[1].what, "run: :");
    }
}
