//! What is known of one node: where it stands in its present pass, and what its earlier passes left.

use super::asking::{Asking, Closed, Given};
use super::undoing::Undoing;
use crate::digest::Digest;
use crate::id::{Actor, AttemptId, Purpose};
use crate::plan::{NodeIndex, Response};
use crate::record::{AttemptResult, Inputs, Item, QuestionKind, RenderedAction, StopReason};
use crate::run::event::Produced;
use crate::time::Timestamp;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A node in its present pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct NodeState {
    pub(in crate::run) pass: u32,
    pub(in crate::run) phase: Phase,
    /// How many of its needs have not settled well yet.
    pub(in crate::run) waiting_for: u32,
    /// Nothing of it starts: the run goes back over it, or ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::run) held: bool,
    /// Its inputs, from its start to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) inputs: Option<Box<Inputs>>,
    /// How many attempts there were in this pass, by purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::run) counts: Vec<(Purpose, u32)>,
    /// How many further tries were scheduled because one failed; of the present item.
    pub(in crate::run) retries: u32,
    /// How often it was done again because an outcome was unknown, or nothing of an attempt ran; of the present item.
    #[serde(default)]
    pub(in crate::run) reruns: u32,
    /// What was found on the way to its first attempt.
    #[serde(default, skip_serializing_if = "Prepared::is_empty")]
    pub(in crate::run) prepared: Prepared,
    /// The outputs of the items that are done, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::run) items: Vec<BTreeMap<String, Value>>,
    /// All items with their keys, of a node that is done for each of a list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::run) listed: Vec<(String, Value)>,
    /// Whether an attempt at the present item was begun.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::run) item_begun: bool,
    #[serde(default, skip_serializing_if = "LockState::is_none")]
    pub(in crate::run) lock: LockState,
    #[serde(default, skip_serializing_if = "Look::is_empty")]
    pub(in crate::run) look: Look,
    /// When its first attempt started, or its question was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) began: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) finished: Option<Timestamp>,
    /// The place of its first attempt among those of all nodes; 0 when nothing of its action ran in this pass.
    #[serde(default)]
    pub(in crate::run) order: u32,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::run) outputs: BTreeMap<String, Value>,
    /// The outputs of earlier passes that went well.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::run) history: Vec<BTreeMap<String, Value>>,
    /// Its attempts that ended, to know a repeated or late result.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::run) ends: Vec<End>,
    /// Why it failed for good, and what is done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) failure: Option<Box<Failure>>,
    /// How often each response of its ladder was taken. A new pass does not reset it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::run) rungs: Vec<u32>,
    /// Its open question.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) asking: Option<Box<Asking>>,
    /// How its last question that is no longer open was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) closed: Option<Box<Closed>>,
    /// It was done outside this run, as somebody says.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::run) assumed: bool,
    #[serde(default, skip_serializing_if = "Undoing::is_none")]
    pub(in crate::run) undo: Undoing,
}

/// What was found on the way to a node's first attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Default)]
pub(in crate::run) struct Prepared {
    /// Choices of its questions, fingerprints of targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::run) found: Vec<(Purpose, Found)>,
    /// Whether somebody confirmed it.
    #[serde(default)]
    pub(in crate::run) confirmed: bool,
    /// Whether its target was read right before the next attempt.
    #[serde(default)]
    pub(in crate::run) rechecked: bool,
    /// What was there before; of a node that is done for each of a list, by the place of the item.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(in crate::run) captures: BTreeMap<u32, Produced>,
}

/// What a preparation found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::run) enum Found {
    Produced(Produced),
    /// It could not be found out, and why.
    Nothing(String),
}

/// An attempt that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct End {
    pub(in crate::run) attempt: AttemptId,
    /// The digest of its result.
    pub(in crate::run) result: Digest,
    /// The digest of the result that came too late, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) late: Option<Digest>,
}

