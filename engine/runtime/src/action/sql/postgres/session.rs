//! One attempt's statements on one connection.

use super::SERVER_MARGIN;
use super::statements::{Statement, Wrapping, statements, wrapping};
use super::values::{Bound, Column};
use crate::action::sql::{ONLY_LOOKS, ROW_BYTES_LIMIT, ROW_LIMIT, Request, line_of, size};
use crate::postgres::cause;
use futures_util::TryStreamExt as _;
use piton_core::run::Produced;
use piton_core::value::Value;
use std::cell::Cell;
use std::collections::BTreeMap;
use tokio_postgres::error::{DbError, ErrorPosition, Severity, SqlState};
use tokio_postgres::{Client, Error, Row, RowStream};

/// How often the server looks whether its client is still there, while it works for it.
const LOOK_FOR_CLIENT: &str = "2s";

/// Why SQL did not succeed.
pub(super) enum Failure {
    /// It was ended because it was asked to; what had been done by then, for people, if anything had.
    Cancelled(String),
    /// The reason, for people. What was not done by then is not done.
    Said(String),
    /// The connection was lost.
    Lost {
        /// The reason, for people.
        message: String,
        /// Whether something may have been kept all the same.
        kept: bool,
    },
}

impl From<String> for Failure {
    fn from(message: String) -> Failure {
        Failure::Said(message)
    }
}

pub(super) struct Session<'a> {
    client: &'a Client,
    request: &'a Request,
    /// Whether it was asked to end.
    is_ending: &'a Cell<bool>,
    /// Whether something was sent that the server may keep, and it has not said whether it did.
    under_way: Cell<bool>,
    /// Whether a transaction is open that this began.
    in_transaction: Cell<bool>,
}

impl<'a> Session<'a> {
    pub(super) fn new(client: &'a Client, request: &'a Request, is_ending: &'a Cell<bool>) -> Self {
        Session {
            client,
            request,
            is_ending,
            under_way: Cell::new(false),
            in_transaction: Cell::new(false),
        }
    }

    /// Whether the server may keep what is under way although nobody here hears of it.
    pub(super) fn may_be_kept(&self) -> bool {
        self.under_way.get()
    }

    /// Does all of it. `sees_clients`: whether the server can look whether its client is still there.
    pub(super) async fn perform(&self, sees_clients: bool) -> Result<Produced, Failure> {
        let all = statements(&self.request.text);
        for (at, statement) in all.iter().enumerate() {
            if let Some(why) = statement.refused() {
                return Err(Failure::Said(match self.request.script {
                    true => format!("statement {} (line {}): {why}", at + 1, statement.line),
                    false => why.to_owned(),
                }));
            }
        }
        self.settings(sees_clients).await?;
        let done = if self.request.script {
            self.script(&all).await
        } else {
            self.query(&all).await
        };
        let lost = self.client.is_closed() || matches!(done, Err(Failure::Lost { .. }));
        if self.in_transaction.get() && !lost {
            // Leaving does it too, but a server complains of those who leave without it.
            let _ = self.client.batch_execute("rollback").await;
        }
        done
    }

