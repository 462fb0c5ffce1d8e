//! Runs that need the same named locks, driven by engines of this process and of others.

use super::support::{
    CANCELLED, FAILED, SUCCEEDED, World, actor, cancel, die_when, keeper, on_runtime, until_lines,
};
use piton_core::expr::Template;
use piton_core::id::RunId;
use piton_core::plan::{Lock, Plan};
use piton_core::record::Fact;
use piton_core::sim::plans::{PlanBuilder, gate, plan, step};
use piton_core::time::Millis;
use piton_runtime::driver::{DriveEnd, DriveOptions, Local, Until};
use piton_runtime::store::{Location, Locks, Store};
use std::process::{Child, Command, Stdio};

const LONG: Millis = Millis(600_000);

fn lock(name: &str, timeout: Millis) -> Option<Lock> {
    let names = vec![Template::parse(name).unwrap()];
    Some(Lock { names, timeout })
}

/// The plan with a lock for the whole run.
fn locked(plan: PlanBuilder, timeout: Millis) -> Plan {
    let mut plan = plan.build().unwrap();
    plan.lock = lock("db", timeout);
    plan
}

/// A run that works with the lock until the file `end` is there.
fn first() -> Plan {
    let script = "echo a >> order; until [ -e end ]; do sleep 0.01; done; echo z >> order";
    locked(plan("first").node(step("a").script(script)), LONG)
}

fn second() -> Plan {
    locked(
        plan("second").node(step("b").script("echo b >> order")),
        LONG,
    )
}

impl World {
    async fn locks(&self) -> Locks {
        self.local().store().locks().await.unwrap()
    }

