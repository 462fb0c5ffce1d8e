//! What steps and gates do, and what is recorded of it.

use super::support::{FAILED, SUCCEEDED, World, on_runtime};
use piton_core::expr::{Expression, Template};
use piton_core::plan::{Action, Check, Sql};
use piton_core::record::{Fact, OutcomeStatus};
use piton_core::run::Run;
use piton_core::sim::plans::{PlanBuilder, gate, plan, step};
use piton_core::time::Millis;
use piton_core::value::Value;
use piton_runtime::driver::DriveError;

fn sql(on: &str, text: &str, script: bool, bind: &[&str]) -> Action {
    Action::Sql(Sql {
        on: Template::parse(on).unwrap(),
        text: Template::literal(text),
        script,
        read_only: false,
        bind: bind
            .iter()
            .map(|text| Template::parse(text).unwrap())
            .collect(),
    })
}

#[test]
fn a_chain_runs_in_order_and_hands_values_on() {
    on_runtime(async {
        let world = World::new();
        let (run, end) = world
            .run(
                plan("chain")
                    .node(step("a").script("echo a >> order; echo 41; echo size=7 >> \"$PITON_OUTPUT\"")
                        .output("n", "value + 1").output("size", "output.size"))
                    .node(step("b").needs(&["a"]).env("N", "${{ steps.a.outputs.n }}/${{ steps.a.outputs.size }}")
                        .script("echo \"b $N $PITON_NODE $PITON_PASS $PITON_FENCE $PITON_RUN\" >> order"))
                    .node(step("c").needs(&["b"]).exec(&["sh", "-c", "echo c >> order"])),
            )
            .await;
        assert_eq!(end, SUCCEEDED);
        assert_eq!(world.text("order"), format!("a\nb 42/7 b 1 1 {run}\nc\n"));
        let values = world.local().directory(&run).outs();
        let left: Vec<_> = std::fs::read_dir(values)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(
            left.iter()
                .all(|path| path.extension().is_none_or(|e| e != "values")),
            "{left:?}"
        );
    });
}

#[test]
fn a_process_gets_a_clean_environment() {
    on_runtime(async {
        let world = World::new();
        let (_, end) = world
            .run(plan("env").node(step("a").exec(&["sh", "-c", "env > seen"])))
            .await;
        assert_eq!(end, SUCCEEDED);
        let seen = world.text("seen");
        assert!(seen.lines().any(|line| line.starts_with("PATH=")), "{seen}");
        assert!(
            !seen.contains("CARGO_"),
            "what cargo sets for tests is not passed on: {seen}"
        );
    });
}

#[test]
fn a_failure_says_the_exit_code_and_the_last_words() {
    on_runtime(async {
        let world = World::new();
        let (run, end) = world
            .run(
                plan("fails")
                    .node(step("a").script("echo fine; echo 'disk is gone' >&2; exit 3"))
                    .node(step("b").needs(&["a"])),
            )
            .await;
        assert_eq!(end, FAILED);
        let results = world.results(&run).await;
        assert_eq!(results.len(), 1, "b was not started");
        assert_eq!(
            (results[0].status, results[0].exit_code),
            (OutcomeStatus::Failed, Some(3))
        );
        assert_eq!(results[0].message, "exit code 3: disk is gone");
    });
}

#[test]
fn a_script_ends_at_the_first_command_that_fails() {
    on_runtime(async {
        let world = World::new();
        let (_, end) = world
            .run(plan("strict").node(step("a").script("false\ntouch reached")))
            .await;
        assert_eq!(end, FAILED);
        assert!(!world.path("reached").exists());
        let (_, end) = world
            .run(plan("strict").node(step("a").script("echo $nothing_is_set")))
            .await;
        assert_eq!(end, FAILED);
    });
}

#[test]
fn a_missing_program_is_named() {
    on_runtime(async {
        let world = World::new();
        let (run, end) = world
            .run(plan("missing").node(step("a").exec(&["no-such-program-here"])))
            .await;
        assert_eq!(end, FAILED);
        let message = &world.results(&run).await[0].message;
        assert!(message.contains("no-such-program-here"), "{message}");
    });
}

#[test]
fn a_failed_try_is_repeated() {
    on_runtime(async {
        let world = World::new();
        let node = step("a")
            .script("echo try >> tries; test $(wc -l < tries) -ge 3")
            .retry(2, Millis(5));
        let (_, end) = world.run(plan("retry").node(node)).await;
        assert_eq!(end, SUCCEEDED);
        assert_eq!(world.text("tries").lines().count(), 3);
    });
}

