//! Calls: a called runbook becomes a part of the plan.
//!
//! A call `X` becomes a node `X:begin`, whose outputs are the values of the called runbook's parameters, that
//! runbook's nodes as `X/NODE`, and the node `X`, whose outputs are that runbook's. One that is done for each of a
//! list becomes `X:begin`, then for each item `X/KEY:begin`, `X/KEY/NODE` and `X/KEY`, one item after another, and
//! then `X`.

mod inline;
mod merge;

use super::each::{self, Item};
use super::known::Known;
use super::rewrite::value_of;
use super::{CompileError, Result, actions, base, unchecked};
use crate::check::MOST_NODES;
use crate::runbook::{self, Param, Runbook};
use inline::Builder;
use piton_core::expr::{Expression, Template};
use piton_core::plan::{Node, Plan};
use piton_core::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A node of a runbook, as what it becomes in the plan.
enum Piece {
    /// A node of its own.
    Own(Box<Node>),
    /// A call.
    Call(Box<Call>),
}

/// A call with all that it needs.
struct Call {
    /// The node as it was compiled: what is said of the call.
    node: Node,
    /// The folder of the called file, relative to that of this one; empty for the same one.
    folder: String,
    /// The called runbook's rounds: one, or one for each item.
    rounds: Vec<Round>,
    /// Whether it is done for each of a list.
    each: bool,
    /// The names of what comes out.
    outputs: Vec<String>,
}

/// A called runbook with values for its parameters.
struct Round {
    /// The name of the node that ends it.
    id: String,
    /// The item it is for.
    item: Option<Item>,
    /// Values that the caller gives, in the names that the caller sees.
    with: BTreeMap<String, Expression>,
    /// Values of the other parameters.
    defaults: BTreeMap<String, Value>,
    /// What comes out, in the names that the called runbook sees.
    outputs: BTreeMap<String, Expression>,
    /// The called runbook.
    plan: Plan,
    /// What is known of its parameters.
    known: Known,
}

impl Call {
    fn size(&self) -> usize {
        let rounds: usize = self
            .rounds
            .iter()
            .map(|round| round.plan.nodes.len().saturating_add(2))
            .sum();
        rounds.saturating_add(if self.each { 2 } else { 0 })
    }
}

/// Puts the called runbooks into a plan, in which each call is one node so far.
pub(super) fn expand(mut plan: Plan, runbook: &Runbook, known: &Known) -> Result<Plan> {
    if runbook.nodes.iter().all(|node| node.call().is_none()) {
        return Ok(plan);
    }
    let (mut pieces, mut size) = (Vec::new(), 0usize);
    let nodes = std::mem::take(&mut plan.nodes);
    for (node, written) in nodes.into_iter().zip(&runbook.nodes) {
        let Some(call) = written.call() else {
            pieces.push(Piece::Own(Box::new(node)));
            size = size.saturating_add(1);
            continue;
        };
        let id = node.id.clone();
        let call = prepare(node, call, runbook, known)?;
        size = size.saturating_add(call.size());
        if size > MOST_NODES {
            return Err(CompileError::TooLarge {
                call: id,
                most: MOST_NODES,
            });
        }
        pieces.push(Piece::Call(Box::new(call)));
    }
    Builder::new(plan, &pieces).build(pieces)
}

/// Compiles what a call calls.
fn prepare(node: Node, call: &runbook::Call, runbook: &Runbook, known: &Known) -> Result<Call> {
    let what = format!("call `{}`", node.id);
    let path = call.runbook.as_ref().ok_or_else(|| unchecked(&what))?;
    let called = runbook
        .called
        .get(&path.value)
        .ok_or_else(|| CompileError::NotLoaded {
            call: node.id.clone(),
            file: path.value.clone(),
        })?;
    let with = actions::named(&call.with, &what)?;
    let caller = Caller {
        id: &node.id,
        file: &path.value,
        called,
        with: &with,
        known,
    };
    let rounds = match &node.for_each {
        None => vec![caller.round(None)?],
        Some(each) => each::items(&node.id, each, known)?
            .into_iter()
            .map(|item| caller.round(Some(item)))
            .collect::<Result<_>>()?,
    };
    Ok(Call {
        folder: folder_of(&path.value),
        each: node.for_each.is_some(),
        outputs: called
            .outputs
            .iter()
            .map(|(name, _)| name.value.clone())
            .collect(),
        rounds,
        node,
    })
}

