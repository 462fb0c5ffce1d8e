//! Working out a node's inputs: its templates rendered, once a pass.

mod http;

use super::event::Produced;
use super::scope::NodeScope;
use crate::expr::{ExprError, Expression, Template};
use crate::plan::{
    Action, Channel, FailWhen, ForEach, Interrupted, Lock, Node, NodeIndex, NodeKind, Plan, Undo,
    Wait, WorldEffect,
};
use crate::record::{
    Inputs, Item, RenderedAction, RenderedAsk, RenderedChannel, RenderedCheck, RenderedContact,
    RenderedManual, RenderedNotify, RenderedTarget, Watch,
};
use crate::text::Text;
use crate::time::Timestamp;
use crate::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How many items a node may be done for.
pub const ITEM_LIMIT: usize = 10_000;

type Rendered<T> = Result<T, String>;

/// A node's inputs.
///
/// # Errors
/// Which part of the node cannot be worked out, and why, as one line for people.
pub(super) fn inputs(node: &Node, scope: &NodeScope<'_>, now: Timestamp) -> Rendered<Inputs> {
    let mut inputs = match &node.for_each {
        None => work(node, scope, now)?,
        Some(each) => Inputs::of(RenderedAction::Each(items(node, each, scope, now)?)),
    };
    if let Some(target) = &node.target {
        inputs.target = Some(action(&target.probe, scope, now)?);
        if node.for_each.is_some() {
            // What an item would say is not known here.
            let known = |(name, value): (&String, &Template)| {
                Some((name.clone(), value.render(scope).ok()?))
            };
            inputs.env = node.env.iter().filter_map(known).collect();
            inputs.dir = dir(node, scope)?;
        }
    }
    if let Action::Approve(_) = node.action {
        inputs.targets = targets_behind(scope, now);
    }
    if let Some(confirm) = &node.confirm {
        let text = render(confirm, "`confirm`", scope)?;
        if text.secrets().next().is_some() {
            return Err(
                "`confirm` contains a secret, and what has to be typed is shown".to_owned(),
            );
        }
        inputs.confirm = Some(text.shown());
    }
    if let Some(lock) = &node.lock {
        inputs.locks = locks(lock, scope)?;
    }
    Ok(inputs)
}

/// What an attempt at the action is given: of the node, or of one of its items.
fn work(node: &Node, scope: &NodeScope<'_>, now: Timestamp) -> Rendered<Inputs> {
    let mut inputs = Inputs::of(action(&node.action, scope, now)?);
    // A server that has the key may answer what it answered before, which is no use to who only looks.
    if node.kind == NodeKind::Step && node.effect != WorldEffect::None && node.until.is_none() {
        http::name(&mut inputs.action, "", scope);
    }
    // A call starts nothing itself. What it has of these is for its undo, in the names of the runbook that calls.
    if !matches!(node.action, Action::Call(_)) {
        inputs.env = env(&node.env, scope)?;
        inputs.dir = dir(node, scope)?;
        inputs.evidence = evidence(node, scope)?;
    }
    if let Interrupted::Probe(probe) = &node.interrupted {
        inputs.probe = Some(action(probe, scope, now)?);
    }
    if let Some(capture) = &node.capture {
        inputs.capture = Some(action(capture, scope, now)?);
    }
    if let Some(until) = &node.until
        && let Some(FailWhen::Line { file, matches }) = &until.fail_when
    {
        inputs.watch = Some(Watch {
            file: render(file, "the file of `fail_when`", scope)?,
            matches: matches.clone(),
        });
    }
    Ok(inputs)
}

