//! Finding runs: listings, and the run that somebody means.

use super::journal::{head_of, status_of};
use super::{Problem, SqliteStore, now};
use crate::store::stored::{STATES, state_of, word_of};
use crate::store::{RunFilter, RunSummary, StoreError};
use piton_core::id::RunId;
use piton_core::run::RunState;
use piton_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// How many runs a message names.
const NAMED: usize = 8;

const SUMMARY: &str = "SELECT run.id, run.runbook, run.title, run.starter, run.started,
       progress.head_seq, progress.head_hash,
       progress.state, progress.outcome, progress.ended, progress.waiting_for, progress.next_due,
       lease.owner, lease.until
     FROM run JOIN progress ON progress.run = run.number JOIN lease ON lease.run = run.number";

impl SqliteStore {
    pub(super) fn list_runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        // The states are words of ours, so a list of them in one text tells them apart.
        let wanted = if filter.states.is_empty() {
            &STATES[..]
        } else {
            &filter.states
        };
        let states: String = wanted
            .iter()
            .map(|state| format!(",{},", word_of(*state)))
            .collect();
        let limit = filter.limit.map_or(-1, i64::from);
        self.with(None, "listing runs", |connection| {
            let sql = format!(
                "{SUMMARY} WHERE instr(?1, ',' || progress.state || ',') > 0
                 AND (?2 IS NULL OR run.runbook = ?2) ORDER BY run.number DESC LIMIT ?3"
            );
            let now = now();
            let mut select = connection.prepare_cached(&sql)?;
            let mut rows = select.query(params![states, filter.runbook, limit])?;
            let mut runs = Vec::new();
            while let Some(row) = rows.next()? {
                runs.push(self.summary_of(connection, row, now)?);
            }
            Ok(runs)
        })
    }

    /// How many runs are in each state. What a newer Piton calls by another word is left out.
    pub(super) fn count_runs(&self) -> Result<Vec<(RunState, u64)>, StoreError> {
        self.with(None, "counting runs", |connection| {
            let sql = "SELECT state, COUNT(*) FROM progress GROUP BY state ORDER BY state";
            let mut select = connection.prepare_cached(sql)?;
            let rows = select.query_map([], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
            })?;
            let mut census = Vec::new();
            for row in rows {
                let (word, count) = row?;
                let count = u64::try_from(count).unwrap_or_default();
                census.extend(state_of(&word).map(|state| (state, count)));
            }
            Ok(census)
        })
    }

    pub(super) fn read_summary(&self, run: &RunId) -> Result<RunSummary, StoreError> {
        self.with(Some(run), "reading a run", |connection| {
            let mut select = connection.prepare_cached(&format!("{SUMMARY} WHERE run.id = ?1"))?;
            let mut rows = select.query([&run.0])?;
            match rows.next()? {
                Some(row) => self.summary_of(connection, row, now()),
                None => Err(self.no_such_run(run)),
            }
        })
    }

    fn summary_of(
        &self,
        connection: &Connection,
        row: &Row<'_>,
        now: Timestamp,
    ) -> Result<RunSummary, Problem> {
        let owner: Option<String> = row.get(12)?;
        Ok(RunSummary {
            id: RunId(row.get(0)?),
            runbook: row.get(1)?,
            title: row.get(2)?,
            starter: row.get(3)?,
            started: Timestamp(row.get(4)?),
            head: head_of(row, 5)?,
            status: status_of(row, 7)?,
            driven_by: self.driven_by(
                connection,
                owner.as_deref(),
                Timestamp(row.get(13)?),
                now,
            )?,
        })
    }

    pub(super) fn resolve_run(&self, text: &str) -> Result<RunId, StoreError> {
        self.with(None, "looking for a run", |connection| {
            let exact = connection
                .prepare_cached("SELECT id FROM run WHERE id = ?1")?
                .query_row([text], |row| row.get(0))
                .optional()?;
            if let Some(id) = exact {
                return Ok(RunId(id));
            }
            if text == "last" {
                let newest = ids(connection, "1 = 1 OR ?1 IS NULL", text)?;
                return newest
                    .into_iter()
                    .next()
                    .ok_or_else(|| self.not_found(text, Vec::new()));
            }
            // What somebody typed from the beginning says more than what happens to be inside of another id.
            for condition in ["substr(id, 1, length(?1)) = ?1", "instr(id, ?1) > 0"] {
                if text.is_empty() {
                    break;
                }
                let mut found = ids(connection, condition, text)?;
                match (found.pop(), found.is_empty()) {
                    (Some(only), true) => return Ok(only),
                    (Some(another), false) => {
                        found.push(another);
                        found.truncate(NAMED);
                        let text = text.to_owned();
                        return Err(StoreError::Ambiguous {
                            text,
                            candidates: found,
                        }
                        .into());
                    }
                    (None, _) => {}
                }
            }
            let mut newest = ids(connection, "1 = 1 OR ?1 IS NULL", text)?;
            newest.truncate(NAMED);
            Err(self.not_found(text, newest))
        })
    }

    fn not_found(&self, text: &str, newest: Vec<RunId>) -> Problem {
        let (place, text) = (self.place.to_string(), text.to_owned());
        Problem::from(StoreError::NotFound {
            place,
            text,
            newest,
        })
    }
}

/// The newest ids that meet a condition on `?1`; one more than a message names, to tell whether there are more.
fn ids(connection: &Connection, condition: &str, text: &str) -> rusqlite::Result<Vec<RunId>> {
    let limit = NAMED + 1;
    connection
        .prepare_cached(&format!(
            "SELECT id FROM run WHERE {condition} ORDER BY number DESC LIMIT {limit}"
        ))?
        .query_map([text], |row| row.get(0).map(RunId))?
        .collect()
}
