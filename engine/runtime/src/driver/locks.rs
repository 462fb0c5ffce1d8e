//! Named locks of a run while it is driven: taking those that the core asks for, waiting for those that others have,
//! and letting go.
//!
//! Nothing here blocks the loop. A set that is not free is tried again when the engine is rung, because whoever lets
//! go of a lock rings those that wait for it, and every [`LOOK_AGAIN`] in case that ring got lost.

use super::error::DriveError;
use super::local::Local;
use crate::store::{Lease, Location, LockBreak, Store, StoreError, Taken};
use crate::wake::ring;
use piton_core::id::{Actor, RunId};
use piton_core::plan::{NodeIndex, Plan};
use piton_core::run::Run;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long after a refusal locks are tried again without a ring.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Who holds locks, as the core names it: a node, or the run as a whole.
type Holder = Option<NodeIndex>;

/// The locks of one run.
#[derive(Debug)]
pub(super) struct Locks {
    plan: Arc<Plan>,
    location: Location,
    /// What the run holds and wants according to its journal, until the store was made equal to it.
    keep: Option<Vec<(Holder, Vec<String>)>>,
    /// What is let go of before anything is taken.
    leaving: BTreeSet<Holder>,
    /// What is waited for.
    wanted: BTreeMap<Holder, Vec<String>>,
    look_at: Instant,
}

impl Locks {
    /// Of a run of this plan in the store at this place.
    pub fn new(plan: Arc<Plan>, location: Location) -> Locks {
        Locks {
            plan,
            location,
            keep: None,
            leaving: BTreeSet::new(),
            wanted: BTreeMap::new(),
            look_at: Instant::now(),
        }
    }

    /// The run was loaded: the store is made equal to what it holds and wants. What it wants is asked for as well.
    pub fn resume(&mut self, run: &Run) {
        self.restart(holdings(run));
    }

    fn restart(&mut self, keep: Vec<(Holder, Vec<String>)>) {
        self.keep = Some(keep);
        self.leaving.clear();
        self.wanted.clear();
        self.look_at = Instant::now();
    }

    /// These are to be taken.
    pub fn ask(&mut self, holder: Holder, names: Vec<String>) {
        self.wanted.insert(holder, names);
        self.look_at = Instant::now();
    }

    /// Lets go of what a holder has just got if the run does not want it any more, because waiting for it ended.
    pub fn check(&mut self, run: &Run, holder: Holder) {
        if holdings(run).iter().all(|(other, _)| *other != holder) {
            self.let_go(holder);
        }
    }

    /// All that the holder has or waits for is to be let go of.
    pub fn let_go(&mut self, holder: Holder) {
        self.wanted.remove(&holder);
        self.leaving.insert(holder);
        self.look_at = Instant::now();
    }

    /// Somebody may have let go of what is waited for.
    pub fn look_now(&mut self) {
        self.look_at = Instant::now();
    }

    /// When [`Locks::carry_out`] has something to do.
    pub fn due(&self) -> Option<Instant> {
        let idle = self.keep.is_none() && self.leaving.is_empty() && self.wanted.is_empty();
        (!idle).then_some(self.look_at)
    }

