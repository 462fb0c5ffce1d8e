//! SQL on Postgres: one connection an attempt, which ends with it.
//!
//! What an end means:
//!
//! - the server said no: failed, and nothing of the statement, or of the script that is one transaction, is kept;
//! - no connection, or it was lost where nothing could have been kept yet: failed;
//! - it was lost while a commit, or a statement that commits by itself, was under way: unknown;
//! - its time was up or it was told to end: the server is asked to end it, and says whether it did; if it does not
//!   answer, what may have been kept is unknown.
//!
//! [`execute`] is where to start; `session` does the work; `connection` gets there.

mod connection;
mod session;
mod statements;
mod values;

use super::Request;
use crate::action::stop::StopSignal;
use crate::mask::masked;
use crate::postgres::Address;
use connection::Connection;
use piton_core::record::OutcomeStatus;
use piton_core::run::{Outcome, Produced};
use session::{Failure, Session};
use std::cell::Cell;
use std::time::Duration;

/// How long the server has to say that it ended what it was asked to end.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);

/// How long the server may take beyond an attempt's time before it ends the statement by itself.
const SERVER_MARGIN: Duration = Duration::from_secs(5);

/// Executes the SQL. Ends it when its time is up or when it is told to stop.
pub(super) async fn execute(address: &Address, request: &Request, stop: StopSignal) -> Outcome {
    let mut outcome = attempt(address, request, stop).await;
    if let Some(password) = address.password() {
        outcome.message = masked(&outcome.message, &[password]);
    }
    outcome
}

async fn attempt(address: &Address, request: &Request, mut stop: StopSignal) -> Outcome {
    let time_up = async {
        match request.left {
            Some(left) => tokio::time::sleep(Duration::from_millis(left.0)).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(time_up);
    // Nothing is sent before the connection stands, so until then ending it is leaving it.
    let connected = tokio::select! {
        connected = Connection::open(address, request) => connected,
        () = &mut time_up => return not_connected(OutcomeStatus::TimedOut, address, request),
        () = stop.stopped() => return not_connected(OutcomeStatus::Stopped, address, request),
    };
    let connection = match connected {
        Ok(connection) => connection,
        Err(message) => return Outcome::not_succeeded(OutcomeStatus::Failed, message),
    };
    let is_ending = Cell::new(false);
    let session = Session::new(&connection.client, request, &is_ending);
    let mut why = None;
    let done = {
        let work = session.perform(connection.sees_clients);
        tokio::pin!(work);
        let done = tokio::select! {
            done = &mut work => Some(done),
            () = &mut time_up => { why = Some(OutcomeStatus::TimedOut); None }
            () = stop.stopped() => { why = Some(OutcomeStatus::Stopped); None }
        };
        match done {
            Some(done) => Some(done),
            None => {
                is_ending.set(true);
                tokio::select! {
                    done = &mut work => Some(done),
                    () = connection.cancel() => None,
                }
            }
        }
    };
    let may_be_kept = session.may_be_kept();
    match (done, why) {
        (Some(done), why) => {
            let reason = connection.close().await;
            outcome(done, why, reason, request)
        }
        (None, why) => unanswered(why.unwrap_or(OutcomeStatus::Stopped), may_be_kept, request),
    }
}

/// What the work's end amounts to; `why` it was asked to end, if it was, and why the connection ended, if it did.
fn outcome(
    done: Result<Produced, Failure>,
    why: Option<OutcomeStatus>,
    reason: Option<String>,
    request: &Request,
) -> Outcome {
    let failed = |message| Outcome::not_succeeded(OutcomeStatus::Failed, message);
    match done {
        Ok(produced) => Outcome::succeeded(produced),
        Err(Failure::Cancelled(before)) => {
            let status = why.unwrap_or(OutcomeStatus::Stopped);
            Outcome::not_succeeded(status, format!("{}{before}", ended(status, request)))
        }
        Err(Failure::Said(message)) => failed(message),
        Err(Failure::Lost { message, kept }) => {
            // Who waits for an answer only hears that none will come; the connection itself knows why.
            let message = match reason {
                Some(reason) => message.replace("connection closed", &reason),
                None => message,
            };
            match kept {
                true => Outcome::not_succeeded(OutcomeStatus::Unknown, message),
                false => failed(message),
            }
        }
    }
}

/// The outcome of SQL whose server does not say that it ended it.
fn unanswered(why: OutcomeStatus, may_be_kept: bool, request: &Request) -> Outcome {
    let patience = CANCEL_PATIENCE.as_secs();
    if may_be_kept {
        let message = format!(
            "it was to be ended, and the database did not say within {patience} s whether it was; whether what was \
             under way is done is not known"
        );
        return Outcome::not_succeeded(OutcomeStatus::Unknown, message);
    }
    let message = format!(
        "{}; the database did not answer for {patience} s, but nothing of it is kept",
        ended(why, request)
    );
    Outcome::not_succeeded(why, message)
}

fn not_connected(why: OutcomeStatus, address: &Address, request: &Request) -> Outcome {
    let message = format!(
        "{}; the database {} had not answered by then, and nothing was sent to it",
        ended(why, request),
        address.shown()
    );
    Outcome::not_succeeded(why, message)
}

fn ended(status: OutcomeStatus, request: &Request) -> String {
    match status {
        OutcomeStatus::TimedOut => format!(
            "ran longer than {} and was ended",
            request.limit.unwrap_or_default()
        ),
        _ => "was told to end, and was ended".to_owned(),
    }
}
