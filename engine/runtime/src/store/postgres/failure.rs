//! Putting what Postgres says into the words of the store.

use super::url::PostgresUrl;
use crate::postgres::cause;
use crate::store::StoreError;
use piton_core::id::RunId;
use std::error::Error as _;
use std::fmt;
use std::time::Duration;
use tokio_postgres::error::SqlState;

/// Where the store is, for messages. It has no password.
#[derive(Clone, Debug)]
pub(super) struct Place(String);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What stops a piece of work: an answer of the store, or what has yet to be put into its words.
#[derive(Debug)]
pub(super) enum Problem {
    /// The store's own answer.
    Store(Box<StoreError>),
    /// What the server, or the way to it, said.
    Server(tokio_postgres::Error),
    /// The server did not answer for so many seconds.
    Silent(u64),
    /// Something on this side is missing: certificates, for instance.
    Here(String),
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        Problem::Store(Box::new(error))
    }
}

impl From<tokio_postgres::Error> for Problem {
    fn from(error: tokio_postgres::Error) -> Problem {
        Problem::Server(error)
    }
}

impl Problem {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Problem::Store(_) | Problem::Here(_) => Kind::Lasting,
            Problem::Server(error) => kind(error),
            Problem::Silent(_) => Kind::Away,
        }
    }

    /// Whether the server says that it is about to let us in.
    pub(super) fn is_starting(&self) -> bool {
        matches!(self, Problem::Server(error) if error.code() == Some(&SqlState::CANNOT_CONNECT_NOW))
    }
}

/// What an error of Postgres means for the call that met it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The server is not there, or not ready: trying again may help. Whether the call was done may be unknown.
    Away,
    /// Two transactions were in each other's way, and this one was not done: trying again at once helps.
    Collided,
    /// Trying again gives the same.
    Lasting,
}

fn kind(error: &tokio_postgres::Error) -> Kind {
    let Some(code) = error.code() else {
        // Not from the server. What cannot be read of an answer stays so; everything else is the connection.
        return if reads_wrongly(error) || is_refused_by_us(error) {
            Kind::Lasting
        } else {
            Kind::Away
        };
    };
    match *code {
        SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::LOCK_NOT_AVAILABLE => Kind::Collided,
        SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::CANNOT_CONNECT_NOW
        | SqlState::TOO_MANY_CONNECTIONS
        // A server that has become a standby: the new primary will be at this address.
        | SqlState::READ_ONLY_SQL_TRANSACTION
        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        | SqlState::QUERY_CANCELED => Kind::Away,
        ref code if code.code().starts_with("08") || code.code() == "57P05" => Kind::Away,
        _ => Kind::Lasting,
    }
}

/// Whether a column is of another type or size than we ever wrote.
fn reads_wrongly(error: &tokio_postgres::Error) -> bool {
    let text = error.to_string();
    [
        "error deserializing column",
        "invalid column",
        "error serializing parameter",
        "query returned an unexpected",
    ]
    .iter()
    .any(|beginning| text.starts_with(beginning))
}

/// Whether it is we who do not go on: the server's certificate is not trusted, or it asks for what we do not have.
fn is_refused_by_us(error: &tokio_postgres::Error) -> bool {
    let mut inner = error.source();
    while let Some(error) = inner {
        if error.is::<rustls::Error>() {
            return true;
        }
        // An error of TLS comes wrapped in one of input and output.
        let wrapped = error.downcast_ref::<std::io::Error>();
        if wrapped
            .and_then(std::io::Error::get_ref)
            .is_some_and(|it| it.is::<rustls::Error>())
        {
            return true;
        }
        inner = error.source();
    }
    let text = error.to_string();
    text.starts_with("invalid configuration")
        || text.starts_with("error performing TLS")
        || text.starts_with("authentication error")
}

impl Place {
    pub(super) fn of(url: &PostgresUrl) -> Place {
        Place(url.to_string())
    }

    pub(super) fn not_a_store(&self, reason: String) -> StoreError {
        StoreError::NotAStore {
            place: self.to_string(),
            reason,
        }
    }

    pub(super) fn corrupt(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Corrupt {
            place: self.to_string(),
            reason: reason.into(),
        }
    }

    /// A problem in the words of the store, after it was tried to get around it for so long.
    pub(super) fn failure(
        &self,
        problem: Problem,
        doing: &'static str,
        run: Option<&RunId>,
        tried: Duration,
    ) -> StoreError {
        let kind = problem.kind();
        let away = |reason: String| StoreError::Away {
            place: self.to_string(),
            reason,
            seconds: tried.as_secs(),
            run: run.cloned(),
        };
        match problem {
            Problem::Store(error) => *error,
            Problem::Silent(seconds) => away(format!("it did not answer for {seconds} s")),
            Problem::Here(reason) => StoreError::Unwritable {
                place: self.to_string(),
                reason,
                run: run.cloned(),
            },
            Problem::Server(error) if kind != Kind::Lasting => away(cause(&error)),
            Problem::Server(error) => self.said(&error, doing, run),
        }
    }

    fn said(
        &self,
        error: &tokio_postgres::Error,
        doing: &'static str,
        run: Option<&RunId>,
    ) -> StoreError {
        let (place, reason, run) = (self.to_string(), cause(error), run.cloned());
        let Some(code) = error.code() else {
            return match reads_wrongly(error) {
                true => self.corrupt(reason),
                false => StoreError::Unwritable { place, reason, run },
            };
        };
        match *code {
            SqlState::DISK_FULL => StoreError::Full { place, run },
            SqlState::UNDEFINED_TABLE
            | SqlState::UNDEFINED_COLUMN
            | SqlState::INVALID_SCHEMA_NAME
            | SqlState::UNIQUE_VIOLATION
            | SqlState::FOREIGN_KEY_VIOLATION
            | SqlState::NOT_NULL_VIOLATION
            | SqlState::INVALID_TEXT_REPRESENTATION
            | SqlState::DATA_CORRUPTED
            | SqlState::INDEX_CORRUPTED => StoreError::Corrupt { place, reason },
            SqlState::INSUFFICIENT_PRIVILEGE
            | SqlState::INVALID_PASSWORD
            | SqlState::INVALID_AUTHORIZATION_SPECIFICATION
            | SqlState::INVALID_CATALOG_NAME => StoreError::Unwritable { place, reason, run },
            _ => StoreError::Failed {
                place,
                doing,
                reason,
                run,
            },
        }
    }
}
