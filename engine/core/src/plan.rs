//! The plan: a checked runbook, bound to its parameters, as it is stored with a run.
//!
//! A flat, versioned list of nodes; the graph ([`Plan::graph`]) is built from it when needed. Where things stand
//! in the source is not part of it: two files that mean the same have the same [`Plan::digest`].
//!
//! Here are only data and questions about them. The `dsl` crate makes plans; [`crate::run`] executes them.

use crate::digest::Digest;
use crate::expr::{Expression, Template};
use crate::time::Millis;
use crate::value::Value;
use petgraph::graph::DiGraph;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The version of the stored form that this build writes. A plan with a higher one is refused.
pub const PLAN_VERSION: u32 = 1;

/// A node's place in [`Plan::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeIndex(pub u32);

impl NodeIndex {
    /// As an index into a list that has one entry a node.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A plan. The order of `nodes` is the reading order of the file, and `needs` only ever points to nodes that
/// exist; the compiler sees to it that there is no cycle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// [`PLAN_VERSION`] when it was made.
    pub version: u32,
    /// The runbook's name.
    pub runbook: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The team that answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// How many attempts may run at once, at least 1.
    pub parallel: u32,
    /// Parameters with the values this run has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, Value>,
    /// Where each secret comes from when it is used.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretSource>,
    /// The nodes in reading order.
    pub nodes: Vec<Node>,
}

/// Where a secret's value is read from, each time it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// An environment variable of the engine.
    Env(String),
    /// The contents of a file, without one trailing line end.
    File(String),
    /// The standard output of a program, without one trailing line end.
    Command(Vec<String>),
}

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
}

/// What a node does: exactly one of these.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A script, given to a shell.
    Run(Run),
    /// A program with its arguments; no shell.
    Exec(Exec),
    /// SQL against a database.
    Sql(Sql),
    /// Named checks; all are done and reported.
    Checks(Vec<Check>),
    /// Wait for people to approve.
    Approve(Approve),
}

/// A script for a shell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The script, verbatim: nothing is spliced into it.
    pub script: String,
    /// The shell's argv, to which the script is appended as the last argument (`["bash", "-euc"]`); `None` for
    /// `sh -eu` with `pipefail` where the shell has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<Vec<String>>,
}

/// A program with its arguments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exec {
    /// The program and its arguments, at least one.
    pub argv: Vec<Template>,
}

/// SQL against a database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sql {
    /// The database: `sqlite:PATH`, relative to the node's directory.
    pub on: Template,
    /// The text, verbatim.
    pub text: String,
    /// True for a script of many statements, run as one transaction; false for one statement whose rows are kept.
    pub script: bool,
    /// Values for `$1`, `$2`, ….
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bind: Vec<Template>,
}

/// A named check of a `checks` action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Its name, unique in its gate.
    pub name: String,
    /// How it looks: an action that does not wait for people and is not `checks` itself.
    pub probe: Action,
    /// True when the check passes. `None`: it passes when the probe succeeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expression>,
}

/// Waiting for people to approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approve {
    /// Names or roles that may approve; empty: anybody.
    pub by: Vec<String>,
    /// How many different people have to approve, at least 1.
    pub count: u32,
    /// Whether the one who started the run may not approve.
    pub not_starter: bool,
    /// How long after it was opened the question may be answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Millis>,
}

/// What a node leaves behind in the world.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorldEffect {
    /// It only looks. Gates are always this.
    None,
    /// The action that takes it back.
    Undo(Undo),
    /// Left behind harmlessly, and why.
    Abandoned(String),
    /// Nothing takes it back, and why.
    Irreversible(String),
    /// The author does not say (a lint). Treated as if it could not be taken back.
    Unstated,
}

/// The action that takes a step back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Undo {
    /// What it does: `run`, `exec` or `sql`.
    pub action: Action,
    /// Environment variables of its own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Template>,
    /// How long each try may take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Millis>,
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

/// A response to a node's failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// Start nothing new, let what runs end, and end the run as failed.
    Stop,
    /// Go on as if the node had been skipped.
    Continue,
}

/// Why a stored plan cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It was written by a newer Piton.
    #[error(
        "the plan has version {found}, and this piton knows versions up to {PLAN_VERSION}; use the newer piton"
    )]
    Newer {
        /// Its version.
        found: u32,
    },
    /// It is damaged.
    #[error("the stored plan cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
}

impl Plan {
    /// The stored form.
    ///
    /// # Panics
    /// Never: every part of a plan has a JSON form.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// When it is not a plan, or one of a newer Piton.
    pub fn from_json(text: &str) -> Result<Plan, PlanError> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let Version { version } = serde_json::from_str(text)?;
        if version > PLAN_VERSION {
            return Err(PlanError::Newer { found: version });
        }
        Ok(serde_json::from_str(text)?)
    }

    /// The digest of the stored form.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&[b"piton plan", self.to_json().as_bytes()])
    }

    /// The node at this place.
    #[must_use]
    pub fn node(&self, index: NodeIndex) -> Option<&Node> {
        self.nodes.get(index.index())
    }

    /// The place of the node of this name.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<NodeIndex> {
        self.nodes
            .iter()
            .position(|node| node.id == id)
            .map(|at| NodeIndex(at as u32))
    }

    /// Places of all nodes, in reading order.
    pub fn indices(&self) -> impl Iterator<Item = NodeIndex> + use<> {
        (0..self.nodes.len() as u32).map(NodeIndex)
    }

    /// The graph: an edge from each node to each that needs it.
    #[must_use]
    pub fn graph(&self) -> DiGraph<NodeIndex, ()> {
        let edges = self.nodes.iter().map(|node| node.needs.len()).sum();
        let mut graph = DiGraph::with_capacity(self.nodes.len(), edges);
        let places: Vec<_> = self.indices().map(|index| graph.add_node(index)).collect();
        for (node, place) in self.nodes.iter().zip(&places) {
            for need in &node.needs {
                if let Some(from) = places.get(need.index()) {
                    graph.add_edge(*from, *place, ());
                }
            }
        }
        graph
    }
}
