//! The store of a team, on real Postgres servers: what only several processes, lost connections and a server that
//! comes and goes can show.

mod bell;
mod opening;
mod races;
mod trouble;

use crate::driver::support::on_runtime;
use crate::postgres::cluster::Cluster;
use crate::postgres::script;
use piton_core::id::{Actor, RunId};
use piton_core::record::{Fact, OutcomeStatus, Record};
use piton_core::run::{Event, Head};
use piton_core::time::{Millis, Timestamp};
use piton_runtime::owner::Owner;
use piton_runtime::store::{
    Commit, Lease, NewRun, PostgresStore, PostgresUrl, RunStatus, Store, StoreError, conformance,
};

#[test]
fn it_is_a_store() {
    on_runtime(async {
        let server = Cluster::start();
        let number = std::cell::Cell::new(0);
        let passed = conformance::all(|| {
            number.set(number.get() + 1);
            empty(&server)
        })
        .await;
        if let Err(failure) = passed {
            panic!("{failure}");
        }
        assert!(number.get() > 10);
    });
}

fn url(text: &str) -> PostgresUrl {
    PostgresUrl::parse(text, |_| None).unwrap()
}

async fn open(text: &str) -> PostgresStore {
    PostgresStore::open(&url(text)).await.unwrap()
}

/// A store that was just made, in a database that may have had another one.
async fn empty(server: &Cluster) -> PostgresStore {
    sql(server, "drop schema if exists piton cascade").await;
    open(&server.url()).await
}

async fn sql(server: &Cluster, text: &str) {
    let done = script(&server.url(), text).await;
    assert_eq!(done.status, OutcomeStatus::Succeeded, "{}", done.message);
}

fn run_id() -> RunId {
    RunId("drill-1".to_owned())
}

fn new_run() -> NewRun {
    NewRun {
        id: run_id(),
        plan_json: "{}".to_owned(),
        runbook: "drill".to_owned(),
        title: None,
        starter: "ada".to_owned(),
        started: Timestamp(1),
        status: RunStatus::running(),
    }
}

fn ada() -> Actor {
    Actor {
        name: "ada".to_owned(),
        account: "ada@host".to_owned(),
    }
}

fn cancel(reason: &str) -> Event {
    Event::Cancel {
        by: ada(),
        reason: Some(reason.to_owned()),
        rollback: false,
    }
}

/// A record that says this and follows the head, and the head after it.
fn record(head: Head, says: &str) -> (Record, Head) {
    let fact = Fact::CancelRequested {
        by: ada(),
        reason: Some(says.to_owned()),
        rollback: false,
    };
    let seq = head.seq + 1;
    let record = Record::seal(seq, Timestamp(1), head.hash, &fact);
    let hash = record.hash;
    (record, Head { seq, hash })
}

async fn made(store: &PostgresStore) -> (Lease, Head) {
    let (first, head) = record(Head::EMPTY, "first");
    store.create(&new_run(), &[first]).await.unwrap();
    (acquire(store).await.unwrap(), head)
}

async fn acquire(store: &PostgresStore) -> Result<Lease, StoreError> {
    store
        .acquire(&run_id(), &Owner::this_process(), Millis(600_000))
        .await
}

async fn commit(
    store: &PostgresStore,
    lease: &Lease,
    head: Head,
    says: &str,
) -> Result<Head, StoreError> {
    let (record, after) = record(head, says);
    let commit = Commit {
        records: &[record],
        snapshot: None,
        consumed: &[],
        status: &RunStatus::running(),
    };
    store.commit(lease, head, commit).await?;
    Ok(after)
}