fn items(
    node: &Node,
    each: &ForEach,
    scope: &NodeScope<'_>,
    now: Timestamp,
) -> Rendered<Vec<Item>> {
    let values = each
        .items
        .evaluate(scope)
        .map_err(|error| cannot("`for_each`", &error))?;
    let mut keys = BTreeSet::new();
    let listed = listed(values)?;
    if listed.len() > ITEM_LIMIT {
        return Err(format!(
            "`for_each` has {} items, and at most {ITEM_LIMIT} are done",
            listed.len()
        ));
    }
    let mut items = Vec::with_capacity(listed.len());
    for (place, (key, value)) in listed.into_iter().enumerate() {
        let key = match (&each.key, key) {
            (Some(expression), key) => {
                let usual = key.unwrap_or_default();
                let scope = NodeScope {
                    item: Some((&usual, &value)),
                    ..*scope
                };
                let found = expression
                    .evaluate(&scope)
                    .map_err(|error| cannot("the key of an item of `for_each`", &error))?;
                key_of(&found).ok_or("the key of an item of `for_each` is no text or number")?
            }
            (None, Some(key)) => key,
            (None, None) => key_of(&value).unwrap_or_else(|| place.to_string()),
        };
        if !keys.insert(key.clone()) {
            return Err(format!("two items of `for_each` have the key `{key}`"));
        }
        let scope = NodeScope {
            item: Some((&key, &value)),
            ..*scope
        };
        let inputs = work(node, &scope, now).map_err(|error| format!("item `{key}`: {error}"))?;
        items.push(Item { key, value, inputs });
    }
    Ok(items)
}

/// The items of a list, or of a map with their keys.
fn listed(values: Value) -> Rendered<Vec<(Option<String>, Value)>> {
    match values {
        Value::List(values) => Ok(values.into_iter().map(|value| (None, value)).collect()),
        Value::Map(entries) => Ok(entries
            .into_iter()
            .map(|(key, value)| (Some(key), value))
            .collect()),
        other => Err(format!(
            "`for_each` takes a list or a map, and got {}",
            other.type_name()
        )),
    }
}

fn key_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The inputs of a node's undo; of one that was done for each of a list, with the items to be undone in that order.
///
/// # Errors
/// Which part of it cannot be worked out, and why.
pub(super) fn undo(
    node: &Node,
    undo: &Undo,
    scope: &NodeScope<'_>,
    done: &[(&str, &Value, Option<&Produced>)],
    now: Timestamp,
) -> Rendered<Inputs> {
    if node.for_each.is_none() {
        return undo_work(node, undo, scope, now);
    }
    let items = done
        .iter()
        .map(|(key, value, capture)| {
            let scope = NodeScope {
                item: Some((key, value)),
                capture: *capture,
                ..*scope
            };
            let inputs = undo_work(node, undo, &scope, now)
                .map_err(|error| format!("item `{key}`: {error}"))?;
            Ok(Item {
                key: (*key).to_owned(),
                value: (*value).clone(),
                inputs,
            })
        })
        .collect::<Rendered<_>>()?;
    Ok(Inputs::of(RenderedAction::Each(items)))
}

fn undo_work(node: &Node, undo: &Undo, scope: &NodeScope<'_>, now: Timestamp) -> Rendered<Inputs> {
    let mut inputs = Inputs::of(action(&undo.action, scope, now)?);
    http::name(&mut inputs.action, "/undo", scope);
    inputs.env = env(&node.env, scope)?;
    inputs.env.extend(env(&undo.env, scope)?);
    inputs.dir = dir(node, scope)?;
    if let Some(check) = &undo.check {
        inputs.target = Some(action(check, scope, now)?);
    }
    Ok(inputs)
}

/// The targets of the nodes right behind a gate, as far as they can be worked out before the gate is passed.
fn targets_behind(scope: &NodeScope<'_>, now: Timestamp) -> Vec<RenderedTarget> {
    let behind: BTreeSet<NodeIndex> = scope.shape.dependants(scope.node).iter().copied().collect();
    behind
        .into_iter()
        .filter_map(|index| {
            let node = scope.plan.node(index)?;
            let target = node.target.as_ref()?;
            let scope = NodeScope {
                node: index,
                ..*scope
            };
            Some(RenderedTarget {
                node: index,
                action: action(&target.probe, &scope, now).ok()?,
                env: env(&node.env, &scope).ok()?,
                dir: dir(node, &scope).ok()?,
            })
        })
        .collect()
}

