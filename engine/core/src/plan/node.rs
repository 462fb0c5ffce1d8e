//! A node: what it is called, what comes before it, what it does, and what its failure gets.

use super::{Action, ForEach, Lock, NodeIndex, Response, Target, Until, Within, WorldEffect};
use crate::expr::{Expression, Template};
use crate::time::Millis;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whether a node changes the world or only decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// Changes the world, or gathers what others need.
    Step,
    /// Only decides whether the run may go on; may be repeated at will.
    Gate,
}

/// A node of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its name, unique in the plan: lower-case letters, digits and dashes.
    pub id: String,
    /// Step or gate.
    pub kind: NodeKind,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What a reader should know about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// The nodes that must have settled well before it starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<NodeIndex>,
    /// Evaluated once a pass when the needs have settled; false skips the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Expression>,
    /// What it does.
    pub action: Action,
    /// What it leaves behind in the world.
    pub effect: WorldEffect,
    /// Environment variables for processes, the runbook's and the node's own together.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Template>,
    /// The working directory of processes; relative to the run's base directory, which is the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<Template>,
    /// What other nodes can use of its result, each evaluated once a successful try.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, Expression>,
    /// How long each try may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Millis>,
    /// What happens after a failed try.
    #[serde(default)]
    pub retry: Retry,
    /// Trying again does no harm even if an earlier try got somewhere: lets `retry` take a timeout too.
    #[serde(default)]
    pub idempotent: bool,
    /// What an attempt with an unknown outcome gets.
    pub interrupted: Interrupted,
    /// Responses to failure, in order; each is tried when the one before it is used up.
    pub on_fail: Vec<Response>,
    /// Look again and again until something is true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Until>,
    /// True when a program that exited did well, whatever its exit code usually means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub success: Option<Expression>,
    /// Read-only: what was there before, for `undo`. Done once a pass, right before the first attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<Action>,
    /// What is about to be changed, recognised by a fingerprint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// What somebody has to type before it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Template>,
    /// The escalation policy that is paged while its confirmation, or a decision about it, is waited for; else
    /// [`super::Plan::page`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Whether no decision may skip it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub never_skip: bool,
    /// Of a gate: how long its evidence holds. Older evidence is gathered again before what needs it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_for: Option<Millis>,
    /// It has to start so soon after another node was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
    /// Locks held from before its first attempt until its outcome is known; taken all at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Lock>,
    /// Done once for each item of this list, one after another; `item` and `key` are names in its templates then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_each: Option<ForEach>,
    /// Files that are kept with the run when an attempt at the action ends, well or not; relative to `dir`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Template>,
    /// Runs when the run ends, however it ends.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub finally: bool,
    /// The [`super::CallScope`] whose names its expressions see, as a place in [`super::Plan::scopes`]; `None` for the runbook's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<u32>,
    /// The node that closes the call it is part of: its ladder is asked after this node's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<NodeIndex>,
    /// The item it is for, when the call it belongs to is done for each item of a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Value>,
    /// It was taken out of the runbook while a run had it, before it had begun: nothing needs it and it is never done.
    /// It only keeps its place.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
}

impl Node {
    /// A node that does this, needs nothing, and has nothing else that is said of it.
    #[must_use]
    pub fn new(id: &str, kind: NodeKind, action: Action, effect: WorldEffect) -> Node {
        let interrupted = match effect {
            WorldEffect::None => Interrupted::Rerun,
            _ => Interrupted::Ask,
        };
        Node {
            id: id.to_owned(),
            kind,
            title: None,
            doc: None,
            needs: Vec::new(),
            when: None,
            action,
            effect,
            env: BTreeMap::new(),
            dir: None,
            outputs: BTreeMap::new(),
            timeout: None,
            retry: Retry::default(),
            idempotent: false,
            interrupted,
            on_fail: Vec::new(),
            until: None,
            success: None,
            capture: None,
            target: None,
            confirm: None,
            page: None,
            never_skip: false,
            valid_for: None,
            within: None,
            lock: None,
            for_each: None,
            evidence: Vec::new(),
            finally: false,
            scope: None,
            call: None,
            item: None,
            removed: false,
        }
    }
}

impl Node {
    /// Whether it does something that nothing takes back, as far as is known, so that it does not start while people
    /// decide what becomes of the run.
    #[must_use]
    pub fn is_irreversible(&self) -> bool {
        matches!(
            self.effect,
            WorldEffect::Irreversible(_) | WorldEffect::Unstated
        )
    }

    /// The names of its outputs: those it works out, and the answers that people give.
    #[must_use]
    pub fn output_names(&self) -> Vec<&str> {
        let answers = match &self.action {
            Action::Manual(manual) => manual.asks.as_slice(),
            _ => &[],
        };
        let names = self.outputs.keys().map(String::as_str);
        names
            .chain(answers.iter().map(|ask| ask.name.as_str()))
            .collect()
    }
}

/// What happens after a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Retry {
    /// How many more tries a pass may have after its first one failed.
    pub times: u32,
    /// The wait before the first further try; doubled for each one after it.
    pub backoff: Millis,
    /// The longest wait.
    pub longest: Millis,
}

impl Retry {
    /// How long to wait before the `number`th further try (from 1): `backoff` doubled each time, up to `longest`.
    #[must_use]
    pub fn wait(&self, number: u32) -> Millis {
        let doubled = 1u64
            .checked_shl(number.saturating_sub(1))
            .map_or(u64::MAX, |factor| self.backoff.0.saturating_mul(factor));
        Millis(doubled.min(self.longest.0.max(self.backoff.0)))
    }
}

/// What an attempt with an unknown outcome gets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interrupted {
    /// A person says what happened.
    Ask,
    /// It is done again, as a further attempt that does not count against `retry`.
    Rerun,
    /// It counts as failed.
    Fail,
    /// An action finds out: it succeeds if the attempt happened, and fails if it did not.
    Probe(Action),
}
