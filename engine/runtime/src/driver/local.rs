//! [`Local`]: runs in a store that this machine reaches, driven by processes that come and go.

use super::attempts::Attempts;
use super::audit::{Audit, audit};
use super::bell::ring_servers;
use super::clock::Clock;
use super::drive::{Drive, Loading, before, restore, status};
use super::engine_log::EngineLog;
use super::error::{AuditError, DriveError, NotReplanned};
use super::locks::Locks;
use super::logs::Logs;
use super::options::{DriveEnd, DriveOptions, Observer};
use super::pages::Pages;
use super::processes::Processes;
use super::prune::{self, PruneError};
use super::tenure::{Asked, Tenure};
use super::traces::Traces;
use crate::action::attempt::Context;
use crate::action::environment::passed_on;
use crate::action::run::Shell;
use crate::channel::Channels;
use crate::keeper::{Executable, KeeperDir};
use crate::owner::Owner;
use crate::secrets::Secrets;
use crate::store::{
    AnyStore, Commit, Created, InboxId, Lease, Leave, Location, NewRun, RunDirectory, RunStatus,
    Server, Store, StoreError, Verdict, new_run_id,
};
use crate::traces::Collector;
use crate::wake::{WakeSocket, ring};
use piton_core::id::{Actor, RunId};
use piton_core::plan::Plan;
use piton_core::record::{Assumed, Record, Start};
use piton_core::run::{Event, Revision, Run};
use piton_core::time::Millis;
use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{Instrument as _, error_span};

/// How long a lease lasts without being renewed. An engine that died on this host is found dead at once; this is
/// for those on other hosts.
pub const LEASE: Millis = Millis(30_000);

/// [`LEASE`], unless a test wants to see the end of one.
fn lease_length() -> Millis {
    let wanted = std::env::var("PITON_TEST_LEASE_MS").ok();
    let wanted = wanted.and_then(|text| text.parse().ok());
    wanted.map_or(LEASE, Millis)
}

/// How long an engine takes to give back the lease of a run whose store could not be reached.
const LEAVING: Duration = Duration::from_secs(1);

/// Who starts a run, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Begin {
    /// Who.
    pub by: Actor,
    /// The directory that relative paths of nodes start from: where the runbook's file is. Absolute.
    pub base: PathBuf,
    /// The runbook's file as it was named, for messages.
    pub file: String,
    /// Nodes that were done before, outside the run.
    pub assumed: Vec<Assumed>,
}

/// What became of an event that was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decided {
    /// The run has taken or refused it.
    Verdict(Verdict),
    /// No engine drives the run: whoever posted can [`Local::drive`] it, and then look at the verdict.
    NoEngine(InboxId),
    /// An engine drives the run and has not looked yet.
    Pending(InboxId),
}

/// Runs in a store.
#[derive(Debug)]
pub struct Local<S = AnyStore> {
    store: S,
    location: Location,
    owner: Owner,
    keeper: Executable,
    lease: Millis,
    collector: Option<Arc<Collector>>,
}

impl Local<AnyStore> {
    /// Opens the store at this place, and makes it if it is not there.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn open(location: &Location) -> Result<Local<AnyStore>, DriveError> {
        Ok(Local::new(
            AnyStore::open(location).await?,
            location.clone(),
        ))
    }
}

impl<S: Store> Local<S> {
    /// Runs in this store, whose directories are at this place.
    #[must_use]
    pub fn new(store: S, location: Location) -> Local<S> {
        let (owner, keeper) = (Owner::this_process(), Executable::default());
        Local {
            store,
            location,
            owner,
            keeper,
            lease: lease_length(),
            collector: None,
        }
    }

    /// The same, with the traces of runs going to this collector.
    #[must_use]
    pub fn with_collector(self, collector: Option<Collector>) -> Local<S> {
        let collector = collector.map(Arc::new);
        Local { collector, ..self }
    }

    /// Why traces did not get to their collector, for people: once.
    #[must_use]
    pub fn trouble_with_traces(&self) -> Option<String> {
        self.collector.as_ref()?.trouble()
    }

