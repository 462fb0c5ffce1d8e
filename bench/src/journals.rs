//! What long journals and large plans cost: loading a run with 100,000 records, listing a store with 1,000,000, and that
//! ten times the nodes take at most twelve times as long.

use crate::{Outcome, median, millis, timed};
use piton_core::id::{Actor, RunId};
use piton_core::plan::{Action, Node, NodeIndex, NodeKind, Plan, Run as Script, WorldEffect};
use piton_core::record::{Record, RunOutcome, Start};
use piton_core::run::{Event, Head, Outcome as Ended, Produced, Run, Snapshot};
use piton_core::time::{Millis, Timestamp};
use piton_core::view::RunView;
use piton_runtime::owner::Owner;
use piton_runtime::store::{Commit, Lease, NewRun, RunStatus, SqliteStore, Store, StoredSnapshot};
use std::fmt::Write as _;
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::process::Command;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Records of the run that is loaded.
const LONG: usize = 100_000;
/// Runs of the store that is listed, and records of each.
const STORE: (usize, usize) = (2_000, 500);
/// Nodes of the plans that are compared.
const NODES: [usize; 2] = [10_000, 100_000];

/// Measures all of it, and prints it.
pub fn journals(dir: &Path, piton: &Path, rounds: usize) -> Outcome<()> {
    load(dir, rounds)?;
    list(dir, piton, rounds)?;
    machine(rounds)?;
    commands(dir, piton, rounds)
}

/// What a store does is done when it is first asked: SQLite is waited for in place.
fn now<T>(work: impl Future<Output = T>) -> Outcome<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(done) => Ok(done),
        Poll::Pending => Err("the store waits for something".into()),
    }
}

fn plan(nodes: usize) -> Plan {
    let mut plan = Plan::new("long");
    for at in 0..nodes {
        let action = Action::Run(Script {
            script: "true".to_owned(),
            shell: None,
        });
        let mut node = Node::new(&format!("s{at}"), NodeKind::Step, action, WorldEffect::None);
        node.retry.times = u32::MAX;
        let before = at.checked_sub(1).and_then(|at| u32::try_from(at).ok());
        node.needs = before.map(NodeIndex).into_iter().collect();
        plan.nodes.push(node);
    }
    plan
}

fn start() -> Start {
    let by = Actor {
        name: "bench".to_owned(),
        account: "bench".to_owned(),
    };
    Start {
        by,
        base: "/".to_owned(),
        work: "/".to_owned(),
        file: "long.runbook".to_owned(),
        assumed: Vec::new(),
    }
}

/// Ends what runs, well or not; gives the records.
fn step(run: &mut Run, well: bool, at: &mut i64) -> Outcome<Vec<Record>> {
    *at += 1;
    let event = match run.in_flight().next() {
        Some(attempt) => Event::AttemptEnded {
            attempt,
            outcome: match well {
                true => Ended::succeeded(Produced::default()),
                false => {
                    let failed = piton_core::record::OutcomeStatus::Failed;
                    Ended::not_succeeded(failed, "no")
                }
            },
        },
        None => Event::Tick,
    };
    Ok(run.handle(event, Timestamp(*at))?.records)
}

fn new_run(id: &str, plan: &str, status: RunStatus) -> NewRun {
    NewRun {
        id: RunId(id.to_owned()),
        plan_json: plan.to_owned(),
        runbook: "long".to_owned(),
        title: None,
        starter: "bench".to_owned(),
        started: Timestamp(0),
        status,
    }
}

fn lease(store: &SqliteStore, run: &str) -> Outcome<Lease> {
    let run = RunId(run.to_owned());
    Ok(now(store.acquire(
        &run,
        &Owner::this_process(),
        Millis(600_000),
    ))??)
}

/// A run of three nodes, one of which is tried again and again: its last snapshot is some records old.
fn load(dir: &Path, rounds: usize) -> Outcome<()> {
    let store = SqliteStore::open(&dir.join("long.db"))?;
    let plan = Arc::new(plan(3));
    let id = RunId("long".to_owned());
    let (mut run, batch) = Run::create(id.clone(), plan.clone(), start(), Timestamp(0));
    now(store.create(
        &new_run("long", &plan.to_json(), RunStatus::running()),
        &batch.records,
    ))??;
    let (lease, mut head, mut at) = (lease(&store, "long")?, run_head(&batch.records), 0);
    let (mut pending, mut snapshot) = (Vec::new(), None);
    while run.head().seq < LONG as u64 {
        pending.extend(step(&mut run, false, &mut at)?);
        if run.snapshot_due() {
            snapshot = Some(StoredSnapshot {
                seq: run.head().seq,
                json: serde_json::to_string(&run.snapshot())?,
            });
        }
        if snapshot.is_some() || run.head().seq >= LONG as u64 {
            commit(
                &store,
                &lease,
                &mut head,
                &mut pending,
                snapshot.take(),
                &RunStatus::running(),
            )?;
        }
    }
    let took = median(rounds, || {
        let began = Instant::now();
        let loaded = now(store.load(&id))??;
        let plan = Arc::new(Plan::from_json(&loaded.plan_json)?);
        let snapshot = loaded.snapshot.as_ref();
        let snapshot = snapshot.map(|it| serde_json::from_str::<Snapshot>(&it.json));
        let again = Run::load(plan, snapshot.transpose()?, loaded.records)?;
        if again.head() != run.head() {
            return Err("another run was loaded".into());
        }
        Ok(began.elapsed())
    })?;
    let whole = median(rounds, || {
        let began = Instant::now();
        let records = now(store.records(&id, 1))??;
        Run::load(plan.clone(), None, records)?;
        Ok(began.elapsed())
    })?;
    let shown = median(rounds, || {
        let began = Instant::now();
        let records = now(store.records(&id, 1))??;
        RunView::of(&plan, records)?;
        Ok(began.elapsed())
    })?;
    println!(
        "\nloading a run with {LONG} records: {:.1} ms, {:.0} ms without its snapshot; all that `show` says of it: {:.0} ms",
        millis(took),
        millis(whole),
        millis(shown)
    );
    Ok(())
}

