//! Engines on two hosts that share a store: each has its own directories, and cannot see the other's processes.

use super::support::{
    SUCCEEDED, World, actor, die_when, keeper, on_runtime, on_runtime_for, until_lines,
};
use piton_core::id::RunId;
use piton_core::plan::Interrupted;
use piton_core::record::{Fact, QuestionKind};
use piton_core::run::RunState;
use piton_core::sim::plans::{plan, step};
use piton_core::time::Millis;
use piton_runtime::driver::{
    DriveEnd, DriveError, DriveOptions, Local, Served, Serving, Until, serve,
};
use piton_runtime::owner::Owner;
use piton_runtime::store::{AnyStore, Location, Store, StoreError};
use rustix::time::{ClockId, clock_gettime};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// Short enough to wait for its end, and long enough for a busy machine.
const LEASE: Millis = Millis(700);

fn owner(host: &str) -> Owner {
    Owner {
        host: host.to_owned(),
        ..Owner::this_process()
    }
}

/// An engine on a host of this name, on the store of the world.
fn on_host(world: &World, host: &str) -> Local {
    let directories: Location = format!("sqlite:{}", world.path(host).display())
        .parse()
        .unwrap();
    Local::new(AnyStore::Sqlite(world.store()), directories)
        .with_keeper(keeper())
        .with_owner(owner(host))
        .with_lease(LEASE)
}

async fn drive(local: &Local, run: &RunId) -> Result<DriveEnd, DriveError> {
    local
        .drive(run, DriveOptions::until(Until::WaitingOrOver), &mut ())
        .await
}

/// Drives a run once the lease of whoever had it has ended.
async fn take_over(local: &Local, run: &RunId) -> DriveEnd {
    loop {
        match drive(local, run).await {
            Err(DriveError::Store(StoreError::Held { .. })) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            end => return end.unwrap(),
        }
    }
}

/// A step that is under way on host a, whose engine is cut off from the store.
async fn cut_off(world: &World, node: piton_core::sim::plans::NodeBuilder) -> RunId {
    let run = world.submit(plan("cut-off").node(node)).await;
    die_when(&on_host(world, "a"), &run, || world.path("began").exists()).await;
    run
}

const SCRIPT: &str = "echo x >> began; until [ -e go ]; do sleep 0.01; done; echo x >> done";

fn patient() -> piton_core::sim::plans::NodeBuilder {
    step("s").script(SCRIPT).interrupted(Interrupted::Rerun)
}

async fn asked_host(local: &Local, run: &RunId) -> Option<String> {
    let run = local.run(run).await.unwrap();
    run.questions().find_map(|question| match &question.kind {
        QuestionKind::Interrupted { host, .. } => host.clone(),
        _ => None,
    })
}

#[test]
fn another_host_asks_instead_of_starting_a_step_again() {
    on_runtime(async {
        let world = World::new();
        let run = cut_off(&world, patient()).await;
        let b = on_host(&world, "b");
        assert_eq!(take_over(&b, &run).await, DriveEnd::Waiting);
        assert_eq!(asked_host(&b, &run).await.as_deref(), Some("a"));
        assert_eq!(b.run(&run).await.unwrap().state(), RunState::Waiting);
        assert_eq!(
            b.store().runs_away("a").await.unwrap(),
            std::slice::from_ref(&run)
        );
        // Again, and it is still not started.
        assert_eq!(drive(&b, &run).await.unwrap(), DriveEnd::Waiting);
        assert_eq!(world.text("began"), "x\n");
        std::fs::write(world.path("go"), "").unwrap();
        until_lines(&world.path("done"), 1).await;
        // The host that it ran on tells how it ended; nobody has to answer any more.
        on_host(&world, "a").watch_away(&run).await.unwrap();
        assert_eq!(drive(&b, &run).await.unwrap(), SUCCEEDED);
        assert_eq!(
            (world.text("began"), world.text("done")),
            ("x\n".into(), "x\n".into())
        );
    });
}

#[test]
fn an_end_is_reported_while_it_is_waited_for() {
    on_runtime(async {
        let world = World::new();
        let run = cut_off(&world, patient()).await;
        let (a, b) = (on_host(&world, "a"), on_host(&world, "b"));
        assert_eq!(take_over(&b, &run).await, DriveEnd::Waiting);
        let mut observer = ();
        let driving = b.drive(&run, DriveOptions::until(Until::Over), &mut observer);
        let watching = async {
            let go = async {
                tokio::time::sleep(Duration::from_millis(100)).await;
                std::fs::write(world.path("go"), "").unwrap();
            };
            let (watched, ()) = tokio::join!(a.watch_away(&run), go);
            watched.unwrap();
        };
        let (end, ()) = tokio::join!(driving, watching);
        assert_eq!(end.unwrap(), SUCCEEDED);
        assert_eq!(world.text("began"), "x\n");
    });
}

