//! Engines that die while something runs, and engines that are asked to leave.

use super::support::{
    CANCELLED, FAILED, SUCCEEDED, World, cancel, die_when, on_runtime, until_lines,
};
use piton_core::expr::Template;
use piton_core::plan::{Action, Interrupted, Sql};
use piton_core::record::{Fact, OutcomeStatus};
use piton_core::sim::plans::{gate, plan, step};
use piton_core::time::Millis;
use piton_core::value::Value;
use piton_runtime::driver::{DriveEnd, DriveOptions, Until};
use piton_runtime::keeper::{Keeper, KeeperDir};
use std::time::Duration;

#[test]
fn a_process_outlives_its_engine_and_is_found_again() {
    on_runtime(async {
        let world = World::new();
        let run = world
            .submit(
                plan("outlives")
                    .node(step("a").script("echo began >> a; until [ -e go ]; do sleep 0.01; done; echo ended >> a; echo 5").output("n", "value"))
                    .node(step("b").needs(&["a"]).env("N", "${{ steps.a.outputs.n }}").script("echo $N >> b")),
            )
            .await;
        die_when(&world.doomed(), &run, || world.path("a").exists()).await;
        assert!(!world.path("b").exists());
        std::fs::write(world.path("go"), "").unwrap();
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        assert_eq!(world.text("a"), "began\nended\n");
        assert_eq!(world.text("b"), "5\n");
    });
}

#[test]
fn a_process_that_ended_while_no_engine_lived_has_its_result_and_its_outputs() {
    on_runtime(async {
        let world = World::new();
        let node = step("a").script("echo began >> a; sleep 0.2; echo n=8 >> $PITON_OUTPUT; echo out; echo ended >> a; exit 0")
            .output("n", "output.n").output("o", "stdout").timeout(Millis(20_000));
        let run = world.submit(plan("ended").node(node)).await;
        die_when(&world.doomed(), &run, || world.path("a").exists()).await;
        until_lines(&world.path("a"), 2).await;
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        let outputs = &world.results(&run).await[0].outputs;
        assert_eq!(outputs["n"], Value::String("8".into()));
        assert_eq!(outputs["o"], Value::String("out".into()));
        assert_eq!(world.text("a").lines().count(), 2);
    });
}

#[test]
fn a_time_limit_holds_with_no_engine_alive() {
    on_runtime(async {
        let world = World::new();
        let node = step("a").script("trap 'echo ended >> a; exit 1' TERM; echo began >> a; while :; do sleep 0.02; done").timeout(Millis(500));
        let run = world.submit(plan("limit").node(node)).await;
        die_when(&world.doomed(), &run, || world.path("a").exists()).await;
        until_lines(&world.path("a"), 2).await;
        assert_eq!(world.drive(&run).await.unwrap(), FAILED);
        assert_eq!(world.results(&run).await[0].status, OutcomeStatus::TimedOut);
    });
}

#[test]
fn checks_that_were_under_way_are_found_again() {
    on_runtime(async {
        let world = World::new();
        let node = gate("g")
            .check(
                "slow",
                "echo slow >> c; until [ -e go ]; do sleep 0.01; done; echo 1",
                Some("value == 1"),
            )
            .check("fast", "echo fast >> c; echo 2", Some("value == 2"))
            .timeout(Millis(20_000));
        let run = world.submit(plan("checks").node(node)).await;
        die_when(&world.doomed(), &run, || {
            world.text("c").lines().count() == 2
        })
        .await;
        std::fs::write(world.path("go"), "").unwrap();
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        assert_eq!(
            world.text("c").lines().count(),
            2,
            "no check was taken twice"
        );
    });
}

/// A query that lasts until its database is let go of.
fn long_sql() -> Action {
    Action::Sql(Sql {
        on: Template::parse("sqlite:x.db").unwrap(),
        text: piton_core::expr::Template::literal("insert into t values (1)"),
        read_only: false,
        script: true,
        bind: Vec::new(),
    })
}

async fn sql_killed(interrupted: Interrupted) -> (World, DriveEnd, piton_core::id::RunId) {
    let world = World::new();
    let locked = rusqlite::Connection::open(world.path("x.db")).unwrap();
    locked
        .execute_batch("create table t (n); begin immediate")
        .unwrap();
    let run = world
        .submit(plan("sql").node(step("a").action(long_sql()).interrupted(interrupted)))
        .await;
    let log = world.local().directory(&run).engine_log();
    die_when(&world.doomed(), &run, || log.exists()).await;
    locked.execute_batch("rollback").unwrap();
    let end = world.drive(&run).await.unwrap();
    (world, end, run)
}

#[test]
fn sql_dies_with_its_engine_and_then_nobody_knows() {
    on_runtime(async {
        let (world, end, run) = sql_killed(Interrupted::Ask).await;
        assert_eq!(end, DriveEnd::Waiting, "a person is asked");
        assert_eq!(world.results(&run).await[0].status, OutcomeStatus::Unknown);
        let (world, end, run) = sql_killed(Interrupted::Rerun).await;
        assert_eq!(end, SUCCEEDED);
        assert_eq!(world.results(&run).await.len(), 2);
    });
}

#[test]
fn what_was_recorded_and_never_started_is_started() {
    on_runtime(async {
        let world = World::new();
        std::fs::write(world.path("x.db"), "").unwrap();
        rusqlite::Connection::open(world.path("x.db"))
            .unwrap()
            .execute_batch("create table t (n)")
            .unwrap();
        // A run is made with its first attempts recorded, and its first engine is the second process.
        let (_, end) = world
            .run(
                plan("sql")
                    .parallel(2)
                    .node(step("a").action(long_sql()))
                    .node(step("b").script("touch b")),
            )
            .await;
        assert_eq!(end, SUCCEEDED);
        assert!(world.path("b").exists());
    });
}

