//! Being told at once what others did.

use super::{cancel, empty, made, open, run_id};
use crate::driver::support::on_runtime;
use crate::postgres::cluster::Cluster;
use piton_runtime::store::{PostgresStore, Store};
use std::time::Duration;

/// Far less than an engine takes to look by itself.
const AT_ONCE: Duration = Duration::from_secs(4);

async fn is_rung(store: &PostgresStore) -> bool {
    tokio::time::timeout(AT_ONCE, store.rung(&run_id()))
        .await
        .is_ok()
}

/// Hears what is told when listening begins, and all that comes with it.
async fn listens(store: &PostgresStore) {
    assert!(is_rung(store).await, "the bell does not listen");
    quiet(store).await;
}

async fn quiet(store: &PostgresStore) {
    let quiet = Duration::from_millis(300);
    while tokio::time::timeout(quiet, store.rung(&run_id()))
        .await
        .is_ok()
    {}
}

#[test]
fn a_post_from_another_host_rings_and_what_concerns_other_runs_does_not() {
    on_runtime(async {
        let server = Cluster::start();
        let store = empty(&server).await;
        let other = open(&server.url()).await;
        let (lease, head) = made(&store).await;
        listens(&store).await;
        other.post(&run_id(), &cancel("x"), "key").await.unwrap();
        assert!(is_rung(&store).await);
        // A post while nobody waits is not lost.
        other
            .post(&run_id(), &cancel("y"), "another")
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(is_rung(&store).await);
        let mut elsewhere = super::new_run();
        elsewhere.id.0 = "other-1".to_owned();
        other.create(&elsewhere, &[]).await.unwrap();
        super::commit(&other, &lease, head, "x").await.unwrap();
        let quiet = tokio::time::timeout(Duration::from_millis(300), store.rung(&run_id())).await;
        assert!(quiet.is_err(), "the run was rung for another one");
        assert!(tokio::time::timeout(AT_ONCE, store.stirred()).await.is_ok());
    });
}

#[test]
fn what_happened_while_the_server_was_away_is_looked_for() {
    on_runtime(async {
        let mut server = Cluster::start();
        let store = empty(&server).await;
        made(&store).await;
        listens(&store).await;
        server.crash();
        server.start_again();
        assert!(is_rung(&store).await);
        quiet(&store).await;
        let other = open(&server.url()).await;
        other.post(&run_id(), &cancel("x"), "key").await.unwrap();
        assert!(is_rung(&store).await);
    });
}
