//! Whether the store is on the disk, or the machine, of what a runbook works on.

use piton_core::plan::{Action, Node, Plan, SecretSource, WorldEffect};
use piton_core::value::Value;
use piton_dsl::runbook::Runbook;
use piton_runtime::store::Location;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What is near the store, each in words. Nothing is connected to, and no value of a secret is part of the words.
pub fn near(runbook: &Runbook, location: &Location) -> Vec<String> {
    // Parameters without a value are only known to a run: the rest is compared without them.
    let plan = piton_dsl::compile_mode(runbook, &BTreeMap::new(), None);
    let mut found = BTreeSet::new();
    if let Ok(plan) = &plan {
        databases(plan, location, &mut found);
    }
    let values = runbook.params.iter().filter_map(|param| {
        let default = param.default.as_ref()?;
        Some((param.name.value.as_str(), default.text.as_str()))
    });
    for (name, value) in values {
        let is_file = matches!(location, Location::Sqlite(_));
        if is_file && value.starts_with('/') && shares_disk(Path::new(value), location) {
            found.insert(format!(
                "the store is on the disk of {value} (parameter `{name}`)"
            ));
        }
    }
    found.into_iter().collect()
}

fn databases(plan: &Plan, location: &Location, found: &mut BTreeSet<String>) {
    for node in &plan.nodes {
        for address in actions(node).filter_map(address) {
            let Some(url) = read(plan, address) else {
                continue;
            };
            let at = format!("`{}`", node.id);
            if let Location::Postgres { url: store, .. } = location {
                if server(&url).is_some_and(|it| Some(it) == server(&store.to_string())) {
                    found.insert(format!("the store is in the Postgres server of {at}"));
                }
                continue;
            }
            if let Some(path) = url.strip_prefix("sqlite:") {
                if shares_disk(Path::new(path), location) {
                    found.insert(format!("the store is on the disk of the database of {at}"));
                }
            } else if is_here(&url) {
                found.insert(format!(
                    "the store is on the machine of the Postgres server of {at}"
                ));
            }
        }
    }
}

/// Everything that a node may do.
fn actions(node: &Node) -> impl Iterator<Item = &Action> {
    let checks = match &node.action {
        Action::Checks(checks) => checks.as_slice(),
        _ => &[],
    };
    let undo = match &node.effect {
        WorldEffect::Undo(undo) => Some(&undo.action),
        _ => None,
    };
    let own = [Some(&node.action), undo, node.capture.as_ref()];
    own.into_iter()
        .flatten()
        .chain(checks.iter().map(|check| &check.probe))
}

fn address(action: &Action) -> Option<&str> {
    match action {
        Action::Sql(sql) => Some(sql.on.text()),
        _ => None,
    }
}

/// An address as far as it is known before a run: written out, a parameter, or a secret of the environment.
fn read(plan: &Plan, address: &str) -> Option<String> {
    let Some(inside) = address
        .trim()
        .strip_prefix("${{")
        .and_then(|rest| rest.strip_suffix("}}"))
    else {
        return (!address.contains("${{")).then(|| address.to_owned());
    };
    let name = inside.trim();
    if let Some(name) = name.strip_prefix("params.") {
        return match plan.params.get(name)? {
            Value::String(text) => Some(text.clone()),
            _ => None,
        };
    }
    match plan.secrets.get(name.strip_prefix("secrets.")?)? {
        SecretSource::Env(variable) => std::env::var(variable).ok(),
        _ => None,
    }
}

/// The host and the port of a Postgres server, as its address has them.
fn server(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if scheme != "postgres" && scheme != "postgresql" {
        return None;
    }
    let authority = rest.split(['/', '?']).next()?;
    let host = authority.rsplit('@').next()?.to_ascii_lowercase();
    let after_name = host.rsplit(']').next().unwrap_or_default();
    Some(match after_name.contains(':') {
        true => host,
        false => format!("{host}:5432"),
    })
}

/// Whether a server of this address is on this machine: by a socket, or by a name of the machine for itself.
fn is_here(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    if scheme != "postgres" && scheme != "postgresql" {
        return false;
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let hosts = authority.rsplit('@').next().unwrap_or_default();
    let named = rest
        .split(['?', '&'])
        .find_map(|part| part.strip_prefix("host="));
    let hosts = named.unwrap_or(hosts);
    hosts.split(',').any(|host| {
        let host = host.strip_prefix('[').map_or_else(
            || host.split(':').next().unwrap_or_default(),
            |rest| rest.split(']').next().unwrap_or_default(),
        );
        matches!(host, "" | "localhost" | "127.0.0.1" | "::1")
            || host.starts_with('/')
            || host.starts_with("%2F")
    })
}

fn shares_disk(path: &Path, location: &Location) -> bool {
    let theirs = device(path);
    theirs.is_some() && theirs == device(&location.runs_directory())
}

/// The device of a path, or of what is there of the way to it.
fn device(path: &Path) -> Option<u64> {
    let path: PathBuf = std::path::absolute(path).ok()?;
    let there = path.ancestors().find_map(|part| fs::metadata(part).ok());
    there.map(|about| about.dev())
}

#[cfg(test)]
mod tests {
    use super::{is_here, server};

    #[test]
    fn a_server_is_known_by_host_and_port_whoever_connects_to_whatever_database() {
        let store = server("postgres://piton@DB.example/piton");
        assert_eq!(
            store,
            server("postgresql://ann:secret@db.example:5432/app?sslmode=require")
        );
        assert_ne!(store, server("postgresql://db.example:5433/app"));
        assert_ne!(store, server("postgresql://db2.example/app"));
        assert_eq!(
            server("postgres://[::1]/a"),
            server("postgres://x@[::1]:5432/b")
        );
        assert_eq!(server("sqlite:db.example"), None);
    }

    #[test]
    fn a_server_of_this_machine_is_known_by_its_address() {
        for here in [
            "postgresql:///app",
            "postgres://localhost/app",
            "postgres://ann:secret@127.0.0.1:5433/app",
            "postgresql://[::1]:5432/app",
            "postgresql:///app?host=/run/postgresql",
            "postgresql://%2Frun%2Fpostgresql/app",
            "postgresql://db.example,localhost/app",
        ] {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in [
            "postgres://db.example/app",
            "postgres://localhost@db.example/localhost",
            "sqlite:localhost",
            "postgresql://db.example/app?host=10.0.0.7",
        ] {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }
}
