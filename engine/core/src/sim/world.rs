//! The model of the world: what is really there, whatever the run says about it.

use super::script::Did;
use crate::id::{AttemptId, Purpose};
use crate::plan::NodeIndex;
use std::collections::BTreeMap;

/// What a node's actions leave behind in one pass, or one item's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// Which node.
    pub node: NodeIndex,
    /// Which pass of it.
    pub pass: u32,
    /// Which item, of a node that is done for each of a list.
    pub item: Option<u32>,
}

/// How much of it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trace {
    /// Something: it was started and did not do all of it.
    Half,
    /// All of it.
    Whole,
}

/// Something that was really done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deed {
    /// Where.
    pub spot: Spot,
    /// The attempt that did it; `None` if a person did.
    pub attempt: Option<AttemptId>,
    /// What.
    pub what: Done,
}

/// What was really done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The node's action began.
    Began,
    /// The node's action was done.
    Did,
    /// An undo began, when so much was there.
    UndoBegan(Option<Trace>),
    /// It was taken back, when so much was there.
    Undid(Option<Trace>),
}

/// What is there, and what was done in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    traces: BTreeMap<Spot, Trace>,
    deeds: Vec<Deed>,
}

impl World {
    /// What is there and was not taken back.
    pub fn left(&self) -> impl Iterator<Item = (Spot, Trace)> {
        self.traces.iter().map(|(spot, trace)| (*spot, *trace))
    }

    /// How much of a node's pass is there, of whichever item most.
    #[must_use]
    pub fn trace(&self, node: NodeIndex, pass: u32) -> Option<Trace> {
        let of_pass = self.left().filter(|(spot, _)| spot.of(node, pass));
        of_pass.map(|(_, trace)| trace).max()
    }

    /// What was really done, in order.
    #[must_use]
    pub fn deeds(&self) -> &[Deed] {
        &self.deeds
    }

    /// An attempt begins.
    pub(super) fn begins(&mut self, attempt: AttemptId, item: Option<u32>, did: Did) {
        let spot = Spot::of_attempt(attempt, item);
        let there = self.traces.get(&spot).copied();
        let what = match (attempt.purpose, did) {
            (Purpose::Do, Did::All | Did::Half) => {
                self.traces.entry(spot).or_insert(Trace::Half);
                Done::Began
            }
            (Purpose::Undo, _) => Done::UndoBegan(there),
            _ => return,
        };
        self.note(spot, Some(attempt), what);
    }

    /// An attempt ends, having done so much.
    pub(super) fn ends(&mut self, attempt: AttemptId, item: Option<u32>, did: Did) {
        let spot = Spot::of_attempt(attempt, item);
        match (attempt.purpose, did) {
            (Purpose::Do, Did::All) => {
                self.traces.insert(spot, Trace::Whole);
                self.note(spot, Some(attempt), Done::Did);
            }
            (Purpose::Undo, Did::All) => {
                let there = self.traces.remove(&spot);
                self.note(spot, Some(attempt), Done::Undid(there));
            }
            _ => {}
        }
    }

    /// A person did what the node was to do, for so many items if it is done for each of a list.
    pub(super) fn done_by_hand(&mut self, node: NodeIndex, pass: u32, items: Option<u32>) {
        let spot = |item| Spot { node, pass, item };
        let spots: Vec<_> = match items {
            None => vec![spot(None)],
            Some(items) => (0..items).map(|item| spot(Some(item))).collect(),
        };
        for spot in spots {
            if self.traces.insert(spot, Trace::Whole) != Some(Trace::Whole) {
                self.note(spot, None, Done::Did);
            }
        }
    }

    /// A person finished what an attempt had begun.
    pub(super) fn finished_by_hand(&mut self, node: NodeIndex, pass: u32) {
        for spot in self.of_pass(node, pass) {
            if self.traces.insert(spot, Trace::Whole) != Some(Trace::Whole) {
                self.note(spot, None, Done::Did);
            }
        }
    }

    /// A person took back what the node had done.
    pub(super) fn undone_by_hand(&mut self, node: NodeIndex, pass: u32) {
        for spot in self.of_pass(node, pass) {
            let there = self.traces.remove(&spot);
            self.note(spot, None, Done::Undid(there));
        }
    }

    fn of_pass(&self, node: NodeIndex, pass: u32) -> Vec<Spot> {
        let spots = self.traces.keys().copied();
        spots.filter(|spot| spot.of(node, pass)).collect()
    }

    fn note(&mut self, spot: Spot, attempt: Option<AttemptId>, what: Done) {
        self.deeds.push(Deed {
            spot,
            attempt,
            what,
        });
    }
}

impl Spot {
    fn of_attempt(attempt: AttemptId, item: Option<u32>) -> Spot {
        Spot {
            node: attempt.node,
            pass: attempt.pass,
            item,
        }
    }

    fn of(&self, node: NodeIndex, pass: u32) -> bool {
        self.node == node && self.pass == pass
    }
}