    /// The same with another program as the keeper.
    #[must_use]
    pub fn with_keeper(self, keeper: Executable) -> Local<S> {
        Local { keeper, ..self }
    }

    /// The same with leases of another length.
    #[must_use]
    pub fn with_lease(self, lease: Millis) -> Local<S> {
        Local { lease, ..self }
    }

    /// The same for an engine that is somebody else: another thread of this process, say.
    #[must_use]
    pub fn with_owner(self, owner: Owner) -> Local<S> {
        Local { owner, ..self }
    }

    /// Who drives runs here: this process, as a rule.
    #[must_use]
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The store itself.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Where the store is.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The directory of a run: its logs are there.
    #[must_use]
    pub fn directory(&self, run: &RunId) -> RunDirectory {
        self.location.run_directory(run)
    }

    /// Makes a run of this plan. Nothing of it is started before [`Local::drive`].
    ///
    /// # Errors
    /// When the store or the run's directory cannot be written; there is no run then.
    pub async fn submit(&self, plan: Plan, begin: Begin) -> Result<RunId, DriveError> {
        let plan = Arc::new(plan);
        for _ in 0..16 {
            let id = new_run_id(&plan.runbook);
            match self.create(&id, &plan, &begin).await? {
                Created::New => return Ok(id),
                Created::Existing => {}
            }
        }
        Err(DriveError::NoFreeId)
    }

    /// Makes a run of this plan under this very id, or says that there is one: then nothing was changed. For a run
    /// that may exist only once, such as the one that takes back another.
    ///
    /// # Errors
    /// As of [`Local::submit`].
    pub async fn submit_as(
        &self,
        id: &RunId,
        plan: Plan,
        begin: Begin,
    ) -> Result<Created, DriveError> {
        self.create(id, &Arc::new(plan), &begin).await
    }

    async fn create(
        &self,
        id: &RunId,
        plan: &Arc<Plan>,
        begin: &Begin,
    ) -> Result<Created, DriveError> {
        let directory = self.directory(id);
        directory
            .create()
            .map_err(|source| unusable(id, &directory, source))?;
        let start = Start {
            by: begin.by.clone(),
            base: begin.base.display().to_string(),
            work: directory.work().display().to_string(),
            file: begin.file.clone(),
            assumed: begin.assumed.clone(),
        };
        let now = Clock::start().now();
        let (run, batch) = Run::create(id.clone(), Arc::clone(plan), start, now);
        let new = NewRun {
            id: id.clone(),
            plan_json: plan.to_json(),
            runbook: plan.runbook.clone(),
            title: plan.title.clone(),
            starter: begin.by.to_string(),
            started: now,
            status: RunStatus {
                // Also where it waits for people from the start: nobody has called them yet.
                next_due: Some(RunStatus::AT_ONCE),
                ..status(&run, Some(now))
            },
        };
        Ok(self.store.create(&new, &batch.records).await?)
    }

    /// Drives a run: takes its lease, takes over what is under way, and goes on until the run is over, waits for
    /// people, or the engine is asked to leave. Needs a tokio runtime with time and I/O.
    ///
    /// # Errors
    /// [`StoreError::Held`] when another engine drives the run. Others end the driving, not the run: what is
    /// recorded is safe, what runs goes on, and the message says how to go on.
    pub async fn drive(
        &self,
        run: &RunId,
        options: DriveOptions,
        observer: &mut dyn Observer,
    ) -> Result<DriveEnd, DriveError> {
        let asked = Asked::now();
        let lease = self.store.acquire(run, &self.owner, self.lease).await?;
        self.drive_since(asked, &lease, options, observer).await
    }

    /// Takes the lease of a run that was left to servers; `None` if that is not possible now.
    ///
    /// # Errors
    /// As of [`Store::claim`].
    pub async fn claim(&self, run: &RunId) -> Result<Option<Lease>, StoreError> {
        self.store.claim(run, &self.owner, self.lease).await
    }

