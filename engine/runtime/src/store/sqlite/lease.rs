//! Leases: one engine drives a run, and its fence tells its writes from those of an engine before it.

use super::hosts::{is_dead, refuse_dead_host, saw_holder, saw_host};
use super::{Problem, SqliteStore, Transaction, now};
use crate::owner::{Liveness, Owner};
use crate::store::stored::{restored, stored};
use crate::store::{Lease, StoreError};
use piton_core::id::RunId;
use piton_core::time::{Millis, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

/// A run's lease as it is stored.
struct Line {
    fence: u64,
    owner: Option<String>,
    since: Timestamp,
    until: Timestamp,
}

impl SqliteStore {
    pub(super) fn acquire_lease(
        &self,
        run: &RunId,
        owner: &Owner,
        ttl: Millis,
    ) -> Result<Lease, StoreError> {
        self.with(Some(run), "taking a lease", |connection| {
            let transaction = Transaction::write(connection)?;
            let number = self.number_of(connection, run)?;
            let lease = self.take_lease(connection, run, number, owner, ttl)?;
            transaction.commit()?;
            Ok(lease)
        })
    }

    /// Takes the lease within a transaction, if it is free.
    pub(super) fn take_lease(
        &self,
        connection: &Connection,
        run: &RunId,
        number: i64,
        owner: &Owner,
        ttl: Millis,
    ) -> Result<Lease, Problem> {
        refuse_dead_host(connection, &owner.host)?;
        let line = self.read_lease(connection, number)?;
        let before = self.owner_of(line.owner.as_deref())?;
        let now = now();
        if let Some(by) = &before
            && self.is_driving(connection, by, line.until, now)?
        {
            return Err(StoreError::Held {
                run: run.clone(),
                by: Box::new(by.clone()),
                since: line.since,
                until: line.until,
            }
            .into());
        }
        let fence = line.fence.saturating_add(1);
        let text = self.text_of(owner)?;
        connection
            .prepare_cached(
                "UPDATE lease SET fence = ?2, owner = ?3, since = ?4, until = ?5 WHERE run = ?1",
            )?
            .execute(params![
                number,
                stored(fence),
                text,
                now.0,
                now.after(ttl).0
            ])?;
        connection
            .prepare_cached(
                "INSERT INTO engine (run, fence, owner, since, after)
                 SELECT ?1, ?2, ?3, ?4, head_seq FROM progress WHERE run = ?1",
            )?
            .execute(params![number, stored(fence), text, now.0])?;
        saw_host(connection, &owner.host, now)?;
        Ok(Lease {
            run: run.clone(),
            fence,
            ttl,
            taken_from: before,
        })
    }

    /// Whether the holder of a lease that ends at this time still drives the run, as far as can be seen from here.
    pub(super) fn is_driving(
        &self,
        connection: &Connection,
        owner: &Owner,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Problem> {
        Ok(now < until
            && owner.liveness(&self.here) != Liveness::Dead
            && !is_dead(connection, &owner.host)?)
    }

    pub(super) fn text_of(&self, owner: &Owner) -> Result<String, Problem> {
        serde_json::to_string(owner)
            .map_err(|error| self.corrupt(format!("an owner has no JSON form: {error}")))
    }

    pub(super) fn renew_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        let until = now().after(lease.ttl).0;
        self.change_lease(lease, "renewing a lease", |connection, number| {
            saw_holder(connection, number, lease.fence)?;
            connection
                .prepare_cached(
                    "UPDATE lease SET until = ?3 WHERE run = ?1 AND fence = ?2 AND owner IS NOT NULL",
                )?
                .execute(params![number, stored(lease.fence), until])
        })
    }

    pub(super) fn release_lease(&self, lease: &Lease) -> Result<(), StoreError> {
        self.change_lease(lease, "releasing a lease", |connection, number| {
            connection
                .prepare_cached("UPDATE engine SET let_go = ?3 WHERE run = ?1 AND fence = ?2")?
                .execute(params![number, stored(lease.fence), now().0])?;
            connection
                .prepare_cached(
                    "UPDATE lease SET owner = NULL, until = 0 WHERE run = ?1 AND fence = ?2 AND owner IS NOT NULL",
                )?
                .execute(params![number, stored(lease.fence)])
        })
    }

    /// Changes the line of a lease that is still ours.
    fn change_lease(
        &self,
        lease: &Lease,
        doing: &'static str,
        change: impl FnOnce(&Connection, i64) -> rusqlite::Result<usize>,
    ) -> Result<(), StoreError> {
        self.with(Some(&lease.run), doing, |connection| {
            let transaction = Transaction::write(connection)?;
            let number = self.number_of(connection, &lease.run)?;
            if change(connection, number)? != 1 {
                return Err(self.fenced(connection, number, lease)?);
            }
            transaction.commit()?;
            Ok(())
        })
    }

    /// The refusal of a lease that is no longer ours, with who has the run now.
    pub(super) fn fenced(
        &self,
        connection: &Connection,
        number: i64,
        lease: &Lease,
    ) -> Result<Problem, Problem> {
        let line = self.read_lease(connection, number)?;
        Ok(Problem::from(StoreError::Fenced {
            run: lease.run.clone(),
            fence: lease.fence,
            current: line.fence,
            by: self.owner_of(line.owner.as_deref())?.map(Box::new),
        }))
    }

    fn read_lease(&self, connection: &Connection, number: i64) -> Result<Line, Problem> {
        connection
            .prepare_cached("SELECT fence, owner, since, until FROM lease WHERE run = ?1")?
            .query_row([number], |row| {
                Ok(Line {
                    fence: restored(row.get(0)?),
                    owner: row.get(1)?,
                    since: Timestamp(row.get(2)?),
                    until: Timestamp(row.get(3)?),
                })
            })
            .optional()?
            .ok_or_else(|| self.corrupt(format!("run number {number} has no line in `lease`")))
    }

    pub(super) fn owner_of(&self, text: Option<&str>) -> Result<Option<Owner>, Problem> {
        text.map(|text| {
            serde_json::from_str(text).map_err(|error| {
                self.corrupt(format!("the owner of a lease cannot be read: {error}"))
            })
        })
        .transpose()
    }

    /// The engine that drives a run, by its lease's line: nobody when the lease has expired, its owner is dead, or
    /// its host is said to be.
    pub(super) fn driven_by(
        &self,
        connection: &Connection,
        owner: Option<&str>,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Owner>, Problem> {
        match self.owner_of(owner)? {
            Some(owner) if self.is_driving(connection, &owner, until, now)? => Ok(Some(owner)),
            _ => Ok(None),
        }
    }
}
