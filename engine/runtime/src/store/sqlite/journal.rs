//! Runs and their records: making, loading, and the commit, which is the hot path.

use super::{Problem, SqliteStore, Transaction, now};
use crate::store::names::is_run_id;
use crate::store::stored::{self, head_after, outcome_word, restored, stored, word_of};
use crate::store::{
    Commit, Created, InboxId, Lease, Loaded, NewRun, RunStatus, StoreError, StoredSnapshot, Verdict,
};
use piton_core::digest::Digest;
use piton_core::id::RunId;
use piton_core::record::Record;
use piton_core::run::Head;
use piton_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

impl SqliteStore {
    pub(super) fn create_run(
        &self,
        run: &NewRun,
        records: &[Record],
    ) -> Result<Created, StoreError> {
        if !is_run_id(&run.id.0) {
            return Err(StoreError::BadRunId {
                id: run.id.0.clone(),
            });
        }
        let head = head_after(&run.id, Head::EMPTY, records)?;
        self.with(Some(&run.id), "making a run", |connection| {
            let transaction = Transaction::write(connection)?;
            let made = connection
                .prepare_cached(
                    "INSERT INTO run (id, runbook, title, starter, started, plan) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT (id) DO NOTHING RETURNING number",
                )?
                .query_row(
                    params![
                        run.id.0,
                        run.runbook,
                        run.title,
                        run.starter,
                        run.started.0,
                        run.plan_json
                    ],
                    |row| row.get::<_, i64>(0),
                )
                .optional()?;
            let Some(number) = made else {
                return Ok(Created::Existing);
            };
            connection
                .prepare_cached("INSERT INTO lease (run, fence, since, until) VALUES (?1, 0, 0, 0)")?
                .execute([number])?;
            connection
                .prepare_cached(
                    "INSERT INTO progress (run, head_seq, head_hash, state, outcome, ended, waiting_for, next_due)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    number,
                    stored(head.seq),
                    head.hash.0,
                    word_of(run.status.state),
                    run.status.outcome.map(outcome_word),
                    run.status.ended.map(|at| at.0),
                    run.status.waiting_for.join("\n"),
                    run.status.next_due.map(|at| at.0),
                ])?;
            insert_records(connection, number, records)?;
            transaction.commit()?;
            Ok(Created::New)
        })
    }

    pub(super) fn commit_batch(
        &self,
        lease: &Lease,
        expected: Head,
        commit: Commit<'_>,
    ) -> Result<(), StoreError> {
        let run = &lease.run;
        let head = head_after(run, expected, commit.records)?;
        self.with(Some(run), "writing records", |connection| {
            let transaction = Transaction::write(connection)?;
            let number = self.number_of(connection, run)?;
            if !is_held(connection, number, lease.fence)? {
                return Err(self.fenced(connection, number, lease)?);
            }
            let status = commit.status;
            let moved = connection
                .prepare_cached(
                    "UPDATE progress SET head_seq = ?4, head_hash = ?5, state = ?6, outcome = ?7, ended = ?8,
                       waiting_for = ?9, next_due = ?10
                     WHERE run = ?1 AND head_seq = ?2 AND head_hash = ?3",
                )?
                .execute(params![
                    number,
                    stored(expected.seq),
                    expected.hash.0,
                    stored(head.seq),
                    head.hash.0,
                    word_of(status.state),
                    status.outcome.map(outcome_word),
                    status.ended.map(|at| at.0),
                    status.waiting_for.join("\n"),
                    status.next_due.map(|at| at.0),
                ])?;
            if moved != 1 {
                let (found, _) = self.read_progress(connection, number)?;
                return Err(StoreError::Conflict { run: run.clone(), expected, found }.into());
            }
            insert_records(connection, number, commit.records)?;
            if let Some(snapshot) = commit.snapshot {
                connection
                    .prepare_cached("REPLACE INTO snapshot (run, seq, json) VALUES (?1, ?2, ?3)")?
                    .execute(params![number, stored(snapshot.seq), snapshot.json])?;
            }
            decide(connection, run, number, commit.consumed)?;
            transaction.commit()?;
            Ok(())
        })
    }

    pub(super) fn load_run(&self, run: &RunId) -> Result<Loaded, StoreError> {
        self.with(Some(run), "reading a run", |connection| {
            let _one_state = Transaction::read(connection)?;
            let number = self.number_of(connection, run)?;
            let plan_json = connection
                .prepare_cached("SELECT plan FROM run WHERE number = ?1")?
                .query_row([number], |row| row.get(0))?;
            let (head, status) = self.read_progress(connection, number)?;
            let snapshot = connection
                .prepare_cached("SELECT seq, json FROM snapshot WHERE run = ?1")?
                .query_row([number], |row| {
                    Ok(StoredSnapshot {
                        seq: restored(row.get(0)?),
                        json: row.get(1)?,
                    })
                })
                .optional()?;
            let from = snapshot
                .as_ref()
                .map_or(1, |snapshot| snapshot.seq.saturating_add(1));
            let records = select_records(connection, number, from)?;
            Ok(Loaded {
                plan_json,
                snapshot,
                records,
                head,
                status,
            })
        })
    }

    pub(super) fn read_records(&self, run: &RunId, from: u64) -> Result<Vec<Record>, StoreError> {
        self.with(Some(run), "reading records", |connection| {
            let number = self.number_of(connection, run)?;
            Ok(select_records(connection, number, from)?)
        })
    }

    fn read_progress(
        &self,
        connection: &Connection,
        number: i64,
    ) -> Result<(Head, RunStatus), Problem> {
        connection
            .prepare_cached(
                "SELECT head_seq, head_hash, state, outcome, ended, waiting_for, next_due FROM progress WHERE run = ?1",
            )?
            .query_row([number], |row| Ok((head_of(row, 0)?, status_of(row, 2)?)))
            .optional()?
            .ok_or_else(|| self.corrupt(format!("run number {number} has no line in `progress`")))
    }
}