#[test]
fn a_cancel_without_an_engine_ends_what_runs_when_the_run_is_driven() {
    on_runtime(async {
        let world = World::new();
        let run = world
            .submit(plan("long").node(step("a").script("echo $$ >> pid; exec sleep 600")))
            .await;
        die_when(&world.doomed(), &run, || !world.text("pid").is_empty()).await;
        let pid = world.text("pid").trim().to_owned();
        assert!(
            std::path::Path::new(&format!("/proc/{pid}")).exists(),
            "it outlives its engine"
        );
        world
            .local()
            .post(&run, &cancel("lead"), "c")
            .await
            .unwrap();
        assert_eq!(world.drive(&run).await.unwrap(), CANCELLED);
        assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    });
}

#[test]
fn an_engine_that_dies_between_the_cancel_and_the_end_leaves_it_to_the_next() {
    on_runtime(async {
        let world = World::new();
        // TERM is ignored, so the end takes the keeper's whole grace.
        let script = "trap '' TERM; echo $$ >> pid; while :; do sleep 0.05; done";
        let run = world
            .submit(plan("stubborn").node(step("a").script(script)))
            .await;
        let doomed = world.doomed();
        die_when(&doomed, &run, || !world.text("pid").is_empty()).await;
        world
            .local()
            .post(&run, &cancel("lead"), "c")
            .await
            .unwrap();
        let records = world.local();
        let mut observer = ();
        let driving = doomed.drive(&run, DriveOptions::until(Until::Over), &mut observer);
        let cancelled = async {
            while !records
                .records(&run)
                .await
                .unwrap()
                .iter()
                .any(|r| matches!(r.fact(), Ok(Fact::StopRequested { .. })))
            {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! { _ = driving => panic!("it ended too soon"), () = cancelled => {} }
        assert_eq!(world.drive(&run).await.unwrap(), CANCELLED);
        assert!(!std::path::Path::new(&format!("/proc/{}", world.text("pid").trim())).exists());
    });
}

#[test]
fn an_engine_that_is_asked_to_leave_leaves_the_work_alone() {
    on_runtime(async {
        let world = World::new();
        let run =
            world
                .submit(plan("leave").node(
                    step("a").script("echo began >> a; until [ -e go ]; do sleep 0.01; done"),
                ))
                .await;
        let (tell, stop) = tokio::sync::watch::channel(false);
        let local = world.local();
        let mut observer = ();
        let driving = local.drive(
            &run,
            DriveOptions {
                stop,
                ..DriveOptions::until(Until::Over)
            },
            &mut observer,
        );
        let leaving = async {
            until_lines(&world.path("a"), 1).await;
            tell.send_replace(true);
        };
        let (end, ()) = tokio::join!(driving, leaving);
        assert_eq!(end.unwrap(), DriveEnd::Detached);
        assert!(
            local.engine(&run).await.unwrap().is_none(),
            "the run is free"
        );
        std::fs::write(world.path("go"), "").unwrap();
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        assert_eq!(world.text("a").lines().count(), 1);
    });
}

#[test]
fn an_engine_killed_again_and_again_does_nothing_twice() {
    on_runtime(async {
        let world = World::new();
        let mut chain = plan("chain");
        for at in 0..12 {
            let node = step(&format!("s{at}")).script(&format!("echo {at} >> order; sleep 0.03"));
            chain = chain.node(if at == 0 {
                node
            } else {
                node.needs(&[&format!("s{}", at - 1)])
            });
        }
        let run = world.submit(chain).await;
        for kill in 1..10 {
            die_when(&world.doomed(), &run, || {
                world.text("order").lines().count() > kill
            })
            .await;
        }
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        let expected: String = (0..12).map(|at| format!("{at}\n")).collect();
        assert_eq!(world.text("order"), expected);
        assert!(
            world
                .results(&run)
                .await
                .iter()
                .all(|result| result.status == OutcomeStatus::Succeeded)
        );
    });
}

#[test]
fn a_keeper_that_dies_is_replaced_and_what_it_held_is_not_started_beside_itself() {
    on_runtime(async {
        let world = World::new();
        let script = "echo $$ >> a; until [ -e go ]; do sleep 0.01; done";
        let node = step("a").script(script).interrupted(Interrupted::Rerun);
        let run = world
            .submit(
                plan("keeperless")
                    .node(node)
                    .node(step("b").needs(&["a"]).script("touch b")),
            )
            .await;
        let local = world.local();
        let mut observer = ();
        let driving = local.drive(&run, DriveOptions::until(Until::Over), &mut observer);
        let killing = async {
            until_lines(&world.path("a"), 1).await;
            let directory = KeeperDir::new(local.directory(&run).path());
            let keeper = Keeper::attach(&directory, 1).await.unwrap().unwrap();
            let pid = rustix::process::Pid::from_raw(keeper.pid()).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
            // The new keeper finds the old one's process alive, and waits for it.
            loop {
                match Keeper::attach(&directory, 1).await.unwrap() {
                    Some(next) if next.pid() != keeper.pid() => break,
                    _ => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
            assert_eq!(world.text("a").lines().count(), 1);
            std::fs::write(world.path("go"), "").unwrap();
        };
        let (end, ()) = tokio::join!(driving, killing);
        assert_eq!(end.unwrap(), SUCCEEDED);
        let results = world.results(&run).await;
        let seen: Vec<_> = results.iter().map(|result| result.status).collect();
        let expected = [
            OutcomeStatus::Unknown,
            OutcomeStatus::Succeeded,
            OutcomeStatus::Succeeded,
        ];
        assert_eq!(seen, expected, "{results:?}");
    });
}
