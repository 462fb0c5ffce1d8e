//! `sql`: inside the engine, on SQLite or Postgres.
//!
//! - `sqlite:PATH` or `postgresql://…` names the database; PATH is relative to the node's directory.
//! - A *query* is one statement. Its rows are kept, up to [`ROW_LIMIT`]. A SQLite database has to exist.
//! - A *script* is many statements in one transaction: they all count, or none does. A script that begins and ends
//!   transactions itself, or has statements that no transaction may hold (`vacuum`, `create database`), is run as it
//!   is, up to its first error. A SQLite database is created if it is not there, and leading `pragma` and `attach`
//!   statements run before the transaction begins.
//! - `$1`, `$2` … stand for the values of `bind`. SQLite keeps their types; booleans are 1 and 0, lengths of time and
//!   instants are text, lists and maps are JSON. Postgres gives them the type of their place.
//! - SQL of what only looks (gates, checks, `effect = none`) cannot write.

mod postgres;
mod sqlite;

use crate::action::stop::StopSignal;
use crate::postgres::Address;
use crate::secrets::{SecretError, Secrets};
use piton_core::id::{AttemptId, RunId};
use piton_core::record::Bound;
use piton_core::run::Outcome;
use piton_core::text::{Piece, Text};
use piton_core::time::Millis;
use piton_core::value::Value;
use std::path::{Path, PathBuf};

/// How many rows of a query are kept. A query that gives more fails: it should count or limit them itself.
pub const ROW_LIMIT: usize = 10_000;

/// How much text the rows of a query may have together, in bytes.
pub const ROW_BYTES_LIMIT: usize = 16 * 1024 * 1024;

/// What is said of SQL that may not write and wanted to.
const ONLY_LOOKS: &str = "; nothing is written by gates, checks, steps with `effect = none`, and what looks for a \
     step (`capture`, `probe`, `target`, `from`): do it in a step that says what takes it back";

/// A database that SQL can be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres(Box<Address>),
}

impl Database {
    /// The database that `on` names, for a node that works in `dir`.
    ///
    /// # Errors
    /// What is wrong with the name, which is not repeated: secrets may be in it.
    pub fn parse(on: &str, dir: &Path) -> Result<Database, String> {
        const FORMS: &str = "write it as sqlite:PATH or postgresql://USER@HOST:PORT/DATABASE";
        match on.split_once(':') {
            Some(("sqlite", "")) => {
                Err("the database has no path; write it as sqlite:PATH".to_owned())
            }
            Some(("sqlite", path)) => Ok(Database::Sqlite(dir.join(path))),
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                Address::parse(on).map(|address| Database::Postgres(Box::new(address)))
            }
            Some((scheme, _))
                if scheme.len() <= 20 && scheme.bytes().all(|b| b.is_ascii_alphanumeric()) =>
            {
                Err(format!(
                    "`{scheme}:` databases are not known to this piton; {FORMS}"
                ))
            }
            _ => Err(format!("the database is not named in a known way; {FORMS}")),
        }
    }
}

/// SQL to be executed.
#[derive(Debug)]
pub struct Request {
    /// Where.
    pub database: Database,
    /// What.
    pub text: String,
    /// Many statements in one transaction, or one whose rows are kept.
    pub script: bool,
    /// Whether it may only look.
    pub read_only: bool,
    /// What stands for `$1`, `$2`, …; secrets resolved.
    pub bind: Vec<Value>,
    /// What the database's own lists of sessions call it.
    pub name: String,
    /// How long its node may take, for messages.
    pub limit: Option<Millis>,
    /// How long it may take from now.
    pub left: Option<Millis>,
}

/// Executes the SQL. Ends it when its time is up or when it is told to stop.
pub async fn execute(request: Request, stop: StopSignal) -> Outcome {
    match request.database.clone() {
        Database::Sqlite(path) => sqlite::execute(path, request, stop).await,
        Database::Postgres(address) => postgres::execute(&address, &request, stop).await,
    }
}

/// What is bound for this value.
///
/// # Errors
/// When a secret in it was not resolved before.
pub fn bind_value(bound: &Bound, secrets: &Secrets) -> Result<Value, SecretError> {
    Ok(match bound {
        Bound::Text(text) => Value::String(secrets.reveal(text)?),
        Bound::Value(Value::Secret(name)) => {
            let pieces = vec![Piece::Secret(name.clone())];
            Value::String(secrets.reveal(&Text { pieces })?)
        }
        Bound::Value(value) => value.clone(),
    })
}

/// What a database's own list of sessions calls the one of an attempt: `piton RUN NODE ATTEMPT`, with as much of the
/// node's name as there is room for.
#[must_use]
pub fn session_name(run: &RunId, node: &str, attempt: AttemptId) -> String {
    /// The longest name that Postgres takes, in bytes.
    const LONGEST: usize = 63;
    let (begin, end) = (format!("piton {run} "), format!(" {attempt}"));
    let room = LONGEST.saturating_sub(begin.len() + end.len());
    let mut name = begin + cut(node, room) + &end;
    name.truncate(cut(&name, LONGEST).len());
    name
}

/// The longest beginning of a text that has at most so many bytes.
fn cut(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// The line, from 1, that the byte at this place is on.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// About how many bytes a value takes.
fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(entries) => entries
            .iter()
            .map(|(name, value)| name.len() + size(value))
            .sum(),
        _ => 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_named_after_its_attempt() {
        let run = RunId("restore-7k3fq".to_owned());
        let attempt: AttemptId = "n4.p1.a2".parse().expect("an attempt");
        let name = |node: &str| session_name(&run, node, attempt);
        assert_eq!(name("verify"), "piton restore-7k3fq verify n4.p1.a2");
        let long = name(&"é".repeat(80));
        assert!(long.len() <= 63 && long.ends_with("é n4.p1.a2"), "{long}");
        let run = RunId("r".repeat(90));
        assert_eq!(session_name(&run, "a", attempt).len(), 63);
    }
}
