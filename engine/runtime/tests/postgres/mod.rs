//! SQL on real Postgres servers.

pub mod cluster;
mod endings;
mod ident;
pub mod proxy;
mod session;
mod tls;
mod values;

use piton_core::record::OutcomeStatus;
use piton_core::run::Outcome;
use piton_core::time::Millis;
use piton_core::value::Value;
use piton_runtime::action::sql::{Database, Request, execute};
use piton_runtime::action::stop::stop_pair;
use std::path::Path;
use std::time::{Duration, Instant};

fn request(url: &str, text: &str) -> Request {
    Request {
        database: Database::parse(url, Path::new("/")).unwrap(),
        text: text.to_owned(),
        script: false,
        read_only: false,
        bind: Vec::new(),
        name: "piton test".to_owned(),
        limit: None,
        left: None,
    }
}

fn limited(request: Request, length: u64) -> Request {
    Request {
        limit: Some(Millis(length)),
        left: Some(Millis(length)),
        ..request
    }
}

async fn done(request: Request) -> Outcome {
    let (_stopper, stop) = stop_pair();
    execute(request, stop).await
}

async fn query(url: &str, text: &str) -> Outcome {
    done(request(url, text)).await
}

pub async fn script(url: &str, text: &str) -> Outcome {
    done(Request {
        script: true,
        ..request(url, text)
    })
    .await
}

async fn looking(url: &str, text: &str, script: bool) -> Outcome {
    done(Request {
        script,
        read_only: true,
        ..request(url, text)
    })
    .await
}

/// The first value of a query that does well.
#[track_caller]
fn first(outcome: Outcome) -> Value {
    assert_eq!(
        outcome.status,
        OutcomeStatus::Succeeded,
        "{}",
        outcome.message
    );
    outcome.produced.first.unwrap_or_default()
}

/// A number that a query gives.
pub async fn count(url: &str, text: &str) -> i64 {
    match first(query(url, text).await) {
        Value::Int(number) => number,
        other => panic!("{other}"),
    }
}

/// Waits until a query gives this number.
async fn until(url: &str, text: &str, wanted: i64) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while count(url, text).await != wanted {
        assert!(Instant::now() < deadline, "{text} is not {wanted}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
