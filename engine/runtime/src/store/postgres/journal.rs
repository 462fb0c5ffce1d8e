//! Runs and their records: making, loading, and the commit, which is the hot path.

use super::failure::Problem;
use super::{NOW, PostgresStore, clean};
use crate::store::names::is_run_id;
use crate::store::stored::{head_after, outcome_word, restored, status_of, stored, word_of};
use crate::store::{
    Commit, Created, InboxId, Lease, Loaded, NewRun, RunStatus, StoreError, StoredSnapshot, Verdict,
};
use piton_core::digest::Digest;
use piton_core::id::RunId;
use piton_core::record::Record;
use piton_core::run::Head;
use piton_core::time::Timestamp;
use tokio_postgres::Row;

/// The columns of a batch of records.
struct Columns<'r> {
    seqs: Vec<i64>,
    ats: Vec<i64>,
    bodies: Vec<&'r str>,
    prevs: Vec<&'r [u8]>,
    hashes: Vec<&'r [u8]>,
}

impl<'r> Columns<'r> {
    fn of(records: &'r [Record]) -> Columns<'r> {
        Columns {
            seqs: records.iter().map(|it| stored(it.seq)).collect(),
            ats: records.iter().map(|it| it.at.0).collect(),
            bodies: records.iter().map(|it| it.body.as_str()).collect(),
            prevs: records.iter().map(|it| &it.prev.0[..]).collect(),
            hashes: records.iter().map(|it| &it.hash.0[..]).collect(),
        }
    }
}

impl PostgresStore {
    pub(super) async fn create_run(
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
        let mut tries = self.tries("making a run", Some(&run.id));
        loop {
            let made = tries.once(self.insert_run(run, head, records)).await?;
            match made {
                Some(Created::New) => return Ok(Created::New),
                Some(Created::Existing) if tries.is_unsure => {
                    return self.is_what_we_made(run, records).await;
                }
                Some(Created::Existing) => return Ok(Created::Existing),
                None => {}
            }
        }
    }

    async fn insert_run(
        &self,
        run: &NewRun,
        head: Head,
        records: &[Record],
    ) -> Result<Created, Problem> {
        const INSERT: &str = "
            WITH made AS (
              INSERT INTO piton.run (id, runbook, title, starter, started, plan)
              VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING RETURNING number
            ), stands AS (
              INSERT INTO piton.progress (run, head_seq, head_hash, state, outcome, ended, waiting_for, next_due)
              SELECT number, $7, $8, $9, $10, $11, $12, $13 FROM made
            ), written AS (
              INSERT INTO piton.record (run, seq, at, body, prev, hash)
              SELECT made.number, it.* FROM made,
                unnest($14::bigint[], $15::bigint[], $16::text[], $17::bytea[], $18::bytea[]) AS it
            )
            SELECT pg_notify('piton', 'made ' || $1)::text FROM made";
        let columns = Columns::of(records);
        let status = &run.status;
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                INSERT,
                &[
                    &run.id.0,
                    &clean(&run.runbook),
                    &run.title.as_deref().map(clean),
                    &clean(&run.starter),
                    &run.started.0,
                    &clean(&run.plan_json),
                    &stored(head.seq),
                    &&head.hash.0[..],
                    &word_of(status.state),
                    &status.outcome.map(outcome_word),
                    &status.ended.map(|at| at.0),
                    &status.waiting_for.join("\n"),
                    &status.next_due.map(|at| at.0),
                    &columns.seqs,
                    &columns.ats,
                    &columns.bodies,
                    &columns.prevs,
                    &columns.hashes,
                ],
            )
            .await?;
        Ok(match rows.is_empty() {
            true => Created::Existing,
            false => Created::New,
        })
    }

    /// A run of this id is there after an answer was lost: whether it is the one that we made.
    async fn is_what_we_made(
        &self,
        run: &NewRun,
        records: &[Record],
    ) -> Result<Created, StoreError> {
        let mut tries = self.tries("making a run", Some(&run.id));
        let found = loop {
            if let Some(found) = tries.once(self.load_run(&run.id)).await? {
                break found;
            }
        };
        // Its first record has who, when and where in it, so that two of them are not the same by chance.
        let ours = !records.is_empty()
            && found.plan_json == run.plan_json
            && found.records.get(..records.len()) == Some(records);
        Ok(if ours {
            Created::New
        } else {
            Created::Existing
        })
    }