    /// [`Local::drive`] with a lease that was taken before. It is given back at the end.
    ///
    /// # Errors
    /// As there.
    pub async fn drive_claimed(
        &self,
        lease: &Lease,
        options: DriveOptions,
        observer: &mut dyn Observer,
    ) -> Result<DriveEnd, DriveError> {
        let asked = Asked::now();
        // Whoever claimed it may have been stopped since.
        self.store.renew(lease).await?;
        self.drive_since(asked, lease, options, observer).await
    }

    async fn drive_since(
        &self,
        asked: Asked,
        lease: &Lease,
        options: DriveOptions,
        observer: &mut dyn Observer,
    ) -> Result<DriveEnd, DriveError> {
        let directory = self.directory(&lease.run);
        let collector = self.collector.clone();
        let mut traces = Traces::new(&self.store, &lease.run, &directory, collector);
        let committed = traces.committed();
        // At this level, so that whatever is logged at all says of which run.
        let span = error_span!("run", run = %lease.run, fence = lease.fence);
        // It is large, and so is what it waits for: on the heap, it leaves room on the stacks of threads.
        let held = Box::pin(self.drive_held(asked, lease, options, observer, committed));
        let driven = async {
            tokio::select! {
                end = held => end,
                never = traces.follow() => match never {},
            }
        };
        let local = tokio::task::LocalSet::new();
        let end = local.run_until(driven.instrument(span.clone())).await;
        // Attempts of the engine's own end here; those of the keeper go on.
        drop(local);
        // A store that cannot be reached is not waited for again: the lease expires, or this process is found dead.
        let patience = if is_away(&end) {
            LEAVING
        } else {
            Duration::MAX
        };
        let released = tokio::time::timeout(patience, self.store.release(lease)).await;
        match released {
            // Another one may go on with what is left.
            Ok(Ok(())) if !matches!(end, Ok(DriveEnd::Over(_))) => ring_servers(&self.location),
            Ok(Ok(()) | Err(StoreError::Fenced { .. })) => {}
            // This process ends soon, which frees the run as well.
            Ok(Err(error)) => tracing::warn!(%error, "the lease was not given back"),
            Err(_) => tracing::warn!("the lease was not given back"),
        }
        if !is_away(&end) {
            traces.finish().instrument(span).await;
        }
        end
    }

    async fn drive_held(
        &self,
        asked: Asked,
        lease: &Lease,
        options: DriveOptions,
        observer: &mut dyn Observer,
        committed: Rc<Notify>,
    ) -> Result<DriveEnd, DriveError> {
        let id = &lease.run;
        let directory = self.directory(id);
        directory
            .create()
            .map_err(|source| unusable(id, &directory, source))?;
        let wake =
            WakeSocket::bind(&directory).map_err(|source| unusable(id, &directory, source))?;
        let loaded = self.store.load(id).await?;
        let plan = Plan::from_json(&loaded.plan_json).map_err(|source| DriveError::Plan {
            run: id.clone(),
            source,
        })?;
        let written = loaded.status.clone();
        let run = restore(&self.store, id, Arc::new(plan), loaded).await?;
        let tenure = Tenure::new(lease.ttl, asked);
        let context = self.context(&run, lease.fence, lease.taken_from.as_ref(), tenure)?;
        let plan = Arc::clone(run.plan());
        let clock = Clock::of_run(&context.directory, run.changed());
        let mut drive = Drive {
            store: &self.store,
            here: self.owner.clone(),
            clock,
            attempts: Attempts::new(Rc::clone(&context), Arc::clone(&plan)),
            locks: Locks::new(plan, self.location.clone()),
            pages: Pages::new(Rc::clone(&context)),
            context,
            wake,
            options,
            observer,
            committed,
            state: Loading::of(run, written, lease),
            lease: lease.clone(),
        };
        let mut logs = Logs::new(&self.store, id, &drive.context.directory);
        let end = tokio::select! {
            end = drive.go() => end,
            never = logs.follow() => match never {},
        };
        if !is_away(&end) {
            logs.finish().await;
        }
        if let Err(DriveError::Store(StoreError::Fenced { .. })) = &end {
            let ended = drive.attempts.end_own().await;
            self.report(id, ended).await;
        }
        end
    }