/// The folder that a path leads to; empty for a path of one name.
fn folder_of(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((folder, _)) => {
            let folder = folder.trim_start_matches("./");
            if folder == "." {
                String::new()
            } else {
                folder.to_owned()
            }
        }
        None => String::new(),
    }
}

/// Who calls what.
struct Caller<'a> {
    id: &'a str,
    file: &'a str,
    called: &'a Arc<Runbook>,
    with: &'a BTreeMap<String, Template>,
    known: &'a Known,
}

impl Caller<'_> {
    fn round(&self, item: Option<Item>) -> Result<Round> {
        let what = format!("call `{}`", self.id);
        let (mut with, mut defaults) = (BTreeMap::new(), BTreeMap::new());
        let mut known = Known {
            params: BTreeMap::new(),
            mode: self.known.mode.clone(),
        };
        for param in &self.called.params {
            let name = &param.name.value;
            match self.with.get(name) {
                Some(template) => {
                    let value = self.value(param, template, item.as_ref(), &what)?;
                    if let Some(value) = self.known.value(&value) {
                        known.params.insert(name.clone(), value);
                    }
                    with.insert(name.clone(), value);
                }
                None => {
                    let value = default_of(param).ok_or_else(|| unchecked(&what))?;
                    known.params.insert(name.clone(), value.clone());
                    defaults.insert(name.clone(), value);
                }
            }
        }
        if self.with.len() > with.len() {
            return Err(unchecked(&what));
        }
        let plan = self.compile(&known).map_err(|error| self.inside(error))?;
        Ok(Round {
            id: match &item {
                Some(item) => format!("{}/{}", self.id, item.name),
                None => self.id.to_owned(),
            },
            item,
            with,
            defaults,
            outputs: actions::named(&self.called.outputs, &what)?,
            plan,
            known,
        })
    }

    /// The value of a parameter as an expression of the caller's.
    fn value(
        &self,
        param: &Param,
        template: &Template,
        item: Option<&Item>,
        what: &str,
    ) -> Result<Expression> {
        let kind = param.kind.ok_or_else(|| unchecked(what))?;
        match item {
            None => value_of(template, kind, what),
            Some(item) => {
                let template = item.template(template).map_err(|_| unchecked(what))?;
                value_of(&template, kind, what)
            }
        }
    }

    /// The called runbook by itself, as if nothing were around it.
    fn compile(&self, known: &Known) -> Result<Plan> {
        let mut plan = base(self.called)?;
        for param in &self.called.params {
            if let Some(value) = default_of(param) {
                plan.params.insert(param.name.value.clone(), value);
            }
        }
        for (node, written) in plan.nodes.iter_mut().zip(&self.called.nodes) {
            // What the called runbook does not say, its caller does.
            if written.on_fail.is_none() && self.called.on_fail.is_none() && !written.finally {
                node.on_fail.clear();
            }
        }
        expand(plan, self.called, known)
    }

    fn inside(&self, error: CompileError) -> CompileError {
        CompileError::Called {
            call: self.id.to_owned(),
            file: self.file.to_owned(),
            error: Box::new(error),
        }
    }
}

/// What a parameter is when it is not given; `None` when it has to be.
fn default_of(param: &Param) -> Option<Value> {
    match &param.default {
        Some(default) => param.kind?.read(&default.text),
        None => param.optional.then_some(Value::Null),
    }
}
