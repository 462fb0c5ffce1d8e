//! Inboxes: what other processes have to say to the engine that drives a run, and what became of it. Whoever listens
//! for the run is told at once.

use super::failure::Problem;
use super::{NOW, PostgresStore, clean};
use crate::store::stored::NOT_UNDERSTOOD;
use crate::store::{InboxId, Verdict};
use piton_core::id::RunId;
use piton_core::run::Event;

impl PostgresStore {
    pub(super) async fn post_event(
        &self,
        run: &RunId,
        event: &Event,
        key: &str,
    ) -> Result<InboxId, Problem> {
        let text = serde_json::to_string(event)
            .map_err(|error| self.corrupt(format!("an event has no JSON form: {error}")))?;
        let mut held = self.pool.take().await?;
        // The update changes nothing. It makes the statement give the entry that was there, even one of a moment ago.
        let rows = held
            .query(
                &format!(
                    "WITH entry AS (
                       INSERT INTO piton.inbox (run, key, event, posted)
                       SELECT number, $2, $3, {NOW} FROM piton.run WHERE id = $1
                       ON CONFLICT (run, key) DO UPDATE SET key = excluded.key RETURNING id
                     )
                     SELECT id, pg_notify('piton', 'posted ' || $1)::text FROM entry"
                ),
                &[&run.0, &clean(key), &text],
            )
            .await?;
        match rows.first() {
            Some(row) => Ok(InboxId(row.try_get(0)?)),
            None => Err(self.no_such_run(run)),
        }
    }

    pub(super) async fn read_inbox(&self, run: &RunId) -> Result<Vec<(InboxId, Event)>, Problem> {
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                "SELECT inbox.id, event FROM piton.run
                   LEFT JOIN piton.inbox ON inbox.run = run.number AND decided IS NULL
                 WHERE run.id = $1 ORDER BY inbox.id",
                &[&run.0],
            )
            .await?;
        if rows.is_empty() {
            return Err(self.no_such_run(run));
        }
        let mut events = Vec::with_capacity(rows.len());
        for row in &rows {
            // A run with nothing in its inbox is one line without an entry.
            let Some(id) = row.try_get::<_, Option<i64>>(0)? else {
                continue;
            };
            match serde_json::from_str(row.try_get(1)?) {
                Ok(event) => events.push((InboxId(id), event)),
                Err(_) => {
                    let refuse = format!(
                        "UPDATE piton.inbox SET decided = {NOW}, accepted = false, message = $2
                         WHERE id = $1 AND decided IS NULL"
                    );
                    held.query(&refuse, &[&id, &NOT_UNDERSTOOD]).await?;
                }
            }
        }
        Ok(events)
    }

    pub(super) async fn read_verdict(&self, entry: InboxId) -> Result<Option<Verdict>, Problem> {
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                "SELECT accepted, message FROM piton.inbox WHERE id = $1 AND decided IS NOT NULL",
                &[&entry.0],
            )
            .await?;
        match rows.first() {
            Some(row) => Ok(Some(Verdict {
                accepted: row.try_get(0)?,
                message: row.try_get(1)?,
            })),
            None => Ok(None),
        }
    }
}
