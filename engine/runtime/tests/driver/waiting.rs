//! Waiting: for something to become true, for time to pass, and in vain.

use super::support::{FAILED, SUCCEEDED, World, die_when, on_runtime};
use piton_core::expr::{Expression, Template};
use piton_core::plan::{Action, FailWhen, Plan, Sql, Target, Until, Wait};
use piton_core::record::{Fact, OutcomeStatus};
use piton_core::sim::plans::{NodeBuilder, plan, step};
use piton_core::time::Millis;

fn until(condition: &str) -> Until {
    Until {
        condition: Expression::parse(condition).unwrap(),
        every: Millis(10),
        fail_when: None,
        hold_for: None,
        consecutive: 1,
    }
}

/// A plan of one step that looks until something is true.
fn looking(step: NodeBuilder, until: Until) -> Plan {
    let mut plan = plan("looking").node(step).build().unwrap();
    plan.nodes[0].until = Some(until);
    plan
}

#[test]
fn a_step_looks_again_and_again_and_its_failures_count_as_looks() {
    on_runtime(async {
        let world = World::new();
        let step =
            step("a").script("echo look >> looks; n=$(wc -l < looks); echo $n; test $n -ge 3");
        let run = world.submit_plan(looking(step, until("value >= 4"))).await;
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        assert_eq!(world.text("looks").lines().count(), 4);
    });
}

#[test]
fn a_line_of_a_watched_file_ends_the_wait() {
    on_runtime(async {
        let world = World::new();
        let step = step("a").script("echo look >> looks; test $(wc -l < looks) -lt 3 || echo 'FATAL: recovery ended' >> log");
        let in_vain = Until {
            fail_when: Some(FailWhen::Line {
                file: Template::parse("log").unwrap(),
                matches: "^FATAL".to_owned(),
            }),
            ..until("false")
        };
        let run = world.submit_plan(looking(step, in_vain)).await;
        assert_eq!(world.drive(&run).await.unwrap(), FAILED);
        assert_eq!(world.text("looks").lines().count(), 3);
        let results = world.results(&run).await;
        let last = results.last().unwrap();
        let why = last.in_vain.as_deref().unwrap();
        assert!(why.contains("FATAL: recovery ended"), "{why}");
    });
}

#[test]
fn a_programs_own_idea_of_success_is_heard() {
    on_runtime(async {
        let world = World::new();
        let mut plan = plan("grep")
            .node(
                step("a")
                    .script("echo none; exit 1")
                    .output("found", "stdout"),
            )
            .build()
            .unwrap();
        plan.nodes[0].success = Some(Expression::parse("exit_code in [0, 1]").unwrap());
        let run = world.submit_plan(plan).await;
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        let results = world.results(&run).await;
        assert_eq!(results[0].exit_code, Some(1));
        assert_eq!(results[0].outputs["found"].to_string(), "none");
    });
}

#[test]
fn time_passes() {
    on_runtime(async {
        let world = World::new();
        let nodes = plan("wait")
            .node(step("pause").action(Action::Wait(Wait::For(Millis(100)))))
            .node(step("b").needs(&["pause"]).script("touch ran"));
        let run = world.submit(nodes).await;
        let began = std::time::Instant::now();
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        assert!(began.elapsed().as_millis() >= 100);
        assert!(world.path("ran").exists());
    });
}

#[test]
fn what_is_about_to_be_changed_is_looked_at_right_before() {
    on_runtime(async {
        let world = World::new();
        std::fs::write(world.path("host"), "db1").unwrap();
        let mut plan = plan("target")
            .node(step("drop").script("touch dropped"))
            .build()
            .unwrap();
        plan.nodes[0].target = Some(Target {
            probe: Action::Exec(piton_core::plan::Exec {
                argv: ["cat", "host"]
                    .map(|word| Template::parse(word).unwrap())
                    .to_vec(),
            }),
            expect: Some(Expression::parse("value == 'db2'").unwrap()),
        });
        let run = world.submit_plan(plan).await;
        assert_eq!(world.drive(&run).await.unwrap(), FAILED);
        assert!(!world.path("dropped").exists());
    });
}

#[test]
fn a_look_at_a_database_that_its_engine_died_over_is_taken_again() {
    on_runtime(async {
        let world = World::new();
        // Locked, so that the look is still under way when the engine dies.
        let database = rusqlite::Connection::open(world.path("x.db")).unwrap();
        database
            .execute_batch("create table t (n); insert into t values (7); begin exclusive")
            .unwrap();
        let mut plan = plan("capture")
            .node(step("a").script("touch ran"))
            .build()
            .unwrap();
        plan.nodes[0].capture = Some(Action::Sql(Sql {
            on: Template::parse("sqlite:x.db").unwrap(),
            text: piton_core::expr::Template::literal("select n from t"),
            read_only: true,
            script: false,
            bind: Vec::new(),
        }));
        let run = world.submit_plan(plan).await;
        let log = world.local().directory(&run);
        let mut waited = 0;
        die_when(&world.doomed(), &run, || {
            waited += 1;
            waited > 50
        })
        .await;
        assert!(!log.engine_log().exists(), "a look is not noted");
        database.execute_batch("commit").unwrap();
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        let facts = world.facts(&run).await;
        let unknown = facts.iter().any(|fact| {
            matches!(fact, Fact::AttemptEnded { result, .. } if result.status == OutcomeStatus::Unknown)
        });
        assert!(!unknown && world.path("ran").exists());
    });
}
