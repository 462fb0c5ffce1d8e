//! A world of its own for each test, and questions about what happened in it.

use piton_core::id::{Actor, RunId};
use piton_core::plan::Plan;
use piton_core::record::{AttemptResult, Fact, RunOutcome};
use piton_core::run::Event;
use piton_core::sim::plans::PlanBuilder;
use piton_runtime::driver::{Begin, DriveEnd, DriveError, DriveOptions, Local, Until};
use piton_runtime::keeper::Executable;
use piton_runtime::owner::Owner;
use piton_runtime::store::{AnyStore, Location, SqliteStore};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A directory with a store, removed at the end.
pub struct World {
    pub dir: PathBuf,
}

impl World {
    pub fn new() -> World {
        let dir = std::env::temp_dir().join(piton_runtime::store::new_run_id("piton-driver").0);
        std::fs::create_dir_all(&dir).unwrap();
        World { dir }
    }

    pub fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.dir.join("runs.db")).unwrap()
    }

    pub fn location(&self) -> Location {
        format!("sqlite:{}", self.dir.join("runs.db").display())
            .parse()
            .unwrap()
    }

    pub fn local(&self) -> Local {
        Local::new(AnyStore::Sqlite(self.store()), self.location()).with_keeper(keeper())
    }

    /// An engine that everybody else takes for dead, so that its runs can be taken over while this process lives.
    pub fn doomed(&self) -> Local {
        self.local().with_owner(dead())
    }

    pub async fn submit(&self, plan: PlanBuilder) -> RunId {
        self.submit_plan(plan.build().unwrap()).await
    }

    pub async fn submit_plan(&self, plan: Plan) -> RunId {
        let begin = Begin {
            by: actor("starter"),
            base: self.dir.clone(),
            file: "trial.runbook".into(),
            assumed: Vec::new(),
        };
        self.local().submit(plan, begin).await.unwrap()
    }

    /// Makes a run and drives it until it is over or waits.
    pub async fn run(&self, plan: PlanBuilder) -> (RunId, DriveEnd) {
        let run = self.submit(plan).await;
        let end = self.drive(&run).await.unwrap();
        (run, end)
    }

    pub async fn drive(&self, run: &RunId) -> Result<DriveEnd, DriveError> {
        self.local()
            .drive(run, DriveOptions::until(Until::WaitingOrOver), &mut ())
            .await
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub async fn facts(&self, run: &RunId) -> Vec<Fact> {
        let records = self.local().records(run).await.unwrap();
        records
            .iter()
            .map(|record| record.fact().unwrap())
            .collect()
    }

    /// How each attempt ended, in order.
    pub async fn results(&self, run: &RunId) -> Vec<AttemptResult> {
        let facts = self.facts(run).await;
        facts
            .into_iter()
            .filter_map(|fact| match fact {
                Fact::AttemptEnded { result, .. } => Some(result),
                _ => None,
            })
            .collect()
    }

    /// Every text that Piton wrote for this run: the database and the run's directory.
    pub fn everything_written(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = Vec::new();
        let mut todo = vec![self.dir.clone()];
        while let Some(dir) = todo.pop() {
            for entry in std::fs::read_dir(&dir).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    todo.push(path);
                } else if let Ok(bytes) = std::fs::read(&path) {
                    found.push((path, bytes));
                }
            }
        }
        found
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

pub fn keeper() -> Executable {
    Executable {
        program: env!("CARGO_BIN_EXE_piton-keeper-for-tests").into(),
        args: Vec::new(),
    }
}

/// A process of this boot that is gone: its id is beyond what the kernel gives.
pub fn dead() -> Owner {
    Owner {
        pid: 2_000_000_000,
        ..Owner::this_process()
    }
}

pub fn actor(name: &str) -> Actor {
    Actor {
        name: name.to_owned(),
        account: format!("{name}@test"),
    }
}

pub const SUCCEEDED: DriveEnd = DriveEnd::Over(RunOutcome::Succeeded);
pub const FAILED: DriveEnd = DriveEnd::Over(RunOutcome::Failed);
pub const CANCELLED: DriveEnd = DriveEnd::Over(RunOutcome::Cancelled);

/// Runs a test on the kind of runtime that the engine has.
pub fn on_runtime<F: Future>(test: F) -> F::Output {
    on_runtime_for(Duration::from_secs(60), test)
}

/// The same, for a test that may take longer.
pub fn on_runtime_for<F: Future>(limit: Duration, test: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        tokio::time::timeout(limit, test)
            .await
            .expect("the test hangs")
    })
}

/// Drives the run with an engine that dies, as far as the journal can tell, as soon as `when` holds.
pub async fn die_when(local: &Local, run: &RunId, mut when: impl FnMut() -> bool) {
    let mut observer = ();
    let driving = local.drive(run, DriveOptions::until(Until::Over), &mut observer);
    let condition = async {
        while !when() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::select! {
        end = driving => panic!("the run did not last: {end:?}"),
        () = condition => {}
    }
}

/// Waits until a file has this many lines.
pub async fn until_lines(path: &Path, lines: usize) {
    let end = Instant::now() + Duration::from_secs(20);
    while std::fs::read_to_string(path)
        .unwrap_or_default()
        .lines()
        .count()
        < lines
    {
        assert!(
            Instant::now() < end,
            "{} never had {lines} lines",
            path.display()
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub fn cancel(by: &str) -> Event {
    Event::Cancel {
        by: actor(by),
        reason: None,
        rollback: false,
    }
}