    /// What attempts of a run have in common while an engine with this fence is at them, which has its lease from the
    /// owner `before` if that died.
    ///
    /// # Errors
    /// When the engine's log is there and cannot be read.
    pub(super) fn context(
        &self,
        run: &Run,
        fence: u64,
        before: Option<&Owner>,
        tenure: Tenure,
    ) -> Result<Rc<Context>, DriveError> {
        let id = run.id();
        let directory = self.directory(id);
        let log = EngineLog::open(&directory, fence, before, &self.owner);
        let log = log.map_err(|source| DriveError::Directory {
            run: id.clone(),
            path: directory.engine_log(),
            source,
        })?;
        let plan = run.plan();
        let base = PathBuf::from(&run.start().base);
        let secrets = Rc::new(Secrets::new(plan.secrets.clone()));
        Ok(Rc::new(Context {
            run: id.clone(),
            runbook: plan.runbook.clone(),
            channels: Rc::new(Channels::new(Rc::clone(&secrets), base.clone())),
            base,
            fence,
            environment: passed_on(std::env::vars_os()),
            secrets,
            processes: Processes::new(KeeperDir::new(directory.path()), fence, self.keeper.clone()),
            shell: Shell::default(),
            tenure,
            engine_log: RefCell::new(log),
            directory,
        }))
    }

