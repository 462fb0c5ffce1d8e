//! Values on their way in and out.

use super::cluster::Cluster;
use super::{done, first, query, request, script};
use crate::driver::support::on_runtime;
use piton_core::record::OutcomeStatus;
use piton_core::time::{Millis, Timestamp};
use piton_core::value::Value;
use piton_runtime::action::sql::Request;

#[test]
fn columns_keep_their_kind_or_are_the_servers_text() {
    on_runtime(async {
        let server = Cluster::start();
        let url = server.url();
        let made = "create type mood as enum ('fine', 'so so'); create domain percent as int; create type pair as (a int, b int);";
        assert_eq!(script(&url, made).await.status, OutcomeStatus::Succeeded);
        let text = |text: &str| Value::String(text.to_owned());
        let list = |items: &[Value]| Value::List(items.to_vec());
        let at: Timestamp = "2026-01-31T03:00:00.123Z".parse().unwrap();
        for (sql, value) in [
            ("null", Value::Null),
            ("true", Value::Bool(true)),
            ("7::int2", Value::Int(7)),
            ("-7", Value::Int(-7)),
            ("9223372036854775807", Value::Int(i64::MAX)),
            ("count(*)", Value::Int(1)),
            ("0.1::float4", Value::Float(0.1)),
            ("0.1::float8", Value::Float(0.1)),
            ("'infinity'::float8", text("Infinity")),
            ("12.50", Value::Float(12.5)),
            ("10000.0", Value::Int(10_000)),
            ("-0.00012", Value::Float(-0.00012)),
            ("12345678.9", Value::Float(12_345_678.9)),
            ("12345678901234567890.5", text("12345678901234567890.5")),
            ("'NaN'::numeric", text("NaN")),
            ("'é'::varchar", text("é")),
            ("'x'::char(3)", text("x  ")),
            ("'so so'::mood", text("so so")),
            ("7::percent", Value::Int(7)),
            (
                "'2026-01-31 04:00:00.123456+01'::timestamptz",
                Value::Timestamp(at),
            ),
            ("'infinity'::timestamptz", text("infinity")),
            (
                "'2026-01-31 04:00:00.5'::timestamp",
                text("2026-01-31 04:00:00.5"),
            ),
            ("'1999-12-31'::date", text("1999-12-31")),
            ("'23:59:59.25'::time", text("23:59:59.25")),
            (
                "'2 days 01:30:00.5'::interval",
                Value::Duration(Millis(178_200_500)),
            ),
            (
                "'1 year 2 mons -3 days 04:05:06.7'::interval",
                text("1 year 2 mons -3 days +04:05:06.7"),
            ),
            ("'-01:00:00'::interval", text("-01:00:00")),
            ("'16/B374D848'::pg_lsn", text("16/B374D848")),
            (
                "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid",
                text("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
            ),
            ("'\\x0aff'::bytea", text("\\x0aff")),
            ("'10.0.0.1'::inet", text("10.0.0.1")),
            ("'10.0.0.0/8'::cidr", text("10.0.0.0/8")),
            (
                "array[1,null,3]",
                list(&[Value::Int(1), Value::Null, Value::Int(3)]),
            ),
            ("'{}'::text[]", list(&[])),
            (
                "array[array['a','b']]",
                list(&[list(&[text("a"), text("b")])]),
            ),
            (
                "'{\"a\": [1, 2.5, null]}'::jsonb->'a'",
                list(&[Value::Int(1), Value::Float(2.5), Value::Null]),
            ),
            ("'7'::json", Value::Int(7)),
            ("'$secret'::text", text("$secret")),
        ] {
            let found = first(query(&url, &format!("select {sql} as it")).await);
            assert_eq!(found, value, "{sql}");
            // What is text is what the server itself says.
            if let Value::String(found) = found {
                let said = first(query(&url, &format!("select format('%s', {sql})")).await);
                assert_eq!(Value::String(found), said, "{sql}");
            }
        }
        for sql in [
            "'(1,2)'::point",
            "row(1, 2)::pair",
            "'pg_class'::regclass",
            "int4range(1, 2)",
        ] {
            let failed = query(&url, &format!("select {sql} as it")).await;
            assert_eq!(failed.status, OutcomeStatus::Failed, "{sql}");
            assert!(
                failed.message.contains("write it::text"),
                "{sql}: {}",
                failed.message
            );
        }
    });
}

#[test]
fn rows_are_maps_and_the_first_value_is_by_itself() {
    on_runtime(async {
        let server = Cluster::start();
        let outcome = query(
            &server.url(),
            "select n, n * 2 as twice from generate_series(1, 2) n order by n desc",
        )
        .await;
        let rows = outcome.produced.rows.clone().unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].to_string(), r#"{"n":2,"twice":4}"#);
        assert_eq!(first(outcome), Value::Int(2));
        let none = query(&server.url(), "select 1 as a where false").await;
        assert_eq!(
            (none.produced.rows, none.produced.first),
            (Some(vec![]), None)
        );
        let many = query(&server.url(), "select generate_series(1, 20000)").await;
        assert!(
            many.message.contains("more than 10000 rows"),
            "{}",
            many.message
        );
    });
}

