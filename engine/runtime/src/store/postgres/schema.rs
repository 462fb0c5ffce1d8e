//! The tables, in a schema of their own, and how an older layout becomes this one.

use super::failure::{Place, Problem};
use super::pool::{Link, Work};
use crate::store::StoreError;
use tokio_postgres::error::SqlState;

/// Each layout's change from the one before, oldest first. The number of those that were applied is kept in
/// `piton.layout`. A layout that was released is never edited: another one is added.
const MIGRATIONS: [&str; 1] = [
    // A run's lease stands in the line that each commit changes anyhow, so that one statement checks the fence and the
    // head, and moves the head, without a lock on anything else.
    "
CREATE TABLE piton.run (
  number  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,   -- in order of creation
  id      text NOT NULL UNIQUE,
  runbook text NOT NULL,
  title   text,
  starter text NOT NULL,
  started bigint NOT NULL,            -- times are milliseconds since 1970, UTC
  plan    text NOT NULL
);

CREATE TABLE piton.progress (
  run         bigint PRIMARY KEY REFERENCES piton.run ON DELETE CASCADE,
  head_seq    bigint NOT NULL,
  head_hash   bytea NOT NULL,
  state       text NOT NULL,
  outcome     text,
  ended       bigint,
  waiting_for text NOT NULL,          -- node ids, one a line
  next_due    bigint,                 -- 0 for at once; NULL when only people can bring it on
  fence       bigint NOT NULL DEFAULT 0,
  owner       text,                   -- JSON; NULL when the lease is free
  nonce       text,                   -- who took the lease knows it: whether it was us is known after a lost answer
  since       bigint NOT NULL DEFAULT 0,
  until       bigint NOT NULL DEFAULT 0,
  served      smallint NOT NULL DEFAULT 0  -- 1: servers drive the run; 2: they take it over when its engine dies
) WITH (fillfactor = 50);             -- a new version of a line finds room beside the old one

CREATE INDEX progress_due ON piton.progress (next_due) WHERE next_due IS NOT NULL;

CREATE TABLE piton.engine (           -- all that ever had a lease
  run   bigint NOT NULL REFERENCES piton.run ON DELETE CASCADE,
  fence bigint NOT NULL,
  owner text NOT NULL,
  since bigint NOT NULL,
  after bigint NOT NULL,              -- the last record before it
  let_go bigint,                      -- when it gave the lease back, if it did
  PRIMARY KEY (run, fence)
);

CREATE TABLE piton.away (             -- hosts on which attempts of a run may run, out of reach
  host text NOT NULL,
  run  bigint NOT NULL REFERENCES piton.run ON DELETE CASCADE,
  PRIMARY KEY (host, run)
);

CREATE INDEX away_of_run ON piton.away (run);

CREATE TABLE piton.server (
  owner    text PRIMARY KEY,
  name     text NOT NULL,
  max_runs bigint,
  since    bigint NOT NULL,
  until    bigint NOT NULL
);

CREATE TABLE piton.host (
  name text PRIMARY KEY,
  seen bigint NOT NULL
);

CREATE TABLE piton.host_word (        -- what was said of hosts; the last word on each holds
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  host       text NOT NULL,
  dead       boolean NOT NULL,
  by_name    text NOT NULL,
  by_account text NOT NULL,
  reason     text NOT NULL,
  at         bigint NOT NULL
);

CREATE INDEX host_word_of_host ON piton.host_word (host, id);

CREATE TABLE piton.record (
  run  bigint NOT NULL REFERENCES piton.run ON DELETE CASCADE,
  seq  bigint NOT NULL,
  at   bigint NOT NULL,
  body text NOT NULL,                 -- exactly what was hashed
  prev bytea NOT NULL,
  hash bytea NOT NULL,
  PRIMARY KEY (run, seq)
);

CREATE TABLE piton.snapshot (
  run  bigint PRIMARY KEY REFERENCES piton.run ON DELETE CASCADE,
  seq  bigint NOT NULL,
  json text NOT NULL
);

CREATE TABLE piton.inbox (
  id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run      bigint NOT NULL REFERENCES piton.run ON DELETE CASCADE,
  key      text NOT NULL,
  event    text NOT NULL,
  posted   bigint NOT NULL,
  decided  bigint,                    -- when; NULL while it waits for a verdict
  accepted boolean,
  message  text,
  UNIQUE (run, key)
);

CREATE INDEX inbox_waiting ON piton.inbox (run, id) WHERE decided IS NULL;

CREATE TABLE piton.claim (
  name  text NOT NULL,
  run   bigint NOT NULL REFERENCES piton.run ON DELETE CASCADE,
  node  text NOT NULL,                -- the node's id; empty for the run as a whole
  asked bigint NOT NULL,
  taken bigint,                       -- NULL while it is waited for
  PRIMARY KEY (name, run, node)
);

CREATE INDEX claim_of_run ON piton.claim (run);

CREATE TABLE piton.broken_lock (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name       text NOT NULL,
  run        bigint NOT NULL REFERENCES piton.run ON DELETE CASCADE,
  node       text NOT NULL,
  taken      bigint NOT NULL,
  broken     bigint NOT NULL,
  by_name    text NOT NULL,
  by_account text NOT NULL,
  reason     text NOT NULL,
  let_go     bigint                   -- NULL while the holder works on without it
);

CREATE INDEX broken_lock_of_run ON piton.broken_lock (run) WHERE let_go IS NULL;

CREATE TABLE piton.log (
  run     bigint NOT NULL REFERENCES piton.run ON DELETE CASCADE,
  attempt text NOT NULL,
  start   bigint NOT NULL,            -- where in the attempt's log the bytes begin
  body    bytea NOT NULL,
  PRIMARY KEY (run, attempt, start)
);
",
];