fn run_head(records: &[Record]) -> Head {
    records.last().map_or(Head::EMPTY, |last| Head {
        seq: last.seq,
        hash: last.hash,
    })
}

fn commit(
    store: &SqliteStore,
    lease: &Lease,
    head: &mut Head,
    records: &mut Vec<Record>,
    snapshot: Option<StoredSnapshot>,
    status: &RunStatus,
) -> Outcome<()> {
    let commit = Commit {
        records,
        snapshot: snapshot.as_ref(),
        consumed: &[],
        status,
    };
    now(store.commit(lease, *head, commit))??;
    *head = run_head(records);
    records.clear();
    Ok(())
}

/// `piton runs` in a store of very many records, its start included.
fn list(dir: &Path, piton: &Path, rounds: usize) -> Outcome<()> {
    let path = dir.join("many.db");
    let store = SqliteStore::open(&path)?;
    let plan = Arc::new(plan(3));
    let (text, over) = (
        plan.to_json(),
        RunStatus::over(RunOutcome::Failed, Timestamp(9)),
    );
    for number in 0..STORE.0 {
        let id = format!("long-{number}");
        let (mut run, batch) = Run::create(RunId(id.clone()), plan.clone(), start(), Timestamp(0));
        now(store.create(&new_run(&id, &text, RunStatus::running()), &batch.records))??;
        let (lease, mut head, mut at) = (lease(&store, &id)?, run_head(&batch.records), 0);
        let mut records = Vec::new();
        while run.head().seq < STORE.1 as u64 {
            records.extend(step(&mut run, false, &mut at)?);
        }
        commit(&store, &lease, &mut head, &mut records, None, &over)?;
        now(store.release(&lease))??;
    }
    drop(store);
    let runs = |limit: &[&str]| {
        median(rounds, || {
            timed(
                Command::new(piton)
                    .arg("--store")
                    .arg(format!("sqlite:{}", path.display()))
                    .arg("runs")
                    .args(limit),
            )
        })
    };
    println!(
        "`piton runs` in a store of {} runs with {} records: {:.1} ms; with `--limit 50` {:.1} ms",
        STORE.0,
        STORE.0 * STORE.1,
        millis(runs(&[])?),
        millis(runs(&["--limit", "50"])?)
    );
    Ok(())
}

/// A run of a plan from its beginning to its end, and loading it again.
fn machine(rounds: usize) -> Outcome<()> {
    let mut times = Vec::new();
    for nodes in NODES {
        times.push(median(rounds, || {
            let plan = Arc::new(plan(nodes));
            let began = Instant::now();
            let text = plan.to_json();
            let plan = Arc::new(Plan::from_json(&text)?);
            let id = RunId("large".to_owned());
            let (mut run, batch) = Run::create(id, plan.clone(), start(), Timestamp(0));
            let (mut records, mut at) = (batch.records, 0);
            while run.outcome().is_none() {
                records.extend(step(&mut run, true, &mut at)?);
            }
            let snapshot = serde_json::to_string(&run.snapshot())?;
            Run::load(plan.clone(), None, records)?;
            let snapshot = serde_json::from_str(&snapshot)?;
            Run::load(plan, Some(snapshot), Vec::new())?;
            Ok(began.elapsed())
        })?);
    }
    growth("a run, its journal and its snapshot", &times);
    Ok(())
}

fn growth(what: &str, times: &[Duration]) {
    if let [small, large] = times {
        println!(
            "{what}: {:.0} ms for {} nodes, {:.0} ms for {}: {:.1} times as long",
            millis(*small),
            NODES[0],
            millis(*large),
            NODES[1],
            large.as_secs_f64() / small.as_secs_f64()
        );
    }
}

/// The commands that read a large runbook.
fn commands(dir: &Path, piton: &Path, rounds: usize) -> Outcome<()> {
    for command in ["check", "plan"] {
        let mut times = Vec::new();
        for nodes in NODES {
            let mut text = "runbook large {\n  timeout = 1m\n".to_owned();
            for node in 0..nodes {
                writeln!(text, "  step s{node} {{ run = \"true\"  effect = none }}")?;
            }
            let file = dir.join(format!("nodes-{nodes}.runbook"));
            std::fs::write(&file, text + "}\n")?;
            times.push(median(rounds, || {
                timed(Command::new(piton).arg(command).arg(&file))
            })?);
        }
        growth(&format!("`piton {command}`"), &times);
    }
    Ok(())
}