/// Where a node stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::run) enum Phase {
    /// It has not started in this pass.
    Pending,
    /// Its inputs are worked out; [`crate::run::stage`] says what comes next.
    Begun,
    /// An attempt runs.
    InFlight(Flight),
    /// An attempt ended, and nothing was drawn from that yet.
    Ended(Box<Ended>),
    /// It waits for its next try.
    Again {
        /// Not before this time.
        at: Timestamp,
    },
    /// A question on its way forward is open.
    Asking,
    /// That question was answered, and nothing was drawn from it yet.
    Decided(Box<Given>),
    /// That question expired, and nothing was drawn from it yet.
    Expired(Box<Asking>),
    /// That question was taken back.
    Voided,
    /// Done, and well.
    Succeeded,
    /// Not done.
    Skipped,
    /// Failed for good.
    Failed,
}

/// An attempt that runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Flight {
    pub(in crate::run) attempt: AttemptId,
    pub(in crate::run) started: Timestamp,
    pub(in crate::run) deadline: Option<Timestamp>,
    pub(in crate::run) stop: Option<StopReason>,
    /// That it runs where the engine cannot reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) elsewhere: Option<Box<Elsewhere>>,
}

/// An attempt that cannot be reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Elsewhere {
    pub(in crate::run) host: String,
    pub(in crate::run) why: String,
    /// What a person said about it, of which nothing was drawn yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) given: Option<Given>,
}

/// An attempt that ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Ended {
    pub(in crate::run) attempt: AttemptId,
    pub(in crate::run) result: AttemptResult,
}

/// A node's locks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub(in crate::run) enum LockState {
    /// None are held or waited for.
    #[default]
    None,
    /// They are waited for.
    Wanted {
        names: Vec<String>,
        until: Timestamp,
    },
    /// They are held.
    Held { names: Vec<String> },
}

impl LockState {
    pub(in crate::run) fn is_none(&self) -> bool {
        *self == LockState::None
    }

    pub(in crate::run) fn is_held(&self) -> bool {
        matches!(self, LockState::Held { .. })
    }
}

/// How far an `until` is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Default)]
pub(in crate::run) struct Look {
    /// When its time is up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) deadline: Option<Timestamp>,
    /// Since when the condition was true at every look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::run) since: Option<Timestamp>,
    /// At how many looks in a row it was true.
    #[serde(default)]
    pub(in crate::run) times: u32,
}

impl Look {
    fn is_empty(&self) -> bool {
        *self == Look::default()
    }
}

/// Why a node failed for good, and what is done about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::run) struct Failure {
    pub(in crate::run) message: String,
    pub(in crate::run) response: Answering,
    /// Whose ladder, and which rung of it, is the first that may be taken.
    pub(in crate::run) from: Option<(NodeIndex, u32)>,
}

/// How far the response to a failure is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::run) enum Answering {
    /// None was taken yet.
    Open,
    /// Somebody decided that this is done.
    Decided { response: Response, by: Actor },
    /// People are to be asked, or are.
    Escalated {
        policy: String,
        expires: Option<crate::time::Millis>,
    },
    /// Somebody decided, and nothing was drawn from that yet.
    Given(Box<Given>),
    /// Nodes after it go on as if it had been skipped.
    Continued,
    /// Nothing further is done about it.
    Settled,
}

impl Prepared {
    pub(in crate::run) fn is_empty(&self) -> bool {
        *self == Prepared::default()
    }

    pub(in crate::run) fn found(&self, purpose: Purpose) -> Option<&Found> {
        self.found
            .iter()
            .find(|(of, _)| *of == purpose)
            .map(|(_, found)| found)
    }
}

impl NodeState {
    /// Its attempt that cannot be reached.
    pub(in crate::run) fn away(&self) -> Option<(&Flight, &Elsewhere)> {
        let flight = self.flight()?;
        Some((flight, flight.elsewhere.as_deref()?))
    }

    /// Whether its open question is about an attempt that cannot be reached, or could not be.
    pub(in crate::run) fn asks_about_away(&self) -> bool {
        let kind = self.asking.as_ref().map(|asking| &asking.question.kind);
        matches!(kind, Some(QuestionKind::Interrupted { host: Some(_), .. }))
    }

