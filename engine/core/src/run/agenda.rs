//! What is to be looked at next: sets derived from what is known of each node, so that no event has to walk the plan.
//!
//! Each entry follows from one node's state alone ([`Agenda::set`]), so rebuilding after a load and keeping up
//! live are the same code.

use super::stage::{Stage, stage};
use super::state::{Answering, LockState, NodeState, Phase, UndoPhase, Undoing};
use crate::id::{AttemptId, Purpose};
use crate::plan::{Node, NodeIndex};
use crate::record::LOST_AFTER;
use crate::time::Timestamp;
use std::collections::BTreeSet;

/// Everything that waits for something, by what it waits for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Agenda {
    /// Nodes with an attempt that ended or a question that was answered, and nothing drawn from it yet.
    pub(super) unsettled: BTreeSet<NodeIndex>,
    /// Attempts that run, as far as is known.
    pub(super) in_flight: BTreeSet<AttemptId>,
    /// Those of them that cannot be reached.
    pub(super) away: BTreeSet<AttemptId>,
    /// Nodes whose attempt cannot be reached, or could not be, and about which something has to be written down.
    pub(super) elsewhere: BTreeSet<NodeIndex>,
    /// Those of them that nobody has told to stop.
    pub(super) unstopped: BTreeSet<AttemptId>,
    /// When each of them counts as lost.
    pub(super) lost: BTreeSet<(Timestamp, AttemptId)>,
    /// Nodes to be tried again, and not before when.
    pub(super) again: BTreeSet<(Timestamp, NodeIndex)>,
    /// Nodes whose undo waits for its next try.
    pub(super) undo_again: BTreeSet<NodeIndex>,
    /// Nodes whose needs have settled and which take no place to be looked at: people's, and those with a `when`.
    pub(super) placeless: BTreeSet<NodeIndex>,
    /// Other nodes whose needs have settled.
    pub(super) ready: BTreeSet<NodeIndex>,
    /// Nodes with inputs that wait for a place for their next attempt.
    pub(super) begun: BTreeSet<NodeIndex>,
    /// Of both, those that do what nothing takes back: they start only while nobody decides about the run.
    pub(super) guarded: BTreeSet<NodeIndex>,
    /// Nodes with inputs that need locks which nobody has asked for.
    pub(super) unlocked: BTreeSet<NodeIndex>,
    /// Nodes that wait for locks, and until when.
    pub(super) locking: BTreeSet<(Timestamp, NodeIndex)>,
    /// Nodes that wait for a time.
    pub(super) waits: BTreeSet<(Timestamp, NodeIndex)>,
    /// Nodes with nothing left to do.
    pub(super) instant: BTreeSet<NodeIndex>,
    /// Nodes whose question has to be put to people.
    pub(super) unasked: BTreeSet<NodeIndex>,
    /// Nodes with an open question.
    pub(super) asking: BTreeSet<NodeIndex>,
    /// Those of them at which people decide what becomes of the run.
    pub(super) deciding: BTreeSet<NodeIndex>,
    /// When each of these questions expires, if it does.
    pub(super) expiries: BTreeSet<(Timestamp, NodeIndex)>,
    /// When people are to be called about them.
    pub(super) pages: BTreeSet<(Timestamp, NodeIndex)>,
    /// Nodes that failed, and nothing is done about that yet.
    pub(super) failing: BTreeSet<NodeIndex>,
}

impl Agenda {
    /// Adds (`present`) or removes what follows from the state of a node.
    pub(super) fn set(&mut self, index: NodeIndex, node: &Node, state: &NodeState, present: bool) {
        self.set_always(index, state, present);
        if state.held {
            return;
        }
        match &state.phase {
            Phase::Pending if state.waiting_for == 0 => {
                let set = if node.is_irreversible() {
                    &mut self.guarded
                } else if node.when.is_some() || super::effect::is_placeless(&node.action) {
                    &mut self.placeless
                } else {
                    &mut self.ready
                };
                put(set, index, present);
            }
            Phase::Begun => self.set_begun(index, node, state, present),
            Phase::Again { at } => put(&mut self.again, (*at, index), present),
            Phase::Failed => {
                let open = state.failure.as_ref().is_some_and(|failure| {
                    matches!(
                        failure.response,
                        Answering::Open | Answering::Decided { .. }
                    )
                });
                if open {
                    put(&mut self.failing, index, present);
                }
                if state.is_to_be_escalated() {
                    put(&mut self.unasked, index, present);
                }
            }
            _ => {}
        }
    }