fn insert_records(
    connection: &Connection,
    number: i64,
    records: &[Record],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO record (run, seq, at, body, prev, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for record in records {
        insert.execute(params![
            number,
            stored(record.seq),
            record.at.0,
            record.body,
            record.prev.0,
            record.hash.0,
        ])?;
    }
    Ok(())
}

fn select_records(
    connection: &Connection,
    number: i64,
    from: u64,
) -> rusqlite::Result<Vec<Record>> {
    connection
        .prepare_cached(
            "SELECT seq, at, body, prev, hash FROM record WHERE run = ?1 AND seq >= ?2 ORDER BY seq",
        )?
        .query_map(params![number, stored(from)], |row| {
            Ok(Record {
                seq: restored(row.get(0)?),
                at: Timestamp(row.get(1)?),
                body: row.get(2)?,
                prev: Digest(row.get(3)?),
                hash: Digest(row.get(4)?),
            })
        })?
        .collect()
}

pub(super) fn is_held(connection: &Connection, number: i64, fence: u64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM lease WHERE run = ?1 AND fence = ?2 AND owner IS NOT NULL")?
        .exists(params![number, stored(fence)])
}

fn decide(
    connection: &Connection,
    run: &RunId,
    number: i64,
    consumed: &[(InboxId, Verdict)],
) -> Result<(), Problem> {
    if consumed.is_empty() {
        return Ok(());
    }
    let mut update = connection.prepare_cached(
        "UPDATE inbox SET decided = ?3, accepted = ?4, message = ?5
         WHERE id = ?1 AND run = ?2 AND decided IS NULL",
    )?;
    for (entry, verdict) in consumed {
        let decided = update.execute(params![
            entry.0,
            number,
            now().0,
            verdict.accepted,
            verdict.message
        ])?;
        if decided != 1 {
            return Err(StoreError::Decided {
                run: run.clone(),
                entry: *entry,
            }
            .into());
        }
    }
    Ok(())
}

pub(super) fn head_of(row: &Row<'_>, at: usize) -> rusqlite::Result<Head> {
    Ok(Head {
        seq: restored(row.get(at)?),
        hash: Digest(row.get(at + 1)?),
    })
}

pub(super) fn status_of(row: &Row<'_>, at: usize) -> rusqlite::Result<RunStatus> {
    let (state, waiting_for): (String, String) = (row.get(at)?, row.get(at + 3)?);
    let outcome: Option<String> = row.get(at + 1)?;
    stored::status_of(
        &state,
        outcome.as_deref(),
        row.get(at + 2)?,
        &waiting_for,
        row.get(at + 4)?,
    )
    .map_err(|word| rusqlite::Error::InvalidColumnType(at, word, rusqlite::types::Type::Text))
}
