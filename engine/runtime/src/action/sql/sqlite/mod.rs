//! Executing SQL on a SQLite database, off the engine's thread, so that it can be interrupted.

mod statements;
mod values;

use self::statements::{Statement, Wrapping, statements, wrapping};
use self::values::{bind_value, column_value};
use crate::action::sql::{ONLY_LOOKS, ROW_BYTES_LIMIT, ROW_LIMIT, Request, line_of, size};
use crate::action::stop::StopSignal;
use piton_core::record::OutcomeStatus;
use piton_core::run::{Outcome, Produced};
use piton_core::value::Value;
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::{Batch, Connection, ErrorCode, InterruptHandle, OpenFlags};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long SQL waits for a database that others hold locked, unless its node's timeout is shorter.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

const RUNNING: u8 = 0;
const TIMED_OUT: u8 = 1;
const STOPPED: u8 = 2;
const ABANDONED: u8 = 3;

/// What the engine's thread and the one that executes the SQL share.
#[derive(Default)]
struct Shared {
    /// [`RUNNING`], or why the SQL is to end.
    end: AtomicU8,
    handle: Mutex<Option<InterruptHandle>>,
}

impl Shared {
    fn ending(&self) -> bool {
        self.end.load(Ordering::Acquire) != RUNNING
    }

    /// Asks the SQL to end, for the first reason that was given.
    fn interrupt(&self, why: u8) {
        let _ = self
            .end
            .compare_exchange(RUNNING, why, Ordering::AcqRel, Ordering::Acquire);
        if let Some(handle) = self
            .handle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
        {
            handle.interrupt();
        }
    }
}

/// Ends the SQL when nobody waits for it any more, so that it does not outlive its engine's interest.
struct Abandon(Arc<Shared>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.interrupt(ABANDONED);
    }
}

/// Executes the SQL. Ends it when its time is up or when it is told to stop; a script is then rolled back.
pub async fn execute(path: PathBuf, request: Request, mut stop: StopSignal) -> Outcome {
    let (limit, left) = (request.limit, request.left);
    let shared = Arc::new(Shared::default());
    let abandon = Abandon(Arc::clone(&shared));
    let mut work = tokio::task::spawn_blocking({
        let shared = Arc::clone(&shared);
        move || perform(&path, &request, &shared)
    });
    let time_up = async {
        match left {
            Some(left) => tokio::time::sleep(Duration::from_millis(left.0)).await,
            None => std::future::pending().await,
        }
    };
    let mut finished = tokio::select! {
        finished = &mut work => Some(finished),
        () = time_up => { shared.interrupt(TIMED_OUT); None }
        () = stop.stopped() => { shared.interrupt(STOPPED); None }
    };
    let finished = loop {
        match finished.take() {
            Some(finished) => break finished,
            // An interrupt between two statements is lost, so it is repeated until the end is there.
            None => {
                shared.interrupt(ABANDONED);
                finished = tokio::time::timeout(Duration::from_millis(20), &mut work)
                    .await
                    .ok();
            }
        }
    };
    drop(abandon);
    match finished {
        Ok(Ok(produced)) => Outcome::succeeded(produced),
        Ok(Err(failure)) => match (failure, shared.end.load(Ordering::Acquire)) {
            (Failure::Ended, TIMED_OUT) => Outcome::not_succeeded(
                OutcomeStatus::TimedOut,
                format!(
                    "ran longer than {} and was ended",
                    limit.unwrap_or_default()
                ),
            ),
            (Failure::Ended, _) => {
                Outcome::not_succeeded(OutcomeStatus::Stopped, "was told to end, and was ended")
            }
            (Failure::Said(message), _) => Outcome::not_succeeded(OutcomeStatus::Failed, message),
        },
        Err(_) => {
            Outcome::not_succeeded(OutcomeStatus::Unknown, "the SQL ended without saying how")
        }
    }
}

/// Why SQL did not succeed.
enum Failure {
    /// It was asked to end.
    Ended,
    /// The reason, for people.
    Said(String),
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure::Said(message)
    }
}

fn perform(path: &Path, request: &Request, shared: &Shared) -> Result<Produced, Failure> {
    let connection = open(path, request)?;
    *shared.handle.lock().unwrap_or_else(PoisonError::into_inner) =
        Some(connection.get_interrupt_handle());
    let session = Session {
        connection: &connection,
        path,
        request,
        shared,
        began: Instant::now(),
    };
    if request.script {
        session.script()
    } else {
        session.query()
    }
}

