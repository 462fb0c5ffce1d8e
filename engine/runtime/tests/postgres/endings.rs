//! How SQL ends when its time is up, when it is told to, and when the connection or the server goes away.

use super::cluster::{Cluster, free_port};
use super::proxy::{Proxy, Trouble};
use super::{count, done, limited, looking, query, request, script, until};
use crate::driver::support::on_runtime;
use piton_core::record::OutcomeStatus::{Failed, Stopped, Succeeded, TimedOut, Unknown};
use piton_core::run::Outcome;
use piton_runtime::action::sql::{Request, execute};
use piton_runtime::action::stop::stop_pair;
use std::time::{Duration, Instant};

const SLEEPING: &str = "select count(*) from pg_stat_activity where state = 'active' and query like '%pg_sleep(60)%' and pid <> pg_backend_pid()";

async fn with_table(server: &Cluster) -> String {
    let url = server.url();
    let made = script(&url, "create table t (n int)").await;
    assert_eq!(made.status, Succeeded, "{}", made.message);
    url
}

#[test]
fn what_is_lost_with_the_connection_is_failed_or_unknown_and_never_a_guess() {
    on_runtime(async {
        let server = Cluster::start();
        let url = with_table(&server).await;
        let whole = "insert into t values (1); insert into t values (2)";
        let own = "begin; insert into t values (1); commit; insert into t values (2)";
        let look = "select count(*) from t";
        for (words, trouble, sql, status, kept, said) in [
            (
                "commit",
                Trouble::BreakAfter,
                whole,
                Unknown,
                2,
                "is not known",
            ),
            (
                "commit",
                Trouble::BreakBefore,
                whole,
                Unknown,
                0,
                "is not known",
            ),
            (
                "values (2)",
                Trouble::BreakBefore,
                whole,
                Failed,
                0,
                "nothing of it is kept",
            ),
            (
                "values (2)",
                Trouble::BreakAfter,
                whole,
                Failed,
                0,
                "nothing of it is kept",
            ),
            (
                "values (2)",
                Trouble::BreakAfter,
                own,
                Unknown,
                2,
                "is not known",
            ),
            (
                "set client",
                Trouble::BreakBefore,
                whole,
                Failed,
                0,
                "was lost",
            ),
        ] {
            let proxy = Proxy::to(server.port, words, trouble).await;
            let outcome = script(&server.url_at(proxy.port), sql).await;
            let at = format!("{words} {trouble:?} in {sql}: {}", outcome.message);
            assert_eq!(outcome.status, status, "{at}");
            assert!(outcome.message.contains(said), "{at}");
            assert_eq!(count(&url, look).await, kept, "{at}");
            assert_eq!(script(&url, "truncate t").await.status, Succeeded);
        }
    });
}

#[test]
fn a_query_that_may_write_is_unknown_when_its_connection_is_lost() {
    on_runtime(async {
        let server = Cluster::start();
        let url = with_table(&server).await;
        // The statement is named when it is prepared; it is under way only after that.
        let asleep = "insert into t select 1 from pg_sleep(60)";
        for (sql, look, status) in [
            (asleep, false, Unknown),
            ("select pg_sleep(60)", true, Failed),
            (
                "begin; insert into t select 1 from pg_sleep(60); commit",
                false,
                Unknown,
            ),
        ] {
            let work = async {
                match (look, sql.starts_with("begin")) {
                    (true, _) => looking(&url, sql, false).await,
                    (_, true) => script(&url, sql).await,
                    _ => query(&url, sql).await,
                }
            };
            let outcome = terminated(&url, work).await;
            assert_eq!(outcome.status, status, "{sql}: {}", outcome.message);
            assert!(
                outcome.message.contains("terminating connection"),
                "{}",
                outcome.message
            );
        }
        let outcome = terminated(&url, script(&url, asleep)).await;
        assert_eq!(outcome.status, Failed, "{}", outcome.message);
        assert!(
            outcome.message.ends_with("nothing of it is kept"),
            "{}",
            outcome.message
        );
        assert_eq!(count(&url, "select count(*) from t").await, 0);
    });
}

/// Ends the session of this work from another, as soon as it sleeps.
async fn terminated(url: &str, work: impl Future<Output = Outcome>) -> Outcome {
    let terminate = async {
        until(url, SLEEPING, 1).await;
        let ended = SLEEPING.replace("count(*)", "count(pg_terminate_backend(pid))");
        assert_eq!(count(url, &ended).await, 1);
    };
    tokio::join!(work, terminate).0
}

#[test]
fn a_server_that_dies_is_failed_or_unknown_and_the_next_try_says_that_it_is_gone() {
    on_runtime(async {
        for (is_script, status) in [(true, Failed), (false, Unknown)] {
            let mut server = Cluster::start();
            let url = with_table(&server).await;
            let asleep = Request {
                script: is_script,
                ..request(&url, "insert into t select 1 from pg_sleep(60)")
            };
            let crash = async {
                until(&url, SLEEPING, 1).await;
                server.crash();
            };
            let (outcome, ()) = tokio::join!(done(asleep), crash);
            assert_eq!(outcome.status, status, "{}", outcome.message);
            let gone = query(&url, "select 1").await;
            assert_eq!(gone.status, Failed);
            assert!(
                gone.message.contains("refused") && gone.message.contains("127.0.0.1"),
                "{}",
                gone.message
            );
        }
    });
}

