//! Deleting a run that is over, and how the whole store is copied.

use super::PostgresStore;
use super::failure::Problem;
use crate::store::names::{is_taken_back_by, taken_back};
use crate::store::{RunSummary, StillNeeded, StoreError};
use piton_core::id::RunId;
use std::path::Path;

impl PostgresStore {
    pub(super) async fn delete_run(&self, run: &RunId) -> Result<(), Problem> {
        let summary = self.read_summary(run).await?;
        if let Some(why) = self.still_needed(&summary).await? {
            let run = run.clone();
            return Err(Problem::from(StoreError::StillNeeded { run, why }));
        }
        let mut held = self.pool.take().await?;
        // What is over stays so, and all that is said of a run goes with its line.
        held.query(
            "DELETE FROM piton.run USING piton.progress
             WHERE progress.run = run.number AND run.id = $1 AND progress.outcome IS NOT NULL",
            &[&run.0],
        )
        .await?;
        Ok(())
    }

    /// Why a run stays; `None` if nothing needs it any more.
    async fn still_needed(&self, summary: &RunSummary) -> Result<Option<StillNeeded>, Problem> {
        if summary.status.outcome.is_none() {
            return Ok(Some(StillNeeded::Open));
        }
        if let Some(by) = &summary.driven_by {
            let by = Box::new(by.clone());
            return Ok(Some(StillNeeded::Driven { by }));
        }
        let mut held = self.pool.take().await?;
        if let Some(base) = taken_back(&summary.id) {
            let rows = held
                .query("SELECT 1 FROM piton.run WHERE id = $1", &[&base.0])
                .await?;
            if !rows.is_empty() {
                return Ok(Some(StillNeeded::TookBack { run: base }));
            }
        }
        let rows = held
            .query(
                "SELECT run.id FROM piton.run JOIN piton.progress ON progress.run = run.number
                 WHERE starts_with(run.id, $1::text) AND progress.outcome IS NULL",
                &[&summary.id.0],
            )
            .await?;
        for row in &rows {
            let by = RunId(row.try_get(0)?);
            if is_taken_back_by(&summary.id, &by) {
                return Ok(Some(StillNeeded::TakenBack { by }));
            }
        }
        Ok(None)
    }

    /// The command that copies the store to a file; without a password, which `pg_dump` finds for itself.
    #[must_use]
    pub fn dump_command(&self, to: &Path) -> String {
        format!(
            "pg_dump --schema=piton --format=custom --file='{}' '{}'",
            to.display(),
            self.place
        )
    }
}
