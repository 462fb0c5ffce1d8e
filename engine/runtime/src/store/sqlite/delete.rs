//! Deleting a run that is over.

use super::journal::status_of;
use super::{SqliteStore, Transaction, now};
use crate::store::names::{is_taken_back_by, taken_back};
use crate::store::{StillNeeded, StoreError};
use piton_core::id::RunId;
use piton_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

/// The tables that say something of a run; `run` itself comes last.
const TABLES: [&str; 8] = [
    "record",
    "snapshot",
    "inbox",
    "claim",
    "broken_lock",
    "engine",
    "lease",
    "progress",
];

impl SqliteStore {
    pub(super) fn delete_run(&self, run: &RunId) -> Result<(), StoreError> {
        self.with(Some(run), "deleting a run", |connection| {
            let transaction = Transaction::write(connection)?;
            let number = self.number_of(connection, run)?;
            if let Some(why) = self.still_needed(connection, run, number)? {
                let run = run.clone();
                return Err(StoreError::StillNeeded { run, why }.into());
            }
            for table in TABLES {
                connection
                    .prepare_cached(&format!("DELETE FROM {table} WHERE run = ?1"))?
                    .execute([number])?;
            }
            connection
                .prepare_cached("DELETE FROM run WHERE number = ?1")?
                .execute([number])?;
            transaction.commit()?;
            Ok(())
        })
    }

    /// Why a run stays; `None` if nothing needs it any more.
    fn still_needed(
        &self,
        connection: &Connection,
        run: &RunId,
        number: i64,
    ) -> Result<Option<StillNeeded>, super::Problem> {
        let (status, owner, until) = connection
            .prepare_cached(
                "SELECT state, outcome, ended, waiting_for, next_due, owner, until
                 FROM progress JOIN lease ON lease.run = progress.run WHERE progress.run = ?1",
            )?
            .query_row([number], |row| {
                let owner: Option<String> = row.get(5)?;
                Ok((status_of(row, 0)?, owner, Timestamp(row.get(6)?)))
            })?;
        if status.outcome.is_none() {
            return Ok(Some(StillNeeded::Open));
        }
        let driven = self.driven_by(connection, owner.as_deref(), until, now())?;
        if let Some(by) = driven {
            return Ok(Some(StillNeeded::Driven { by: Box::new(by) }));
        }
        if let Some(base) = taken_back(run)
            && exists(connection, &base)?
        {
            return Ok(Some(StillNeeded::TookBack { run: base }));
        }
        let mut open = connection.prepare_cached(
            "SELECT run.id FROM run JOIN progress ON progress.run = run.number
             WHERE substr(run.id, 1, length(?1)) = ?1 AND run.number > ?2 AND progress.outcome IS NULL",
        )?;
        let mut rows = open.query(params![run.0, number])?;
        while let Some(row) = rows.next()? {
            let other = RunId(row.get(0)?);
            if is_taken_back_by(run, &other) {
                return Ok(Some(StillNeeded::TakenBack { by: other }));
            }
        }
        Ok(None)
    }
}

fn exists(connection: &Connection, run: &RunId) -> rusqlite::Result<bool> {
    let found = connection
        .prepare_cached("SELECT 1 FROM run WHERE id = ?1")?
        .query_row([&run.0], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}
