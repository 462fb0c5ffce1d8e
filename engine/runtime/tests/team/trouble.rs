//! Connections that are lost before or after the server has heard, and servers that die and come again.

use super::{acquire, cancel, commit, empty, made, new_run, open, record, run_id};
use crate::driver::support::on_runtime;
use crate::postgres::cluster::Cluster;
use crate::postgres::proxy::{Proxy, Trouble};
use piton_core::run::Head;
use piton_runtime::store::{Commit, Created, LockBreak, RunStatus, Store, StoreError, Verdict};
use std::time::Duration;

const ONCE: [Trouble; 2] = [Trouble::BreakBeforeOnce, Trouble::BreakAfterOnce];

#[test]
fn a_commit_whose_answer_is_lost_counts_once() {
    on_runtime(async {
        let server = Cluster::start();
        for trouble in ONCE {
            let store = empty(&server).await;
            let (lease, head) = made(&store).await;
            let proxy = Proxy::to(server.port, "stumble", trouble).await;
            let through = open(&server.url_at(proxy.port)).await;
            let head = commit(&through, &lease, head, "stumble").await.unwrap();
            let head = commit(&through, &lease, head, "and on").await.unwrap();
            let loaded = store.load(&run_id()).await.unwrap();
            assert_eq!(
                (loaded.head, loaded.records.len()),
                (head, 3),
                "{trouble:?}"
            );
        }
    });
}

#[test]
fn what_else_is_written_through_a_connection_that_breaks_counts_once() {
    on_runtime(async {
        let server = Cluster::start();
        for trouble in ONCE {
            let store = empty(&server).await;
            let broken = async |words: &'static str| {
                let proxy = Proxy::to(server.port, words, trouble).await;
                let through = open(&server.url_at(proxy.port)).await;
                (proxy, through)
            };
            let (_proxy, through) = broken("drill-1").await;
            let (first, head) = record(Head::EMPTY, "first");
            let created = through.create(&new_run(), &[first]).await.unwrap();
            assert_eq!(created, Created::New, "{trouble:?}");
            // The nonce of a lease is not known here, but its owner is.
            let (_proxy, through) = broken("start_time").await;
            let lease = acquire(&through).await.unwrap();
            assert_eq!(lease.fence, 1, "{trouble:?}");
            let (_proxy, through) = broken("stumble").await;
            let entry = through.post(&run_id(), &cancel("stumble"), "key").await;
            let inbox = store.inbox(&run_id()).await.unwrap();
            assert_eq!(
                inbox,
                vec![(entry.unwrap(), cancel("stumble"))],
                "{trouble:?}"
            );
            let (_proxy, through) = broken("drill-1").await;
            store.renew(&lease).await.unwrap();
            through.release(&lease).await.unwrap();
            let lease = acquire(&store).await.unwrap();
            assert_eq!(lease.fence, 2, "{trouble:?}");
            commit(&store, &lease, head, "goes on").await.unwrap();
        }
    });
}

#[test]
fn a_lock_is_broken_once_although_the_answer_is_lost() {
    on_runtime(async {
        let server = Cluster::start();
        for trouble in [Trouble::BreakBeforeOnce, Trouble::BreakAfterOnce] {
            let store = empty(&server).await;
            let (lease, _) = made(&store).await;
            store
                .take_locks(&lease, None, &["db".to_owned()])
                .await
                .unwrap();
            let proxy = Proxy::to(server.port, "COMMIT", trouble).await;
            // Opening a store that is there commits nothing by that word.
            let through = open(&server.url_at(proxy.port)).await;
            let LockBreak { broken, .. } = through
                .break_lock("db", &super::ada(), "its host is gone")
                .await
                .unwrap();
            assert_eq!(broken.len(), 1, "{trouble:?}");
            let locks = store.locks().await.unwrap();
            assert_eq!(
                (locks.held.len(), locks.broken.len()),
                (0, 1),
                "{trouble:?}"
            );
        }
    });
}

#[test]
fn verdicts_of_a_commit_whose_answer_is_lost_stand() {
    on_runtime(async {
        let server = Cluster::start();
        let store = empty(&server).await;
        let (lease, head) = made(&store).await;
        let entry = store.post(&run_id(), &cancel("x"), "key").await.unwrap();
        let verdict = Verdict {
            accepted: false,
            message: "stumble".to_owned(),
        };
        let proxy = Proxy::to(server.port, "stumble", Trouble::BreakAfterOnce).await;
        let through = open(&server.url_at(proxy.port)).await;
        let consumed = [(entry, verdict.clone())];
        let commit = Commit {
            records: &[],
            snapshot: None,
            consumed: &consumed,
            status: &RunStatus::running(),
        };
        // Nobody can tell these verdicts from somebody else's, so that the run has to be loaded again.
        match through.commit(&lease, head, commit).await {
            Err(StoreError::Decided { entry: found, .. }) => assert_eq!(found, entry),
            found => panic!("{found:?}"),
        }
        assert_eq!(store.verdict(entry).await.unwrap(), Some(verdict));
        assert_eq!(store.inbox(&run_id()).await.unwrap(), vec![]);
    });
}

#[test]
fn nothing_acknowledged_is_lost_when_the_server_dies_again_and_again() {
    on_runtime(async {
        let mut server = Cluster::start();
        let store = empty(&server).await;
        let (lease, mut head) = made(&store).await;
        let mut says = vec!["first".to_owned()];
        for round in 0..4 {
            let committing = async {
                let mut said = Vec::new();
                let mut head = head;
                for number in 0..60 {
                    let text = format!("{round}.{number}");
                    head = commit(&store, &lease, head, &text).await.unwrap();
                    said.push(text);
                    // Somewhere in the middle the server dies.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                (head, said)
            };
            let dying = tokio::task::spawn_blocking(move || {
                std::thread::sleep(Duration::from_millis(30));
                server.crash();
                server.start_again();
                server
            });
            let ((after, said), back) = tokio::join!(committing, dying);
            server = back.unwrap();
            head = after;
            says.extend(said);
        }
        let loaded = store.load(&run_id()).await.unwrap();
        assert_eq!(loaded.head, head);
        let found: Vec<String> = loaded
            .records
            .iter()
            .map(|record| record.body.clone())
            .collect();
        assert_eq!(found.len(), says.len());
        for (body, said) in found.iter().zip(&says) {
            assert!(
                body.contains(&format!("\"{said}\"")),
                "{body} is not {said}"
            );
        }
    });
}

#[test]
fn a_server_that_stays_away_is_told_with_the_next_command() {
    on_runtime(async {
        let mut server = Cluster::start();
        let store = empty(&server).await;
        let (lease, head) = made(&store).await;
        server.crash();
        let error = commit(&store, &lease, head, "nobody hears").await;
        let error = error.unwrap_err();
        assert!(matches!(error, StoreError::Away { .. }), "{error:?}");
        assert!(!error.wrote_nothing());
        let said = error.to_string();
        assert!(said.contains("piton resume drill-1"), "{said}");
        assert!(said.contains("What was recorded is safe"), "{said}");
        server.start_again();
        commit(&store, &lease, head, "it is back").await.unwrap();
    });
}
