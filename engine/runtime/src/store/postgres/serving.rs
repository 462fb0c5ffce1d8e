//! Runs that are left to servers: which of them can be driven now.

use super::failure::Problem;
use super::hosts::holder_is_dead;
use super::{NOW, PostgresStore};
use crate::store::stored::stored;
use crate::store::{Claimable, Lease, Leave};
use piton_core::id::RunId;
use piton_core::time::Timestamp;

/// Which runs are the servers', if nobody drives them.
const THEIRS: &str = "(served = 1 OR (served = 2 AND owner IS NOT NULL)) AND outcome IS NULL";

impl PostgresStore {
    pub(super) async fn leave_run_to_servers(
        &self,
        run: &RunId,
        leave: Leave,
    ) -> Result<(), Problem> {
        let mark: i16 = match leave {
            Leave::AtOnce => 1,
            Leave::WhenOrphaned => 2,
        };
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                "WITH target AS (SELECT number FROM piton.run WHERE id = $1), marked AS (
                   UPDATE piton.progress SET served = $2 FROM target WHERE progress.run = target.number AND served <> 1
                 )
                 SELECT pg_notify('piton', 'changed ' || $1)::text FROM target",
                &[&run.0, &mark],
            )
            .await?;
        match rows.is_empty() {
            true => Err(self.no_such_run(run)),
            false => Ok(()),
        }
    }

    pub(super) async fn read_whether_served(&self, run: &RunId) -> Result<bool, Problem> {
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                "SELECT served = 1 FROM piton.progress JOIN piton.run ON run.number = progress.run WHERE run.id = $1",
                &[&run.0],
            )
            .await?;
        match rows.first() {
            Some(row) => Ok(row.try_get(0)?),
            None => Err(self.no_such_run(run)),
        }
    }

    pub(super) async fn note_hosts_away(
        &self,
        lease: &Lease,
        hosts: &[String],
    ) -> Result<(), Problem> {
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                "WITH target AS (
                   SELECT run FROM piton.progress
                   WHERE run = (SELECT number FROM piton.run WHERE id = $1) AND fence = $2 AND owner IS NOT NULL
                   FOR UPDATE
                 ), gone AS (
                   DELETE FROM piton.away USING target WHERE away.run = target.run AND NOT away.host = ANY($3)
                 ), noted AS (
                   INSERT INTO piton.away (host, run) SELECT DISTINCT host, run FROM target, unnest($3::text[]) AS host
                   ON CONFLICT DO NOTHING
                 )
                 SELECT 1 FROM target",
                &[&lease.run.0, &stored(lease.fence), &hosts],
            )
            .await?;
        drop(held);
        match rows.is_empty() {
            true => match self.fenced(lease).await? {
                Some(fenced) => Err(fenced),
                None => Err(self.corrupt("a lease that is held was not found")),
            },
            false => Ok(()),
        }
    }

    pub(super) async fn list_runs_away(&self, host: &str) -> Result<Vec<RunId>, Problem> {
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                "SELECT run.id FROM piton.away JOIN piton.run ON run.number = away.run
                 JOIN piton.progress ON progress.run = away.run
                 WHERE away.host = $1 AND outcome IS NULL ORDER BY run.number",
                &[&host],
            )
            .await?;
        let id = |row: &tokio_postgres::Row| Ok(RunId(row.try_get(0)?));
        rows.iter().map(id).collect()
    }

    pub(super) async fn claimable_runs(&self, host: &str) -> Result<Claimable, Problem> {
        let now = self.read_clock().await?;
        let mut held = self.pool.take().await?;
        let due = format!(
            "SELECT run.id, owner, until, {NOW}, {} FROM piton.progress JOIN piton.run ON run.number = progress.run
             WHERE {THEIRS} AND progress.run IN (
               SELECT run FROM piton.progress WHERE next_due <= $1
               UNION SELECT run FROM piton.inbox WHERE decided IS NULL
               UNION SELECT run FROM piton.away WHERE host = $2)
             ORDER BY progress.run",
            holder_is_dead()
        );
        let next = format!(
            "SELECT next_due FROM piton.progress WHERE next_due > $1 AND {THEIRS} ORDER BY next_due LIMIT 1"
        );
        let rows = held.query(&next, &[&now.0]).await?;
        let next = rows.first().map(|row| row.try_get(0)).transpose()?;
        let mut found = Claimable {
            runs: Vec::new(),
            driven_by: Vec::new(),
            next: next.map(Timestamp),
            now,
        };
        for row in held.query(&due, &[&now.0, &host]).await? {
            match self.driven_by(&row, 1)? {
                None => found.runs.push(RunId(row.try_get(0)?)),
                Some(owner) => {
                    let until = Timestamp(row.try_get(2)?);
                    found.next = Some(found.next.map_or(until, |next| next.min(until)));
                    if !found.driven_by.contains(&owner) {
                        found.driven_by.push(owner);
                    }
                }
            }
        }
        Ok(found)
    }
}
