//! Hosts: which engines and servers there are or were on each, and what people say of them.

use super::{Problem, SqliteStore, Transaction, now};
use crate::owner::{Liveness, Owner};
use crate::store::stored::{restored, stored};
use crate::store::{Engaged, Host, HostWord, SERVER_LIVES, Server, StoreError};
use piton_core::id::{Actor, RunId};
use piton_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::BTreeMap;

impl SqliteStore {
    pub(super) fn list_engines(&self, run: &RunId) -> Result<Vec<Engaged>, StoreError> {
        self.with(Some(run), "reading the engines of a run", |connection| {
            let number = self.number_of(connection, run)?;
            let mut select = connection.prepare_cached(
                "SELECT fence, owner, since, after, let_go FROM engine WHERE run = ?1 ORDER BY fence",
            )?;
            let mut rows = select.query([number])?;
            let mut engines = Vec::new();
            while let Some(row) = rows.next()? {
                engines.push(Engaged {
                    fence: restored(row.get(0)?),
                    owner: self.known_owner(&row.get::<_, String>(1)?)?,
                    since: Timestamp(row.get(2)?),
                    after: restored(row.get(3)?),
                    let_go: row.get::<_, Option<i64>>(4)?.map(Timestamp),
                });
            }
            Ok(engines)
        })
    }

    pub(super) fn note_server(
        &self,
        owner: &Owner,
        name: &str,
        max_runs: Option<u32>,
    ) -> Result<(), StoreError> {
        self.with(None, "noting a server", |connection| {
            let transaction = Transaction::write(connection)?;
            refuse_dead_host(connection, &owner.host)?;
            let now = now();
            connection
                .prepare_cached(
                    "INSERT INTO server (owner, name, max_runs, since, until) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (owner) DO UPDATE SET name = ?2, max_runs = ?3, until = ?5",
                )?
                .execute(params![
                    self.text_of(owner)?,
                    name,
                    max_runs,
                    now.0,
                    now.after(SERVER_LIVES).0
                ])?;
            saw_host(connection, &owner.host, now)?;
            transaction.commit()?;
            Ok(())
        })
    }

    pub(super) fn forget_server(&self, owner: &Owner) -> Result<(), StoreError> {
        self.with(None, "forgetting a server", |connection| {
            // With those that died long ago and were never missed.
            connection
                .prepare_cached("DELETE FROM server WHERE owner = ?1 OR until < ?2")?
                .execute(params![self.text_of(owner)?, now().0])?;
            Ok(())
        })
    }

    pub(super) fn list_hosts(&self) -> Result<Vec<Host>, StoreError> {
        self.with(None, "listing hosts", |connection| {
            let _one_state = Transaction::read(connection)?;
            let mut hosts = BTreeMap::new();
            let mut select = connection.prepare_cached("SELECT name, seen FROM host")?;
            let mut rows = select.query([])?;
            while let Some(row) = rows.next()? {
                host_of(&mut hosts, row.get(0)?).seen = Some(Timestamp(row.get(1)?));
            }
            for (name, word) in words(connection)? {
                host_of(&mut hosts, name).dead = word.dead.then_some(word);
            }
            self.add_engines(connection, &mut hosts)?;
            self.add_servers(connection, &mut hosts)?;
            Ok(hosts.into_values().collect())
        })
    }

