//! Runs that are left to servers: which of them can be driven now, and the claim of one.

use super::journal::is_held;
use super::{Problem, SqliteStore, Transaction, now};
use crate::owner::Owner;
use crate::store::{Claimable, Lease, Leave, StoreError};
use piton_core::id::RunId;
use piton_core::time::{Millis, Timestamp};
use rusqlite::{OptionalExtension, params};

/// Runs that something is due of, with their leases, in order of creation.
const DUE: &str = "SELECT run.id, lease.owner, lease.until
     FROM progress JOIN lease ON lease.run = progress.run JOIN run ON run.number = progress.run
     WHERE (lease.served = 1 OR (lease.served = 2 AND lease.owner IS NOT NULL)) AND progress.outcome IS NULL
       AND progress.run IN (
       SELECT run FROM progress WHERE next_due <= ?1 UNION SELECT run FROM inbox WHERE decided IS NULL
       UNION SELECT run FROM away WHERE host = ?2)
     ORDER BY progress.run";

/// When the next of those that are not due yet is.
const NEXT: &str = "SELECT progress.next_due FROM progress JOIN lease ON lease.run = progress.run
     WHERE progress.next_due > ?1 AND (lease.served = 1 OR (lease.served = 2 AND lease.owner IS NOT NULL))
     ORDER BY progress.next_due LIMIT 1";

impl SqliteStore {
    pub(super) fn leave_run_to_servers(&self, run: &RunId, leave: Leave) -> Result<(), StoreError> {
        self.with(Some(run), "leaving a run to servers", |connection| {
            let transaction = Transaction::write(connection)?;
            let number = self.number_of(connection, run)?;
            connection
                .prepare_cached("UPDATE lease SET served = ?2 WHERE run = ?1 AND served <> 1")?
                .execute([number, mark_of(leave)])?;
            transaction.commit()?;
            Ok(())
        })
    }

    pub(super) fn read_whether_served(&self, run: &RunId) -> Result<bool, StoreError> {
        self.with(Some(run), "reading a run", |connection| {
            let number = self.number_of(connection, run)?;
            Ok(connection
                .prepare_cached("SELECT 1 FROM lease WHERE run = ?1 AND served = 1")?
                .exists([number])?)
        })
    }

    pub(super) fn note_hosts_away(
        &self,
        lease: &Lease,
        hosts: &[String],
    ) -> Result<(), StoreError> {
        let run = &lease.run;
        self.with(Some(run), "noting where attempts are", |connection| {
            let transaction = Transaction::write(connection)?;
            let number = self.number_of(connection, run)?;
            if !is_held(connection, number, lease.fence)? {
                return Err(self.fenced(connection, number, lease)?);
            }
            connection
                .prepare_cached("DELETE FROM away WHERE run = ?1")?
                .execute([number])?;
            for host in hosts {
                connection
                    .prepare_cached("INSERT OR IGNORE INTO away (host, run) VALUES (?1, ?2)")?
                    .execute(params![host, number])?;
            }
            transaction.commit()?;
            Ok(())
        })
    }

    /// The runs that are not over and of which something may run on this host.
    pub(super) fn list_runs_away(&self, host: &str) -> Result<Vec<RunId>, StoreError> {
        self.with(None, "looking for attempts out of reach", |connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT run.id FROM away JOIN run ON run.number = away.run
                     JOIN progress ON progress.run = away.run
                     WHERE away.host = ?1 AND progress.outcome IS NULL ORDER BY run.number",
                )?
                .query_map([host], |row| row.get(0).map(RunId))?
                .collect::<rusqlite::Result<_>>()?)
        })
    }

    pub(super) fn claimable_runs(&self, host: &str) -> Result<Claimable, StoreError> {
        self.with(None, "looking for runs to drive", |connection| {
            let _one_state = Transaction::read(connection)?;
            let now = now();
            let mut found = Claimable {
                now,
                next: connection
                    .prepare_cached(NEXT)?
                    .query_row([now.0], |row| row.get(0).map(Timestamp))
                    .optional()?,
                runs: Vec::new(),
                driven_by: Vec::new(),
            };
            let mut select = connection.prepare_cached(DUE)?;
            let mut rows = select.query(params![now.0, host])?;
            while let Some(row) = rows.next()? {
                let owner: Option<String> = row.get(1)?;
                let until = Timestamp(row.get(2)?);
                match self.driven_by(connection, owner.as_deref(), until, now)? {
                    None => found.runs.push(RunId(row.get(0)?)),
                    Some(owner) => {
                        found.next = Some(found.next.map_or(until, |next| next.min(until)));
                        if !found.driven_by.contains(&owner) {
                            found.driven_by.push(owner);
                        }
                    }
                }
            }
            Ok(found)
        })
    }

    pub(super) fn claim_run(
        &self,
        run: &RunId,
        owner: &Owner,
        ttl: Millis,
    ) -> Result<Option<Lease>, StoreError> {
        self.with(Some(run), "claiming a run", |connection| {
            let transaction = Transaction::write(connection)?;
            let number = self.number_of(connection, run)?;
            let is_theirs = connection
                .prepare_cached(
                    "SELECT 1 FROM progress JOIN lease ON lease.run = progress.run
                     WHERE progress.run = ?1 AND outcome IS NULL
                       AND (served = 1 OR (served = 2 AND owner IS NOT NULL))",
                )?
                .exists(params![number])?;
            if !is_theirs {
                return Ok(None);
            }
            match self.take_lease(connection, run, number, owner, ttl) {
                Ok(lease) => {
                    connection
                        .prepare_cached("UPDATE lease SET served = 1 WHERE run = ?1")?
                        .execute([number])?;
                    transaction.commit()?;
                    Ok(Some(lease))
                }
                Err(Problem::Store(error)) if matches!(*error, StoreError::Held { .. }) => Ok(None),
                Err(problem) => Err(problem),
            }
        })
    }
}

fn mark_of(leave: Leave) -> i64 {
    match leave {
        Leave::AtOnce => 1,
        Leave::WhenOrphaned => 2,
    }
}
