//! A store that commands work on, and the runs in it.

use crate::driving::from_drive;
use crate::failure::Failure;
use crate::output;
use piton_core::id::RunId;
use piton_core::plan::Plan;
use piton_core::run::Event;
use piton_core::view::RunView;
use piton_runtime::driver::Local;
use piton_runtime::store::{
    AnyStore, InboxId, Location, RunDirectory, RunSummary, Store, StoreError, Verdict,
};
use piton_runtime::traces::Collector;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// An open store.
pub struct Session {
    /// What drives runs in it.
    pub local: Local<AnyStore>,
    /// Where it is.
    pub location: Location,
}

/// Does something that waits, on this thread.
///
/// # Errors
/// What it fails with, or that the system gives no event queue.
pub fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("this process cannot wait for anything: {error}")))?;
    let result = runtime.block_on(work);
    // Nothing that still runs on another thread is worth waiting for: what matters is recorded.
    runtime.shutdown_background();
    result
}

impl Session {
    /// Opens the store that was named, or the default one.
    ///
    /// # Errors
    /// When the name makes no sense, or the store cannot be opened.
    pub async fn open(store: Option<&str>) -> Result<Session, Failure> {
        let location = Location::from_environment(store).map_err(Failure::usage)?;
        warn_of_password(&location);
        let local = Local::open(&location).await.map_err(from_drive)?;
        let collector = Collector::from_environment(&local.owner().host).unwrap_or_else(|why| {
            output::note(&format!("warning: no traces are sent: {why}"));
            None
        });
        let local = local.with_collector(collector);
        Ok(Session { local, location })
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> &AnyStore {
        self.local.store()
    }

    /// The run that somebody means: `last` when nothing is said.
    ///
    /// # Errors
    /// When there is none, or several could be meant.
    pub async fn resolve(&self, text: Option<&str>) -> Result<RunId, Failure> {
        self.store()
            .resolve(text.unwrap_or("last"))
            .await
            .map_err(from_store)
    }

    /// The plan that the run has now, and what its records say.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn view(&self, run: &RunId) -> Result<(Arc<Plan>, RunView), Failure> {
        let loaded = self.store().load(run).await.map_err(from_store)?;
        let first = Plan::from_json(&loaded.plan_json).map_err(|error| damaged(run, error))?;
        let records = match loaded.snapshot {
            // What is shown is a fold of all records; a snapshot of the machine does not shorten it.
            Some(_) => self.store().records(run, 1).await.map_err(from_store)?,
            None => loaded.records,
        };
        let view = RunView::of(&first, records).map_err(|error| damaged(run, error))?;
        let plan = view.adopted_plan().cloned();
        let plan = plan.unwrap_or_else(|| Arc::new(first));
        Ok((plan, view))
    }

    /// The run's line of a listing.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn summary(&self, run: &RunId) -> Result<RunSummary, Failure> {
        self.store().summary(run).await.map_err(from_store)
    }

    /// Puts an event into the run's inbox and wakes the engine that drives it, if there is one.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn post(&self, run: &RunId, event: &Event) -> Result<InboxId, Failure> {
        self.local
            .post(run, event, &key())
            .await
            .map_err(from_drive)
    }

    /// What became of a posted event, once it is known.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn verdict(&self, entry: InboxId) -> Result<Option<Verdict>, Failure> {
        self.store().verdict(entry).await.map_err(from_store)
    }

    /// The directory of the run's files.
    #[must_use]
    pub fn directory(&self, run: &RunId) -> RunDirectory {
        self.local.directory(run)
    }
}

/// Everybody on the machine can read the command line of a process.
fn warn_of_password(location: &Location) {
    let Location::Postgres { url, .. } = location else {
        return;
    };
    let is_there = || std::env::args_os().any(|word| word.to_string_lossy().contains(url.reveal()));
    if url.holds_password() && is_there() {
        output::note(
            "warning: everybody on this machine can read the password of the store on this command line; say it in \
             $PITON_STORE or $PGPASSWORD, or in ~/.pgpass",
        );
    }
}

/// A key that no other post has: this process, its start to the nanosecond, and a count.
pub fn key() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("cli-{}-{}-{count}", std::process::id(), since.as_nanos())
}

/// Says that traces do not get to their collector: once, however often that happens.
pub fn warn_of_traces<S: Store>(local: &Local<S>) {
    if let Some(why) = local.trouble_with_traces() {
        output::note(&format!(
            "warning: {why}; runs go on all the same, and what is missing is sent when they are driven again"
        ));
    }
}

/// A store's error as a failure. That nothing or too much was found is wrong usage.
#[must_use]
pub fn from_store(error: StoreError) -> Failure {
    match error {
        StoreError::NotFound { .. }
        | StoreError::Ambiguous { .. }
        | StoreError::NoSuchRun { .. } => Failure::usage(error),
        error => Failure::new(error),
    }
}

fn damaged(run: &RunId, error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("run {run} cannot be read: {error}")).help(format!(
        "`piton audit {run}` says whether its journal was changed"
    ))
}
