//! What attempts printed, in chunks, so that every host can read it. Chunks that are there already change nothing, so
//! that whoever goes on with a run may write them again.

use super::PostgresStore;
use super::failure::Problem;
use crate::store::stored::{restored, stored};
use crate::store::{LOG_HEAD, LOG_TAIL, LogPiece};
use piton_core::id::{AttemptId, RunId};

impl PostgresStore {
    pub(super) async fn write_log(
        &self,
        run: &RunId,
        attempt: AttemptId,
        start: u64,
        bytes: &[u8],
    ) -> Result<(), Problem> {
        // What is between the beginning that is kept and the end that is kept goes as the end moves on.
        const WRITE: &str = "
            WITH written AS (
              INSERT INTO piton.log (run, attempt, start, body)
              SELECT number, $2, $3, $4 FROM piton.run WHERE id = $1
              ON CONFLICT (run, attempt, start) DO UPDATE SET body = excluded.body
                WHERE length(excluded.body) > length(log.body)
            ), cut AS (
              DELETE FROM piton.log USING piton.run
              WHERE run.id = $1 AND log.run = run.number AND log.attempt = $2
                AND log.start >= $5 AND log.start < $6 AND log.start <> $3
            )
            SELECT 1 FROM piton.run WHERE id = $1";
        let attempt = attempt.to_string();
        let end = start.saturating_add(bytes.len() as u64);
        let cut = end.saturating_sub(LOG_TAIL);
        let (start, head, cut) = (stored(start), stored(LOG_HEAD), stored(cut));
        let mut held = self.pool.take().await?;
        let rows = held
            .query(WRITE, &[&run.0, &attempt, &start, &bytes, &head, &cut])
            .await?;
        match rows.is_empty() {
            true => Err(self.no_such_run(run)),
            false => Ok(()),
        }
    }

    pub(super) async fn read_log(
        &self,
        run: &RunId,
        attempt: AttemptId,
        from: u64,
    ) -> Result<Vec<LogPiece>, Problem> {
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                "SELECT start, body FROM piton.log JOIN piton.run ON run.number = log.run
                 WHERE run.id = $1 AND attempt = $2 AND start + length(body) > $3 ORDER BY start",
                &[&run.0, &attempt.to_string(), &stored(from)],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(LogPiece {
                    start: restored(row.try_get(0)?),
                    bytes: row.try_get(1)?,
                })
            })
            .collect()
    }

    pub(super) async fn read_log_ends(
        &self,
        run: &RunId,
    ) -> Result<Vec<(AttemptId, u64)>, Problem> {
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                "SELECT attempt, max(start + length(body)) FROM piton.log JOIN piton.run ON run.number = log.run
                 WHERE run.id = $1 GROUP BY attempt",
                &[&run.0],
            )
            .await?;
        let mut ends = Vec::with_capacity(rows.len());
        for row in &rows {
            // An attempt that this build has no name for is of a newer one, which writes its log.
            if let Ok(attempt) = row.try_get::<_, &str>(0)?.parse() {
                ends.push((attempt, restored(row.try_get(1)?)));
            }
        }
        Ok(ends)
    }
}
