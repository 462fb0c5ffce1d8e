//! Several engines at once.

use super::{acquire, commit, empty, made, new_run, open, record, run_id};
use crate::driver::support::on_runtime;
use crate::postgres::cluster::Cluster;
use piton_core::run::Head;
use piton_core::time::Millis;
use piton_runtime::owner::Owner;
use piton_runtime::store::{Created, Lease, Store, StoreError, Taken};
use std::time::{Duration, Instant};

/// An engine of another host.
fn engine(number: u32) -> Owner {
    Owner {
        host: format!("host-{number}"),
        ..Owner::this_process()
    }
}

#[test]
fn of_many_that_want_a_run_one_gets_it() {
    on_runtime(async {
        let server = Cluster::start();
        let store = empty(&server).await;
        store.create(&new_run(), &[]).await.unwrap();
        for round in 1..=5 {
            let engines = (0..4).map(|number| {
                let url = server.url();
                async move {
                    let store = open(&url).await;
                    store
                        .acquire(&run_id(), &engine(number), Millis(600_000))
                        .await
                }
            });
            let found = futures_util::future::join_all(engines).await;
            let (got, refused): (Vec<_>, Vec<_>) = found.into_iter().partition(Result::is_ok);
            assert_eq!(got.len(), 1, "{got:?}");
            for error in refused {
                assert!(matches!(error, Err(StoreError::Held { .. })), "{error:?}");
            }
            let lease: Lease = got.into_iter().next().unwrap().unwrap();
            assert_eq!(lease.fence, round);
            store.release(&lease).await.unwrap();
        }
    });
}

#[test]
fn of_two_commits_on_one_head_one_counts() {
    on_runtime(async {
        let server = Cluster::start();
        let store = empty(&server).await;
        let other = open(&server.url()).await;
        let (lease, mut head) = made(&store).await;
        for round in 0..20 {
            let (says, rival) = (format!("{round} here"), format!("{round} there"));
            let (one, two) = tokio::join!(
                commit(&store, &lease, head, &says),
                commit(&other, &lease, head, &rival)
            );
            head = match (one, two) {
                (Ok(head), Err(StoreError::Conflict { found, .. }))
                | (Err(StoreError::Conflict { found, .. }), Ok(head)) => {
                    assert_eq!(found, head);
                    head
                }
                found => panic!("{found:?}"),
            };
        }
        let loaded = store.load(&run_id()).await.unwrap();
        assert_eq!((loaded.head, loaded.records.len()), (head, 21));
    });
}

#[test]
fn a_lease_lasts_by_the_clock_of_the_database_and_then_fences() {
    on_runtime(async {
        let server = Cluster::start();
        let store = empty(&server).await;
        let (first, head) = record(Head::EMPTY, "first");
        store.create(&new_run(), &[first]).await.unwrap();
        let old = store
            .acquire(&run_id(), &engine(1), Millis(700))
            .await
            .unwrap();
        let held = store.acquire(&run_id(), &engine(2), Millis(700)).await;
        assert!(matches!(held, Err(StoreError::Held { .. })), "{held:?}");
        let deadline = Instant::now() + Duration::from_secs(20);
        let new = loop {
            match store.acquire(&run_id(), &engine(2), Millis(600_000)).await {
                Ok(lease) => break lease,
                Err(StoreError::Held { .. }) if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(error) => panic!("{error}"),
            }
        };
        assert_eq!(new.fence, old.fence + 1);
        assert_eq!(new.taken_from, Some(engine(1)));
        match commit(&store, &old, head, "late").await {
            Err(StoreError::Fenced { by: Some(by), .. }) => assert_eq!(*by, engine(2)),
            found => panic!("{found:?}"),
        }
        assert!(matches!(
            store.renew(&old).await,
            Err(StoreError::Fenced { .. })
        ));
        commit(&store, &new, head, "ours").await.unwrap();
    });
}

#[test]
fn sets_of_locks_are_taken_whole_by_whoever_is_first() {
    on_runtime(async {
        let server = Cluster::start();
        let store = empty(&server).await;
        let mut leases = Vec::new();
        for number in 0..4 {
            let mut run = new_run();
            run.id.0 = format!("drill-{number}");
            assert_eq!(store.create(&run, &[]).await.unwrap(), Created::New);
            let engine = engine(number);
            let lease = store.acquire(&run.id, &engine, Millis(600_000));
            leases.push(lease.await.unwrap());
        }
        let names = ["db".to_owned(), "disk".to_owned()];
        for _ in 0..5 {
            let takers = leases
                .iter()
                .map(|lease| store.take_locks(lease, None, &names));
            let taken = futures_util::future::join_all(takers).await;
            let all = taken.iter().filter(|it| matches!(it, Ok(Taken::All)));
            assert_eq!(all.count(), 1, "{taken:?}");
            for lease in &leases {
                store.release_locks(lease, None).await.unwrap();
            }
        }
        let lost = acquire(&store).await;
        assert!(matches!(lost, Err(StoreError::Held { .. })), "{lost:?}");
    });
}