/// The names of locks.
///
/// # Errors
/// Which of them cannot be worked out, and why.
pub(super) fn locks(lock: &Lock, scope: &NodeScope<'_>) -> Rendered<Vec<String>> {
    lock.names
        .iter()
        .map(|name| {
            let text = render(name, "the name of a lock", scope)?;
            match text.secrets().next() {
                None => Ok(text.shown()),
                Some(_) => Err("the name of a lock contains a secret".to_owned()),
            }
        })
        .collect()
}

/// Contacts by their names, with everything worked out that is known before the run.
///
/// # Errors
/// Which of their channels cannot be worked out, and why.
pub(super) fn contacts(
    plan: &Plan,
    names: &[String],
    scope: &NodeScope<'_>,
) -> Rendered<Vec<RenderedContact>> {
    names
        .iter()
        .map(|name| {
            let contact = plan
                .contacts
                .get(name)
                .ok_or_else(|| format!("there is no contact `{name}`"))?;
            let part = format!("how to reach `{name}`");
            let via = contact
                .via
                .iter()
                .map(|channel| {
                    Ok(match channel {
                        Channel::Webhook(url) => {
                            RenderedChannel::Webhook(render(url, &part, scope)?)
                        }
                        Channel::Command(argv) => RenderedChannel::Command(
                            argv.iter()
                                .map(|argument| render(argument, &part, scope))
                                .collect::<Rendered<_>>()?,
                        ),
                    })
                })
                .collect::<Rendered<_>>()?;
            Ok(RenderedContact {
                contact: name.clone(),
                name: contact.name.clone(),
                via,
            })
        })
        .collect()
}

fn env(
    env: &BTreeMap<String, Template>,
    scope: &NodeScope<'_>,
) -> Rendered<BTreeMap<String, Text>> {
    env.iter()
        .map(|(name, template)| {
            let text = render(template, &format!("`env` variable `{name}`"), scope)?;
            Ok((name.clone(), text))
        })
        .collect()
}

fn dir(node: &Node, scope: &NodeScope<'_>) -> Rendered<Option<Text>> {
    node.dir
        .as_ref()
        .map(|dir| render(dir, "`dir`", scope))
        .transpose()
}

fn evidence(node: &Node, scope: &NodeScope<'_>) -> Rendered<Vec<String>> {
    let file = |file: &Template| {
        let text = render(file, "a file of `evidence`", scope)?;
        match text.secrets().next() {
            None => Ok(text.shown()),
            Some(_) => Err("the name of a file of `evidence` contains a secret".to_owned()),
        }
    };
    node.evidence.iter().map(file).collect()
}

