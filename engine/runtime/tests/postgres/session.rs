//! Scripts, what only looks, and what the server knows of a session.

use super::cluster::Cluster;
use super::{count, done, first, limited, looking, query, request, script};
use crate::driver::support::on_runtime;
use piton_core::record::OutcomeStatus::{Failed, Succeeded};
use piton_core::value::Value;
use piton_runtime::action::sql::Request;

#[test]
fn a_script_counts_as_a_whole_or_not_at_all() {
    on_runtime(async {
        let server = Cluster::start();
        let url = server.url();
        let made = "create table t (n int primary key);\ncreate function f() returns int language plpgsql as $$\nbegin return 1; end $$;\n-- done;\ninsert into t values (f());";
        let made = script(&url, made).await;
        assert_eq!(made.status, Succeeded, "{}", made.message);
        let failed = script(
            &url,
            "insert into t values (2);\n\ninsert into t\n values (1);\ninsert into t values (3)",
        )
        .await;
        assert_eq!(failed.status, Failed);
        assert!(
            failed
                .message
                .starts_with("statement 2 (line 3): duplicate key"),
            "{}",
            failed.message
        );
        assert!(
            failed.message.contains("Key (n)=(1) already exists"),
            "{}",
            failed.message
        );
        assert!(
            failed.message.ends_with("the whole script was rolled back"),
            "{}",
            failed.message
        );
        let failed = script(
            &url,
            "insert into t values (2);\ninsert into t\n values (nope);",
        )
        .await;
        assert!(
            failed
                .message
                .starts_with("statement 2 (line 3): column \"nope\""),
            "{}",
            failed.message
        );
        let deferred = script(&url, "alter table t add m int references t deferrable initially deferred; update t set m = 9").await;
        assert_eq!(deferred.status, Failed);
        assert!(
            deferred.message.contains("could not be committed"),
            "{}",
            deferred.message
        );
        assert_eq!(count(&url, "select count(*) from t").await, 1);
        assert_eq!(script(&url, "-- nothing").await.status, Succeeded);
        let log = server.log();
        assert!(!log.contains("unexpected EOF"), "it takes its leave: {log}");
    });
}

#[test]
fn a_script_with_transactions_of_its_own_runs_up_to_its_first_error() {
    on_runtime(async {
        let server = Cluster::start();
        let url = server.url();
        let made = script(&url, "create database other; create table t (n int)").await;
        assert_eq!(made.status, Succeeded, "{}", made.message);
        let failed = script(&url, "begin; insert into t values (1); commit; vacuum t; insert into t values (2); select 1 / 0; insert into t values (3)").await;
        assert_eq!(failed.status, Failed);
        assert!(
            failed
                .message
                .starts_with("statement 6 (line 1): division by zero"),
            "{}",
            failed.message
        );
        assert!(
            failed.message.ends_with("statements 1 to 5 are done"),
            "{}",
            failed.message
        );
        assert_eq!(count(&url, "select count(*) from t").await, 2);
        let open = script(&url, "begin; insert into t values (4)").await;
        assert!(open.message.contains("does not end it"), "{}", open.message);
        let copy = script(&url, "insert into t values (5); copy t from stdin").await;
        assert!(
            copy.message.starts_with("statement 2 (line 1):") && copy.message.contains("psql"),
            "{}",
            copy.message
        );
        assert_eq!(count(&url, "select count(*) from t").await, 2);
    });
}

#[test]
fn what_only_looks_cannot_write() {
    on_runtime(async {
        let server = Cluster::start();
        let url = server.url();
        let made = "create table t (n int); create function sly() returns int language sql as 'insert into t values (1) returning n'";
        assert_eq!(script(&url, made).await.status, Succeeded);
        for (sql, is_script, why) in [
            ("insert into t values (1)", false, "`effect = none`"),
            ("select sly()", false, "`effect = none`"),
            ("select 1; delete from t", true, "`effect = none`"),
            ("commit; delete from t", true, "only looks"),
            ("commit", false, "only looks"),
            ("vacuum", false, "only looks"),
            ("set transaction read write; delete from t", true, ""),
        ] {
            let failed = looking(&url, sql, is_script).await;
            if !why.is_empty() {
                assert_eq!(failed.status, Failed, "{sql}");
            }
            assert!(failed.message.contains(why), "{sql}: {}", failed.message);
        }
        assert_eq!(count(&url, "select count(*) from t").await, 0);
        let seen = looking(&url, "select count(*) from t", false).await;
        assert_eq!(first(seen), Value::Int(0));
        let seen = looking(&url, "set local work_mem = '8MB'; select * from t", true).await;
        assert_eq!(seen.status, Succeeded, "{}", seen.message);
    });
}

#[test]
fn the_server_knows_whose_session_it_is_and_how_long_it_may_take() {
    on_runtime(async {
        let server = Cluster::start();
        let sql = "select array[current_setting('application_name'), current_setting('statement_timeout'), current_setting('client_connection_check_interval')]";
        let named = Request {
            name: "piton restore-7k3fq verify n4.p1.a2".to_owned(),
            ..limited(request(&server.url(), sql), 60_000)
        };
        assert_eq!(
            first(done(named).await).to_string(),
            r#"["piton restore-7k3fq verify n4.p1.a2","65s","2s"]"#
        );
        let socket = format!(
            "postgresql:///postgres?host={}&port={}&user=owner&sslmode=require",
            server.dir.display(),
            server.port
        );
        assert_eq!(
            first(query(&socket, "select inet_client_addr() is null").await),
            true.into()
        );
        let several = format!(
            "postgresql://owner@127.0.0.1:1,127.0.0.1:{}/postgres?options=-c%20search_path%3Dapp",
            server.port
        );
        assert_eq!(
            first(query(&several, "show search_path").await),
            "app".into()
        );
        let standby = format!("{}?target_session_attrs=read-only", server.url());
        let refused = query(&standby, "select 1").await;
        assert!(
            refused.message.contains("not read only"),
            "{}",
            refused.message
        );
    });
}