    /// The engines that hold a lease and live, as far as that can be seen from here.
    fn add_engines(
        &self,
        connection: &Connection,
        hosts: &mut BTreeMap<String, Host>,
    ) -> Result<(), Problem> {
        let now = now();
        let mut select = connection.prepare_cached(
            "SELECT run.id, lease.owner, lease.until FROM lease JOIN run ON run.number = lease.run
             WHERE lease.owner IS NOT NULL ORDER BY run.number",
        )?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let owner: Option<String> = row.get(1)?;
            let until = Timestamp(row.get(2)?);
            if let Some(owner) = self.driven_by(connection, owner.as_deref(), until, now)? {
                let host = host_of(hosts, owner.host.clone());
                host.driving.push((RunId(row.get(0)?), owner));
            }
        }
        Ok(())
    }

    fn add_servers(
        &self,
        connection: &Connection,
        hosts: &mut BTreeMap<String, Host>,
    ) -> Result<(), Problem> {
        let mut select = connection.prepare_cached(
            "SELECT owner, name, max_runs, since, until FROM server WHERE until > ?1 ORDER BY since",
        )?;
        let mut rows = select.query([now().0])?;
        while let Some(row) = rows.next()? {
            let owner = self.known_owner(&row.get::<_, String>(0)?)?;
            if owner.liveness(&self.here) == Liveness::Dead {
                continue;
            }
            let host = host_of(hosts, owner.host.clone());
            if host.dead.is_none() {
                host.servers.push(Server {
                    owner,
                    name: row.get(1)?,
                    max_runs: row.get(2)?,
                    since: Timestamp(row.get(3)?),
                    until: Timestamp(row.get(4)?),
                });
            }
        }
        Ok(())
    }

    fn known_owner(&self, text: &str) -> Result<Owner, Problem> {
        let owner = self.owner_of(Some(text))?;
        owner.ok_or_else(|| self.corrupt("an engine has no owner"))
    }

    pub(super) fn write_host_word(
        &self,
        host: &str,
        dead: bool,
        by: &Actor,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.with(None, "noting what is said of a host", |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO host_word (host, dead, by_name, by_account, reason, at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![host, dead, by.name, by.account, reason, now().0])?;
            Ok(())
        })
    }

    pub(super) fn list_host_words(&self) -> Result<Vec<(String, HostWord)>, StoreError> {
        self.with(None, "reading what was said of hosts", |connection| {
            Ok(words(connection)?)
        })
    }
}

fn host_of(hosts: &mut BTreeMap<String, Host>, name: String) -> &mut Host {
    hosts.entry(name.clone()).or_insert(Host {
        name,
        seen: None,
        driving: Vec::new(),
        servers: Vec::new(),
        dead: None,
    })
}

fn words(connection: &Connection) -> rusqlite::Result<Vec<(String, HostWord)>> {
    connection
        .prepare_cached(
            "SELECT host, dead, by_name, by_account, reason, at FROM host_word ORDER BY id",
        )?
        .query_map([], |row| Ok((row.get(0)?, word_of(row)?)))?
        .collect()
}

fn word_of(row: &Row<'_>) -> rusqlite::Result<HostWord> {
    Ok(HostWord {
        dead: row.get(1)?,
        by: Actor {
            name: row.get(2)?,
            account: row.get(3)?,
        },
        reason: row.get(4)?,
        at: Timestamp(row.get(5)?),
    })
}

/// The last word on a host, if it says that it is dead.
fn word_of_death(connection: &Connection, host: &str) -> rusqlite::Result<Option<HostWord>> {
    let last = connection
        .prepare_cached(
            "SELECT host, dead, by_name, by_account, reason, at FROM host_word WHERE host = ?1
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row([host], word_of)
        .optional()?;
    Ok(last.filter(|word| word.dead))
}

pub(super) fn is_dead(connection: &Connection, host: &str) -> rusqlite::Result<bool> {
    Ok(word_of_death(connection, host)?.is_some())
}

/// An engine of a host that is said to be dead gets no lease: others may have gone on with its runs.
pub(super) fn refuse_dead_host(connection: &Connection, host: &str) -> Result<(), Problem> {
    match word_of_death(connection, host)? {
        None => Ok(()),
        Some(word) => Err(StoreError::HostIsDead {
            host: host.to_owned(),
            by: word.by,
            at: word.at,
            reason: word.reason,
        }
        .into()),
    }
}

/// An engine of this host has just done something.
pub(super) fn saw_host(connection: &Connection, host: &str, at: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO host (name, seen) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET seen = max(seen, ?2)",
        )?
        .execute(params![host, at.0])?;
    Ok(())
}

/// The engine with this fence has just renewed its lease.
pub(super) fn saw_holder(connection: &Connection, number: i64, fence: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE host SET seen = max(seen, ?3)
             WHERE name = (SELECT owner ->> '$.host' FROM engine WHERE run = ?1 AND fence = ?2)",
        )?
        .execute(params![number, stored(fence), now().0])?;
    Ok(())
}
