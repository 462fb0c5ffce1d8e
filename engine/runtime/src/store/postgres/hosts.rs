//! Hosts: which engines and servers there are or were on each, and what people say of them.

use super::failure::Problem;
use super::pool::Held;
use super::{NOW, PostgresStore, clean};
use crate::owner::Owner;
use crate::store::stored::{restored, stored};
use crate::store::{Engaged, Host, HostWord, SERVER_LIVES, Server, StoreError};
use piton_core::id::{Actor, RunId};
use piton_core::time::Timestamp;
use std::collections::BTreeMap;
use tokio_postgres::Row;

/// The columns of [`word_of`].
const WORDS: &str = "SELECT host, dead, by_name, by_account, reason, at FROM piton.host_word";

/// Whether the last word on a host says that it is dead; the host is an expression.
pub(super) fn is_dead(host: &str) -> String {
    format!(
        "coalesce((SELECT word.dead FROM piton.host_word AS word WHERE word.host = {host} ORDER BY word.id DESC LIMIT 1), false)"
    )
}

/// Whether that is said of the host of who holds the lease in `progress`.
pub(super) fn holder_is_dead() -> String {
    is_dead("(progress.owner::json ->> 'host')")
}

impl PostgresStore {
    pub(super) async fn list_engines(&self, run: &RunId) -> Result<Vec<Engaged>, Problem> {
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                "SELECT engine.fence, engine.owner, engine.since, engine.after, engine.let_go FROM piton.run LEFT JOIN piton.engine ON engine.run = run.number
                 WHERE run.id = $1 ORDER BY engine.fence",
                &[&run.0],
            )
            .await?;
        if rows.is_empty() {
            return Err(self.no_such_run(run));
        }
        let mut engines = Vec::new();
        for row in &rows {
            // A run without engines is one line without one.
            let Some(fence) = row.try_get::<_, Option<i64>>(0)? else {
                continue;
            };
            engines.push(Engaged {
                fence: restored(fence),
                owner: self.known_owner(row.try_get(1)?)?,
                since: Timestamp(row.try_get(2)?),
                after: restored(row.try_get(3)?),
                let_go: row.try_get::<_, Option<i64>>(4)?.map(Timestamp),
            });
        }
        Ok(engines)
    }

    pub(super) async fn note_server(
        &self,
        owner: &Owner,
        name: &str,
        max_runs: Option<u32>,
    ) -> Result<(), Problem> {
        let sql = format!(
            "WITH noted AS (
               INSERT INTO piton.server (owner, name, max_runs, since, until)
               SELECT $1, $2, $3, {NOW}, {NOW} + $4 WHERE NOT {}
               ON CONFLICT (owner) DO UPDATE
                 SET name = excluded.name, max_runs = excluded.max_runs, until = excluded.until
               RETURNING 1
             ), seen AS (
               INSERT INTO piton.host (name, seen) SELECT $5, {NOW} FROM noted
               ON CONFLICT (name) DO UPDATE SET seen = greatest(host.seen, excluded.seen)
             )
             SELECT 1 FROM noted",
            is_dead("$5")
        );
        let (text, name, lives) = (self.text_of(owner)?, clean(name), stored(SERVER_LIVES.0));
        let most = max_runs.map(i64::from);
        let mut held = self.pool.take().await?;
        let rows = held
            .query(&sql, &[&text, &name, &most, &lives, &owner.host])
            .await?;
        drop(held);
        match rows.is_empty() {
            true => self.refuse_dead_host(&owner.host).await,
            false => Ok(()),
        }
    }

    pub(super) async fn forget_server(&self, owner: &Owner) -> Result<(), Problem> {
        // With those that died long ago and were never missed.
        let sql = format!("DELETE FROM piton.server WHERE owner = $1 OR until < {NOW}");
        let text = self.text_of(owner)?;
        self.pool.take().await?.query(&sql, &[&text]).await?;
        Ok(())
    }

    pub(super) async fn list_hosts(&self) -> Result<Vec<Host>, Problem> {
        let mut held = self.pool.take().await?;
        let mut hosts = BTreeMap::new();
        for row in held.query("SELECT name, seen FROM piton.host", &[]).await? {
            host_of(&mut hosts, row.try_get(0)?).seen = Some(Timestamp(row.try_get(1)?));
        }
        for (name, word) in words(&mut held).await? {
            host_of(&mut hosts, name).dead = word.dead.then_some(word);
        }
        self.add_engines(&mut held, &mut hosts).await?;
        self.add_servers(&mut held, &mut hosts).await?;
        Ok(hosts.into_values().collect())
    }

    /// The engines that hold a lease and live, as far as that can be seen from here.
    async fn add_engines(
        &self,
        held: &mut Held<'_>,
        hosts: &mut BTreeMap<String, Host>,
    ) -> Result<(), Problem> {
        let sql = format!(
            "SELECT run.id, owner, until, {NOW}, {} FROM piton.progress JOIN piton.run ON run.number = progress.run
             WHERE owner IS NOT NULL ORDER BY run.number",
            holder_is_dead()
        );
        for row in held.query(&sql, &[]).await? {
            if let Some(owner) = self.driven_by(&row, 1)? {
                let host = host_of(hosts, owner.host.clone());
                host.driving.push((RunId(row.try_get(0)?), owner));
            }
        }
        Ok(())
    }

    async fn add_servers(
        &self,
        held: &mut Held<'_>,
        hosts: &mut BTreeMap<String, Host>,
    ) -> Result<(), Problem> {
        let sql = format!(
            "SELECT owner, name, max_runs, since, until FROM piton.server WHERE until > {NOW} ORDER BY since"
        );
        for row in held.query(&sql, &[]).await? {
            let owner = self.known_owner(row.try_get(0)?)?;
            if self.is_gone(&owner) {
                continue;
            }
            let host = host_of(hosts, owner.host.clone());
            if host.dead.is_none() {
                let most: Option<i64> = row.try_get(2)?;
                host.servers.push(Server {
                    owner,
                    name: row.try_get(1)?,
                    max_runs: most.map(|most| u32::try_from(most).unwrap_or(u32::MAX)),
                    since: Timestamp(row.try_get(3)?),
                    until: Timestamp(row.try_get(4)?),
                });
            }
        }
        Ok(())
    }

    fn known_owner(&self, text: &str) -> Result<Owner, Problem> {
        let owner = self.owner_of(Some(text))?;
        owner.ok_or_else(|| self.corrupt("an engine has no owner"))
    }

    pub(super) async fn write_host_word(
        &self,
        host: &str,
        dead: bool,
        by: &Actor,
        reason: &str,
    ) -> Result<(), Problem> {
        let sql = format!(
            "INSERT INTO piton.host_word (host, dead, by_name, by_account, reason, at)
             VALUES ($1, $2, $3, $4, $5, {NOW}) RETURNING pg_notify('piton', 'host ' || $1)::text"
        );
        let (host, name, account) = (clean(host), clean(&by.name), clean(&by.account));
        let reason = clean(reason);
        let mut held = self.pool.take().await?;
        held.query(&sql, &[&host, &dead, &name, &account, &reason])
            .await?;
        Ok(())
    }

    pub(super) async fn list_host_words(&self) -> Result<Vec<(String, HostWord)>, Problem> {
        words(&mut self.pool.take().await?).await
    }

    /// An engine of a host that is said to be dead gets no lease: others may have gone on with its runs.
    pub(super) async fn refuse_dead_host(&self, host: &str) -> Result<(), Problem> {
        let sql = format!("{WORDS} WHERE host = $1 ORDER BY id DESC LIMIT 1");
        let rows = self.pool.take().await?.query(&sql, &[&clean(host)]).await?;
        let word = rows.first().map(word_of).transpose()?;
        match word.filter(|(_, word)| word.dead) {
            None => Ok(()),
            Some((host, word)) => Err(Problem::from(StoreError::HostIsDead {
                host,
                by: word.by,
                at: word.at,
                reason: word.reason,
            })),
        }
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

async fn words(held: &mut Held<'_>) -> Result<Vec<(String, HostWord)>, Problem> {
    let rows = held.query(&format!("{WORDS} ORDER BY id"), &[]).await?;
    let words = rows.iter().map(word_of).collect::<Result<_, _>>()?;
    Ok(words)
}

fn word_of(row: &Row) -> Result<(String, HostWord), tokio_postgres::Error> {
    let word = HostWord {
        dead: row.try_get(1)?,
        by: Actor {
            name: row.try_get(2)?,
            account: row.try_get(3)?,
        },
        reason: row.try_get(4)?,
        at: Timestamp(row.try_get(5)?),
    };
    Ok((row.try_get(0)?, word))
}