    /// What has to be looked at even if the node is held.
    fn set_always(&mut self, index: NodeIndex, state: &NodeState, present: bool) {
        let given = state
            .failure
            .as_ref()
            .is_some_and(|failure| matches!(failure.response, Answering::Given(_)));
        let phase = matches!(
            state.phase,
            Phase::Ended(_) | Phase::Decided(_) | Phase::Expired(_)
        );
        if given || phase || state.undo.is_unsettled() {
            put(&mut self.unsettled, index, present);
        }
        if undo_again(state).is_some() {
            put(&mut self.undo_again, index, present);
        }
        if let Some(flight) = state.flight() {
            put(&mut self.in_flight, flight.attempt, present);
            if flight.stop.is_none() {
                put(&mut self.unstopped, flight.attempt, present);
            }
            // Of one that cannot be reached, silence says nothing.
            if flight.elsewhere.is_some() {
                put(&mut self.away, flight.attempt, present);
            } else if let Some(deadline) = flight.deadline {
                let at = deadline.after(LOST_AFTER);
                put(&mut self.lost, (at, flight.attempt), present);
            }
        }
        let open = state.asking.is_some();
        let due = match state.away() {
            Some((_, away)) => away.given.is_some() || !open,
            None => state.asks_about_away(),
        };
        if due {
            put(&mut self.elsewhere, index, present);
        }
        if let Some(asking) = &state.asking {
            put(&mut self.asking, index, present);
            if asking.is_decision() {
                put(&mut self.deciding, index, present);
            }
            if let Some(expires) = asking.question.expires {
                put(&mut self.expiries, (expires, index), present);
            }
            if let Some(next) = asking.paging.next {
                put(&mut self.pages, (next, index), present);
            }
        }
    }

    fn set_begun(&mut self, index: NodeIndex, node: &Node, state: &NodeState, present: bool) {
        match stage(index, state) {
            Some(Stage::Lock) => match &state.lock {
                LockState::Wanted { until, .. } => put(&mut self.locking, (*until, index), present),
                _ => put(&mut self.unlocked, index, present),
            },
            Some(Stage::Try(Purpose::Do)) if node.is_irreversible() => {
                put(&mut self.guarded, index, present);
            }
            Some(Stage::Try(_)) => put(&mut self.begun, index, present),
            Some(Stage::Ask) => put(&mut self.unasked, index, present),
            Some(Stage::Wait(until)) => put(&mut self.waits, (until, index), present),
            Some(Stage::Finish) => put(&mut self.instant, index, present),
            None => {}
        }
    }

    /// Whether nothing will happen by itself or be decided by people.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_empty()
            && self.asking.is_empty()
            && self.again.is_empty()
            && self.waits.is_empty()
            && self.locking.is_empty()
            && self.failing.is_empty()
    }

    /// Whether time or the end of an attempt that can be reached will move something on, next tries apart.
    pub(super) fn is_busy(&self) -> bool {
        !(self.in_flight.len() <= self.away.len()
            && self.undo_again.is_empty()
            && self.waits.is_empty()
            && self.locking.is_empty())
    }
}

/// When a node's undo is tried again, if it waits for that.
pub(super) fn undo_again(state: &NodeState) -> Option<Timestamp> {
    match &state.undo {
        Undoing::Now(now) => match now.phase {
            UndoPhase::Again { at } => Some(at),
            _ => None,
        },
        _ => None,
    }
}

fn put<T: Ord>(set: &mut BTreeSet<T>, entry: T, present: bool) {
    if present {
        set.insert(entry);
    } else {
        set.remove(&entry);
    }
}
