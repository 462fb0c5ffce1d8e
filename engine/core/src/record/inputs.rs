//! What a node's action was given, with everything in it worked out.

use crate::plan::NodeIndex;
use crate::text::Text;
use crate::time::Timestamp;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a node's action was given: its templates rendered, once a pass. Secrets stay names.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inputs {
    /// The action with everything in it worked out.
    pub action: RenderedAction,
    /// Environment variables for its processes.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Text>,
    /// The working directory; `None` for the run's base directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<Text>,
    /// The rendered `interrupted = probe { … }`, which is done with the same environment and directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probe: Option<RenderedAction>,
    /// The rendered `capture { … }`, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<RenderedAction>,
    /// The rendered `target { probe … }`, likewise; of an undo, its `check`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<RenderedAction>,
    /// Of a gate that people approve: the targets of the nodes behind it, to be shown there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<RenderedTarget>,
    /// What somebody has to type before it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<String>,
    /// Names of the locks it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<String>,
    /// The file in which a line tells that waiting is in vain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watch: Option<Watch>,
    /// Files that are kept when an attempt at the action ends; relative to the node's directory.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
}

/// One item of a node that is done for each of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its key, unique among the node's items.
    pub key: String,
    /// The item.
    pub value: Value,
    /// What the node's action is given for it. Targets, confirmation and locks are the node's, not the items'.
    pub inputs: Inputs,
}

/// The target of a node, rendered with that node's own environment and directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenderedTarget {
    /// Whose target it is.
    pub node: NodeIndex,
    /// What reads its fingerprint.
    pub action: RenderedAction,
    /// Environment variables for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, Text>,
    /// Its working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<Text>,
}

/// A file that is looked through after each look of an `until`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// The file; relative to the node's directory.
    pub file: Text,
    /// The regular expression that tells that waiting is in vain.
    pub matches: String,
}

/// An action with everything in it worked out. What is verbatim in the plan is repeated here, so that the record
/// alone says what was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RenderedAction {
    /// See [`crate::plan::Run`].
    Run {
        /// The script.
        script: String,
        /// The shell's argv.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shell: Option<Vec<String>>,
    },
    /// See [`crate::plan::Exec`].
    Exec {
        /// The program and its arguments.
        argv: Vec<Text>,
    },
    /// See [`crate::plan::Sql`].
    Sql {
        /// The database.
        on: Text,
        /// The SQL.
        text: String,
        /// Many statements in one transaction, or one whose rows are kept.
        script: bool,
        /// Whether it may only look.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        read_only: bool,
        /// Values for `$1`, `$2`, ….
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        bind: Vec<Bound>,
    },
    /// See [`crate::plan::Http`].
    Http(super::RenderedHttp),
    /// See [`crate::plan::Check`]; in the order of the plan.
    Checks(Vec<RenderedCheck>),
    /// See [`crate::plan::Approve`]; nothing in it needs working out.
    Approve(crate::plan::Approve),
    /// See [`crate::plan::Manual`].
    Manual(RenderedManual),
    /// See [`crate::plan::Notify`].
    Notify(RenderedNotify),
    /// See [`crate::plan::Wait`].
    Wait {
        /// When it is over.
        until: Timestamp,
    },
    /// See [`crate::plan::CallPart`]: nothing is done.
    Call(crate::plan::CallPart),
    /// See [`crate::plan::ForEach`]: the node's action, once for each of these.
    Each(Vec<Item>),
}

/// A bound parameter of SQL.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// A value with its type.
    Value(Value),
    /// A text that has secrets in it.
    Text(Text),
}

/// A check with everything in it worked out but what it expects of the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenderedCheck {
    /// Its name.
    pub name: String,
    /// How it looks.
    pub probe: RenderedAction,
}

/// See [`crate::plan::Manual`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenderedManual {
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<Text>,
    /// What has to be ticked off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checklist: Vec<Text>,
    /// The questions, in the order of the plan.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<RenderedAsk>,
}

/// See [`crate::plan::Ask`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenderedAsk {
    /// What gives the possible answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<RenderedAction>,
    /// The answer when none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

/// See [`crate::plan::Notify`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RenderedNotify {
    /// Who is told.
    pub to: Vec<super::RenderedContact>,
    /// What they are told.
    pub message: Text,
}

impl Inputs {
    /// Nothing but an action.
    #[must_use]
    pub fn of(action: RenderedAction) -> Inputs {
        Inputs {
            action,
            env: BTreeMap::new(),
            dir: None,
            probe: None,
            capture: None,
            target: None,
            targets: Vec::new(),
            confirm: None,
            locks: Vec::new(),
            watch: None,
            evidence: Vec::new(),
        }
    }
}
