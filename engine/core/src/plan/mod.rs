//! The plan: a checked runbook, bound to its parameters, as it is stored with a run.
//!
//! A flat, versioned list of nodes; the graph ([`Plan::graph`]) is built from it when needed. Where things stand
//! in the source is not part of it: two files that mean the same have the same [`Plan::digest`].
//!
//! Here are only data and questions about them. The `dsl` crate makes plans; [`crate::run`] executes them.

mod action;
mod difference;
mod effect;
mod http;
mod merge;
mod node;
mod people;
mod targets;
mod waiting;

pub use action::{
    Action, AnswerType, Approve, Ask, CallPart, Check, Exec, Manual, Notify, Run, Sql, Wait,
};
pub use difference::KeyDifference;
pub(crate) use difference::{of_nodes, of_plans};
pub use effect::{Undo, UndoAfter, WorldEffect};
pub use http::{Http, HttpBody, Method};
pub use merge::{Became, Merged};
pub use node::{Interrupted, Node, NodeKind, Retry};
pub use people::{Channel, Contact, DECIDE_WITHIN, Escalation, Level, Response};
pub use targets::{Rpo, Rto, Targets};
pub use waiting::{CallScope, FailWhen, ForEach, LOCK_TIMEOUT, Lock, Target, Until, Within};

use crate::digest::Digest;
use crate::expr::Template;
use crate::id::RunId;
use crate::value::Value;
use petgraph::graph::DiGraph;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The version of the stored form that this build writes. A plan with a higher one is refused.
pub const PLAN_VERSION: u32 = 3;

/// The first version in which the text of SQL is a template. Before it was verbatim.
const SQL_IS_A_TEMPLATE: u32 = 3;

/// Makes templates of the texts of SQL in a stored plan, which say the same as the texts.
fn escape_sql(stored: &mut serde_json::Value) {
    match stored {
        serde_json::Value::Array(items) => items.iter_mut().for_each(escape_sql),
        serde_json::Value::Object(entries) => {
            if let Some(sql) = entries.get_mut("sql").and_then(|sql| sql.as_object_mut())
                && sql.contains_key("on")
                && sql.contains_key("script")
                && let Some(serde_json::Value::String(text)) = sql.get_mut("text")
            {
                *text = Template::literal(text).text().to_owned();
            }
            entries.values_mut().for_each(escape_sql);
        }
        _ => {}
    }
}

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
    /// The mode it runs in; `None` for the whole runbook as it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// Who can be reached, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contacts: BTreeMap<String, Contact>,
    /// Escalation policies by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub escalations: BTreeMap<String, Escalation>,
    /// The policy that is paged for every wait for people that names none of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Locks that the run holds from its start to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<Lock>,
    /// Scopes of called runbooks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<CallScope>,
    /// What has to be achieved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<Targets>,
    /// The run that this one takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<RunId>,
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
    /// A plan without nodes, one attempt at a time.
    #[must_use]
    pub fn new(runbook: &str) -> Plan {
        Plan {
            version: PLAN_VERSION,
            runbook: runbook.to_owned(),
            title: None,
            owner: None,
            parallel: 1,
            params: BTreeMap::new(),
            secrets: BTreeMap::new(),
            mode: None,
            contacts: BTreeMap::new(),
            escalations: BTreeMap::new(),
            page: None,
            lock: None,
            scopes: Vec::new(),
            targets: None,
            undoes: None,
            nodes: Vec::new(),
        }
    }

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
        if version < SQL_IS_A_TEMPLATE {
            let mut stored = serde_json::from_str(text)?;
            escape_sql(&mut stored);
            return Ok(serde_json::from_value(stored)?);
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

    /// The nodes that a run can go back to from this one: itself and those before it, of the same runbook.
    #[must_use]
    pub fn rewind_choices(&self, from: NodeIndex) -> Vec<NodeIndex> {
        let mut reached = BTreeSet::from([from]);
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            let needs = self.node(at).map(|node| node.needs.as_slice());
            for need in needs.unwrap_or_default() {
                if reached.insert(*need) {
                    open.push(*need);
                }
            }
        }
        let scope = |at: NodeIndex| self.node(at).map(|node| node.scope);
        reached
            .into_iter()
            .filter(|at| scope(*at) == scope(from))
            .collect()
    }

    /// Where a run begins anew that goes back to this node: a call begins with its first part.
    #[must_use]
    pub fn rewind_target(&self, to: NodeIndex) -> NodeIndex {
        let Some(node) = self.node(to) else {
            return to;
        };
        if !matches!(node.action, Action::Call(CallPart::End)) {
            return to;
        }
        let scope = node.scope.and_then(|scope| self.scopes.get(scope as usize));
        match scope.filter(|scope| scope.prefix.strip_suffix('/') == Some(&node.id)) {
            Some(own) => own.begin,
            // A call for each item of a list has one more beginning, before the first of them, and the scope of
            // where it stands.
            None => self.find(&format!("{}:begin", node.id)).unwrap_or(to),
        }
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