    pub(super) async fn commit_batch(
        &self,
        lease: &Lease,
        expected: Head,
        commit: Commit<'_>,
    ) -> Result<(), StoreError> {
        let head = head_after(&lease.run, expected, commit.records)?;
        let mut tries = self.tries("writing records", Some(&lease.run));
        loop {
            match tries
                .once(self.try_commit(lease, expected, head, commit))
                .await
            {
                Ok(Some(())) => return Ok(()),
                Ok(None) => {}
                // An attempt whose answer was lost has been done after all.
                Err(StoreError::Conflict { found, .. })
                    if tries.is_unsure && found == head && !commit.records.is_empty() =>
                {
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The fence, the head and the entries are compared and the head is swapped by one statement. Of two commits at
    /// once the second waits for the line that the first changes, and then finds another head.
    async fn try_commit(
        &self,
        lease: &Lease,
        expected: Head,
        head: Head,
        commit: Commit<'_>,
    ) -> Result<(), Problem> {
        let Commit {
            records,
            snapshot,
            consumed,
            status,
        } = commit;
        let sql = commit_statement(snapshot.is_some(), !consumed.is_empty());
        let columns = Columns::of(records);
        let entries: Vec<i64> = consumed.iter().map(|(entry, _)| entry.0).collect();
        let accepted: Vec<bool> = consumed.iter().map(|(_, it)| it.accepted).collect();
        let messages: Vec<_> = consumed.iter().map(|(_, it)| clean(&it.message)).collect();
        let waiting_for = status.waiting_for.join("\n");
        let (fence, from, to) = (stored(lease.fence), stored(expected.seq), stored(head.seq));
        let (before, after) = (&expected.hash.0[..], &head.hash.0[..]);
        let (state, outcome) = (word_of(status.state), status.outcome.map(outcome_word));
        let ended = status.ended.map(|at| at.0);
        let next_due = status.next_due.map(|at| at.0);
        let snapshot_seq = snapshot.map(|it| stored(it.seq)).unwrap_or_default();
        let snapshot_json = snapshot.map(|it| clean(&it.json)).unwrap_or_default();
        let mut parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![
            &lease.run.0,
            &fence,
            &from,
            &before,
            &to,
            &after,
            &state,
            &outcome,
            &ended,
            &waiting_for,
            &next_due,
            &columns.seqs,
            &columns.ats,
            &columns.bodies,
            &columns.prevs,
            &columns.hashes,
        ];
        if snapshot.is_some() {
            parameters.extend([
                &snapshot_seq as &(dyn tokio_postgres::types::ToSql + Sync),
                &snapshot_json,
            ]);
        }
        if !consumed.is_empty() {
            parameters.extend([
                &entries as &(dyn tokio_postgres::types::ToSql + Sync),
                &accepted,
                &messages,
            ]);
        }
        let mut held = self.pool.take().await?;
        let moved = held.query(sql, &parameters).await?;
        drop(held);
        match moved.is_empty() {
            true => Err(self.refusal(lease, expected, consumed).await?),
            false => Ok(()),
        }
    }

    /// Why a commit was not taken.
    async fn refusal(
        &self,
        lease: &Lease,
        expected: Head,
        consumed: &[(InboxId, Verdict)],
    ) -> Result<Problem, Problem> {
        let run = &lease.run;
        if let Some(fenced) = self.fenced(lease).await? {
            return Ok(fenced);
        }
        let (found, _) = self.read_progress(run).await?;
        if found != expected {
            return Ok(Problem::from(StoreError::Conflict {
                run: run.clone(),
                expected,
                found,
            }));
        }
        let entries: Vec<i64> = consumed.iter().map(|(entry, _)| entry.0).collect();
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                "SELECT inbox.id FROM piton.inbox JOIN piton.run ON run.number = inbox.run
                 WHERE run.id = $1 AND inbox.id = ANY ($2) AND decided IS NULL",
                &[&run.0, &entries],
            )
            .await?;
        let waiting: Vec<i64> = rows
            .iter()
            .map(|row| row.try_get(0))
            .collect::<Result<_, _>>()?;
        let decided = consumed
            .iter()
            .find(|(entry, _)| !waiting.contains(&entry.0));
        Ok(match decided {
            Some((entry, _)) => Problem::from(StoreError::Decided {
                run: run.clone(),
                entry: *entry,
            }),
            // What stood in its way is gone by now: the driver loads the run again, and sees.
            None => Problem::from(StoreError::Conflict {
                run: run.clone(),
                expected,
                found,
            }),
        })
    }

    pub(super) async fn load_run(&self, run: &RunId) -> Result<Loaded, Problem> {
        // One statement sees one state of the store; the records come with it as columns of arrays.
        const LOAD: &str = "
            SELECT run.plan, progress.head_seq, progress.head_hash, progress.state, progress.outcome, progress.ended,
              progress.waiting_for, progress.next_due, snapshot.seq, snapshot.json, tail.seqs, tail.ats, tail.bodies, tail.prevs, tail.hashes
            FROM piton.run JOIN piton.progress ON progress.run = run.number
              LEFT JOIN piton.snapshot ON snapshot.run = run.number,
              LATERAL (
                SELECT array_agg(seq ORDER BY seq) AS seqs, array_agg(at ORDER BY seq) AS ats,
                  array_agg(body ORDER BY seq) AS bodies, array_agg(prev ORDER BY seq) AS prevs,
                  array_agg(hash ORDER BY seq) AS hashes
                FROM piton.record WHERE record.run = run.number AND record.seq > coalesce(snapshot.seq, 0)
              ) AS tail
            WHERE run.id = $1";
        let mut held = self.pool.take().await?;
        let rows = held.query(LOAD, &[&run.0]).await?;
        let row = rows.first().ok_or_else(|| self.no_such_run(run))?;
        let snapshot = match row.try_get::<_, Option<i64>>(8)? {
            Some(seq) => Some(StoredSnapshot {
                seq: restored(seq),
                json: row.try_get(9)?,
            }),
            None => None,
        };
        Ok(Loaded {
            plan_json: row.try_get(0)?,
            snapshot,
            records: self.records_of(row, 10)?,
            head: self.head_of(row, 1)?,
            status: self.status_of(row, 3)?,
        })
    }

    /// The records of a row that has them as arrays: numbers, times, bodies, and the hashes before and of each.
    fn records_of(&self, row: &Row, at: usize) -> Result<Vec<Record>, Problem> {
        let seqs: Vec<i64> = row.try_get::<_, Option<_>>(at)?.unwrap_or_default();
        let ats: Vec<i64> = row.try_get::<_, Option<_>>(at + 1)?.unwrap_or_default();
        let bodies: Vec<String> = row.try_get::<_, Option<_>>(at + 2)?.unwrap_or_default();
        let prevs: Vec<&[u8]> = row.try_get::<_, Option<_>>(at + 3)?.unwrap_or_default();
        let hashes: Vec<&[u8]> = row.try_get::<_, Option<_>>(at + 4)?.unwrap_or_default();
        seqs.into_iter()
            .zip(ats)
            .zip(bodies)
            .zip(prevs.into_iter().zip(hashes))
            .map(|(((seq, at), body), (prev, hash))| {
                Ok(Record {
                    seq: restored(seq),
                    at: Timestamp(at),
                    body,
                    prev: self.digest_of(prev)?,
                    hash: self.digest_of(hash)?,
                })
            })
            .collect()
    }

    pub(super) async fn read_records(
        &self,
        run: &RunId,
        from: u64,
    ) -> Result<Vec<Record>, Problem> {
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                "SELECT record.seq, at, body, prev, hash
                 FROM piton.run LEFT JOIN piton.record ON record.run = run.number AND record.seq >= $2
                 WHERE run.id = $1 ORDER BY record.seq",
                &[&run.0, &stored(from)],
            )
            .await?;
        if rows.is_empty() {
            return Err(self.no_such_run(run));
        }
        let mut records = Vec::with_capacity(rows.len());
        for row in &rows {
            // A run without such records is one line without one.
            let Some(seq) = row.try_get::<_, Option<i64>>(0)? else {
                continue;
            };
            records.push(Record {
                seq: restored(seq),
                at: Timestamp(row.try_get(1)?),
                body: row.try_get(2)?,
                prev: self.digest_of(row.try_get(3)?)?,
                hash: self.digest_of(row.try_get(4)?)?,
            });
        }
        Ok(records)
    }

    async fn read_progress(&self, run: &RunId) -> Result<(Head, RunStatus), Problem> {
        let mut held = self.pool.take().await?;
        let rows = held
            .query(
                "SELECT head_seq, head_hash, state, outcome, ended, waiting_for, next_due
                 FROM piton.progress JOIN piton.run ON run.number = progress.run WHERE run.id = $1",
                &[&run.0],
            )
            .await?;
        let row = rows.first().ok_or_else(|| self.no_such_run(run))?;
        Ok((self.head_of(row, 0)?, self.status_of(row, 2)?))
    }

    pub(super) async fn read_clock(&self) -> Result<Timestamp, Problem> {
        let mut held = self.pool.take().await?;
        let rows = held.query(&format!("SELECT {NOW}"), &[]).await?;
        match rows.first() {
            Some(row) => Ok(Timestamp(row.try_get(0)?)),
            None => Err(self.corrupt("it does not say what time it is")),
        }
    }

    pub(super) fn head_of(&self, row: &Row, at: usize) -> Result<Head, Problem> {
        Ok(Head {
            seq: restored(row.try_get(at)?),
            hash: self.digest_of(row.try_get(at + 1)?)?,
        })
    }

    pub(super) fn status_of(&self, row: &Row, at: usize) -> Result<RunStatus, Problem> {
        let outcome: Option<&str> = row.try_get(at + 1)?;
        status_of(
            row.try_get(at)?,
            outcome,
            row.try_get(at + 2)?,
            row.try_get(at + 3)?,
            row.try_get(at + 4)?,
        )
        .map_err(|word| self.corrupt(format!("`{word}` is no state of a run")))
    }

    fn digest_of(&self, bytes: &[u8]) -> Result<Digest, Problem> {
        let bytes = bytes
            .try_into()
            .map_err(|_| self.corrupt(format!("a hash has {} bytes instead of 32", bytes.len())))?;
        Ok(Digest(bytes))
    }
}

/// The statement of a commit; those without a snapshot or verdicts, which are most, leave these parts out. It tells
/// those who listen when the run stands somewhere else than before, or there are verdicts: telling costs a lock that
/// all who tell share, which a step of a chain need not wait for.
fn commit_statement(has_snapshot: bool, has_verdicts: bool) -> &'static str {
    macro_rules! statement {
        ($entries:expr, $counted:expr, $more:expr, $told:expr) => {
            concat!(
                "WITH ",
                $entries,
                "before AS (
                   SELECT run.number, progress.state, progress.waiting_for
                   FROM piton.run JOIN piton.progress ON progress.run = run.number WHERE run.id = $1
                 ), moved AS (
                   UPDATE piton.progress SET head_seq = $5, head_hash = $6, state = $7, outcome = $8, ended = $9,
                     waiting_for = $10, next_due = $11
                   FROM before
                   WHERE progress.run = before.number AND progress.fence = $2 AND progress.owner IS NOT NULL
                     AND progress.head_seq = $3 AND progress.head_hash = $4",
                $counted,
                "  RETURNING progress.run, before.state <> $7 OR before.waiting_for <> $10 AS has_changed
                 ), written AS (
                   INSERT INTO piton.record (run, seq, at, body, prev, hash)
                   SELECT moved.run, it.* FROM moved,
                     unnest($12::bigint[], $13::bigint[], $14::text[], $15::bytea[], $16::bytea[]) AS it
                 )",
                $more,
                " SELECT CASE WHEN ",
                $told,
                " THEN pg_notify('piton', 'changed ' || $1)::text END FROM moved"
            )
        };
    }
    macro_rules! snapshot {
        () => {
            ", kept AS (
               INSERT INTO piton.snapshot (run, seq, json) SELECT moved.run, $17, $18 FROM moved
               ON CONFLICT (run) DO UPDATE SET seq = excluded.seq, json = excluded.json
             )"
        };
    }
    // The entries are locked before they are counted, so that what is counted stays true.
    macro_rules! entries {
        ($first:literal) => {
            concat!(
                "entry AS MATERIALIZED (
                   SELECT inbox.id FROM piton.inbox
                   WHERE inbox.run = (SELECT number FROM piton.run WHERE id = $1)
                     AND inbox.id = ANY ($",
                $first,
                "::bigint[]) AND inbox.decided IS NULL FOR UPDATE
                 ), "
            )
        };
    }
    macro_rules! counted {
        ($first:literal) => {
            concat!(
                " AND (SELECT count(*) FROM entry) = cardinality($",
                $first,
                "::bigint[])"
            )
        };
    }
    macro_rules! decided {
        ($first:literal, $second:literal, $third:literal) => {
            concat!(
                ", decided AS (
                   UPDATE piton.inbox SET decided = (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
                     accepted = verdict.accepted, message = verdict.message
                   FROM moved, unnest($", $first, "::bigint[], $", $second, "::boolean[], $", $third, "::text[])
                     AS verdict (id, accepted, message)
                   WHERE inbox.id = verdict.id AND inbox.run = moved.run
                 )"
            )
        };
    }
    match (has_snapshot, has_verdicts) {
        (false, false) => statement!("", "", "", "moved.has_changed"),
        (true, false) => statement!("", "", snapshot!(), "moved.has_changed"),
        (false, true) => statement!(
            entries!("17"),
            counted!("17"),
            decided!("17", "18", "19"),
            "true"
        ),
        (true, true) => statement!(
            entries!("19"),
            counted!("19"),
            concat!(snapshot!(), decided!("19", "20", "21")),
            "true"
        ),
    }
}
