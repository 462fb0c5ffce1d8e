//! The tables, and how an older layout becomes this one.

use super::Transaction;
use rusqlite::Connection;

/// Marks the file as ours (`PRAGMA application_id`): "Pitn".
pub(super) const APPLICATION_ID: i64 = 0x5069_746e;

/// The layouts, oldest first; each is written as the change from the one before. The number of those that were
/// applied is kept in `PRAGMA user_version`. A layout that was released is never edited: another one is added.
const MIGRATIONS: [&str; 3] = [
    // What never changes about a run stands apart from what changes with each commit, so that a commit does not
    // write a long plan again.
    "
CREATE TABLE run (
  number  INTEGER PRIMARY KEY,        -- in order of creation
  id      TEXT NOT NULL UNIQUE,
  runbook TEXT NOT NULL,
  title   TEXT,
  starter TEXT NOT NULL,
  started INTEGER NOT NULL,           -- times are milliseconds since 1970, UTC
  plan    TEXT NOT NULL
) STRICT;

CREATE TABLE progress (
  run         INTEGER PRIMARY KEY REFERENCES run (number),
  head_seq    INTEGER NOT NULL,
  head_hash   BLOB NOT NULL,
  state       TEXT NOT NULL,
  outcome     TEXT,
  ended       INTEGER,
  waiting_for TEXT NOT NULL           -- node ids, one a line
) STRICT;

CREATE TABLE lease (
  run   INTEGER PRIMARY KEY REFERENCES run (number),
  fence INTEGER NOT NULL,
  owner TEXT,                         -- JSON; NULL when the lease is free
  since INTEGER NOT NULL,
  until INTEGER NOT NULL
) STRICT;

CREATE TABLE record (
  run  INTEGER NOT NULL REFERENCES run (number),
  seq  INTEGER NOT NULL,
  at   INTEGER NOT NULL,
  body TEXT NOT NULL,                 -- exactly what was hashed
  prev BLOB NOT NULL,
  hash BLOB NOT NULL,
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshot (
  run  INTEGER PRIMARY KEY REFERENCES run (number),
  seq  INTEGER NOT NULL,
  json TEXT NOT NULL
) STRICT;

CREATE TABLE inbox (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  run      INTEGER NOT NULL REFERENCES run (number),
  key      TEXT NOT NULL,
  event    TEXT NOT NULL,
  posted   INTEGER NOT NULL,
  decided  INTEGER,                   -- when; NULL while it waits for a verdict
  accepted INTEGER,
  message  TEXT,
  UNIQUE (run, key)
) STRICT;

CREATE INDEX inbox_waiting ON inbox (run, id) WHERE decided IS NULL;
",
    // Named locks. What was broken is kept for good.
    "
CREATE TABLE claim (
  name  TEXT NOT NULL,
  run   INTEGER NOT NULL REFERENCES run (number),
  node  TEXT NOT NULL,                -- the node's id; empty for the run as a whole
  asked INTEGER NOT NULL,
  taken INTEGER,                      -- NULL while it is waited for
  PRIMARY KEY (name, run, node)
) STRICT, WITHOUT ROWID;

CREATE INDEX claim_of_run ON claim (run);

CREATE TABLE broken_lock (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL,
  run        INTEGER NOT NULL REFERENCES run (number),
  node       TEXT NOT NULL,
  taken      INTEGER NOT NULL,
  broken     INTEGER NOT NULL,
  by_name    TEXT NOT NULL,
  by_account TEXT NOT NULL,
  reason     TEXT NOT NULL,
  let_go     INTEGER                  -- NULL while the holder works on without it
) STRICT;

CREATE INDEX broken_lock_of_run ON broken_lock (run) WHERE let_go IS NULL;
",
    // Servers and hosts. What is not known of older runs: every one is looked at once, and none is left to servers.
    "
ALTER TABLE progress ADD COLUMN next_due INTEGER; -- 0 for at once; NULL when only people can bring it on

UPDATE progress SET next_due = 0 WHERE outcome IS NULL;

CREATE INDEX progress_due ON progress (next_due) WHERE next_due IS NOT NULL;

-- 1: servers drive the run; 2: they take it over when its engine dies
ALTER TABLE lease ADD COLUMN served INTEGER NOT NULL DEFAULT 0;

CREATE TABLE engine (                 -- all that ever had a lease
  run   INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
  fence INTEGER NOT NULL,
  owner TEXT NOT NULL,
  since INTEGER NOT NULL,
  after INTEGER NOT NULL,             -- the last record before it
  let_go INTEGER,                     -- when it gave the lease back, if it did
  PRIMARY KEY (run, fence)
) STRICT, WITHOUT ROWID;

CREATE TABLE away (                   -- hosts on which attempts of a run may run, out of reach
  host TEXT NOT NULL,
  run  INTEGER NOT NULL REFERENCES run (number) ON DELETE CASCADE,
  PRIMARY KEY (host, run)
) STRICT, WITHOUT ROWID;

CREATE INDEX away_of_run ON away (run);

CREATE TABLE server (
  owner    TEXT PRIMARY KEY,
  name     TEXT NOT NULL,
  max_runs INTEGER,
  since    INTEGER NOT NULL,
  until    INTEGER NOT NULL
) STRICT;

CREATE TABLE host (
  name TEXT PRIMARY KEY,
  seen INTEGER NOT NULL
) STRICT;

CREATE TABLE host_word (              -- what was said of hosts; the last word on each holds
  id         INTEGER PRIMARY KEY,
  host       TEXT NOT NULL,
  dead       INTEGER NOT NULL,
  by_name    TEXT NOT NULL,
  by_account TEXT NOT NULL,
  reason     TEXT NOT NULL,
  at         INTEGER NOT NULL
) STRICT;
",
];

/// The newest layout this build knows.
pub(super) fn known() -> i64 {
    MIGRATIONS.len() as i64
}

/// What a file is, by its marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// Nothing was ever stored in it.
    Empty,
    /// A store of this layout.
    Ours(i64),
    /// Somebody else's database.
    Foreign,
}

pub(super) fn layout(connection: &Connection) -> rusqlite::Result<Layout> {
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let version = number("PRAGMA user_version")?;
    Ok(match number("PRAGMA application_id")? {
        APPLICATION_ID => Layout::Ours(version),
        0 if version == 0 && number("SELECT count(*) FROM sqlite_schema")? == 0 => Layout::Empty,
        _ => Layout::Foreign,
    })
}

/// Brings a store to the newest layout, in one transaction. Another process may be doing the same: whoever gets
/// the write lock second finds it done.
pub(super) fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    let transaction = Transaction::write(connection)?;
    let applied = match layout(connection)? {
        Layout::Empty => 0,
        Layout::Ours(version) => usize::try_from(version).unwrap_or(0),
        Layout::Foreign => return Ok(()),
    };
    for migration in MIGRATIONS.iter().skip(applied) {
        connection.execute_batch(migration)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    connection.pragma_update(None, "user_version", known().max(applied as i64))?;
    transaction.commit()
}
