//! Finding runs: listings, and the run that somebody means.

use super::failure::Problem;
use super::hosts::holder_is_dead;
use super::pool::Held;
use super::{NOW, PostgresStore};
use crate::store::stored::{STATES, state_of, word_of};
use crate::store::{RunFilter, RunSummary, StoreError};
use piton_core::id::RunId;
use piton_core::run::RunState;
use piton_core::time::Timestamp;
use tokio_postgres::Row;

/// How many runs a message names.
const NAMED: usize = 8;

/// A run's line, with the columns of [`PostgresStore::summary_of`].
fn summary() -> String {
    format!(
        "SELECT run.id, run.runbook, run.title, run.starter, run.started, head_seq, head_hash,
           state, outcome, ended, waiting_for, next_due, owner, until, {NOW}, {}
         FROM piton.run JOIN piton.progress ON progress.run = run.number",
        holder_is_dead()
    )
}

impl PostgresStore {
    pub(super) async fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, Problem> {
        let wanted = if filter.states.is_empty() {
            &STATES[..]
        } else {
            &filter.states
        };
        let states: Vec<&str> = wanted.iter().map(|state| word_of(*state)).collect();
        let limit = filter.limit.map(i64::from);
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                &format!(
                    "{} WHERE state = ANY ($1) AND ($2::text IS NULL OR run.runbook = $2)
                     ORDER BY run.number DESC LIMIT $3",
                    summary()
                ),
                &[&states, &filter.runbook, &limit],
            )
            .await?;
        rows.iter().map(|row| self.summary_of(row)).collect()
    }

    /// How many runs are in each state. What a newer Piton calls by another word is left out.
    pub(super) async fn count_runs(&self) -> Result<Vec<(RunState, u64)>, Problem> {
        let sql = "SELECT state, COUNT(*) FROM piton.progress GROUP BY state ORDER BY state";
        let mut held = self.pool.take().await?;
        let mut census = Vec::new();
        for row in held.query(sql, &[]).await? {
            let (word, count): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            let count = u64::try_from(count).unwrap_or_default();
            census.extend(state_of(&word).map(|state| (state, count)));
        }
        Ok(census)
    }

    pub(super) async fn read_summary(&self, run: &RunId) -> Result<RunSummary, Problem> {
        let sql = format!("{} WHERE run.id = $1", summary());
        let mut held = self.pool.take().await?;
        let rows = held.query(&sql, &[&run.0]).await?;
        match rows.first() {
            Some(row) => self.summary_of(row),
            None => Err(self.no_such_run(run)),
        }
    }

    fn summary_of(&self, row: &Row) -> Result<RunSummary, Problem> {
        Ok(RunSummary {
            id: RunId(row.try_get(0)?),
            runbook: row.try_get(1)?,
            title: row.try_get(2)?,
            starter: row.try_get(3)?,
            started: Timestamp(row.try_get(4)?),
            head: self.head_of(row, 5)?,
            status: self.status_of(row, 7)?,
            driven_by: self.driven_by(row, 12)?,
        })
    }

    pub(super) async fn resolve_run(&self, text: &str) -> Result<RunId, Problem> {
        let mut held = self.pool.take().await?;
        if let Some(exact) = ids(&mut held, "id = $1", text).await?.into_iter().next() {
            return Ok(exact);
        }
        if text == "last" {
            let newest = ids(&mut held, "$1 <> ''", text).await?;
            return match newest.into_iter().next() {
                Some(newest) => Ok(newest),
                None => Err(self.not_found(text, Vec::new())),
            };
        }
        // What somebody typed from the beginning says more than what happens to be inside of another id.
        for condition in ["starts_with(id, $1)", "strpos(id, $1) > 0"] {
            if text.is_empty() {
                break;
            }
            let mut found = ids(&mut held, condition, text).await?;
            match (found.pop(), found.is_empty()) {
                (Some(only), true) => return Ok(only),
                (Some(another), false) => {
                    found.push(another);
                    found.truncate(NAMED);
                    return Err(Problem::from(StoreError::Ambiguous {
                        text: text.to_owned(),
                        candidates: found,
                    }));
                }
                (None, _) => {}
            }
        }
        let mut newest = ids(&mut held, "$1 = $1", text).await?;
        newest.truncate(NAMED);
        Err(self.not_found(text, newest))
    }

    fn not_found(&self, text: &str, newest: Vec<RunId>) -> Problem {
        Problem::from(StoreError::NotFound {
            place: self.place.to_string(),
            text: text.to_owned(),
            newest,
        })
    }
}

/// The newest ids that meet a condition on `$1`; one more than a message names, to tell whether there are more.
async fn ids(held: &mut Held<'_>, condition: &str, text: &str) -> Result<Vec<RunId>, Problem> {
    let limit = NAMED + 1;
    // No id has a zero byte, and Postgres takes none.
    let text = text.replace('\0', "\u{fffd}");
    let sql = format!(
        "SELECT id FROM piton.run WHERE {} ORDER BY number DESC LIMIT {limit}",
        condition.replace("$1", "$1::text")
    );
    let rows = held.query(&sql, &[&text]).await?;
    rows.iter().map(|row| Ok(RunId(row.try_get(0)?))).collect()
}
