//! Opening: who may make it, what is refused, and what is never shown.

use super::{empty, open, sql, url};
use crate::driver::support::on_runtime;
use crate::postgres::cluster::{Cluster, OWNER};
use crate::postgres::count;
use piton_runtime::store::{Location, PostgresStore, Store, StoreError};
use std::time::{Duration, Instant};

#[test]
fn many_may_make_it_at_once() {
    on_runtime(async {
        let server = Cluster::start();
        let opened = (0..8).map(|_| async { open(&server.url()).await });
        futures_util::future::join_all(opened).await;
        let layouts = count(&server.url(), "select count(*) from piton.layout").await;
        let newest = count(&server.url(), "select max(version) from piton.layout").await;
        assert_eq!(layouts, newest);
    });
}

#[test]
fn a_newer_layout_and_somebody_elses_schema_are_refused() {
    on_runtime(async {
        let server = Cluster::start();
        drop(empty(&server).await);
        sql(&server, "insert into piton.layout (version) values (99)").await;
        match PostgresStore::open(&url(&server.url())).await {
            Err(StoreError::Newer { found: 99, .. }) => {}
            found => panic!("{found:?}"),
        }
        sql(
            &server,
            "drop schema piton cascade; create schema piton; create table piton.t ()",
        )
        .await;
        match PostgresStore::open(&url(&server.url())).await {
            Err(StoreError::NotAStore { reason, .. }) => {
                assert!(reason.contains("not made by piton"), "{reason}");
            }
            found => panic!("{found:?}"),
        }
        assert_eq!(
            count(
                &server.url(),
                "select count(*) from pg_tables where schemaname = 'piton'"
            )
            .await,
            1
        );
    });
}

#[test]
fn a_role_that_owns_no_more_than_the_schema_is_enough() {
    on_runtime(async {
        let server = Cluster::start();
        sql(
            &server,
            "create role team login; create schema piton authorization team",
        )
        .await;
        let team = server.url().replace(OWNER, "team");
        let store = open(&team).await;
        assert_eq!(store.runs(&Default::default()).await.unwrap(), vec![]);
        sql(&server, "create role guest login").await;
        let guest = server.url().replace(OWNER, "guest");
        match PostgresStore::open(&url(&guest)).await {
            Err(StoreError::Unwritable { reason, .. }) => {
                assert!(reason.contains("permission denied"), "{reason}");
            }
            found => panic!("{found:?}"),
        }
    });
}

#[test]
fn a_database_that_cannot_hold_every_text_is_refused() {
    on_runtime(async {
        let server = Cluster::start();
        let made =
            "create database old encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'";
        sql(&server, made).await;
        let old = server.url().replace("/postgres", "/old");
        match PostgresStore::open(&url(&old)).await {
            Err(StoreError::NotAStore { reason, .. }) => {
                assert!(reason.contains("LATIN1"), "{reason}");
            }
            found => panic!("{found:?}"),
        }
    });
}

#[test]
fn a_server_that_is_not_there_is_told_at_once_and_without_the_password() {
    on_runtime(async {
        let port = crate::postgres::cluster::free_port();
        let text = format!("postgres://me:hunter2@127.0.0.1:{port}/runs?sslmode=disable");
        let began = Instant::now();
        let error = PostgresStore::open(&url(&text)).await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(5), "{error}");
        assert!(matches!(error, StoreError::Away { .. }), "{error:?}");
        let said = error.to_string();
        assert!(
            said.contains(&format!("postgres://me@127.0.0.1:{port}/runs")),
            "{said}"
        );
        for shown in [said, format!("{error:?}"), format!("{:?}", url(&text))] {
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        let location: Location = text.parse().unwrap();
        for shown in [format!("{location}"), format!("{location:?}")] {
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    });
}

#[test]
fn a_wrong_password_is_said_and_not_shown() {
    on_runtime(async {
        let server = Cluster::with("", |data| {
            std::fs::write(
                data.join("pg_hba.conf"),
                format!(
                    "host all {OWNER} 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
                ),
            )
            .unwrap();
        });
        sql(
            &server,
            "create role team login password 'right'; create schema piton authorization team",
        )
        .await;
        let at = |password: &str| server.url().replace(OWNER, &format!("team:{password}"));
        open(&at("right")).await;
        let error = PostgresStore::open(&url(&at("hunter2"))).await.unwrap_err();
        assert!(matches!(error, StoreError::Unwritable { .. }), "{error:?}");
        assert!(
            error.to_string().contains("authentication failed"),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        // The environment may say it instead.
        let without = server.url().replace(OWNER, "team");
        let given = piton_runtime::store::PostgresUrl::parse(&without, |name| {
            (name == "PGPASSWORD").then(|| "right".into())
        });
        PostgresStore::open(&given.unwrap()).await.unwrap();
    });
}