#[test]
fn a_step_that_takes_too_long_is_ended_with_all_that_it_started() {
    on_runtime(async {
        let world = World::new();
        let node = step("a")
            .script("sleep 600 & echo $! > child; sleep 600")
            .timeout(Millis(400));
        let (run, end) = world.run(plan("slow").node(node)).await;
        assert_eq!(end, FAILED);
        let result = &world.results(&run).await[0];
        assert_eq!(result.status, OutcomeStatus::TimedOut);
        assert!(
            result
                .message
                .starts_with("ran longer than 400ms and was ended"),
            "{}",
            result.message
        );
        let child = world.text("child");
        // One that has ended and was not waited for yet still has its place in the table of processes.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.trim()));
        let stat = stat.unwrap_or_default();
        let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
        let lives = state.is_some_and(|state| !state.starts_with(['Z', 'X']));
        assert!(!lives, "its child lives: {stat}");
    });
}

#[test]
fn side_by_side_is_what_parallel_allows() {
    on_runtime(async {
        let world = World::new();
        // Each of the two waits for the other's file: alone, none could end.
        let meet = |own: &str, other: &str| {
            format!("touch {own}; until [ -e {other} ]; do sleep 0.01; done")
        };
        let (_, end) = world
            .run(
                plan("meet")
                    .parallel(2)
                    .node(step("a").script(&meet("x", "y")).timeout(Millis(20_000)))
                    .node(step("b").script(&meet("y", "x")).timeout(Millis(20_000))),
            )
            .await;
        assert_eq!(end, SUCCEEDED);
    });
}

#[test]
fn sql_reads_and_writes_with_bound_values() {
    on_runtime(async {
        let world = World::new();
        let make = "create table t (n integer, s text, x real, b blob); insert into t values ($1, $2, 1.5, x'0aff'), (2, null, null, null);";
        let (run, end) = world
            .run(
                plan("sql")
                    .param("n", Value::Int(7))
                    .node(step("make").action(sql(
                        "sqlite:shop.db",
                        make,
                        true,
                        &["${{ params.n }}", "it's"],
                    )))
                    .node(
                        step("read")
                            .needs(&["make"])
                            .action(sql(
                                "sqlite:shop.db",
                                "select * from t where n >= $1 order by n desc",
                                false,
                                &["${{ params.n - 5 }}"],
                            ))
                            .output("rows", "rows")
                            .output("first", "value"),
                    ),
            )
            .await;
        assert_eq!(end, SUCCEEDED, "{:?}", world.results(&run).await);
        let outputs = &world.results(&run).await[1].outputs;
        assert_eq!(outputs["first"], Value::Int(7));
        let Value::List(rows) = &outputs["rows"] else {
            panic!("{outputs:?}")
        };
        let Value::Map(row) = &rows[0] else {
            panic!("{rows:?}")
        };
        let expected = [
            ("b", Value::String("0aff".into())),
            ("n", Value::Int(7)),
            ("s", Value::String("it's".into())),
            ("x", Value::Float(1.5)),
        ];
        assert_eq!(
            row,
            &expected
                .map(|(name, value)| (name.to_owned(), value))
                .into()
        );
    });
}

#[test]
fn a_script_of_sql_counts_as_a_whole_or_not_at_all() {
    on_runtime(async {
        let world = World::new();
        let script = "create table t (n integer not null);\n\ninsert into t values (1);\ninsert into t values (null);\ninsert into t values (3)";
        let (run, end) = world
            .run(plan("sql").node(step("a").action(sql("sqlite:x.db", script, true, &[]))))
            .await;
        assert_eq!(end, FAILED);
        let message = world.results(&run).await[0].message.clone();
        assert!(
            message.starts_with("statement 3 (line 4): NOT NULL constraint failed: t.n"),
            "{message}"
        );
        assert!(message.ends_with("rolled back"), "{message}");
        let (run, _) = world
            .run(plan("sql").node(step("a").action(sql(
                "sqlite:x.db",
                "select\n 1 frm t",
                false,
                &[],
            ))))
            .await;
        assert_eq!(
            world.results(&run).await[0].message,
            "line 2: near \"t\": syntax error"
        );
        let (run, _) = world
            .run(plan("sql").node(step("a").action(sql(
                "sqlite:x.db",
                "select n from t",
                false,
                &[],
            ))))
            .await;
        assert_eq!(
            world.results(&run).await[0].message,
            "no such table: t",
            "nothing of the script is left"
        );
    });
}

