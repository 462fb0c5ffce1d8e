//! Decisions and cancels, from this process and from others.

use super::support::{CANCELLED, FAILED, SUCCEEDED, World, actor, cancel, on_runtime, until_lines};
use piton_core::id::RunId;
use piton_core::record::{Answer, OutcomeStatus, RunOutcome};
use piton_core::run::{Decision, Event, RunState};
use piton_core::sim::plans::{PlanBuilder, gate, plan, step};
use piton_core::time::Millis;
use piton_runtime::driver::{Clock, Decided, DriveEnd, DriveError, DriveOptions, Local, Until};
use piton_runtime::store::{Store, StoreError};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

fn gated() -> PlanBuilder {
    plan("gated")
        .node(gate("go").approve(&["lead"]))
        .node(step("a").needs(&["go"]).script("touch ran"))
}

async fn answer(local: &Local, run: &RunId, by: &str, answer: Answer) -> Event {
    let state = local.run(run).await.unwrap();
    let question = state.questions().next().expect("no question is open");
    Event::Decide(Decision {
        node: question.node,
        by: actor(by),
        answer,
        note: None,
        shown: question.shown,
    })
}

#[test]
fn a_run_that_waits_for_people_is_left_and_goes_on_when_they_decide() {
    on_runtime(async {
        let world = World::new();
        let (run, end) = world.run(gated()).await;
        assert_eq!(end, DriveEnd::Waiting);
        assert!(!world.path("ran").exists());
        let other = world.local();
        assert_eq!(
            other
                .store()
                .summary(&run)
                .await
                .unwrap()
                .status
                .waiting_for,
            ["go"]
        );
        let approve = answer(&other, &run, "lead", Answer::Approve).await;
        let Decided::NoEngine(entry) = other.decide(&run, &approve, "k1", PATIENCE).await.unwrap()
        else {
            panic!("nobody drives the run")
        };
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        assert!(other.verdict(entry).await.unwrap().unwrap().accepted);
        assert!(world.path("ran").exists());
    });
}