/// The number of the advisory lock under which the tables are made: "piton", 1.
const LOCK: i64 = 0x7069_746f_6e01;

/// The newest layout this build knows.
pub(super) fn known() -> i64 {
    MIGRATIONS.len() as i64
}

/// Makes the schema if it is not there, and brings an older layout to the newest, in one transaction.
pub(super) async fn prepare(link: &mut Link, place: &Place) -> Result<(), Problem> {
    match layout(link).await? {
        Some(found) if found == known() => return Ok(()),
        Some(found) if found > known() => return Err(newer(place, found).into()),
        _ => {}
    }
    let mut work = link.begin().await?;
    // Somebody else may be doing the same: whoever comes second finds it done.
    work.query("SELECT pg_advisory_xact_lock($1)", &[&LOCK])
        .await?;
    let applied = make(&mut work, place).await?;
    if applied > known() {
        return Err(newer(place, applied).into());
    }
    let from = usize::try_from(applied).unwrap_or(0);
    for (migration, version) in MIGRATIONS.iter().zip(1i64..).skip(from) {
        work.batch(migration).await?;
        let insert = "INSERT INTO piton.layout (version) VALUES ($1)";
        work.query(insert, &[&version]).await?;
    }
    Ok(work.commit().await?)
}

/// Makes the schema and the table of layouts as far as they are missing; gives the layout that was there.
async fn make(work: &mut Work<'_>, place: &Place) -> Result<i64, Problem> {
    let rows = work
        .query(
            "SELECT to_regnamespace('piton') IS NOT NULL, to_regclass('piton.layout') IS NOT NULL,
               EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('piton')),
               current_setting('server_encoding')",
            &[],
        )
        .await?;
    let Some(row) = rows.first() else {
        return Err(place.corrupt("it does not say what is in it").into());
    };
    let (has_schema, has_layout): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
    let (has_tables, encoding): (bool, String) = (row.try_get(2)?, row.try_get(3)?);
    if encoding != "UTF8" {
        let reason = format!(
            "its encoding is {encoding}, which does not hold every text; make one with `CREATE DATABASE … ENCODING 'UTF8'`"
        );
        return Err(place.not_a_store(reason).into());
    }
    if !has_layout && has_tables {
        let reason = "its schema `piton` was not made by piton".to_owned();
        return Err(place.not_a_store(reason).into());
    }
    if !has_schema {
        work.batch("CREATE SCHEMA piton").await?;
    }
    if !has_layout {
        work.batch(
            "CREATE TABLE piton.layout (version bigint PRIMARY KEY, applied timestamptz NOT NULL DEFAULT now())",
        )
        .await?;
    }
    let rows = work
        .query("SELECT coalesce(max(version), 0) FROM piton.layout", &[])
        .await?;
    match rows.first() {
        Some(row) => Ok(row.try_get(0)?),
        None => Ok(0),
    }
}

/// The layout of the store; `None` when there is none yet.
pub(super) async fn layout(link: &Link) -> Result<Option<i64>, tokio_postgres::Error> {
    match link
        .query_once("SELECT max(version) FROM piton.layout")
        .await
    {
        Ok(rows) => match rows.first() {
            Some(row) => row.try_get(0),
            None => Ok(None),
        },
        Err(error)
            if matches!(
                error.code(),
                Some(&SqlState::UNDEFINED_TABLE | &SqlState::INVALID_SCHEMA_NAME)
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn newer(place: &Place, found: i64) -> StoreError {
    StoreError::Newer {
        place: place.to_string(),
        found,
        known: known(),
    }
}