    /// The engine that drives the run, if one does.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn engine(&self, run: &RunId) -> Result<Option<Owner>, DriveError> {
        Ok(self.store.summary(run).await?.driven_by)
    }

    /// Puts a decision or a cancel into the run's inbox, and wakes the engine that drives it. The same key gives
    /// the same entry, however often it is posted.
    ///
    /// # Errors
    /// When the store cannot be written; nothing was posted, or the key finds it.
    pub async fn post(&self, run: &RunId, event: &Event, key: &str) -> Result<InboxId, DriveError> {
        let entry = self.store.post(run, event, key).await?;
        match ring(&self.directory(run)) {
            Ok(true) => {}
            // Nobody drives it: a server may.
            Ok(false) => ring_servers(&self.location),
            Err(error) => {
                tracing::warn!(%error, "the engine was not woken; it looks at its next lease renewal");
            }
        }
        Ok(entry)
    }

    /// Leaves a run to the servers of the store, and wakes those of this host.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn leave_to_servers(&self, run: &RunId) -> Result<(), DriveError> {
        self.store.leave_to_servers(run, Leave::AtOnce).await?;
        ring_servers(&self.location);
        Ok(())
    }

    /// Has the servers of the store take a run over if the engine that drives it dies.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn leave_to_servers_when_orphaned(&self, run: &RunId) -> Result<(), DriveError> {
        Ok(self
            .store
            .leave_to_servers(run, Leave::WhenOrphaned)
            .await?)
    }

    /// Whether a run was left to servers and one of them lives, as far as is known.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn is_served(&self, run: &RunId) -> Result<bool, DriveError> {
        Ok(self.store.is_left_to_servers(run).await? && !self.servers().await?.is_empty())
    }

    /// The servers of the store that live, as far as is known.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn servers(&self) -> Result<Vec<Server>, DriveError> {
        let hosts = self.store.hosts().await?;
        Ok(hosts.into_iter().flat_map(|host| host.servers).collect())
    }

    /// Posts a decision or a cancel, and waits up to `patience` for the engine that drives the run to take or
    /// refuse it.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn decide(
        &self,
        run: &RunId,
        event: &Event,
        key: &str,
        patience: Duration,
    ) -> Result<Decided, DriveError> {
        let entry = self.post(run, event, key).await?;
        let end = Instant::now() + patience;
        let mut pause = Duration::from_millis(2);
        loop {
            let engine = self.engine(run).await?;
            // In this order: an engine that left after it had taken the event has left its verdict.
            if let Some(verdict) = self.store.verdict(entry).await? {
                return Ok(Decided::Verdict(verdict));
            }
            if engine.is_none() {
                if !self.is_served(run).await? {
                    return Ok(Decided::NoEngine(entry));
                }
                // One of them takes the run for this.
                ring_servers(&self.location);
            }
            if Instant::now() >= end {
                return Ok(Decided::Pending(entry));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// What became of an entry, if it was looked at.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn verdict(&self, entry: InboxId) -> Result<Option<Verdict>, DriveError> {
        Ok(self.store.verdict(entry).await?)
    }

    /// The plan that a run has now.
    ///
    /// # Errors
    /// When it cannot be read, or is of a newer Piton.
    pub async fn plan(&self, run: &RunId) -> Result<Arc<Plan>, DriveError> {
        Ok(Arc::clone(self.run(run).await?.plan()))
    }

    /// Has a run that no engine drives take over the plan of an edited runbook: one commit, and nothing is started.
    /// Tells what was changed.
    ///
    /// # Errors
    /// When something that has begun would change, or an engine drives the run; nothing was changed then.
    pub async fn replan(
        &self,
        run: &RunId,
        edited: &Plan,
        by: Actor,
        reason: Option<String>,
    ) -> Result<Revision, NotReplanned> {
        let lease = self.store.acquire(run, &self.owner, self.lease).await?;
        let replanned = self.replan_held(&lease, edited, by, reason).await;
        match self.store.release(&lease).await {
            Ok(()) | Err(StoreError::Fenced { .. }) => {}
            Err(error) => tracing::warn!(%error, "the lease was not given back"),
        }
        replanned
    }

    async fn replan_held(
        &self,
        lease: &Lease,
        edited: &Plan,
        by: Actor,
        reason: Option<String>,
    ) -> Result<Revision, NotReplanned> {
        let mut machine = self.run(&lease.run).await?;
        let revision = machine.revision(edited);
        let batch = machine.replan(edited, by, reason, Clock::start().now())?;
        let status = status(&machine, None);
        let commit = Commit {
            records: &batch.records,
            snapshot: None,
            consumed: &[],
            status: &status,
        };
        let expected = before(machine.head(), &batch.records);
        self.store.commit(lease, expected, commit).await?;
        Ok(revision)
    }

    /// The state of a run, without driving it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn run(&self, run: &RunId) -> Result<Run, DriveError> {
        let loaded = self.store.load(run).await?;
        let plan = Plan::from_json(&loaded.plan_json).map_err(|source| DriveError::Plan {
            run: run.clone(),
            source,
        })?;
        restore(&self.store, run, Arc::new(plan), loaded).await
    }

    /// All records of a run.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn records(&self, run: &RunId) -> Result<Vec<Record>, DriveError> {
        Ok(self.store.records(run, 1).await?)
    }

    /// Deletes a run that is over, with its directory on this host. Gives the bytes of the files that went.
    ///
    /// # Errors
    /// When something needs the run, or it cannot be deleted.
    pub async fn prune(&self, run: &RunId) -> Result<u64, PruneError> {
        prune::prune(&self.store, &self.directory(run), run).await
    }

    /// How many bytes the files of a run take on this host.
    #[must_use]
    pub fn size(&self, run: &RunId) -> u64 {
        prune::size(self.directory(run).path())
    }

    /// The directories on this host of runs that the store does not have any more, with the bytes of their files.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn without_run(&self) -> Result<Vec<(RunDirectory, u64)>, DriveError> {
        prune::without_run(&self.store, &self.location).await
    }

    /// Removes one of [`Local::without_run`].
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(&self, directory: &RunDirectory) -> std::io::Result<()> {
        prune::remove(directory.path())
    }

    /// Checks that the journal of a run is the one that was written.
    ///
    /// # Errors
    /// Names what was changed.
    pub async fn audit(&self, run: &RunId) -> Result<Audit, AuditError> {
        audit(&self.store, run, &self.directory(run), &self.owner.host).await
    }
}

/// Whether driving ended because the store cannot be reached.
fn is_away(end: &Result<DriveEnd, DriveError>) -> bool {
    matches!(end, Err(DriveError::Store(StoreError::Away { .. })))
}

fn unusable(run: &RunId, directory: &RunDirectory, source: std::io::Error) -> DriveError {
    DriveError::Directory {
        run: run.clone(),
        path: directory.path().to_owned(),
        source,
    }
}
