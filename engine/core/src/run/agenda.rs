//! What is to be looked at next: sets derived from the nodes' phases, so that no event has to walk the plan.
//!
//! Each entry follows from one node's phase alone ([`Agenda::set`]), so rebuilding after a load and keeping up
//! live are the same code.

use super::state::{NodeState, Phase};
use crate::id::AttemptId;
use crate::plan::{Action, Node, NodeIndex};
use crate::record::LOST_AFTER;
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// Everything that waits for something, by what it waits for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Agenda {
    /// Nodes with an attempt that ended or a question that was closed, and nothing drawn from it yet.
    pub(super) unsettled: BTreeSet<NodeIndex>,
    /// Attempts that run, as far as is known.
    pub(super) in_flight: BTreeSet<AttemptId>,
    /// Those of them that nobody has told to stop.
    pub(super) unstopped: BTreeSet<AttemptId>,
    /// When each of them counts as lost.
    pub(super) lost: BTreeSet<(Timestamp, AttemptId)>,
    /// Nodes to be tried again, and not before when.
    pub(super) again: BTreeSet<(Timestamp, NodeIndex)>,
    /// Nodes whose needs have settled and which take no place to be looked at: people's, and those with a `when`.
    pub(super) placeless: BTreeSet<NodeIndex>,
    /// Other nodes whose needs have settled.
    pub(super) ready: BTreeSet<NodeIndex>,
    /// Nodes with inputs that wait for a place for their first attempt.
    pub(super) begun: BTreeSet<NodeIndex>,
    /// Nodes with inputs whose question has to be put to people.
    pub(super) unasked: BTreeSet<NodeIndex>,
    /// Nodes with an open question.
    pub(super) asking: BTreeSet<NodeIndex>,
    /// When each of these questions expires, if it does.
    pub(super) expiries: BTreeSet<(Timestamp, NodeIndex)>,
}

impl Agenda {
    /// Adds (`present`) or removes what follows from the phase of a node.
    pub(super) fn set(&mut self, index: NodeIndex, node: &Node, state: &NodeState, present: bool) {
        match &state.phase {
            Phase::Pending if state.waiting_for > 0 => {}
            Phase::Pending => {
                let placeless = node.when.is_some() || super::is_for_people(&node.action);
                put(
                    if placeless {
                        &mut self.placeless
                    } else {
                        &mut self.ready
                    },
                    index,
                    present,
                );
            }
            Phase::Begun => {
                let people = matches!(node.action, Action::Approve(_));
                put(
                    if people {
                        &mut self.unasked
                    } else {
                        &mut self.begun
                    },
                    index,
                    present,
                );
            }
            Phase::InFlight(flight) => {
                put(&mut self.in_flight, flight.attempt, present);
                if flight.stop.is_none() {
                    put(&mut self.unstopped, flight.attempt, present);
                }
                if let Some(deadline) = flight.deadline {
                    put(
                        &mut self.lost,
                        (deadline.after(LOST_AFTER), flight.attempt),
                        present,
                    );
                }
            }
            Phase::Again { at } => put(&mut self.again, (*at, index), present),
            Phase::Asking(asking) => {
                put(&mut self.asking, index, present);
                if let Some(expires) = asking.question.expires {
                    put(&mut self.expiries, (expires, index), present);
                }
            }
            Phase::Ended(_) | Phase::Decided(_) | Phase::Expired(_) => {
                put(&mut self.unsettled, index, present);
            }
            Phase::Voided | Phase::Succeeded | Phase::Skipped | Phase::Failed => {}
        }
    }
}

fn put<T: Ord>(set: &mut BTreeSet<T>, entry: T, present: bool) {
    if present {
        set.insert(entry);
    } else {
        set.remove(&entry);
    }
}