    /// Sees to it that a statement ends soon after those who asked for it are gone.
    async fn settings(&self, sees_clients: bool) -> Result<(), Failure> {
        if let Some(left) = self.request.left {
            let limit = u128::from(left.0) + SERVER_MARGIN.as_millis();
            let limit = limit.min(i32::MAX.unsigned_abs().into());
            self.send(&format!("set statement_timeout = {limit}"))
                .await?;
        }
        if sees_clients {
            let setting = format!("set client_connection_check_interval = '{LOOK_FOR_CLIENT}'");
            match self.client.batch_execute(&setting).await {
                // Some systems cannot look.
                Err(error) if self.client.is_closed() => {
                    return Err(self.failure(&error, None, str::to_owned));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Sends what returns nothing that matters.
    async fn send(&self, text: &str) -> Result<(), Failure> {
        self.client
            .batch_execute(text)
            .await
            .map_err(|error| self.failure(&error, None, str::to_owned))
    }

    async fn begin(&self) -> Result<(), Failure> {
        let read_only = if self.request.read_only {
            " read only"
        } else {
            ""
        };
        self.send(&format!("begin{read_only}")).await?;
        self.in_transaction.set(true);
        Ok(())
    }

    async fn query(&self, all: &[Statement<'_>]) -> Result<Produced, Failure> {
        let [statement] = all else {
            return Err(Failure::Said(match all {
                [] => "the query is empty".to_owned(),
                _ => "a query is one statement, and this text has more; write it as `script`"
                    .to_owned(),
            }));
        };
        let place = |message: &str| message.to_owned();
        let (text, used) = statement.numbered();
        self.all_used(&used)?;
        let values = self.values(&used)?;
        if self.request.read_only {
            self.looks(std::slice::from_ref(statement))?;
            self.begin().await?;
        }
        let fail = |error: &Error| self.failure(error, Some(statement), place);
        let prepared = self.client.prepare(&text).await.map_err(|it| fail(&it))?;
        if self.is_ending.get() {
            return Err(Failure::Cancelled(String::new()));
        }
        // It commits by itself, unless it may only look.
        self.under_way.set(!self.request.read_only);
        let rows = self.client.query_raw(&prepared, values).await;
        let found = self.rows(rows.map_err(|it| fail(&it))?, &fail).await?;
        self.under_way.set(false);
        let first = found
            .first()
            .and_then(|row| match (row, prepared.columns().first()) {
                (Value::Map(row), Some(column)) => row.get(column.name()).cloned(),
                _ => None,
            });
        Ok(Produced {
            rows: Some(found),
            first,
            ..Produced::default()
        })
    }

    async fn rows(
        &self,
        rows: RowStream,
        fail: &impl Fn(&Error) -> Failure,
    ) -> Result<Vec<Value>, Failure> {
        let (mut found, mut bytes) = (Vec::new(), 0usize);
        // What is too much is told when the server is done with it, so that it is known what it kept.
        let mut too_much = None;
        tokio::pin!(rows);
        while let Some(row) = rows.try_next().await.map_err(|error| fail(&error))? {
            if too_much.is_some() {
                continue;
            }
            if found.len() == ROW_LIMIT {
                too_much = Some(format!(
                    "the query gives more than {ROW_LIMIT} rows; let it count them, or add a `limit`"
                ));
                continue;
            }
            match map(&row) {
                Ok((value, size)) => {
                    bytes = bytes.saturating_add(size);
                    found.push(value);
                }
                Err(message) => too_much = Some(message),
            }
            if bytes > ROW_BYTES_LIMIT {
                too_much = Some(format!(
                    "the rows of the query are larger than {ROW_BYTES_LIMIT} bytes; select less"
                ));
            }
        }
        let Some(message) = too_much else {
            return Ok(found);
        };
        self.under_way.set(false);
        let kept = match self.request.read_only {
            true => "",
            false => "; the statement itself was executed, and what it changed is kept",
        };
        Err(Failure::Said(format!("{message}{kept}")))
    }

    async fn script(&self, all: &[Statement<'_>]) -> Result<Produced, Failure> {
        let wrapping = wrapping(all);
        if wrapping == Wrapping::Unfinished {
            return Err(Failure::Said(
                "the script begins a transaction and does not end it; nothing was done".to_owned(),
            ));
        }
        if self.request.read_only {
            self.looks(all)?;
        }
        for statement in all {
            self.values(&statement.numbered().1)?;
        }
        let whole = wrapping == Wrapping::Transaction;
        if whole {
            self.begin().await?;
        }
        for (at, statement) in all.iter().enumerate() {
            self.one(statement, at, whole).await?;
        }
        if whole && !self.request.read_only {
            self.commit().await?;
        }
        Ok(Produced::default())
    }

    async fn commit(&self) -> Result<(), Failure> {
        if self.is_ending.get() {
            return Err(Failure::Cancelled(String::new()));
        }
        self.under_way.set(true);
        let place = |message: &str| {
            format!(
                "the script could not be committed: {message}; the whole script was rolled back"
            )
        };
        let committed = self.client.batch_execute("commit").await;
        // Whatever it says, the transaction is over.
        self.in_transaction.set(false);
        committed.map_err(|error| self.failure(&error, None, place))?;
        self.under_way.set(false);
        Ok(())
    }

    /// Executes the statement at this place of a script.
    async fn one(&self, statement: &Statement<'_>, at: usize, whole: bool) -> Result<(), Failure> {
        let before = match (whole, at) {
            (true, _) => "; the whole script was rolled back".to_owned(),
            (false, 0) => String::new(),
            (false, 1) => "; statement 1 is done".to_owned(),
            (false, _) => format!("; statements 1 to {at} are done"),
        };
        let done_before = if whole { String::new() } else { before.clone() };
        if self.is_ending.get() {
            return Err(Failure::Cancelled(done_before));
        }
        if self.client.is_closed() {
            // Nothing of this statement was sent.
            let message = format!("the connection to the database was lost{before}");
            return Err(Failure::Lost {
                message,
                kept: false,
            });
        }
        let place = |message: &str| format!("statement {} {message}{before}", at + 1);
        self.under_way.set(!whole);
        let done = if statement.takes_values() {
            let (text, used) = statement.numbered();
            self.with_values(&text, self.values(&used)?).await
        } else {
            self.client.batch_execute(statement.text).await
        };
        let done = done.map_err(|error| self.failure(&error, Some(statement), place));
        match done {
            Err(Failure::Cancelled(_)) => Err(Failure::Cancelled(done_before)),
            Err(failure) => Err(failure),
            Ok(()) => {
                self.under_way.set(false);
                Ok(())
            }
        }
    }

    async fn with_values(&self, text: &str, values: Vec<Bound<'_>>) -> Result<(), Error> {
        let prepared = self.client.prepare(text).await?;
        self.client.execute_raw(&prepared, values).await?;
        Ok(())
    }

    /// The bound values of these numbers, from 1.
    fn values(&self, used: &[usize]) -> Result<Vec<Bound<'_>>, Failure> {
        let given = &self.request.bind;
        let value = |number: &usize| {
            let value = number.checked_sub(1).and_then(|at| given.get(at));
            value.map(Bound).ok_or_else(|| {
                let number = match *number {
                    usize::MAX => "of a number beyond counting".to_owned(),
                    number => format!("${number}"),
                };
                Failure::Said(format!(
                    "the SQL uses the parameter {number}, and `bind` has {} values",
                    given.len()
                ))
            })
        };
        used.iter().map(value).collect()
    }

    /// Whether a query uses all the values that it is given.
    fn all_used(&self, used: &[usize]) -> Result<(), Failure> {
        let (given, highest) = (
            self.request.bind.len(),
            used.iter().max().copied().unwrap_or(0),
        );
        if highest < given {
            return Err(Failure::Said(format!(
                "`bind` has {given} values, and the SQL uses {highest} of them"
            )));
        }
        Ok(())
    }

    /// Whether what may only look can be held in one transaction that may only read.
    fn looks(&self, all: &[Statement<'_>]) -> Result<(), Failure> {
        if wrapping(all) == Wrapping::Transaction {
            return Ok(());
        }
        Err(Failure::Said(
            "this only looks, so it runs in a read-only transaction, and the SQL begins or ends transactions itself \
             or does what no transaction may hold; nothing was done"
                .to_owned(),
        ))
    }

    /// What an error means. `place` says in which statement it was; without one, it was none of the runbook's.
    fn failure(
        &self,
        error: &Error,
        statement: Option<&Statement<'_>>,
        place: impl FnOnce(&str) -> String,
    ) -> Failure {
        let said = match error.as_db_error() {
            // A server that ends the session does not say how far it came.
            Some(said) if is_fatal(said) => return self.lost(said.message()),
            None if error.is_closed() || self.client.is_closed() => {
                return self.lost(&cause(error));
            }
            Some(said) => said,
            None => return Failure::Said(self.placed(&cause(error), statement, None, place)),
        };
        if *said.code() == SqlState::QUERY_CANCELED && self.is_ending.get() {
            return Failure::Cancelled(String::new());
        }
        let mut message = said.message().to_owned();
        for more in [said.detail(), said.hint()].into_iter().flatten() {
            message.push_str("; ");
            message.push_str(more.trim_end_matches('.'));
        }
        message.push_str(self.advice(said.code()));
        let position = match said.position() {
            Some(ErrorPosition::Original(at)) => Some(*at),
            _ => None,
        };
        Failure::Said(self.placed(&message, statement, position, place))
    }

    /// What to do about an error.
    fn advice(&self, code: &SqlState) -> &'static str {
        match *code {
            SqlState::READ_ONLY_SQL_TRANSACTION if self.request.read_only => ONLY_LOOKS,
            SqlState::INVALID_TRANSACTION_TERMINATION if self.request.script => {
                "; what commits by itself has to be a `query` of its own"
            }
            SqlState::INDETERMINATE_DATATYPE => "; say its type: $1::text",
            _ => "",
        }
    }

    /// A message with its place. `position` is the character of the statement, from 1.
    fn placed(
        &self,
        message: &str,
        statement: Option<&Statement<'_>>,
        position: Option<u32>,
        place: impl FnOnce(&str) -> String,
    ) -> String {
        let Some(statement) = statement else {
            return place(message);
        };
        let lines_before = position.map_or(0, |position| {
            let characters = usize::try_from(position.saturating_sub(1)).unwrap_or(usize::MAX);
            let before: String = statement.text.chars().take(characters).collect();
            line_of(&before, before.len()) - 1
        });
        let line = statement.line + lines_before;
        match (self.request.script, position) {
            (true, _) => place(&format!("(line {line}): {message}")),
            (false, Some(_)) => place(&format!("line {line}: {message}")),
            (false, None) => place(message),
        }
    }

    fn lost(&self, why: &str) -> Failure {
        let kept = self.under_way.get();
        let what = if kept {
            "; whether what was under way is done is not known"
        } else if self.in_transaction.get() {
            "; nothing of it is kept"
        } else {
            ""
        };
        Failure::Lost {
            message: format!("the connection to the database was lost: {why}{what}"),
            kept,
        }
    }
}

/// Whether the server ended the session with it.
fn is_fatal(said: &DbError) -> bool {
    match said.parsed_severity() {
        Some(severity) => matches!(severity, Severity::Fatal | Severity::Panic),
        // Servers before 9.6 say it in their own language only.
        None => said.code().code().starts_with("57P"),
    }
}

/// A row by its columns' names, and about how many bytes it takes.
fn map(row: &Row) -> Result<(Value, usize), String> {
    let (mut found, mut bytes) = (BTreeMap::new(), 0usize);
    for (at, column) in row.columns().iter().enumerate() {
        let name = column.name();
        let Column(value) = row.try_get(at).map_err(|_| {
            format!(
                "the column `{name}` has the type {}, which piton cannot read; write {name}::text",
                column.type_()
            )
        })?;
        bytes = bytes
            .saturating_add(name.len())
            .saturating_add(size(&value));
        found.entry(name.to_owned()).or_insert(value);
    }
    Ok((Value::Map(found), bytes))
}
