//! Named locks. Each holder has one line for each lock that it has or waits for.
//!
//! Nobody queues: of those that wait, the first to look gets a lock that is free. A queue would make a run wait for
//! a free lock behind another that needs more than that, and two of them could then wait for each other.

use super::{Problem, SqliteStore, Transaction, now};
use crate::store::{BrokenLock, Lease, LockBreak, LockClaim, LockHolder, Locks, StoreError, Taken};
use piton_core::id::{Actor, RunId};
use piton_core::time::Timestamp;
use rusqlite::{Connection, Row, params};
use std::collections::BTreeSet;

/// How a run as a whole is stored where the name of a node would be.
const WHOLE_RUN: &str = "";

/// A claim of a run that is not over, with the columns of [`claim_of`].
const CLAIMS: &str = "SELECT claim.name, run.id, claim.node, coalesce(claim.taken, claim.asked)
     FROM claim JOIN run ON run.number = claim.run JOIN progress ON progress.run = claim.run
     WHERE progress.outcome IS NULL";

impl SqliteStore {
    pub(super) fn take_named_locks(
        &self,
        lease: &Lease,
        node: Option<&str>,
        names: &[String],
    ) -> Result<Taken, StoreError> {
        let node = node.unwrap_or(WHOLE_RUN);
        self.with(Some(&lease.run), "taking locks", |connection| {
            let transaction = Transaction::write(connection)?;
            let number = self.held_number(connection, lease)?;
            let now = now().0;
            for name in names {
                connection
                    .prepare_cached(
                        "INSERT INTO claim (name, run, node, asked) VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT (name, run, node) DO NOTHING",
                    )?
                    .execute(params![name, number, node, now])?;
            }
            let mut held = Vec::new();
            for name in names {
                held.extend(obstacles(connection, name, number, node)?);
            }
            let taken = if held.is_empty() {
                for name in names {
                    grant(connection, name, number, node, now)?;
                }
                Taken::All
            } else {
                Taken::Refused { held }
            };
            transaction.commit()?;
            Ok(taken)
        })
    }

    pub(super) fn release_named_locks(
        &self,
        lease: &Lease,
        node: Option<&str>,
    ) -> Result<Vec<RunId>, StoreError> {
        let leaving = node.unwrap_or(WHOLE_RUN);
        self.let_go_of(lease, |_, node| node == leaving)
    }

    pub(super) fn keep_named_locks(
        &self,
        lease: &Lease,
        kept: &[(Option<String>, Vec<String>)],
    ) -> Result<Vec<RunId>, StoreError> {
        let mut wanted = BTreeSet::new();
        for (node, names) in kept {
            let node = node.as_deref().unwrap_or(WHOLE_RUN);
            wanted.extend(names.iter().map(|name| (name.as_str(), node)));
        }
        self.let_go_of(lease, |name, node| !wanted.contains(&(name, node)))
    }

    /// Lets go of the run's claims for which `leaves(name, node)`, those that were broken included. Gives the other
    /// runs that wait for what became free.
    fn let_go_of(
        &self,
        lease: &Lease,
        leaves: impl Fn(&str, &str) -> bool,
    ) -> Result<Vec<RunId>, StoreError> {
        self.with(Some(&lease.run), "releasing locks", |connection| {
            let transaction = Transaction::write(connection)?;
            let number = self.held_number(connection, lease)?;
            let mut waiting = BTreeSet::new();
            for (name, node, taken) in claims_of_run(connection, number)? {
                if !leaves(&name, &node) {
                    continue;
                }
                connection
                    .prepare_cached("DELETE FROM claim WHERE name = ?1 AND run = ?2 AND node = ?3")?
                    .execute(params![name, number, node])?;
                if taken {
                    waiting.extend(waiting_for(connection, &name)?);
                }
            }
            for (id, name, node) in open_breaks(connection, number)? {
                if leaves(&name, &node) {
                    connection
                        .prepare_cached("UPDATE broken_lock SET let_go = ?2 WHERE id = ?1")?
                        .execute(params![id, now().0])?;
                }
            }
            transaction.commit()?;
            waiting.remove(&lease.run);
            Ok(waiting.into_iter().collect())
        })
    }

