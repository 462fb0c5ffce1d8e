//! SQL on a real Postgres: typed rows, bound values, one outcome a script, time limits, and lost connections.

use crate::support::postgres::{Cluster, SUPERUSER};
use crate::support::{Place, until};
use serde_json::{Value, json};

/// A server with a table, and a place whose runbooks are about it.
fn ground() -> (Place, Cluster) {
    let place = Place::new();
    let cluster = Cluster::new(&place.dir.join("cluster"), None);
    cluster.start();
    cluster.psql("postgres", "create table t(n int primary key)");
    (place, cluster)
}

/// Runs a runbook of these nodes, and gives its exit code and what `show` says of it.
fn run(place: &Place, cluster: &Cluster, nodes: &str) -> (Option<i32>, Value) {
    let text = format!(
        "runbook db {{\n timeout = 20s\n database = \"postgresql:///postgres?host={}&port={}&user={SUPERUSER}\"\n{nodes}\n}}\n",
        cluster.sockets.display(),
        cluster.port
    );
    place.file("db.runbook", &text);
    let code = place.run(["run", "db.runbook"]).without_panic().code;
    (code, place.json(["show", "last", "--json"]))
}

fn node<'a>(shown: &'a Value, id: &str) -> &'a Value {
    let nodes = shown["nodes"].as_array().expect("nodes");
    nodes.iter().find(|node| node["id"] == id).expect(id)
}

#[test]
fn rows_keep_their_types_and_values_are_bound() {
    let (place, cluster) = ground();
    let (code, shown) = run(
        &place,
        &cluster,
        r#"
  param who { default = "o'brien" }
  step look {
    sql {
      query = "select 1::int2 as small, 2.50::numeric as exact, 3::numeric as whole, true as yes, array[1,2] as list, '{\"a\":[1,null]}'::jsonb as doc, interval '90 s' as length, null::int as nothing, inet '10.0.0.1' as address, '0/16B3748'::pg_lsn as place, date '2026-05-13' as day, timestamptz '2026-05-13 14:30:00+02' as moment, $1::text as who, $2::int + 1 as next"
      bind  = ["${{ params.who }}", "${{ 41 }}"]
    }
    outputs { row = "rows[0]" }
    effect  = none
  }
"#,
    );
    assert_eq!(code, Some(0), "{shown:#}");
    let expected = json!({
        "small": 1, "exact": 2.5, "whole": 3, "yes": true, "list": [1, 2], "doc": {"a": [1, null]},
        "nothing": null, "address": "10.0.0.1", "place": "0/16B3748", "day": "2026-05-13",
        "who": "o'brien", "next": 42,
    });
    let row = &node(&shown, "look")["outputs"]["row"];
    for (name, value) in expected.as_object().expect("a map") {
        assert_eq!(&row[name], value, "{name} in {row:#}");
    }
    assert_eq!(row["moment"], json!({"$timestamp": 1_778_675_400_000_i64}));
    assert_eq!(row["length"], json!({"$duration": 90_000}));
}

#[test]
fn a_script_counts_whole_or_not_at_all() {
    let (place, cluster) = ground();
    let (_, shown) = run(
        &place,
        &cluster,
        r#"
  step half {
    sql     { script = "insert into t values (1);\n\ninsert into nowhere values (';')" }
    effect  = abandoned("a test")
    on_fail = [continue]
  }
  step whole {
    sql     { script = "insert into t values ($1); do $body$ begin insert into t values (3); end $body$;"  bind = ["${{ 2 }}"] }
    effect  = abandoned("a test")
  }
  step alone { sql { script = "create database beside; vacuum t" }  effect = abandoned("a test") }
"#,
    );
    assert_eq!(
        cluster.psql(
            "postgres",
            "select string_agg(n::text, ',' order by n) from t"
        ),
        "2,3"
    );
    assert_eq!(cluster.psql("beside", "select 1"), "1");
    let message = node(&shown, "half").to_string();
    assert!(message.contains("statement 2 (line 3)"), "{message}");
    assert!(
        message.contains("the whole script was rolled back"),
        "{message}"
    );
}

#[test]
fn what_only_looks_cannot_write() {
    let (place, cluster) = ground();
    let (code, shown) = run(
        &place,
        &cluster,
        r#"
  gate look {
    checks { check "quiet" { sql = "insert into t values (1)" } }
    on_fail = [stop]
  }
"#,
    );
    assert_eq!(code, Some(1));
    assert_eq!(cluster.psql("postgres", "select count(*) from t"), "0");
    assert!(shown.to_string().contains("read-only"), "{shown:#}");
}

#[test]
fn what_takes_too_long_is_ended_at_the_server() {
    let (place, cluster) = ground();
    let (code, shown) = run(
        &place,
        &cluster,
        r#"
  step slow { timeout = 1s  sql { script = "insert into t values (1); select pg_sleep(600)" }  effect = abandoned("a test") }
"#,
    );
    assert_eq!(code, Some(1), "{shown:#}");
    assert!(
        shown.to_string().contains("ran longer than 1s"),
        "{shown:#}"
    );
    assert_eq!(cluster.psql("postgres", "select count(*) from t"), "0");
    until("the statement is gone", || {
        let running = "select count(*) from pg_stat_activity where application_name like 'piton %' and state = 'active'";
        cluster.psql("postgres", running) == "0"
    });
}

#[test]
fn a_server_that_dies_in_a_statement_leaves_a_question_and_one_that_is_not_there_does_not() {
    let (place, cluster) = ground();
    let text = format!(
        r#"
runbook lost {{
  timeout  = 60s
  database = "postgresql:///postgres?host={}&port={}&user={SUPERUSER}"
  step write {{
    sql     {{ query = "insert into t select 1 from pg_sleep(600)" }}
    effect  = abandoned("a test")
  }}
}}
"#,
        cluster.sockets.display(),
        cluster.port
    );
    place.file("lost.runbook", &text);
    let mut engine = place.spawn(["run", "lost.runbook"]);
    until("the statement runs", || {
        let running = "select count(*) from pg_stat_activity where application_name like 'piton %' and state = 'active'";
        cluster.psql("postgres", running) == "1"
    });
    cluster.crash();
    let code = engine.wait().expect("our child").code();
    assert_eq!(code, Some(3), "{}", place.json(["show", "last", "--json"]));
    cluster.start();
    assert_eq!(cluster.psql("postgres", "select count(*) from t"), "0");
    // Nothing was sent where nobody listens, so that is a failure, and nobody is asked.
    cluster.stop();
    let ended = place.run(["run", "lost.runbook"]).expect(1);
    ended.says("cannot be reached");
}