#[test]
fn what_takes_too_long_or_is_stopped_is_ended_at_the_server() {
    on_runtime(async {
        let server = Cluster::start();
        let url = with_table(&server).await;
        let asleep = "insert into t select 1 from pg_sleep(60)";
        for is_script in [false, true] {
            let late = Request {
                script: is_script,
                ..limited(request(&url, asleep), 2_000)
            };
            let outcome = done(late).await;
            assert_eq!(outcome.status, TimedOut, "{}", outcome.message);
            assert_eq!(outcome.message, "ran longer than 2s and was ended");
            until(&url, SLEEPING, 0).await;
            let (stopper, stop) = stop_pair();
            let told = Request {
                script: is_script,
                ..request(&url, asleep)
            };
            let stopping = async {
                until(&url, SLEEPING, 1).await;
                stopper.stop();
            };
            let (outcome, ()) = tokio::join!(execute(told, stop), stopping);
            assert_eq!(outcome.status, Stopped, "{}", outcome.message);
            until(&url, SLEEPING, 0).await;
        }
        assert_eq!(count(&url, "select count(*) from t").await, 0);
        let own = Request {
            script: true,
            ..limited(request(&url, "vacuum t; select pg_sleep(60)"), 2_000)
        };
        let outcome = done(own).await;
        assert_eq!(
            outcome.message,
            "ran longer than 2s and was ended; statement 1 is done"
        );
        let somebody = "select count(pg_cancel_backend(pid)) from pg_stat_activity where state = 'active' and query like '%pg_sleep(60)%' and pid <> pg_backend_pid()";
        let cancel = async {
            until(&url, SLEEPING, 1).await;
            assert_eq!(count(&url, somebody).await, 1);
        };
        let (outcome, ()) = tokio::join!(query(&url, asleep), cancel);
        assert_eq!(outcome.status, Failed, "{}", outcome.message);
        assert!(
            outcome.message.contains("user request"),
            "{}",
            outcome.message
        );
    });
}

#[test]
fn a_server_that_says_nothing_any_more_leaves_it_open_only_where_it_is() {
    on_runtime(async {
        let server = Cluster::start();
        let url = with_table(&server).await;
        let ended = |words, is_script| {
            let server = &server;
            async move {
                let proxy = Proxy::to(server.port, words, Trouble::Silence).await;
                let sql = "insert into t select 1 from generate_series(1, 2)";
                let silent = limited(request(&server.url_at(proxy.port), sql), 2_000);
                done(Request {
                    script: is_script,
                    ..silent
                })
                .await
            }
        };
        let (query, whole, commit) = tokio::join!(
            ended("generate_series", false),
            ended("generate_series", true),
            ended("commit", true)
        );
        // A query is named to the server before it is under way.
        assert_eq!(query.status, TimedOut, "{}", query.message);
        assert_eq!(whole.status, TimedOut, "{}", whole.message);
        assert!(
            whole.message.contains("nothing of it is kept"),
            "{}",
            whole.message
        );
        assert_eq!(commit.status, Unknown, "{}", commit.message);
        assert_eq!(count(&url, "select count(*) from t").await, 0);
    });
}

#[test]
fn a_server_that_does_not_let_us_in_is_a_failure_without_the_password() {
    on_runtime(async {
        let server = Cluster::with("", |data| {
            std::fs::write(
                data.join("pg_hba.conf"),
                "host all owner all scram-sha-256\n",
            )
            .unwrap();
        });
        let url = format!(
            "postgresql://owner:hunter2hunter2@127.0.0.1:{}/postgres",
            server.port
        );
        let refused = query(&url, "select 1").await;
        assert_eq!(refused.status, Failed);
        assert!(
            refused.message.contains("password authentication failed"),
            "{}",
            refused.message
        );
        let nobody = format!(
            "postgresql://owner@127.0.0.1:{}/postgres?connect_timeout=2",
            free_port()
        );
        let refused = query(&nobody, "select 1").await;
        assert!(refused.message.contains("refused"), "{}", refused.message);
        // Somebody listens, and never says a word.
        let mute = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mute = format!(
            "postgresql://owner:hunter2hunter2@127.0.0.1:{}/postgres",
            mute.local_addr().unwrap().port()
        );
        let began = Instant::now();
        let late = done(limited(request(&mute, "select 1"), 300)).await;
        assert_eq!(late.status, TimedOut);
        assert!(
            late.message.contains("nothing was sent"),
            "{}",
            late.message
        );
        let failed = query(&format!("{mute}?connect_timeout=1"), "select 1").await;
        assert_eq!(failed.status, Failed, "{}", failed.message);
        assert!(began.elapsed() < Duration::from_secs(20));
        assert!(!format!("{late:?}{failed:?}").contains("hunter2"));
    });
}

#[test]
fn a_statement_does_not_outlive_its_engine_for_long() {
    on_runtime(async {
        let server = Cluster::start();
        let url = with_table(&server).await;
        {
            let work = query(&url, "insert into t select 1 from pg_sleep(60)");
            tokio::select! {
                outcome = work => panic!("{outcome:?}"),
                () = until(&url, SLEEPING, 1) => {}
            }
        }
        until(&url, SLEEPING, 0).await;
        assert_eq!(count(&url, "select count(*) from t").await, 0);
    });
}