    /// Whether something is waited for that others have.
    pub fn is_waiting(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// Does what is due, and gives those who have all of their locks now. A store that is busy is asked again later.
    ///
    /// # Errors
    /// When the store cannot be written, or the lease is no longer ours.
    pub async fn carry_out<S: Store>(
        &mut self,
        store: &S,
        lease: &Lease,
    ) -> Result<Vec<Holder>, StoreError> {
        let mut taken = Vec::new();
        if self.due().is_none_or(|due| due > Instant::now()) {
            return Ok(taken);
        }
        let done = self.do_due(store, lease, &mut taken).await;
        self.look_at = Instant::now() + LOOK_AGAIN;
        match done {
            Ok(()) => Ok(taken),
            Err(error @ StoreError::Busy { .. }) => {
                tracing::warn!(%error, "locks are looked at again");
                Ok(taken)
            }
            Err(error) => Err(error),
        }
    }

    /// Lets go of what is to be let go of before the engine leaves.
    pub async fn leave<S: Store>(&mut self, store: &S, lease: &Lease) {
        if let Err(error) = self.do_leaving(store, lease).await {
            // The engine that drives the run next does it.
            tracing::warn!(%error, "locks were not let go of");
        }
    }

    /// The run is over: all of its locks are free. They are even if this fails, because a run that is over has none.
    pub async fn finish<S: Store>(&mut self, store: &S, lease: &Lease) {
        self.restart(Vec::new());
        self.leave(store, lease).await;
    }

    async fn do_due<S: Store>(
        &mut self,
        store: &S,
        lease: &Lease,
        taken: &mut Vec<Holder>,
    ) -> Result<(), StoreError> {
        self.do_leaving(store, lease).await?;
        let wanted: Vec<_> = self.wanted.keys().copied().collect();
        for holder in wanted {
            let Some(names) = self.wanted.get(&holder) else {
                continue;
            };
            let node = self.name_of(holder);
            match store.take_locks(lease, node.as_deref(), names).await? {
                Taken::All => {
                    self.wanted.remove(&holder);
                    taken.push(holder);
                }
                Taken::Refused { held } => {
                    for claim in held {
                        tracing::debug!(lock = %claim.name, by = %claim.holder, "a lock is not free");
                    }
                }
            }
        }
        Ok(())
    }

    async fn do_leaving<S: Store>(&mut self, store: &S, lease: &Lease) -> Result<(), StoreError> {
        if let Some(keep) = &self.keep {
            let keep: Vec<_> = keep
                .iter()
                .map(|(holder, names)| (self.name_of(*holder), names.clone()))
                .collect();
            let waiting = store.keep_locks(lease, &keep).await?;
            self.keep = None;
            self.wake(&waiting);
        }
        while let Some(holder) = self.leaving.first().copied() {
            let node = self.name_of(holder);
            let waiting = store.release_locks(lease, node.as_deref()).await?;
            self.leaving.remove(&holder);
            self.wake(&waiting);
        }
        Ok(())
    }

    /// How the store knows a holder.
    fn name_of(&self, holder: Holder) -> Option<String> {
        let node = holder?;
        // The core names no node that is not in its plan.
        let found = self.plan.node(node).map(|node| node.id.clone());
        Some(found.unwrap_or_else(|| format!("node {}", node.0)))
    }

    fn wake(&self, waiting: &[RunId]) {
        wake(&self.location, waiting);
    }
}

/// What a run holds and wants according to its journal.
fn holdings(run: &Run) -> Vec<(Holder, Vec<String>)> {
    let locks = run.locks().into_iter();
    locks.map(|lock| (lock.node, lock.names)).collect()
}

/// Wakes the engines of these runs. One that is not reached looks again by itself.
fn wake(location: &Location, waiting: &[RunId]) {
    for run in waiting {
        if let Err(error) = ring(&location.run_directory(run)) {
            tracing::debug!(%run, %error, "a run that waits for a lock was not woken");
        }
    }
}

impl<S: Store> Local<S> {
    /// Takes a lock away from whoever has it, keeps who did that and why, and wakes the runs that wait for it. The
    /// holder is not told and goes on.
    ///
    /// # Errors
    /// [`StoreError::NoSuchLock`] when nobody has it, or when the store cannot be written.
    pub async fn break_lock(
        &self,
        name: &str,
        by: &Actor,
        reason: &str,
    ) -> Result<LockBreak, DriveError> {
        let done = self.store().break_lock(name, by, reason).await?;
        wake(self.location(), &done.waiting);
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owner::Owner;
    use crate::store::{NewRun, RunStatus, SqliteStore, new_run_id};
    use crate::wake::WakeSocket;
    use piton_core::plan::{Action, Node, NodeKind, WorldEffect};
    use piton_core::time::{Millis, Timestamp};
    use std::path::PathBuf;

    struct World {
        dir: PathBuf,
        location: Location,
        store: SqliteStore,
    }

    impl World {
        fn new() -> World {
            let dir = std::env::temp_dir().join(new_run_id("piton-locks").0);
            let location = Location::Sqlite(dir.join("runs.db"));
            let store = SqliteStore::open(&dir.join("runs.db")).unwrap();
            World {
                dir,
                location,
                store,
            }
        }

        /// A run of two nodes, `first` and `second`, with its lease and its locks.
        async fn run(&self, id: &str) -> (Lease, Locks) {
            let run = NewRun {
                id: RunId(id.to_owned()),
                plan_json: "{}".to_owned(),
                runbook: "drill".to_owned(),
                title: None,
                starter: "ada".to_owned(),
                started: Timestamp(1),
                status: RunStatus::running(),
            };
            self.store.create(&run, &[]).await.unwrap();
            self.location.run_directory(&run.id).create().unwrap();
            (self.lease(&run.id).await, self.locks())
        }

        async fn lease(&self, run: &RunId) -> Lease {
            let owner = Owner::this_process();
            let lease = self.store.acquire(run, &owner, Millis(600_000)).await;
            lease.unwrap()
        }

        fn locks(&self) -> Locks {
            let mut plan = Plan::new("drill");
            for id in ["first", "second"] {
                let action = Action::Exec(piton_core::plan::Exec { argv: Vec::new() });
                let node = Node::new(id, NodeKind::Step, action, WorldEffect::None);
                plan.nodes.push(node);
            }
            Locks::new(Arc::new(plan), self.location.clone())
        }

        async fn holders(&self) -> Vec<String> {
            let locks = self.store.locks().await.unwrap();
            let one = |claim: &crate::store::LockClaim| format!("{}: {}", claim.name, claim.holder);
            locks.held.iter().map(one).collect()
        }
    }

    impl Drop for World {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }

    const FIRST: Holder = Some(NodeIndex(0));

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    async fn rung(socket: &WakeSocket) -> bool {
        let ring = tokio::time::timeout(Duration::from_millis(200), socket.rung());
        ring.await.is_ok()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn who_lets_go_rings_who_waits() {
        let world = World::new();
        let (one, mut ones) = world.run("a-1").await;
        let (two, mut twos) = world.run("b-1").await;
        let directory = world.location.run_directory(&two.run);
        let socket = WakeSocket::bind(&directory).unwrap();
        ones.ask(FIRST, names(&["db"]));
        let taken = ones.carry_out(&world.store, &one).await.unwrap();
        assert_eq!(taken, [FIRST]);
        assert_eq!(ones.due(), None, "nothing is left to do");
        twos.ask(None, names(&["db", "net"]));
        assert_eq!(twos.carry_out(&world.store, &two).await.unwrap(), []);
        assert!(twos.is_waiting());
        // Not before it is rung, or a while has passed.
        assert!(twos.due().unwrap() > Instant::now());
        assert!(!rung(&socket).await);
        ones.let_go(FIRST);
        ones.leave(&world.store, &one).await;
        assert!(rung(&socket).await);
        twos.look_now();
        assert_eq!(twos.carry_out(&world.store, &two).await.unwrap(), [None]);
        assert_eq!(world.holders().await, ["db: run b-1", "net: run b-1"]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn nodes_of_one_run_wait_for_each_other() {
        let world = World::new();
        let (one, mut ones) = world.run("a-1").await;
        let second = Some(NodeIndex(1));
        ones.ask(FIRST, names(&["db"]));
        ones.ask(second, names(&["db"]));
        let taken = ones.carry_out(&world.store, &one).await.unwrap();
        assert_eq!(taken, [FIRST]);
        ones.let_go(FIRST);
        let taken = ones.carry_out(&world.store, &one).await.unwrap();
        assert_eq!(taken, [second]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_engine_that_takes_over_keeps_what_the_journal_says_and_frees_the_rest() {
        let world = World::new();
        let (one, mut ones) = world.run("a-1").await;
        let (two, mut twos) = world.run("b-1").await;
        ones.ask(None, names(&["db"]));
        ones.ask(FIRST, names(&["net"]));
        ones.carry_out(&world.store, &one).await.unwrap();
        twos.ask(FIRST, names(&["net"]));
        assert_eq!(twos.carry_out(&world.store, &two).await.unwrap(), []);
        // The first engine ends before it lets go of the node's lock, and another takes the run over.
        world.store.release(&one).await.unwrap();
        let one = world.lease(&one.run).await;
        let mut ones = world.locks();
        ones.restart(vec![(None, names(&["db"]))]);
        assert_eq!(ones.carry_out(&world.store, &one).await.unwrap(), []);
        twos.look_now();
        let taken = twos.carry_out(&world.store, &two).await.unwrap();
        assert_eq!(taken, [FIRST]);
        let expected = ["db: run a-1", "net: node `first` of run b-1"];
        assert_eq!(world.holders().await, expected);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_is_let_go_of_before_it_was_taken_is_not_waited_for() {
        let world = World::new();
        let (one, mut ones) = world.run("a-1").await;
        let (two, mut twos) = world.run("b-1").await;
        ones.ask(FIRST, names(&["db"]));
        ones.carry_out(&world.store, &one).await.unwrap();
        twos.ask(FIRST, names(&["db"]));
        twos.carry_out(&world.store, &two).await.unwrap();
        twos.let_go(FIRST);
        twos.carry_out(&world.store, &two).await.unwrap();
        assert!(!twos.is_waiting());
        assert_eq!(world.store.locks().await.unwrap().waiting, []);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_run_that_is_over_has_no_locks() {
        let world = World::new();
        let (one, mut ones) = world.run("a-1").await;
        ones.ask(None, names(&["db"]));
        ones.ask(FIRST, names(&["net"]));
        ones.carry_out(&world.store, &one).await.unwrap();
        ones.finish(&world.store, &one).await;
        assert_eq!(world.holders().await, [""; 0]);
    }

    #[tokio::test(flavor = "current_thread")]
    async fn an_engine_that_was_fenced_takes_nothing() {
        let world = World::new();
        let (one, mut ones) = world.run("a-1").await;
        world.store.release(&one).await.unwrap();
        ones.ask(None, names(&["db"]));
        let error = ones.carry_out(&world.store, &one).await.unwrap_err();
        assert!(matches!(error, StoreError::Fenced { .. }), "{error:?}");
        assert_eq!(world.holders().await, [""; 0]);
    }
}
