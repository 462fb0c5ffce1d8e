//! What a called runbook says once for itself, put into the plan of its caller: secrets, people and locks.

use super::Round;
use crate::compile::rewrite::{literal, path, quoted, replaced_in};
use crate::compile::{CompileError, Result, unchecked};
use piton_core::expr::Template;
use piton_core::plan::{Channel, Contact, Lock, Plan, SecretSource};
use std::collections::BTreeMap;

/// Merges a round into the caller's plan. Returns the plan's names for the round's secrets.
pub(super) fn merge(
    plan: &mut Plan,
    round: &Round,
    call: &str,
    folder: &str,
) -> Result<BTreeMap<String, String>> {
    let secrets = secrets(plan, round, call, folder);
    for (name, contact) in &round.plan.contacts {
        let contact = seen_from_outside(contact, round, &secrets)?;
        same(&mut plan.contacts, name, contact, call, "contact")?;
    }
    for (name, escalation) in &round.plan.escalations {
        same(
            &mut plan.escalations,
            name,
            escalation.clone(),
            call,
            "escalation",
        )?;
    }
    if let Some(lock) = &round.plan.lock {
        hold(plan, lock, round, call)?;
    }
    Ok(secrets)
}

/// Adds the called runbook's secrets: under a name that the plan has for the same one already, else under the call's
/// name and its own.
fn secrets(plan: &mut Plan, round: &Round, call: &str, folder: &str) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for (name, source) in &round.plan.secrets {
        let source = match source {
            SecretSource::File(file) if !folder.is_empty() && !file.starts_with('/') => {
                SecretSource::File(format!("{folder}/{file}"))
            }
            source => source.clone(),
        };
        let own = name.rsplit('/').next().unwrap_or(name);
        let new = match plan.secrets.get(name) {
            Some(known) if *known == source => name.clone(),
            _ => plan
                .secrets
                .iter()
                .find(|(it, known)| it.rsplit('/').next() == Some(own) && **known == source)
                .map_or_else(|| format!("{call}/{name}"), |(it, _)| it.clone()),
        };
        plan.secrets.insert(new.clone(), source);
        names.insert(name.clone(), new);
    }
    names
}

/// Puts something under its name, unless there is something else already.
fn same<T: PartialEq>(
    all: &mut BTreeMap<String, T>,
    name: &str,
    one: T,
    call: &str,
    kind: &'static str,
) -> Result<()> {
    match all.get(name) {
        Some(known) if *known != one => Err(CompileError::Differs {
            call: call.to_owned(),
            kind,
            name: name.to_owned(),
        }),
        _ => {
            all.insert(name.to_owned(), one);
            Ok(())
        }
    }
}

/// A contact whose addresses name the caller's secrets, and parameters by their values.
fn seen_from_outside(
    contact: &Contact,
    round: &Round,
    secrets: &BTreeMap<String, String>,
) -> Result<Contact> {
    let instead = |names: &[String]| match names {
        [root, name, rest @ ..] if root == "secrets" => {
            let new = secrets.get(name)?;
            (new != name).then(|| path(&format!("secrets[{}]", quoted(new)), rest))
        }
        [root, name, rest @ ..] if root == "params" => {
            Some(path(&literal(round.known.params.get(name)?)?, rest))
        }
        _ => None,
    };
    let here = |template: &Template| {
        let new = replaced_in(template, &instead).ok();
        // A parameter that is not known before the run would be the caller's of the same name.
        new.filter(|new| {
            let mut references = new.expressions().flat_map(|(_, it)| it.references());
            !references.any(|it| it.path.first().is_some_and(|root| root == "params"))
        })
        .ok_or_else(|| CompileError::NotKnown {
            call: round.id.clone(),
            what: "the address of a contact".to_owned(),
            template: template.to_string(),
        })
    };
    let channel = |channel: &Channel| {
        Ok(match channel {
            Channel::Webhook(address) => Channel::Webhook(here(address)?),
            Channel::Command(argv) => {
                Channel::Command(argv.iter().map(here).collect::<Result<_>>()?)
            }
        })
    };
    Ok(Contact {
        via: contact.via.iter().map(channel).collect::<Result<_>>()?,
        ..contact.clone()
    })
}

/// Locks of the called runbook are held as long as the whole run: it is a part of it.
fn hold(plan: &mut Plan, lock: &Lock, round: &Round, call: &str) -> Result<()> {
    let mine = plan.lock.get_or_insert_with(|| Lock {
        names: Vec::new(),
        timeout: lock.timeout,
    });
    for name in &lock.names {
        let uses_run = name
            .expressions()
            .flat_map(|(_, it)| it.references())
            .all(|it| it.path.first().is_some_and(|root| root == "run"));
        let name = match round.known.text(name) {
            Some(text) => Template::literal(&text),
            None if uses_run => name.clone(),
            None => {
                return Err(CompileError::NotKnown {
                    call: call.to_owned(),
                    what: "the name of a lock".to_owned(),
                    template: name.to_string(),
                });
            }
        };
        if !mine.names.contains(&name) {
            mine.names.push(name);
        }
    }
    Ok(())
}

/// The plan's names for secrets that a scope inside of a called runbook knows by names of that runbook's.
pub(super) fn renamed(
    names: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, String>,
    call: &str,
) -> Result<BTreeMap<String, String>> {
    names
        .iter()
        .map(|(own, name)| {
            let new = secrets.get(name);
            let new = new.ok_or_else(|| unchecked(&format!("secret of the call `{call}`")))?;
            Ok((own.clone(), new.clone()))
        })
        .collect()
}
