//! Inboxes: what other processes have to say to the engine that drives a run, and what became of it.

use super::{SqliteStore, Transaction, now};
use crate::store::stored::NOT_UNDERSTOOD;
use crate::store::{InboxId, StoreError, Verdict};
use piton_core::id::RunId;
use piton_core::run::Event;
use rusqlite::{OptionalExtension, params};

impl SqliteStore {
    pub(super) fn post_event(
        &self,
        run: &RunId,
        event: &Event,
        key: &str,
    ) -> Result<InboxId, StoreError> {
        self.with(Some(run), "posting to an inbox", |connection| {
            let text = serde_json::to_string(event)
                .map_err(|error| self.corrupt(format!("an event has no JSON form: {error}")))?;
            let transaction = Transaction::write(connection)?;
            let number = self.number_of(connection, run)?;
            connection
                .prepare_cached(
                    "INSERT INTO inbox (run, key, event, posted) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (run, key) DO NOTHING",
                )?
                .execute(params![number, key, text, now().0])?;
            let id = connection
                .prepare_cached("SELECT id FROM inbox WHERE run = ?1 AND key = ?2")?
                .query_row(params![number, key], |row| row.get(0))?;
            transaction.commit()?;
            Ok(InboxId(id))
        })
    }

    pub(super) fn read_inbox(&self, run: &RunId) -> Result<Vec<(InboxId, Event)>, StoreError> {
        self.with(Some(run), "reading an inbox", |connection| {
            let number = self.number_of(connection, run)?;
            let waiting = connection
                .prepare_cached(
                    "SELECT id, event FROM inbox WHERE run = ?1 AND decided IS NULL ORDER BY id",
                )?
                .query_map([number], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect::<rusqlite::Result<Vec<(i64, String)>>>()?;
            let mut events = Vec::with_capacity(waiting.len());
            for (id, text) in waiting {
                match serde_json::from_str(&text) {
                    Ok(event) => events.push((InboxId(id), event)),
                    Err(_) => {
                        connection
                            .prepare_cached(
                                "UPDATE inbox SET decided = ?2, accepted = 0, message = ?3
                                 WHERE id = ?1 AND decided IS NULL",
                            )?
                            .execute(params![id, now().0, NOT_UNDERSTOOD])?;
                    }
                }
            }
            Ok(events)
        })
    }

    pub(super) fn read_verdict(&self, entry: InboxId) -> Result<Option<Verdict>, StoreError> {
        self.with(None, "reading a verdict", |connection| {
            Ok(connection
                .prepare_cached(
                    "SELECT accepted, message FROM inbox WHERE id = ?1 AND decided IS NOT NULL",
                )?
                .query_row([entry.0], |row| {
                    Ok(Verdict {
                        accepted: row.get(0)?,
                        message: row.get(1)?,
                    })
                })
                .optional()?)
        })
    }
}