fn open(path: &Path, request: &Request) -> Result<Connection, Failure> {
    let cannot = |error: &dyn std::fmt::Display| {
        Failure::Said(format!(
            "the database {} cannot be opened: {error}",
            path.display()
        ))
    };
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if request.script && !request.read_only {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    } else if let Err(error) = std::fs::metadata(path) {
        // What only looks must not leave an empty database where the right one is missing.
        return Err(match error.kind() {
            std::io::ErrorKind::NotFound => {
                Failure::Said(format!("the database {} does not exist", path.display()))
            }
            _ => cannot(&error),
        });
    }
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| cannot(&said(&error)))?;
    // Short, because SQLite cannot be interrupted while it waits; `patiently` tries again.
    connection
        .busy_timeout(Duration::from_millis(50))
        .map_err(|error| cannot(&said(&error)))?;
    if request.read_only {
        connection
            .pragma_update(None, "query_only", true)
            .map_err(|error| cannot(&said(&error)))?;
    }
    Ok(connection)
}

struct Session<'a> {
    connection: &'a Connection,
    path: &'a Path,
    request: &'a Request,
    shared: &'a Shared,
    began: Instant,
}

impl Session<'_> {
    fn query(&self) -> Result<Produced, Failure> {
        let text = &self.request.text;
        let mut batch = Batch::new(self.connection, text);
        let fail = |error| self.failure(&error, |message| message.to_owned());
        let Some(mut statement) = self.patiently(|| batch.next()).map_err(fail)? else {
            return Err(Failure::Said("the query is empty".to_owned()));
        };
        if !matches!(batch.next(), Ok(None)) {
            return Err(Failure::Said(
                "a query is one statement, and this text has more; write it as `script`".to_owned(),
            ));
        }
        self.bind(&mut statement, true)?;
        if self.shared.ending() {
            return Err(Failure::Ended);
        }
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let rows = self
            .patiently(|| self.rows(&mut statement, &columns))
            .map_err(fail)??;
        let first = rows.first().and_then(|row| match (row, columns.first()) {
            (Value::Map(row), Some(name)) => row.get(name).cloned(),
            _ => None,
        });
        Ok(Produced {
            rows: Some(rows),
            first,
            ..Produced::default()
        })
    }

    /// The rows of a bound statement. The inner error is about their number and size.
    fn rows(
        &self,
        statement: &mut rusqlite::Statement<'_>,
        columns: &[String],
    ) -> rusqlite::Result<Result<Vec<Value>, Failure>> {
        let (mut found, mut bytes) = (Vec::new(), 0usize);
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next()? {
            if found.len() == ROW_LIMIT {
                let message = format!(
                    "the query gives more than {ROW_LIMIT} rows; let it count them, or add a `limit`"
                );
                return Ok(Err(Failure::Said(message)));
            }
            let mut map = BTreeMap::new();
            for (at, name) in columns.iter().enumerate() {
                let value = column_value(row.get_ref(at)?);
                bytes = bytes
                    .saturating_add(name.len())
                    .saturating_add(size(&value));
                map.entry(name.clone()).or_insert(value);
            }
            if bytes > ROW_BYTES_LIMIT {
                let message = format!(
                    "the rows of the query are larger than {ROW_BYTES_LIMIT} bytes; select less"
                );
                return Ok(Err(Failure::Said(message)));
            }
            found.push(Value::Map(map));
        }
        Ok(Ok(found))
    }

    fn script(&self) -> Result<Produced, Failure> {
        let known = statements(&self.request.text);
        let wrapping = wrapping(&known);
        let mut batch = Batch::new(self.connection, &self.request.text);
        let mut number = 0;
        let done = loop {
            if wrapping == Wrapping::After(number)
                && let Err(error) = self.patiently(|| self.connection.execute_batch(self.begin()))
            {
                return Err(self.failure(&error, |message| message.to_owned()));
            }
            match self.one(&mut batch, number, &known) {
                Ok(true) => number += 1,
                Ok(false) => break Ok(()),
                Err(failure) => break Err(failure),
            }
        };
        let inside = !self.connection.is_autocommit();
        let done = match (done, wrapping) {
            (Ok(()), Wrapping::After(_)) if inside => self
                .patiently(|| self.connection.execute_batch("commit"))
                .map_err(|error| self.failure(&error, |message| format!("the script could not be committed: {message}"))),
            (Ok(()), Wrapping::Own) if inside => Err(Failure::Said(
                "the script began a transaction and did not end it; the transaction was rolled back".to_owned(),
            )),
            (done, _) => done,
        };
        if let Err(failure) = done {
            if !self.connection.is_autocommit() {
                // Closing the connection does it too; this only does it sooner.
                let _ = self.connection.execute_batch("rollback");
            }
            return Err(match (failure, wrapping) {
                (Failure::Said(message), Wrapping::After(_)) => {
                    Failure::Said(format!("{message}; the whole script was rolled back"))
                }
                (failure, _) => failure,
            });
        }
        Ok(Produced::default())
    }

    /// How the transaction of a script begins.
    fn begin(&self) -> &'static str {
        match self.request.read_only {
            true => "begin",
            // Takes the lock at once: who reads first and then waits to write may wait in vain.
            false => "begin immediate",
        }
    }

    /// Executes the next statement of a script; false if there is none.
    fn one(
        &self,
        batch: &mut Batch<'_, '_>,
        number: usize,
        known: &[Statement],
    ) -> Result<bool, Failure> {
        if self.shared.ending() {
            return Err(Failure::Ended);
        }
        let place = |message: &str| match known.get(number) {
            Some(statement) => format!(
                "statement {} (line {}): {message}",
                number + 1,
                statement.line
            ),
            None => format!("statement {}: {message}", number + 1),
        };
        let fail = |error| self.failure(&error, place);
        let Some(mut statement) = self.patiently(|| batch.next()).map_err(fail)? else {
            return Ok(false);
        };
        self.bind(&mut statement, false)?;
        self.patiently(|| {
            let mut rows = statement.raw_query();
            while rows.next()?.is_some() {}
            Ok(())
        })
        .map_err(fail)?;
        Ok(true)
    }

    /// Binds the values by the numbers that the statement uses. SQLite takes `$1` for a name, not for a number.
    fn bind(&self, statement: &mut rusqlite::Statement<'_>, all: bool) -> Result<(), Failure> {
        let given = &self.request.bind;
        let mut highest = 0;
        for at in 1..=statement.parameter_count() {
            let name = statement.parameter_name(at).map(str::to_owned);
            let number = match &name {
                None => at,
                Some(name) => name
                    .get(1..)
                    .and_then(|digits| digits.parse::<usize>().ok())
                    .ok_or_else(|| {
                        format!("the SQL uses the parameter {name}; parameters are $1, $2, …")
                    })?,
            };
            let value = number
                .checked_sub(1)
                .and_then(|at| given.get(at))
                .ok_or_else(|| {
                    format!(
                        "the SQL uses the parameter ${number}, and `bind` has {} values",
                        given.len()
                    )
                })?;
            statement
                .raw_bind_parameter(at, bind_value(value))
                .map_err(|error| self.failure(&error, |message| format!("${number}: {message}")))?;
            highest = highest.max(number);
        }
        if all && highest < given.len() {
            return Err(Failure::Said(format!(
                "`bind` has {} values, and the SQL uses {highest} of them",
                given.len()
            )));
        }
        Ok(())
    }

    /// Tries again while others hold the database locked.
    fn patiently<T>(
        &self,
        mut operation: impl FnMut() -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        loop {
            match operation() {
                Err(error)
                    if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                        && self.began.elapsed() < LOCK_PATIENCE
                        && !self.shared.ending() =>
                {
                    // SQLite has waited already, except where it saw that waiting is no use yet.
                    std::thread::sleep(Duration::from_millis(5));
                }
                done => return done,
            }
        }
    }

    fn failure(&self, error: &rusqlite::Error, place: impl FnOnce(&str) -> String) -> Failure {
        let code = error.sqlite_error_code();
        if self.shared.ending()
            && matches!(
                code,
                Some(ErrorCode::OperationInterrupted | ErrorCode::DatabaseBusy)
            )
        {
            return Failure::Ended;
        }
        let message = match error {
            rusqlite::Error::SqlInputError {
                msg, sql, offset, ..
            } if !self.request.script => {
                // `sql` is what was left of the text when the statement began.
                let begin = self.request.text.len().saturating_sub(sql.len());
                let at = begin.saturating_add(usize::try_from(*offset).unwrap_or(0));
                format!("line {}: {msg}", line_of(&self.request.text, at))
            }
            _ if code == Some(ErrorCode::DatabaseBusy) => format!(
                "the database {} was locked by another program for {} s",
                self.path.display(),
                self.began.elapsed().as_secs()
            ),
            error if code == Some(ErrorCode::ReadOnly) && self.request.read_only => {
                format!("{}{ONLY_LOOKS}", said(error))
            }
            error => said(error),
        };
        Failure::Said(place(&message))
    }
}

/// What SQLite says, without the decoration.
fn said(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        error => error.to_string(),
    }
}