#[test]
fn wrong_sql_is_refused_with_a_reason() {
    on_runtime(async {
        let world = World::new();
        rusqlite::Connection::open(world.path("x.db"))
            .unwrap()
            .execute_batch("create table t (n)")
            .unwrap();
        let many = "with recursive c(n) as (select 1 union all select n + 1 from c where n < 20000) select n from c";
        for (on, text, bind, expected) in [
            ("sqlite:missing.db", "select 1", &[][..], "does not exist"),
            (
                "mysql://x",
                "select 1",
                &[],
                "`mysql:` databases are not known",
            ),
            (
                "sqlite:x.db",
                "select 1; drop table t",
                &[],
                "a query is one statement",
            ),
            ("sqlite:x.db", "select $2", &["a"], "$2"),
            ("sqlite:x.db", "select $1", &["a", "b"], "uses 1 of them"),
            ("sqlite:x.db", "select :name", &["a"], ":name"),
            ("sqlite:x.db", "  -- nothing", &[], "the query is empty"),
            ("sqlite:x.db", many, &[], "more than 10000 rows"),
        ] {
            let (run, end) = world
                .run(plan("sql").node(step("a").action(sql(on, text, false, bind))))
                .await;
            assert_eq!(end, FAILED, "{text}");
            let message = world.results(&run).await[0].message.clone();
            assert!(message.contains(expected), "{text}: {message}");
        }
        assert!(
            !world.path("missing.db").exists(),
            "a query does not make a database"
        );
    });
}