fn action(action: &Action, scope: &NodeScope<'_>, now: Timestamp) -> Rendered<RenderedAction> {
    Ok(match action {
        Action::Run(run) => RenderedAction::Run {
            script: run.script.clone(),
            shell: run.shell.clone(),
        },
        Action::Exec(exec) => RenderedAction::Exec {
            argv: exec
                .argv
                .iter()
                .enumerate()
                .map(|(at, argument)| render(argument, &format!("argument {at} of `exec`"), scope))
                .collect::<Rendered<_>>()?,
        },
        Action::Sql(sql) => RenderedAction::Sql {
            on: render(&sql.on, "the database of `sql`", scope)?,
            text: sql_text(&sql.text, scope)?,
            script: sql.script,
            read_only: sql.read_only,
            bind: sql
                .bind
                .iter()
                .zip(1..)
                .map(|(bind, number)| {
                    bind.value(scope)
                        .map_err(|error| cannot(&format!("`bind` value ${number}"), &error))
                })
                .collect::<Rendered<_>>()?,
        },
        Action::Http(request) => RenderedAction::Http(http::request(request, scope)?),
        Action::Checks(checks) => RenderedAction::Checks(
            checks
                .iter()
                .map(|check| {
                    let probe = self::action(&check.probe, scope, now)
                        .map_err(|error| format!("check \"{}\": {error}", check.name))?;
                    Ok(RenderedCheck {
                        name: check.name.clone(),
                        probe,
                    })
                })
                .collect::<Rendered<_>>()?,
        ),
        Action::Approve(approve) => RenderedAction::Approve(approve.clone()),
        Action::Manual(manual) => RenderedAction::Manual(self::manual(manual, scope, now)?),
        Action::Notify(notify) => RenderedAction::Notify(RenderedNotify {
            to: contacts(scope.plan, &notify.to, scope)?,
            message: render(&notify.message, "the message of `notify`", scope)?,
        }),
        Action::Wait(wait) => RenderedAction::Wait {
            until: match wait {
                Wait::For(length) => now.after(*length),
                Wait::Until(expression) => time(expression, scope)?,
            },
        },
        Action::Call(part) => RenderedAction::Call(*part),
    })
}

fn manual(
    manual: &crate::plan::Manual,
    scope: &NodeScope<'_>,
    now: Timestamp,
) -> Rendered<RenderedManual> {
    Ok(RenderedManual {
        instructions: manual
            .instructions
            .as_ref()
            .map(|text| render(text, "`instructions`", scope))
            .transpose()?,
        checklist: manual
            .checklist
            .iter()
            .map(|text| render(text, "an entry of `checklist`", scope))
            .collect::<Rendered<_>>()?,
        asks: manual
            .asks
            .iter()
            .map(|ask| {
                let from = ask.from.as_deref();
                Ok(RenderedAsk {
                    from: from.map(|from| action(from, scope, now)).transpose()?,
                    default: ask
                        .default
                        .as_ref()
                        .map(|default| default_of(ask, default, scope))
                        .transpose()?,
                })
            })
            .collect::<Rendered<_>>()?,
    })
}

/// The default of a question, as a value of its type.
fn default_of(
    ask: &crate::plan::Ask,
    default: &Template,
    scope: &NodeScope<'_>,
) -> Rendered<Value> {
    let part = format!("the default of `{}`", ask.name);
    let text = render(default, &part, scope)?;
    if text.secrets().next().is_some() {
        return Err(format!(
            "{part} contains a secret, and answers are written down"
        ));
    }
    let text = text.shown();
    ask.kind
        .read(&text)
        .ok_or_else(|| format!("{part} is `{text}`, and it takes {}", ask.kind.describe()))
}

fn time(expression: &Expression, scope: &NodeScope<'_>) -> Rendered<Timestamp> {
    match expression.evaluate(scope) {
        Ok(Value::Timestamp(at)) => Ok(at),
        Ok(other) => Err(format!(
            "`wait` takes a time to wait until, and got {}",
            other.type_name()
        )),
        Err(error) => Err(cannot("the time of `wait`", &error)),
    }
}

/// The text of SQL, which is executed as it stands.
fn sql_text(text: &Template, scope: &NodeScope<'_>) -> Rendered<String> {
    let text = render(text, "the text of `sql`", scope)?;
    match text.secrets().next() {
        None => Ok(text.shown()),
        Some(_) => Err("the text of `sql` contains a secret; bind it as a value".to_owned()),
    }
}

fn render(template: &Template, part: &str, scope: &NodeScope<'_>) -> Rendered<Text> {
    template.render(scope).map_err(|error| cannot(part, &error))
}

fn cannot(part: &str, error: &ExprError) -> String {
    format!("{part} cannot be worked out: {}", with_help(error))
}

/// An expression's error as one line.
pub(super) fn with_help(error: &ExprError) -> String {
    match &error.help {
        Some(help) => format!("{} ({help})", error.message),
        None => error.message.clone(),
    }
}
