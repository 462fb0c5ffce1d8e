//! Contacts and escalation policies as they stand in the plan.

use super::actions::{list, words};
use super::{Result, unchecked};
use crate::runbook::{self, Runbook};
use piton_core::plan::{Channel, Contact, DECIDE_WITHIN, Escalation, Level};
use std::collections::BTreeMap;

/// Contacts by their names.
pub(super) fn contacts(runbook: &Runbook) -> Result<BTreeMap<String, Contact>> {
    let contacts = runbook.contacts.iter().map(|written| {
        let what = format!("contact `{}`", written.id.value);
        let via = written
            .via
            .iter()
            .map(|channel| self::channel(channel, &what));
        let contact = Contact {
            name: written.name.as_ref().map(|name| name.value.clone()),
            roles: words(&written.roles),
            via: via.collect::<Result<_>>()?,
        };
        Ok((written.id.value.clone(), contact))
    });
    contacts.collect()
}

fn channel(written: &runbook::Channel, what: &str) -> Result<Channel> {
    Ok(match written {
        runbook::Channel::Webhook(url) => Channel::Webhook(url.value.clone()),
        runbook::Channel::Command(argv) => Channel::Command(list(argv, what)?),
    })
}

/// Escalation policies by their names.
pub(super) fn escalations(runbook: &Runbook) -> Result<BTreeMap<String, Escalation>> {
    let policies = runbook.escalations.iter().map(|written| {
        if written.levels.is_empty() {
            return Err(unchecked(&format!("escalation `{}`", written.id.value)));
        }
        let level = |level: &runbook::Level| Level {
            page: words(&level.page),
            ack_within: level.ack_within.as_ref().map(|length| length.value),
        };
        let decide_within = written.decide_within.as_ref().map(|length| length.value);
        let policy = Escalation {
            levels: written.levels.iter().map(level).collect(),
            decide_within: decide_within.unwrap_or(DECIDE_WITHIN),
        };
        Ok((written.id.value.clone(), policy))
    });
    policies.collect()
}