#[test]
fn sql_that_takes_too_long_is_interrupted_and_rolled_back() {
    on_runtime(async {
        let world = World::new();
        let endless = "create table t (n); insert into t with recursive c(n) as (select 1 union all select n + 1 from c) select n from c limit 1000000000000;";
        let node = step("a")
            .action(sql("sqlite:x.db", endless, true, &[]))
            .timeout(Millis(300));
        let (run, end) = world.run(plan("sql").node(node)).await;
        assert_eq!(end, FAILED);
        assert_eq!(world.results(&run).await[0].status, OutcomeStatus::TimedOut);
        let left: i64 = rusqlite::Connection::open(world.path("x.db"))
            .unwrap()
            .query_row("select count(*) from sqlite_schema", [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, 0);
    });
}

fn checked() -> PlanBuilder {
    let query = Check {
        name: "sql too".into(),
        probe: sql("sqlite:x.db", "select count(*) from t", false, &[]),
        expect: Some(Expression::parse("value == 0").unwrap()),
    };
    let mut node = gate("verified")
        .check("is three", "echo 3", Some("value == 3"))
        .check("is four", "echo 3", Some("value == 4"))
        .check("runs", "exit 9", None)
        .check("may fail", "exit 9", Some("exit_code == 9"));
    let mut built = plan("probe").node(node.clone()).build().unwrap();
    if let Action::Checks(checks) = &mut built.nodes[0].action {
        checks.push(query);
        node = node.action(Action::Checks(checks.clone()));
    }
    plan("checks").node(node)
}

#[test]
fn all_checks_are_taken_and_reported() {
    on_runtime(async {
        let world = World::new();
        rusqlite::Connection::open(world.path("x.db"))
            .unwrap()
            .execute_batch("create table t (n)")
            .unwrap();
        let (run, end) = world.run(checked()).await;
        assert_eq!(end, FAILED);
        let result = &world.results(&run).await[0];
        let seen: Vec<_> = result
            .checks
            .iter()
            .map(|check| (check.name.as_str(), check.passed))
            .collect();
        let passed = |name| seen.iter().find(|(found, _)| *found == name).unwrap().1;
        assert_eq!(seen.len(), 5, "{seen:?}");
        assert!(
            passed("is three") && passed("sql too"),
            "{:?}",
            result.checks
        );
        assert!(!passed("is four") && !passed("runs"), "{:?}", result.checks);
    });
}

#[test]
fn secrets_are_used_and_never_written() {
    on_runtime(async {
        let world = World::new();
        let outside = std::env::temp_dir().join(piton_runtime::store::new_run_id("piton-secret").0);
        std::fs::write(&outside, "s3cr3t-hunter2\n").unwrap();
        let mut built = plan("secret")
            .secret("token")
            .node(step("a").env("TOKEN", "${{ secrets.token }}")
                .script("test \"$TOKEN\" = s3cr3t-hunter\"2\"; echo \"out $TOKEN\"; echo \"err $TOKEN\" >&2; echo \"v=$TOKEN\" >> $PITON_OUTPUT")
                .output("v", "output.v").output("o", "stdout"))
            .node(step("b").needs(&["a"]).env("TOKEN", "${{ secrets.token }}").script("echo \"lost $TOKEN\" >&2; exit 1"))
            .build()
            .unwrap();
        built.secrets.insert(
            "token".into(),
            piton_core::plan::SecretSource::File(outside.display().to_string()),
        );
        let run = world.submit_plan(built).await;
        assert_eq!(world.drive(&run).await.unwrap(), FAILED);
        std::fs::remove_file(&outside).unwrap();
        let results = world.results(&run).await;
        assert_eq!(results[0].outputs["o"], Value::String("out ***".into()));
        assert_eq!(results[0].outputs["v"], Value::String("***".into()));
        assert_eq!(results[1].message, "exit code 1: lost ***");
        for (path, bytes) in world.everything_written() {
            let found = bytes.windows(14).any(|window| window == b"s3cr3t-hunter2");
            assert!(!found, "the secret is in {}", path.display());
        }
    });
}

#[test]
fn a_secret_that_is_missing_holds_the_step_until_it_is_there() {
    on_runtime(async {
        let world = World::new();
        let mut built = plan("secret")
            .secret("token")
            .node(step("before").script("echo before >> ran"))
            .node(
                step("a")
                    .needs(&["before"])
                    .env("T", "${{ secrets.token }}")
                    .script("test \"$T\" = open && echo a >> ran"),
            )
            .build()
            .unwrap();
        let file = world.path("token");
        built.secrets.insert(
            "token".into(),
            piton_core::plan::SecretSource::File(file.display().to_string()),
        );
        let run = world.submit_plan(built).await;
        let error = world.drive(&run).await.unwrap_err();
        let message = error.to_string();
        assert!(matches!(error, DriveError::Missing { .. }), "{message}");
        assert!(
            message.contains("`a`")
                && message.contains("`token`")
                && message.contains("piton resume"),
            "{message}"
        );
        assert_eq!(world.text("ran"), "before\n");
        std::fs::write(&file, "open\n").unwrap();
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        assert_eq!(world.text("ran"), "before\na\n");
        assert_eq!(world.results(&run).await.len(), 2, "it is the same attempt");
    });
}

#[test]
fn bad_lines_in_the_output_file_fail_the_step() {
    on_runtime(async {
        let world = World::new();
        let (run, end) = world
            .run(plan("out").node(step("a").script("printf 'a=1\\nwhat\\n' >> $PITON_OUTPUT")))
            .await;
        assert_eq!(end, FAILED);
        assert!(
            world.results(&run).await[0]
                .message
                .starts_with("line 2 of $PITON_OUTPUT")
        );
    });
}

#[test]
fn a_run_is_loaded_from_its_journal_as_it_was() {
    on_runtime(async {
        let world = World::new();
        let (run, _) = world
            .run(plan("chain").node(step("a")).node(step("b").needs(&["a"])))
            .await;
        let local = world.local();
        let loaded: Run = local.run(&run).await.unwrap();
        assert_eq!(loaded.head(), local.audit(&run).await.unwrap().head);
        assert!(matches!(
            world.facts(&run).await.last(),
            Some(Fact::RunEnded { .. })
        ));
    });
}

#[test]
fn sql_that_only_looks_cannot_write() {
    on_runtime(async {
        let world = World::new();
        rusqlite::Connection::open(world.path("x.db"))
            .unwrap()
            .execute_batch("create table t (n)")
            .unwrap();
        for (on, text, script, expected) in [
            (
                "sqlite:x.db",
                "insert into t values (1)",
                false,
                "`effect = none`",
            ),
            (
                "sqlite:x.db",
                "select 1; delete from t",
                true,
                "`effect = none`",
            ),
            ("sqlite:none.db", "select 1", true, "does not exist"),
        ] {
            let Action::Sql(mut look) = sql(on, text, script, &[]) else {
                panic!("sql is Action::Sql")
            };
            look.read_only = true;
            let node = gate("look").action(Action::Sql(look));
            let (run, end) = world.run(plan("sql").node(node)).await;
            assert_eq!(end, FAILED, "{text}");
            let message = world.results(&run).await[0].message.clone();
            assert!(message.contains(expected), "{text}: {message}");
        }
        assert!(!world.path("none.db").exists(), "nothing is made");
        let Action::Sql(mut look) = sql("sqlite:x.db", "select count(*) from t", true, &[]) else {
            panic!("sql is Action::Sql")
        };
        look.read_only = true;
        let (_, end) = world
            .run(plan("sql").node(gate("look").action(Action::Sql(look))))
            .await;
        assert_eq!(end, SUCCEEDED);
    });
}