#[test]
fn the_host_it_runs_on_finds_it_again() {
    on_runtime(async {
        let world = World::new();
        let run = cut_off(&world, patient()).await;
        let (a, b) = (on_host(&world, "a"), on_host(&world, "b"));
        assert_eq!(take_over(&b, &run).await, DriveEnd::Waiting);
        std::fs::write(world.path("go"), "").unwrap();
        assert_eq!(drive(&a, &run).await.unwrap(), SUCCEEDED);
        assert_eq!(world.text("began"), "x\n");
        assert_eq!(a.store().runs_away("a").await.unwrap(), []);
        let facts = world.facts(&run).await;
        let reached = |fact: &&Fact| matches!(fact, Fact::AttemptReached { .. });
        assert_eq!(facts.iter().filter(reached).count(), 1);
    });
}

#[test]
fn what_ran_on_a_host_that_is_dead_follows_the_runbook() {
    on_runtime(async {
        let world = World::new();
        let run = cut_off(&world, patient()).await;
        let b = on_host(&world, "b");
        let ann = actor("ann");
        let said = b.store().say_of_host("a", true, &ann, "on fire");
        said.await.unwrap();
        // Its leases count as free, and nobody is asked.
        std::fs::write(world.path("go"), "").unwrap();
        assert_eq!(drive(&b, &run).await.unwrap(), SUCCEEDED);
        assert_eq!(world.text("began"), "x\nx\n");
        let facts = world.facts(&run).await;
        let asked = |fact: &Fact| matches!(fact, Fact::QuestionOpened { .. });
        assert!(!facts.iter().any(asked), "{facts:?}");
        let refused = drive(&on_host(&world, "a"), &run).await.unwrap_err();
        assert!(
            matches!(refused, DriveError::Store(StoreError::HostIsDead { .. })),
            "{refused}"
        );
    });
}

#[test]
fn an_engine_that_lost_its_run_begins_nothing_more() {
    on_runtime(async {
        let world = World::new();
        let nodes = plan("overtaken")
            .node(step("first").script(SCRIPT))
            .node(step("second").needs(&["first"]).script("echo x >> second"));
        let run = world.submit(nodes).await;
        let (a, b) = (on_host(&world, "a"), on_host(&world, "b"));
        let mut observer = ();
        let driving = a.drive(&run, DriveOptions::until(Until::Over), &mut observer);
        let overtaking = async {
            until_lines(&world.path("began"), 1).await;
            // As if its renewals had not come through.
            let ann = actor("ann");
            let said = b.store().say_of_host("a", true, &ann, "cut off");
            said.await.unwrap();
            let lease = b.store().acquire(&run, b.owner(), LEASE).await.unwrap();
            std::fs::write(world.path("go"), "").unwrap();
            lease
        };
        let (end, _lease) = tokio::join!(driving, overtaking);
        let error = end.unwrap_err();
        assert!(
            matches!(error, DriveError::Store(StoreError::Fenced { .. })),
            "{error}"
        );
        assert_eq!(world.text("second"), "");
    });
}

/// How long this thread has computed.
fn computed() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

fn waiting_runs() -> u32 {
    let wanted = std::env::var("PITON_TEST_WAITING_RUNS").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(300)
}

#[test]
fn runs_that_wait_for_people_cost_a_server_next_to_nothing() {
    let count = waiting_runs();
    // Each is made durable on its way to waiting, which a busy disk may take some time for.
    let limit = Duration::from_secs(60) + count * Duration::from_millis(200);
    on_runtime_for(limit, async {
        let world = World::new();
        let manual = "echo never";
        let mut first = None;
        for _ in 0..count {
            let node = step("s").confirm("yes").script(manual);
            let run = world.submit(plan("waits").node(node)).await;
            world.local().leave_to_servers(&run).await.unwrap();
            first.get_or_insert(run);
        }
        let (leave, stop) = tokio::sync::watch::channel(false);
        let waits = Rc::new(RefCell::new(0));
        let told = Rc::clone(&waits);
        let tell = Rc::new(move |served: Served<'_>| match served {
            Served::Left {
                end: DriveEnd::Waiting,
                ..
            } => *told.borrow_mut() += 1,
            Served::Failed { why, .. } => panic!("{why}"),
            _ => {}
        });
        let serving = Serving {
            name: "idle".to_owned(),
            max_runs: Some(8),
            stop,
        };
        let looking = async {
            while *waits.borrow() < count {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // Whatever follows from the last of them.
            tokio::time::sleep(Duration::from_millis(1500)).await;
            let before = computed();
            tokio::time::sleep(Duration::from_secs(2)).await;
            let spent = computed() - before;
            assert!(spent < Duration::from_millis(60), "{spent:?} for nothing");
            // And it is there when somebody wants something.
            let run = first.unwrap();
            let by = super::support::cancel("ann");
            let local = world.local();
            let decided = local.decide(&run, &by, "k", Duration::from_secs(20));
            let decided = decided.await.unwrap();
            assert!(
                matches!(&decided, piton_runtime::driver::Decided::Verdict(one) if one.accepted),
                "{decided:?}"
            );
            leave.send_replace(true);
        };
        let (served, ()) = tokio::join!(serve(Rc::new(world.local()), serving, tell), looking);
        served.unwrap();
    });
}
