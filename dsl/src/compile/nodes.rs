//! Steps and gates as they stand in the plan.

use super::{CompileError, unchecked};
use crate::lint::needs_of;
use crate::runbook::{self, Effect, Named, Runbook, Sourced, WrittenAction};
use piton_core::expr::{Expression, Template};
use piton_core::plan::{
    Action, Check, Exec, Interrupted, Node, NodeIndex, NodeKind, Response, Run, Sql, Undo,
    WorldEffect,
};
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, CompileError>;

/// All nodes, in the order of the file.
pub(super) fn all(runbook: &Runbook) -> Result<Vec<Node>> {
    let mut places = BTreeMap::new();
    for (index, node) in runbook.nodes.iter().enumerate() {
        places.entry(node.id.value.as_str()).or_insert(index);
    }
    let shared_env = templates(&runbook.env, "environment")?;
    let find = |name: &str| places.get(name).copied();
    runbook
        .nodes
        .iter()
        .enumerate()
        .map(|(index, node)| one(runbook, node, index, &shared_env, find))
        .collect()
}

fn one(
    runbook: &Runbook,
    node: &runbook::Node,
    index: usize,
    shared_env: &BTreeMap<String, Template>,
    find: impl Fn(&str) -> Option<usize>,
) -> Result<Node> {
    let what = format!("{} `{}`", node.keyword(), node.id.value);
    let needs = needs_of(node, index, find)
        .into_iter()
        .map(|need| place(need.node))
        .collect::<Option<_>>();
    let mut env = shared_env.clone();
    env.extend(templates(&node.env, &what)?);
    let action = action(&node.actions, &what)?;
    let own_timeout = node.timeout.as_ref().map(|length| length.value);
    let shared_timeout = runbook.timeout.as_ref().map(|length| length.value);
    // A limit for work says nothing about how long people may take.
    let timeout = match action {
        Action::Approve(_) => own_timeout,
        _ => own_timeout.or(shared_timeout),
    };
    let mut effect = effect(node, &what)?;
    if let WorldEffect::Undo(undo) = &mut effect {
        undo.timeout = undo.timeout.or(timeout);
    }
    let interrupted = match &node.interrupted {
        Some(written) => interrupted(written, &what)?,
        None if matches!(effect, WorldEffect::None) => Interrupted::Rerun,
        None => Interrupted::Ask,
    };
    let on_fail = node.on_fail.as_ref().or(runbook.on_fail.as_ref());
    Ok(Node {
        id: node.id.value.clone(),
        kind: node.kind,
        title: node.title.as_ref().map(|text| text.value.clone()),
        doc: node.doc.as_ref().map(|text| text.value.clone()),
        needs: needs.ok_or_else(|| unchecked(&what))?,
        when: expression(node.when.as_ref()),
        action,
        effect,
        env,
        dir: template(node.dir.as_ref().or(runbook.dir.as_ref())),
        outputs: named(&node.outputs, &what)?,
        timeout,
        retry: node.retry.unwrap_or_default(),
        idempotent: node.idempotent,
        interrupted,
        on_fail: on_fail.cloned().unwrap_or_else(|| vec![Response::Stop]),
    })
}

/// A place in the plan; `None` for one that no plan has room for.
fn place(index: usize) -> Option<NodeIndex> {
    u32::try_from(index).ok().map(NodeIndex)
}

fn expression(expression: Option<&Sourced<Expression>>) -> Option<Expression> {
    expression.map(|expression| expression.value.clone())
}

fn template(template: Option<&Sourced<Template>>) -> Option<Template> {
    template.map(|template| template.value.clone())
}

fn named<T: Clone>(entries: &Named<Sourced<T>>, what: &str) -> Result<BTreeMap<String, T>> {
    let entry = |(name, value): &(runbook::Spanned<String>, Option<Sourced<T>>)| {
        let value = value.as_ref().ok_or_else(|| unchecked(what))?;
        Ok((name.value.clone(), value.value.clone()))
    };
    entries.iter().map(entry).collect()
}

fn templates(entries: &Named<Sourced<Template>>, what: &str) -> Result<BTreeMap<String, Template>> {
    named(entries, what)
}

fn list(entries: &[Option<Sourced<Template>>], what: &str) -> Result<Vec<Template>> {
    entries
        .iter()
        .map(|entry| template(entry.as_ref()).ok_or_else(|| unchecked(what)))
        .collect()
}

fn action(written: &[WrittenAction], what: &str) -> Result<Action> {
    let [
        WrittenAction {
            action: Some(action),
            ..
        },
    ] = written
    else {
        return Err(unchecked(what));
    };
    Ok(match action {
        runbook::Action::Run { script, shell } => Action::Run(Run {
            script: script.value.clone(),
            shell: shell.clone(),
        }),
        runbook::Action::Exec { argv } => Action::Exec(Exec {
            argv: list(argv, what)?,
        }),
        runbook::Action::Sql(sql) => Action::Sql(Sql {
            on: template(sql.on.as_ref()).ok_or_else(|| unchecked(what))?,
            text: sql
                .text
                .as_ref()
                .ok_or_else(|| unchecked(what))?
                .value
                .clone(),
            script: sql.script,
            bind: list(&sql.bind, what)?,
        }),
        runbook::Action::Checks(checks) => Action::Checks(
            checks
                .iter()
                .map(|check| {
                    Ok(Check {
                        name: check.name.value.clone(),
                        probe: self::action(&check.probes, what)?,
                        expect: expression(check.expect.as_ref()),
                    })
                })
                .collect::<Result<_>>()?,
        ),
        runbook::Action::Approve { terms, .. } => Action::Approve(terms.clone()),
    })
}

fn effect(node: &runbook::Node, what: &str) -> Result<WorldEffect> {
    if node.kind == NodeKind::Gate {
        return Ok(WorldEffect::None);
    }
    Ok(match node.effects.as_slice() {
        [] => WorldEffect::Unstated,
        [(_, effect)] => match effect {
            Effect::None => WorldEffect::None,
            Effect::Abandoned(why) => WorldEffect::Abandoned(why.value.clone()),
            Effect::Irreversible(why) => WorldEffect::Irreversible(why.value.clone()),
            Effect::Undo(undo) => WorldEffect::Undo(Undo {
                action: action(&undo.actions, what)?,
                env: templates(&undo.env, what)?,
                timeout: undo.timeout,
            }),
            Effect::Unreadable => return Err(unchecked(what)),
        },
        _ => return Err(unchecked(what)),
    })
}

fn interrupted(written: &runbook::Interrupted, what: &str) -> Result<Interrupted> {
    Ok(match written {
        runbook::Interrupted::Ask => Interrupted::Ask,
        runbook::Interrupted::Rerun => Interrupted::Rerun,
        runbook::Interrupted::Fail => Interrupted::Fail,
        runbook::Interrupted::Probe(probe) => Interrupted::Probe(action(&probe.actions, what)?),
    })
}