#[test]
fn an_engine_that_stays_is_told_at_once_and_only_one_answer_counts() {
    on_runtime(async {
        let world = World::new();
        let run = world
            .submit(
                gated().node(
                    step("b")
                        .needs(&["a"])
                        .script("until [ -e end ]; do sleep 0.01; done"),
                ),
            )
            .await;
        let (engine, other) = (world.local(), world.local());
        let mut observer = ();
        let driving = engine.drive(&run, DriveOptions::until(Until::Over), &mut observer);
        let deciding = async {
            while other.engine(&run).await.unwrap().is_none()
                || other.run(&run).await.unwrap().state() != RunState::Waiting
            {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let wrong = answer(&other, &run, "intern", Answer::Approve).await;
            let approve = answer(&other, &run, "lead", Answer::Approve).await;
            let Decided::Verdict(refused) =
                other.decide(&run, &wrong, "k0", PATIENCE).await.unwrap()
            else {
                panic!()
            };
            assert!(
                !refused.accepted && refused.message.contains("intern"),
                "{}",
                refused.message
            );
            let began = Instant::now();
            let Decided::Verdict(first) =
                other.decide(&run, &approve, "k1", PATIENCE).await.unwrap()
            else {
                panic!()
            };
            assert!(first.accepted, "{}", first.message);
            // Far less than a lease renewal: the engine was woken.
            assert!(
                began.elapsed() < Duration::from_secs(5),
                "{:?}",
                began.elapsed()
            );
            let Decided::Verdict(second) =
                other.decide(&run, &approve, "k2", PATIENCE).await.unwrap()
            else {
                panic!()
            };
            assert!(
                !second.accepted && second.message.contains("already decided"),
                "{}",
                second.message
            );
            let Decided::Verdict(same) =
                other.decide(&run, &approve, "k1", PATIENCE).await.unwrap()
            else {
                panic!()
            };
            assert!(same.accepted, "the same key is the same decision");
            std::fs::write(world.path("end"), "").unwrap();
        };
        let (end, ()) = tokio::join!(driving, deciding);
        assert_eq!(end.unwrap(), SUCCEEDED);
    });
}

#[test]
fn a_rejected_gate_fails_the_run() {
    on_runtime(async {
        let world = World::new();
        let (run, _) = world.run(gated()).await;
        let local = world.local();
        let reject = answer(&local, &run, "lead", Answer::Reject).await;
        local.post(&run, &reject, "k").await.unwrap();
        assert_eq!(world.drive(&run).await.unwrap(), FAILED);
        assert!(!world.path("ran").exists());
        // Over is over: a late decision is refused, and the run stays as it is.
        let entry = local.post(&run, &cancel("late"), "k2").await.unwrap();
        assert_eq!(world.drive(&run).await.unwrap(), FAILED);
        let verdict = local.verdict(entry).await.unwrap().unwrap();
        assert!(
            !verdict.accepted && verdict.message.contains("over"),
            "{}",
            verdict.message
        );
    });
}

#[test]
fn an_answer_after_the_expiry_is_refused() {
    on_runtime(async {
        let world = World::new();
        let node = gate("go")
            .approve(&[])
            .approval(|approve| approve.expires = Some(Millis(1500)));
        let (run, end) = world.run(plan("expires").node(node)).await;
        assert_eq!(end, DriveEnd::Waiting);
        let local = world.local();
        let approve = answer(&local, &run, "lead", Answer::Approve).await;
        let entry = local.post(&run, &approve, "k").await.unwrap();
        let expires = local
            .run(&run)
            .await
            .unwrap()
            .questions()
            .next()
            .and_then(|question| question.expires)
            .unwrap();
        while Clock::start().now() < expires {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(world.drive(&run).await.unwrap(), FAILED);
        let verdict = local.verdict(entry).await.unwrap().unwrap();
        assert!(
            !verdict.accepted && verdict.message.contains("expired"),
            "{}",
            verdict.message
        );
    });
}

#[test]
fn a_cancel_ends_what_runs() {
    on_runtime(async {
        let world = World::new();
        let run = world
            .submit(
                plan("long")
                    .node(step("a").script("echo $$ >> pid; exec sleep 600"))
                    .node(step("b").needs(&["a"]).script("touch ran")),
            )
            .await;
        let (engine, other) = (world.local(), world.local());
        let mut observer = ();
        let driving = engine.drive(&run, DriveOptions::until(Until::Over), &mut observer);
        let cancelling = async {
            until_lines(&world.path("pid"), 1).await;
            let Decided::Verdict(verdict) = other
                .decide(&run, &cancel("lead"), "c", PATIENCE)
                .await
                .unwrap()
            else {
                panic!()
            };
            assert!(verdict.accepted, "{}", verdict.message);
        };
        let (end, ()) = tokio::join!(driving, cancelling);
        assert_eq!(end.unwrap(), CANCELLED);
        assert_eq!(world.results(&run).await[0].status, OutcomeStatus::Stopped);
        assert!(!std::path::Path::new(&format!("/proc/{}", world.text("pid").trim())).exists());
        assert!(!world.path("ran").exists());
    });
}

#[test]
fn a_second_engine_is_refused_and_told_who_drives() {
    on_runtime(async {
        let world = World::new();
        let run = world
            .submit(
                plan("long")
                    .node(step("a").script("echo >> began; until [ -e end ]; do sleep 0.01; done")),
            )
            .await;
        let (engine, other) = (world.local(), world.local());
        let mut observer = ();
        let driving = engine.drive(&run, DriveOptions::until(Until::Over), &mut observer);
        let racing = async {
            until_lines(&world.path("began"), 1).await;
            let refused = other
                .drive(&run, DriveOptions::until(Until::Over), &mut ())
                .await;
            let Err(DriveError::Store(error @ StoreError::Held { .. })) = refused else {
                panic!("{refused:?}")
            };
            assert!(
                error.to_string().contains(&std::process::id().to_string()),
                "{error}"
            );
            std::fs::write(world.path("end"), "").unwrap();
        };
        let (end, ()) = tokio::join!(driving, racing);
        assert_eq!(end.unwrap(), DriveEnd::Over(RunOutcome::Succeeded));
        assert_eq!(world.text("began").lines().count(), 1);
    });
}