    async fn until_waiting(&self, run: &RunId) {
        let waits = |locks: &Locks| locks.waiting.iter().any(|claim| claim.holder.run == *run);
        while !waits(&self.locks().await) {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }

    fn end(&self) {
        std::fs::write(self.path("end"), "").unwrap();
    }
}

#[test]
fn the_second_run_waits_until_the_first_has_ended() {
    on_runtime(async {
        let world = World::new();
        let (one, two) = (
            world.submit_plan(first()).await,
            world.submit_plan(second()).await,
        );
        let ending = async {
            until_lines(&world.path("order"), 1).await;
            let second = world.drive(&two);
            let check = async {
                world.until_waiting(&two).await;
                let locks = world.locks().await;
                assert_eq!(locks.held.len(), 1);
                assert_eq!(locks.held[0].holder.run, one);
                world.end();
            };
            tokio::join!(second, check).0
        };
        let (first, second) = tokio::join!(world.drive(&one), ending);
        assert_eq!((first.unwrap(), second.unwrap()), (SUCCEEDED, SUCCEEDED));
        assert_eq!(world.text("order"), "a\nz\nb\n");
        assert_eq!(world.locks().await, Locks::default());
    });
}

#[test]
fn an_engine_that_dies_loses_neither_its_lock_nor_its_turn() {
    on_runtime(async {
        let world = World::new();
        let (one, two) = (
            world.submit_plan(first()).await,
            world.submit_plan(second()).await,
        );
        let order = world.path("order");
        die_when(&world.doomed(), &one, || order.exists()).await;
        assert_eq!(world.locks().await.held[0].holder.run, one);
        // Who waits dies as well.
        let doomed = world.doomed();
        let mut observer = ();
        tokio::select! {
            end = doomed.drive(&two, DriveOptions::until(Until::Over), &mut observer) => panic!("{end:?}"),
            () = world.until_waiting(&two) => {}
        }
        let ending = async {
            world.until_waiting(&two).await;
            world.end();
        };
        let (first, second, ()) = tokio::join!(world.drive(&one), world.drive(&two), ending);
        assert_eq!((first.unwrap(), second.unwrap()), (SUCCEEDED, SUCCEEDED));
        assert_eq!(world.text("order"), "a\nz\nb\n");
    });
}

#[test]
fn nodes_with_the_same_lock_never_run_at_once() {
    on_runtime(async {
        let world = World::new();
        let exclusive = |id: &str| {
            step(id).script("mkdir inside && echo x >> order && sleep 0.02 && rmdir inside")
        };
        let plan = || {
            let nodes = ["a", "b", "c"].map(exclusive);
            let builder = nodes
                .into_iter()
                .fold(plan("nodes").parallel(3), PlanBuilder::node);
            let mut plan = builder.build().unwrap();
            for node in &mut plan.nodes {
                node.lock = lock("door", LONG);
            }
            plan
        };
        let (one, two) = (
            world.submit_plan(plan()).await,
            world.submit_plan(plan()).await,
        );
        let (first, second) = tokio::join!(world.drive(&one), world.drive(&two));
        assert_eq!((first.unwrap(), second.unwrap()), (SUCCEEDED, SUCCEEDED));
        assert_eq!(world.text("order").lines().count(), 6);
        assert_eq!(world.locks().await, Locks::default());
    });
}

#[test]
fn a_broken_lock_lets_the_next_run_begin_and_the_first_one_go_on() {
    on_runtime(async {
        let world = World::new();
        let (one, two) = (
            world.submit_plan(first()).await,
            world.submit_plan(second()).await,
        );
        let breaking = async {
            until_lines(&world.path("order"), 1).await;
            let check = async {
                world.until_waiting(&two).await;
                let other = world.local();
                let by = actor("ada");
                other.break_lock("db", &by, "it hangs").await.unwrap();
            };
            let end = tokio::join!(world.drive(&two), check).0;
            let broken = world.locks().await.broken;
            assert_eq!(broken[0].holder.run, one);
            assert_eq!(broken[0].let_go, None, "its holder works on");
            world.end();
            end
        };
        let (first, second) = tokio::join!(world.drive(&one), breaking);
        assert_eq!((first.unwrap(), second.unwrap()), (SUCCEEDED, SUCCEEDED));
        assert_eq!(world.text("order"), "a\nb\nz\n");
        let locks = world.locks().await;
        assert_eq!((locks.held.len(), locks.broken.len()), (0, 1));
        assert!(locks.broken[0].let_go.is_some());
    });
}

#[test]
fn a_lock_is_not_waited_for_longer_than_said() {
    on_runtime(async {
        let world = World::new();
        let one = world.submit_plan(first()).await;
        let mut late = plan("late")
            .node(step("b").script("echo b >> order"))
            .build()
            .unwrap();
        late.nodes[0].lock = lock("db", Millis(50));
        let order = world.path("order");
        die_when(&world.doomed(), &one, || order.exists()).await;
        let two = world.submit_plan(late).await;
        assert_eq!(world.drive(&two).await.unwrap(), FAILED);
        let said = world
            .facts(&two)
            .await
            .into_iter()
            .find_map(|fact| match fact {
                Fact::NodeFailed { message, .. } => Some(message),
                _ => None,
            });
        let said = said.unwrap_or_default();
        assert!(
            said.contains("`db`") && said.contains("piton lock list"),
            "{said}"
        );
        assert_eq!(world.locks().await.waiting, []);
        world.end();
        assert_eq!(world.drive(&one).await.unwrap(), SUCCEEDED);
        assert_eq!(world.text("order"), "a\nz\n");
    });
}

#[test]
fn a_run_keeps_its_lock_while_it_waits_for_people() {
    on_runtime(async {
        let world = World::new();
        let one = locked(plan("asks").node(gate("go").approve(&["lead"])), LONG);
        let one = world.submit_plan(one).await;
        let two = world.submit_plan(second()).await;
        assert_eq!(world.drive(&one).await.unwrap(), DriveEnd::Waiting);
        let cancelling = async {
            world.until_waiting(&two).await;
            let local = world.local();
            local.post(&one, &cancel("ada"), "k").await.unwrap();
            world.drive(&one).await
        };
        let (second, first) = tokio::join!(world.drive(&two), cancelling);
        assert_eq!((first.unwrap(), second.unwrap()), (CANCELLED, SUCCEEDED));
    });
}

/// An engine of the test below: drives the run that `PITON_TEST_RUN` names until it is over.
#[test]
#[ignore = "started by another test as a process of its own"]
fn child_that_drives() {
    let (Some(store), Ok(run)) = (
        std::env::var_os("PITON_TEST_STORE"),
        std::env::var("PITON_TEST_RUN"),
    ) else {
        return;
    };
    on_runtime(async {
        let local = Local::open(&Location::Sqlite(store.into())).await.unwrap();
        let options = DriveOptions::until(Until::Over);
        let end = local
            .with_keeper(keeper())
            .drive(&RunId(run), options, &mut ())
            .await;
        assert_eq!(end.unwrap(), SUCCEEDED);
    });
}

fn engine(world: &World, run: &RunId) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "driver::locks::child_that_drives", "--ignored"])
        .env("PITON_TEST_STORE", world.dir.join("runs.db"))
        .env("PITON_TEST_RUN", &run.0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn of_engines_that_are_killed_one_has_the_lock_and_the_other_gets_it() {
    on_runtime(async {
        let world = World::new();
        let (one, two) = (
            world.submit_plan(first()).await,
            world.submit_plan(second()).await,
        );
        let mut holder = engine(&world, &one);
        until_lines(&world.path("order"), 1).await;
        let mut waiter = engine(&world, &two);
        world.until_waiting(&two).await;
        for process in [&mut holder, &mut waiter] {
            process.kill().unwrap();
            process.wait().unwrap();
        }
        let locks = world.locks().await;
        assert_eq!((locks.held.len(), locks.waiting.len()), (1, 1));
        let mut holder = engine(&world, &one);
        let second = world.drive(&two);
        let ending = async {
            // Both are at it again before the first may end.
            while world.local().engine(&one).await.unwrap().is_none() {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
            world.end();
        };
        assert_eq!(tokio::join!(second, ending).0.unwrap(), SUCCEEDED);
        assert!(holder.wait().unwrap().success());
        assert_eq!(world.text("order"), "a\nz\nb\n");
    });
}