    pub(super) fn break_named_lock(
        &self,
        name: &str,
        by: &Actor,
        reason: &str,
    ) -> Result<LockBreak, StoreError> {
        self.with(None, "breaking a lock", |connection| {
            let transaction = Transaction::write(connection)?;
            let held = held_locks(connection)?;
            let (broken, others): (Vec<_>, Vec<_>) =
                held.into_iter().partition(|claim| claim.name == name);
            if broken.is_empty() {
                let mut names: Vec<_> = others.into_iter().map(|claim| claim.name).collect();
                names.dedup();
                return Err(StoreError::NoSuchLock {
                    place: self.place.to_string(),
                    name: name.to_owned(),
                    held: names,
                }
                .into());
            }
            let at = now();
            let mut kept = Vec::new();
            for claim in broken {
                let number = self.number_of(connection, &claim.holder.run)?;
                let node = claim.holder.node.as_deref().unwrap_or(WHOLE_RUN);
                connection
                    .prepare_cached("DELETE FROM claim WHERE name = ?1 AND run = ?2 AND node = ?3")?
                    .execute(params![name, number, node])?;
                connection
                    .prepare_cached(
                        "INSERT INTO broken_lock (name, run, node, taken, broken, by_name, by_account, reason)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    )?
                    .execute(params![
                        name,
                        number,
                        node,
                        claim.since.0,
                        at.0,
                        by.name,
                        by.account,
                        reason
                    ])?;
                kept.push(BrokenLock {
                    name: claim.name,
                    holder: claim.holder,
                    since: claim.since,
                    by: by.clone(),
                    at,
                    reason: reason.to_owned(),
                    let_go: None,
                });
            }
            let waiting = waiting_for(connection, name)?;
            transaction.commit()?;
            Ok(LockBreak {
                broken: kept,
                waiting,
            })
        })
    }

    pub(super) fn list_locks(&self) -> Result<Locks, StoreError> {
        self.with(None, "listing locks", |connection| {
            let _one_state = Transaction::read(connection)?;
            Ok(Locks {
                held: held_locks(connection)?,
                waiting: connection
                    .prepare_cached(&format!(
                        "{CLAIMS} AND claim.taken IS NULL ORDER BY claim.name, claim.asked, run.number"
                    ))?
                    .query_map([], claim_of)?
                    .collect::<rusqlite::Result<_>>()?,
                broken: broken_locks(connection)?,
            })
        })
    }

    /// The number of the run whose lease this is; an error when it is no longer ours.
    fn held_number(&self, connection: &Connection, lease: &Lease) -> Result<i64, Problem> {
        let number = self.number_of(connection, &lease.run)?;
        if super::journal::is_held(connection, number, lease.fence)? {
            Ok(number)
        } else {
            Err(self.fenced(connection, number, lease)?)
        }
    }
}

/// Who has the lock and does not tolerate this holder: other runs, and other nodes of the same one. A run that is
/// over has nothing.
fn obstacles(
    connection: &Connection,
    name: &str,
    number: i64,
    node: &str,
) -> rusqlite::Result<Vec<LockClaim>> {
    connection
        .prepare_cached(&format!(
            "{CLAIMS} AND claim.name = ?1 AND claim.taken IS NOT NULL
             AND (claim.run <> ?2 OR (claim.node <> ?3 AND claim.node <> '' AND ?3 <> ''))"
        ))?
        .query_map(params![name, number, node], claim_of)?
        .collect()
}

/// Gives a lock to a holder that waits for it, and clears away what runs that are over left of it.
fn grant(
    connection: &Connection,
    name: &str,
    number: i64,
    node: &str,
    now: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM claim WHERE name = ?1
             AND run IN (SELECT run FROM progress WHERE outcome IS NOT NULL) AND run <> ?2",
        )?
        .execute(params![name, number])?;
    connection
        .prepare_cached(
            "UPDATE claim SET taken = ?4 WHERE name = ?1 AND run = ?2 AND node = ?3 AND taken IS NULL",
        )?
        .execute(params![name, number, node, now])?;
    // One that was broken before the holder had noted it is held after all.
    connection
        .prepare_cached(
            "UPDATE broken_lock SET let_go = ?4
             WHERE name = ?1 AND run = ?2 AND node = ?3 AND let_go IS NULL",
        )?
        .execute(params![name, number, node, now])?;
    Ok(())
}

fn held_locks(connection: &Connection) -> rusqlite::Result<Vec<LockClaim>> {
    connection
        .prepare_cached(&format!(
            "{CLAIMS} AND claim.taken IS NOT NULL ORDER BY claim.name, run.number, claim.node"
        ))?
        .query_map([], claim_of)?
        .collect()
}

/// The runs that wait for a lock, the longest wait first.
fn waiting_for(connection: &Connection, name: &str) -> rusqlite::Result<Vec<RunId>> {
    let mut runs: Vec<RunId> = connection
        .prepare_cached(&format!(
            "{CLAIMS} AND claim.name = ?1 AND claim.taken IS NULL ORDER BY claim.asked, run.number"
        ))?
        .query_map([name], |row| row.get(1).map(RunId))?
        .collect::<rusqlite::Result<_>>()?;
    runs.dedup();
    Ok(runs)
}

/// Name, node, and whether it is held, of each claim of a run.
fn claims_of_run(
    connection: &Connection,
    number: i64,
) -> rusqlite::Result<Vec<(String, String, bool)>> {
    connection
        .prepare_cached("SELECT name, node, taken IS NOT NULL FROM claim WHERE run = ?1")?
        .query_map([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

/// Number, name and node of each broken lock that the run works on without.
fn open_breaks(
    connection: &Connection,
    number: i64,
) -> rusqlite::Result<Vec<(i64, String, String)>> {
    connection
        .prepare_cached("SELECT id, name, node FROM broken_lock WHERE run = ?1 AND let_go IS NULL")?
        .query_map([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

fn broken_locks(connection: &Connection) -> rusqlite::Result<Vec<BrokenLock>> {
    connection
        .prepare_cached(
            "SELECT broken_lock.name, run.id, node, taken, by_name, by_account, broken, reason,
               coalesce(let_go, progress.ended)
             FROM broken_lock JOIN run ON run.number = broken_lock.run
               JOIN progress ON progress.run = broken_lock.run
             ORDER BY broken_lock.id DESC",
        )?
        .query_map([], |row| {
            let claim = claim_of(row)?;
            Ok(BrokenLock {
                name: claim.name,
                holder: claim.holder,
                since: claim.since,
                by: Actor {
                    name: row.get(4)?,
                    account: row.get(5)?,
                },
                at: Timestamp(row.get(6)?),
                reason: row.get(7)?,
                let_go: row.get::<_, Option<i64>>(8)?.map(Timestamp),
            })
        })?
        .collect()
}

fn claim_of(row: &Row<'_>) -> rusqlite::Result<LockClaim> {
    let node: String = row.get(2)?;
    Ok(LockClaim {
        name: row.get(0)?,
        holder: LockHolder {
            run: RunId(row.get(1)?),
            node: (node != WHOLE_RUN).then_some(node),
        },
        since: Timestamp(row.get(3)?),
    })
}