#[test]
fn bound_values_get_the_type_of_their_place() {
    on_runtime(async {
        let server = Cluster::start();
        let bound = |text: &str, bind: &[Value], script| {
            done(Request {
                bind: bind.to_vec(),
                script,
                ..request(&server.url(), text)
            })
        };
        let names = Value::List(vec![
            "it's".into(),
            "a\"b\\".into(),
            "NULL".into(),
            Value::Null,
        ]);
        let at: Timestamp = "2026-01-31T03:00:00Z".parse().unwrap();
        let map = Value::Map([("long".to_owned(), Value::Duration(Millis(90_000)))].into());
        for (sql, bind, value) in [
            ("select $1 + 1", Value::Int(41), Value::Int(42)),
            (
                "select $1::int8 / 2",
                Value::String("84".into()),
                Value::Int(42),
            ),
            (
                "select $1 || '!'",
                Value::String("'; drop table t; --".into()),
                "'; drop table t; --!".into(),
            ),
            ("select $1::bool", Value::Bool(false), Value::Bool(false)),
            (
                "select $1::float8",
                Value::Float(1e300),
                Value::Float(1e300),
            ),
            (
                "select $1::timestamptz",
                Value::Timestamp(at),
                Value::Timestamp(at),
            ),
            (
                "select $1::interval",
                Value::Duration(Millis(5_400_500)),
                Value::Duration(Millis(5_400_500)),
            ),
            (
                "select $1::text",
                Value::Duration(Millis(5_400_000)),
                "1h30m".into(),
            ),
            ("select $1::int is null", Value::Null, Value::Bool(true)),
            ("select $1::text[]", names.clone(), names.clone()),
            ("select 'it''s' = any($1)", names, Value::Bool(true)),
            ("select $1::jsonb->'long'", map, "1m30s".into()),
        ] {
            assert_eq!(first(bound(sql, &[bind], false).await), value, "{sql}");
        }
        let values = [Value::Int(1), Value::Int(2), Value::Int(3)];
        let made = bound("create table t (n int); insert into t values ($2); insert into t values ($3), ($1), ($3)", &values, true).await;
        assert_eq!(made.status, OutcomeStatus::Succeeded, "{}", made.message);
        assert_eq!(
            first(query(&server.url(), "select sum(n) from t").await),
            Value::Int(9)
        );
        for (sql, bind, expected) in [
            ("select $2", &values[..1], "$2, and `bind` has 1 values"),
            ("select $1::int", &values, "uses 1 of them"),
            (
                "select $1::int + $1",
                &[Value::String("x".into())],
                "invalid input syntax for type integer",
            ),
            ("select 1; select 2", &[], "a query is one statement"),
            ("  -- nothing", &[], "the query is empty"),
            ("select\n 1 frm t x", &[], "line 2: syntax error"),
            ("select 'a\0b'", &[], "null"),
        ] {
            let failed = bound(sql, bind, false).await;
            assert_eq!(failed.status, OutcomeStatus::Failed, "{sql}");
            assert!(
                failed.message.contains(expected),
                "{sql}: {}",
                failed.message
            );
        }
    });
}
