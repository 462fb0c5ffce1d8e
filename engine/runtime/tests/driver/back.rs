//! The way back, with real processes: undo, capture, and engines that die on it.

use super::support::{World, cancel, die_when, on_runtime, until_lines};
use piton_core::expr::Template;
use piton_core::plan::{Action, Exec, Plan, Response, Retry, Run, Undo, UndoAfter, WorldEffect};
use piton_core::record::{Fact, RunOutcome};
use piton_core::run::Event;
use piton_core::sim::plans::{PlanBuilder, plan, step};
use piton_runtime::driver::{Decided, DriveEnd, DriveOptions, Until};
use std::collections::BTreeMap;
use std::time::Duration;

const ROLLED_BACK: DriveEnd = DriveEnd::Over(RunOutcome::RolledBack);

fn script(text: &str) -> Action {
    Action::Run(Run {
        script: text.to_owned(),
        shell: None,
    })
}

/// An undo that runs this, with what was captured as `$WAS`.
fn undo(text: &str, captures: bool) -> WorldEffect {
    let was = captures.then(|| Template::parse("${{ capture.stdout }}").unwrap());
    WorldEffect::Undo(Undo {
        action: script(text),
        env: was
            .map(|was| ("WAS".to_owned(), was))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        timeout: None,
        after: UndoAfter::Succeeded,
        retry: Retry::default(),
        check: None,
    })
}

/// The plan, whose node `a` notes first what this prints.
fn capturing(plan: PlanBuilder, argv: &[&str]) -> Plan {
    let mut plan = plan.build().unwrap();
    let argv = argv
        .iter()
        .map(|word| Template::parse(word).unwrap())
        .collect();
    plan.nodes[0].capture = Some(Action::Exec(Exec { argv }));
    plan
}

#[test]
fn what_was_there_before_is_put_back() {
    on_runtime(async {
        let world = World::new();
        std::fs::write(world.path("replicas"), "5").unwrap();
        let nodes = plan("back")
            .node(
                step("a")
                    .script("echo 0 > replicas")
                    // What it says in PITON_OUTPUT means nothing on the way back, and breaks nothing.
                    .effect(undo("echo nonsense > $PITON_OUTPUT; printf %s $WAS > replicas; echo a $PITON_ATTEMPT >> undone", true)),
            )
            .node(step("b").needs(&["a"]).script("cat replicas > b").effect(undo("echo b $PITON_ATTEMPT >> undone", false)))
            .node(step("c").needs(&["b"]).script("exit 3").effect(WorldEffect::None).on_fail(Response::Rollback));
        let run = world
            .submit_plan(capturing(nodes, &["cat", "replicas"]))
            .await;
        assert_eq!(world.drive(&run).await.unwrap(), ROLLED_BACK);
        assert_eq!(world.text("b"), "0\n");
        assert_eq!(world.text("replicas"), "5");
        assert_eq!(world.text("undone"), "b n1.p1.undo1\na n0.p1.undo1\n");
    });
}

#[test]
fn an_undo_outlives_its_engine_and_is_found_again() {
    on_runtime(async {
        let world = World::new();
        let slow = "echo began >> undo; until [ -e go ]; do sleep 0.01; done; echo ended >> undo";
        let nodes = plan("back").node(step("a").effect(undo(slow, false))).node(
            step("b")
                .needs(&["a"])
                .script("exit 3")
                .effect(WorldEffect::None)
                .on_fail(Response::Rollback),
        );
        let run = world.submit(nodes).await;
        die_when(&world.doomed(), &run, || world.path("undo").exists()).await;
        std::fs::write(world.path("go"), "").unwrap();
        assert_eq!(world.drive(&run).await.unwrap(), ROLLED_BACK);
        assert_eq!(world.text("undo"), "began\nended\n");
    });
}

#[test]
fn a_cancel_on_the_way_back_is_written_down_and_refused() {
    on_runtime(async {
        let world = World::new();
        let slow = "echo began >> undo; until [ -e go ]; do sleep 0.01; done";
        let nodes = plan("back").node(step("a").effect(undo(slow, false))).node(
            step("b")
                .needs(&["a"])
                .script("exit 3")
                .effect(WorldEffect::None)
                .on_fail(Response::Rollback),
        );
        let run = world.submit(nodes).await;
        let (engine, other) = (world.local(), world.local());
        let mut observer = ();
        let driving = engine.drive(&run, DriveOptions::until(Until::Over), &mut observer);
        let deciding = async {
            until_lines(&world.path("undo"), 1).await;
            let patience = Duration::from_secs(20);
            let refused = other
                .decide(&run, &cancel("ops"), "k1", patience)
                .await
                .unwrap();
            let Decided::Verdict(verdict) = refused else {
                panic!("{refused:?}")
            };
            assert!(!verdict.accepted);
            assert!(
                verdict.message.contains("not cut short"),
                "{}",
                verdict.message
            );
            std::fs::write(world.path("go"), "").unwrap();
        };
        let (end, ()) = tokio::join!(driving, deciding);
        assert_eq!(end.unwrap(), ROLLED_BACK);
        let facts = world.facts(&run).await;
        assert!(
            facts
                .iter()
                .any(|fact| matches!(fact, Fact::CancelRefused { by, .. } if by.name == "ops"))
        );
    });
}

#[test]
fn a_cancel_with_rollback_ends_what_runs_and_undoes_the_rest() {
    on_runtime(async {
        let world = World::new();
        let nodes = plan("back")
            .node(step("a").effect(undo("echo a >> undone", false)))
            .node(
                step("b")
                    .needs(&["a"])
                    .script("echo began >> b; sleep 600")
                    .effect(WorldEffect::None),
            );
        let run = world.submit(nodes).await;
        let (engine, other) = (world.local(), world.local());
        let mut observer = ();
        let driving = engine.drive(&run, DriveOptions::until(Until::Over), &mut observer);
        let cancelling = async {
            until_lines(&world.path("b"), 1).await;
            let Event::Cancel { by, reason, .. } = cancel("ops") else {
                panic!()
            };
            let event = Event::Cancel {
                by,
                reason,
                rollback: true,
            };
            let taken = other
                .decide(&run, &event, "k1", Duration::from_secs(20))
                .await
                .unwrap();
            assert!(
                matches!(&taken, Decided::Verdict(verdict) if verdict.accepted),
                "{taken:?}"
            );
        };
        let (end, ()) = tokio::join!(driving, cancelling);
        assert_eq!(end.unwrap(), ROLLED_BACK);
        assert_eq!(world.text("undone"), "a\n");
    });
}
