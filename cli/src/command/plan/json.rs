//! The plan as `--json` writes it.

use super::{back, order, point_of_no_return, targets};
use crate::display::action;
use crate::outputs;
use crate::undo_set::{UndoSet, undo_sets};
use crate::worst_case::{WorstCase, worst_case};
use piton_core::id::RunId;
use piton_core::plan::{
    Contact, Escalation, ForEach, Interrupted, Lock, Node, NodeIndex, NodeKind, Plan, Response,
    SecretSource, Target, Until,
};
use piton_core::value::Value;
use serde::Serialize;
use std::collections::BTreeMap;

/// The plan.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    runbook: &'a str,
    title: Option<&'a str>,
    owner: Option<&'a str>,
    mode: Option<&'a str>,
    digest: String,
    parallel: u32,
    params: &'a BTreeMap<String, Value>,
    secrets: &'a BTreeMap<String, SecretSource>,
    contacts: &'a BTreeMap<String, Contact>,
    escalations: &'a BTreeMap<String, Escalation>,
    /// The policy that is paged for every wait for people that names none of its own.
    page: Option<&'a str>,
    lock: Option<&'a Lock>,
    targets: Option<targets::Shown<'a>>,
    /// The run that this one takes back.
    undoes: Option<&'a RunId>,
    /// The node after whose start the run cannot be taken back.
    point_of_no_return: Option<&'a str>,
    worst_case: WorstCase,
    /// Whether the nodes have no `back` because very many of them change something.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    back_left_out: bool,
    /// In an order in which they can run.
    nodes: Vec<ShownNode<'a>>,
}

#[derive(Debug, Serialize)]
struct ShownNode<'a> {
    id: &'a str,
    kind: NodeKind,
    title: Option<&'a str>,
    needs: Vec<&'a str>,
    when: Option<&'a str>,
    action: &'static str,
    command: Vec<String>,
    outputs: Vec<&'a str>,
    effect: Option<String>,
    irreversible: bool,
    timeout_ms: Option<u64>,
    retries: u32,
    interrupted: &'static str,
    on_fail: Vec<serde_json::Value>,
    for_each: Option<&'a ForEach>,
    until: Option<&'a Until>,
    success: Option<&'a str>,
    capture: Option<Vec<String>>,
    target: Option<&'a Target>,
    confirm: Option<&'a str>,
    lock: Option<&'a Lock>,
    valid_for_ms: Option<u64>,
    within: Option<ShownWithin<'a>>,
    never_skip: bool,
    page: Option<&'a str>,
    finally: bool,
    /// The node that closes the call it is part of.
    call: Option<&'a str>,
    /// What a rollback would do if it failed half way.
    back: Option<back::Back<'a>>,
}

#[derive(Debug, Serialize)]
struct ShownWithin<'a> {
    of: &'a str,
    ms: u64,
}

/// The JSON form of a plan.
pub(super) fn shown(plan: &Plan) -> Shown<'_> {
    let sets = undo_sets(plan);
    let set = |at: NodeIndex| sets.as_ref()?.get(at.index())?.as_ref();
    Shown {
        runbook: &plan.runbook,
        title: plan.title.as_deref(),
        owner: plan.owner.as_deref(),
        mode: plan.mode.as_deref(),
        digest: plan.digest().to_string(),
        parallel: plan.parallel,
        params: &plan.params,
        secrets: &plan.secrets,
        contacts: &plan.contacts,
        escalations: &plan.escalations,
        page: plan.page.as_deref(),
        lock: plan.lock.as_ref(),
        targets: targets::json(plan),
        undoes: plan.undoes.as_ref(),
        point_of_no_return: point_of_no_return(plan).map(|at| id(plan, at)),
        worst_case: worst_case(plan),
        back_left_out: sets.is_none(),
        nodes: order(plan)
            .into_iter()
            .filter_map(|at| Some(shown_node(plan, plan.node(at)?, set(at))))
            .collect(),
    }
}

fn id(plan: &Plan, index: NodeIndex) -> &str {
    plan.node(index).map_or("?", |node| node.id.as_str())
}

fn shown_node<'a>(plan: &'a Plan, node: &'a Node, set: Option<&UndoSet>) -> ShownNode<'a> {
    ShownNode {
        id: &node.id,
        kind: node.kind,
        title: node.title.as_deref(),
        needs: node.needs.iter().map(|need| id(plan, *need)).collect(),
        when: node.when.as_ref().map(|when| when.text()),
        action: action::word(&node.action),
        command: action::lines(&node.action),
        outputs: outputs::names(node),
        effect: action::effect(node),
        irreversible: action::is_final(node),
        timeout_ms: node.timeout.map(|timeout| timeout.0),
        retries: node.retry.times,
        interrupted: interrupted(node),
        on_fail: node.on_fail.iter().map(|one| response(plan, one)).collect(),
        for_each: node.for_each.as_ref(),
        until: node.until.as_ref(),
        success: node.success.as_ref().map(|success| success.text()),
        capture: node.capture.as_ref().map(action::lines),
        target: node.target.as_ref(),
        confirm: node.confirm.as_ref().map(|confirm| confirm.text()),
        lock: node.lock.as_ref(),
        valid_for_ms: node.valid_for.map(|length| length.0),
        within: node.within.map(|within| ShownWithin {
            of: id(plan, within.of),
            ms: within.length.0,
        }),
        never_skip: node.never_skip,
        page: node.page.as_deref(),
        finally: node.finally,
        call: node.call.map(|call| id(plan, call)),
        back: set.map(|set| back::json(plan, set)),
    }
}

/// What an attempt with an unknown outcome gets, in a word.
pub(super) fn interrupted(node: &Node) -> &'static str {
    match node.interrupted {
        Interrupted::Ask => "ask",
        Interrupted::Rerun => "rerun",
        Interrupted::Fail => "fail",
        Interrupted::Probe(_) => "probe",
    }
}

/// A response with the name of the node that it goes back to, rather than its place.
fn response(plan: &Plan, response: &Response) -> serde_json::Value {
    match response {
        Response::Rewind { to, times } => serde_json::json!({
            "rewind": {"to": id(plan, *to), "times": times}
        }),
        other => serde_json::to_value(other).unwrap_or_default(),
    }
}
