//! What two definitions say differently, key by key, in words that people read.

use super::{Node, NodeIndex, Plan};
use crate::time::Millis;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// A key under which two definitions say different things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyDifference {
    /// The key, much as it is written in a runbook: `run`, `timeout`, `undo.run`, `env.REPLICAS`.
    pub key: String,
    /// What it was; `None` where nothing was said.
    pub old: Option<String>,
    /// What it is; `None` where nothing is said.
    pub new: Option<String>,
}

/// Keys whose numbers are lengths of time.
const LENGTHS: [&str; 14] = [
    "timeout",
    "every",
    "backoff",
    "longest",
    "hold_for",
    "valid_for",
    "length",
    "expires",
    "ack_within",
    "decide_within",
    "within",
    "at_risk",
    "for",
    "whole",
];

type Keys = BTreeMap<String, String>;

/// What two nodes say differently; each is a node of its plan.
pub(crate) fn of_nodes(old: (&Plan, &Node), new: (&Plan, &Node)) -> Vec<KeyDifference> {
    differing(&of_node(old.0, old.1), &of_node(new.0, new.1))
}

/// What two plans say differently as wholes, nodes apart.
pub(crate) fn of_plans(old: &Plan, new: &Plan) -> Vec<KeyDifference> {
    differing(&of_plan(old), &of_plan(new))
}

fn differing(old: &Keys, new: &Keys) -> Vec<KeyDifference> {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter(|key| old.get(*key) != new.get(*key))
        .map(|key| KeyDifference {
            key: key.clone(),
            old: old.get(key).cloned(),
            new: new.get(key).cloned(),
        })
        .collect()
}

fn of_node(plan: &Plan, node: &Node) -> Keys {
    let mut json = serde_json::to_value(node).unwrap_or_default();
    if let Json::Object(keys) = &mut json {
        // What it is called says which node it is; where its call stands in the plan is nobody's business.
        for hidden in ["id", "scope", "call", "removed"] {
            keys.remove(hidden);
        }
    }
    name_nodes(plan, &mut json);
    let mut keys = Keys::new();
    flatten(&json, &mut Vec::new(), &mut keys);
    keys
}

fn of_plan(plan: &Plan) -> Keys {
    let whole = Plan {
        nodes: Vec::new(),
        scopes: Vec::new(),
        ..plan.clone()
    };
    let mut json = serde_json::to_value(&whole).unwrap_or_default();
    if let Json::Object(keys) = &mut json {
        for hidden in ["version", "nodes", "undoes"] {
            keys.remove(hidden);
        }
    }
    for end in ["/targets/rto/from", "/targets/rto/to"] {
        json.pointer_mut(end)
            .into_iter()
            .for_each(|it| name(plan, it));
    }
    let mut keys = Keys::new();
    flatten(&json, &mut Vec::new(), &mut keys);
    keys
}

/// Puts names for the places of nodes.
fn name_nodes(plan: &Plan, node: &mut Json) {
    let needs = node.get_mut("needs").and_then(Json::as_array_mut);
    needs.into_iter().flatten().for_each(|it| name(plan, it));
    node.pointer_mut("/within/of")
        .into_iter()
        .for_each(|it| name(plan, it));
    let ladder = node.get_mut("on_fail").and_then(Json::as_array_mut);
    for response in ladder.into_iter().flatten() {
        let to = response.pointer_mut("/rewind/to");
        to.into_iter().for_each(|it| name(plan, it));
    }
}

fn name(plan: &Plan, place: &mut Json) {
    let index = place.as_u64().and_then(|at| u32::try_from(at).ok());
    if let Some(node) = index.and_then(|at| plan.node(NodeIndex(at))) {
        *place = Json::from(node.id.clone());
    }
}

/// Every leaf under the path of its keys. What is not said is left out.
fn flatten(json: &Json, path: &mut Vec<String>, keys: &mut Keys) {
    match json {
        Json::Null => {}
        Json::Object(entries) if !entries.keys().any(|key| key.starts_with('$')) => {
            for (key, value) in entries {
                path.push(key.clone());
                flatten(value, path, keys);
                path.pop();
            }
        }
        Json::Array(items) if items.iter().any(is_deep) => {
            for (at, item) in items.iter().enumerate() {
                let named = item.get("name").and_then(Json::as_str);
                path.push(named.map_or_else(|| (at + 1).to_string(), str::to_owned));
                flatten(item, path, keys);
                path.pop();
            }
        }
        Json::Array(items) if items.is_empty() && path.len() > 1 => {}
        leaf => {
            let last = path.last().map_or("", String::as_str);
            keys.insert(written(path), text(last, leaf));
        }
    }
}

fn is_deep(item: &Json) -> bool {
    matches!(item, Json::Object(entries) if !entries.keys().any(|key| key.starts_with('$')))
}

/// The key as a runbook has it: a plan says more exactly where things stand.
fn written(path: &[String]) -> String {
    let mut words: Vec<&str> = Vec::with_capacity(path.len());
    for (at, word) in path.iter().enumerate() {
        let after = at.checked_sub(1).and_then(|at| path.get(at));
        match (after.map(String::as_str), word.as_str()) {
            (None, "action") | (Some("undo"), "action") => {}
            (Some("effect"), "undo") => {
                words.pop();
                words.push("undo");
            }
            (Some("run"), "script") | (Some("exec"), "argv") | (Some("retry"), "retry") => {}
            (_, word) => words.push(word),
        }
    }
    words.join(".")
}

fn text(key: &str, leaf: &Json) -> String {
    match leaf {
        Json::String(text) => text.clone(),
        Json::Number(number) if LENGTHS.contains(&key) => number
            .as_u64()
            .map_or_else(|| number.to_string(), |ms| Millis(ms).to_string()),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| text(key, item)).collect();
            format!("[{}]", items.join(", "))
        }
        // A value that JSON has no form for, as it is stored.
        Json::Object(_) => serde_json::from_value::<crate::value::Value>(leaf.clone())
            .map_or_else(|_| leaf.to_string(), |value| value.to_string()),
        other => other.to_string(),
    }
}