    pub(in crate::run) fn new(needs: u32, held: bool) -> NodeState {
        NodeState {
            pass: 1,
            phase: Phase::Pending,
            waiting_for: needs,
            held,
            inputs: None,
            counts: Vec::new(),
            retries: 0,
            reruns: 0,
            prepared: Prepared::default(),
            items: Vec::new(),
            listed: Vec::new(),
            item_begun: false,
            lock: LockState::None,
            look: Look::default(),
            began: None,
            finished: None,
            order: 0,
            outputs: BTreeMap::new(),
            history: Vec::new(),
            ends: Vec::new(),
            failure: None,
            rungs: Vec::new(),
            asking: None,
            closed: None,
            assumed: false,
            undo: Undoing::None,
        }
    }

    /// The same node at the beginning of its next pass. What counts over passes is kept.
    pub(in crate::run) fn next_pass(&mut self, needs: u32) {
        let mut fresh = NodeState::new(needs, false);
        fresh.pass = self.pass.saturating_add(1);
        fresh.history = std::mem::take(&mut self.history);
        if self.phase == Phase::Succeeded && !self.outputs.is_empty() {
            fresh.history.push(std::mem::take(&mut self.outputs));
        }
        fresh.ends = std::mem::take(&mut self.ends);
        fresh.rungs = std::mem::take(&mut self.rungs);
        fresh.closed = self.closed.take();
        *self = fresh;
    }

    /// Whether it is done, skipped or failed for good in this pass.
    pub(in crate::run) fn is_finished(&self) -> bool {
        matches!(
            self.phase,
            Phase::Succeeded | Phase::Skipped | Phase::Failed
        )
    }

    /// Whether nodes that need it may start.
    pub(in crate::run) fn lets_others_go_on(&self) -> bool {
        match self.phase {
            Phase::Succeeded | Phase::Skipped => true,
            Phase::Failed => self
                .failure
                .as_ref()
                .is_some_and(|failure| failure.response == Answering::Continued),
            _ => false,
        }
    }

    /// Whether anything of it happened in this pass.
    pub(in crate::run) fn is_pristine(&self) -> bool {
        self.phase == Phase::Pending
    }

    /// How often it was done again because nobody knew, or nothing had run; of the present item.
    pub(in crate::run) fn reruns(&self) -> u32 {
        self.reruns
    }

    /// How many attempts of this purpose there were in this pass.
    pub(in crate::run) fn count(&self, purpose: Purpose) -> u32 {
        self.counts
            .iter()
            .find(|(of, _)| *of == purpose)
            .map_or(0, |(_, count)| *count)
    }

    pub(in crate::run) fn set_count(&mut self, purpose: Purpose, count: u32) {
        match self.counts.iter_mut().find(|(of, _)| *of == purpose) {
            Some((_, old)) => *old = count,
            None => self.counts.push((purpose, count)),
        }
    }

    /// The attempt that runs, forward or back.
    pub(in crate::run) fn flight(&self) -> Option<&Flight> {
        match (&self.phase, &self.undo) {
            (Phase::InFlight(flight), _) => Some(flight),
            (_, Undoing::Now(now)) => now.flight(),
            _ => None,
        }
    }

    pub(in crate::run) fn flight_mut(&mut self) -> Option<&mut Flight> {
        match (&mut self.phase, &mut self.undo) {
            (Phase::InFlight(flight), _) => Some(flight),
            (_, Undoing::Now(now)) => now.flight_mut(),
            _ => None,
        }
    }

    /// Its items, if it is done for each of a list.
    pub(in crate::run) fn each(&self) -> Option<&[Item]> {
        match &self.inputs.as_deref()?.action {
            RenderedAction::Each(items) => Some(items),
            _ => None,
        }
    }

    /// The place of the item that it is at; 0 for a node that has none.
    pub(in crate::run) fn item(&self) -> u32 {
        u32::try_from(self.items.len()).unwrap_or(u32::MAX)
    }

    /// What its next attempt is given: the node's inputs, or those of the item it is at.
    pub(in crate::run) fn present_inputs(&self) -> Option<&Inputs> {
        match self.each() {
            Some(items) => items.get(self.items.len()).map(|item| &item.inputs),
            None => self.inputs.as_deref(),
        }
    }

    /// What people are asked about it by way of its failure, unless they are asked already.
    pub(in crate::run) fn is_to_be_escalated(&self) -> bool {
        self.asking.is_none()
            && self
                .failure
                .as_ref()
                .is_some_and(|failure| matches!(failure.response, Answering::Escalated { .. }))
    }
}
