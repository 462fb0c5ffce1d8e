//! Keys of a `sql` block.

use super::key::{Block, Key, Takes};

/// SQL against a database.
pub static SQL: Block = Block {
    keyword: "sql",
    doc: "SQL against a database: one query whose rows are kept, or a script.",
    keys: &[&SQL_ON, &QUERY, &SCRIPT, &BIND],
};

/// The database.
pub static SQL_ON: Key = Key {
    name: "on",
    takes: Takes::Template,
    required: false,
    default: None,
    doc: "The database, `sqlite:PATH` or `postgresql://USER@HOST:PORT/NAME` (with `sslmode` and `sslrootcert` as psql takes them); else the `database` of the step, gate or runbook.",
    example: "on = \"sqlite:app.db\"",
    yaml: "on: sqlite:app.db",
};

/// One statement.
pub static QUERY: Key = Key {
    name: "query",
    takes: Takes::Code,
    required: false,
    default: None,
    doc: "One statement; its rows are `rows`, the first column of the first row is `value`.",
    example: "query = \"select count(*) from users where id > $1\"",
    yaml: "query: select count(*) from users where id > $1",
};

/// Many statements.
pub static SCRIPT: Key = Key {
    name: "script",
    takes: Takes::Code,
    required: false,
    default: None,
    doc: "Several statements, done as one transaction, unless they hold `begin` and `commit` or what no transaction may hold.",
    example: "script = \"delete from old; delete from older;\"",
    yaml: "script: delete from old; delete from older;",
};

/// Values for the placeholders.
pub static BIND: Key = Key {
    name: "bind",
    takes: Takes::List(&Takes::Template),
    required: false,
    default: None,
    doc: "The values of `$1`, `$2`, … in the query.",
    example: "bind = [\"${{ params.since }}\"]",
    yaml: "bind: [\"${{ params.since }}\"]",
};
