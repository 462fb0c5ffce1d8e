//! Stores that are full, lose an acknowledgement, or were tampered with.

use super::support::{SUCCEEDED, World, keeper, on_runtime};
use piton_core::id::{Actor, RunId};
use piton_core::record::{Fact, Record};
use piton_core::run::{Event, Head};
use piton_core::sim::plans::{PlanBuilder, plan, step};
use piton_core::time::{Millis, Timestamp};
use piton_runtime::driver::{AuditError, DriveError, DriveOptions, Local, Observer, Until};
use piton_runtime::owner::Owner;
use piton_runtime::store::{
    Claimable, Commit, Created, Engaged, Host, HostWord, InboxId, Lease, Leave, Loaded, LockBreak,
    Locks, NewRun, RunFilter, RunSummary, SqliteStore, Store, StoreError, Taken, Verdict,
};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// What goes wrong with a commit.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It is not written, and the store says that it is full.
    Full,
    /// It is not written, and nobody can say so.
    Lost,
    /// It is written, and nobody can say so.
    Unacknowledged,
    /// It is not written, because the store cannot be reached.
    Away,
}

/// A store whose commits go wrong: the one with this number from 1, and as many after it as `times` says.
struct Faulty {
    inner: SqliteStore,
    fault: Fault,
    at: u32,
    times: u32,
    commits: AtomicU32,
}

impl Store for Faulty {
    async fn delete(&self, run: &RunId) -> Result<(), StoreError> {
        self.inner.delete(run).await
    }
    async fn create(&self, run: &NewRun, records: &[Record]) -> Result<Created, StoreError> {
        self.inner.create(run, records).await
    }
    async fn acquire(&self, run: &RunId, owner: &Owner, ttl: Millis) -> Result<Lease, StoreError> {
        self.inner.acquire(run, owner, ttl).await
    }
    async fn renew(&self, lease: &Lease) -> Result<(), StoreError> {
        self.inner.renew(lease).await
    }
    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        self.inner.release(lease).await
    }
    async fn load(&self, run: &RunId) -> Result<Loaded, StoreError> {
        self.inner.load(run).await
    }
    async fn records(&self, run: &RunId, from: u64) -> Result<Vec<Record>, StoreError> {
        self.inner.records(run, from).await
    }
    async fn commit(
        &self,
        lease: &Lease,
        expected: Head,
        commit: Commit<'_>,
    ) -> Result<(), StoreError> {
        let number = self.commits.fetch_add(1, Ordering::Relaxed) + 1;
        if number < self.at || number >= self.at + self.times {
            return self.inner.commit(lease, expected, commit).await;
        }
        let run = Some(lease.run.clone());
        let failed = StoreError::Failed {
            place: "faulty".into(),
            doing: "written",
            reason: "a fault".into(),
            run: run.clone(),
        };
        match self.fault {
            Fault::Full => Err(StoreError::Full {
                place: "faulty".into(),
                run,
            }),
            Fault::Lost => Err(failed),
            Fault::Away => Err(StoreError::Away {
                place: "faulty".into(),
                reason: "nobody listens".into(),
                seconds: 10,
                run,
            }),
            Fault::Unacknowledged => {
                self.inner.commit(lease, expected, commit).await?;
                Err(failed)
            }
        }
    }
    async fn post(&self, run: &RunId, event: &Event, key: &str) -> Result<InboxId, StoreError> {
        self.inner.post(run, event, key).await
    }
    async fn inbox(&self, run: &RunId) -> Result<Vec<(InboxId, Event)>, StoreError> {
        self.inner.inbox(run).await
    }
    async fn verdict(&self, entry: InboxId) -> Result<Option<Verdict>, StoreError> {
        self.inner.verdict(entry).await
    }
    async fn runs(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        self.inner.runs(filter).await
    }
    async fn summary(&self, run: &RunId) -> Result<RunSummary, StoreError> {
        self.inner.summary(run).await
    }
    async fn resolve(&self, text: &str) -> Result<RunId, StoreError> {
        self.inner.resolve(text).await
    }
    async fn take_locks(
        &self,
        lease: &Lease,
        node: Option<&str>,
        names: &[String],
    ) -> Result<Taken, StoreError> {
        self.inner.take_locks(lease, node, names).await
    }
    async fn release_locks(
        &self,
        lease: &Lease,
        node: Option<&str>,
    ) -> Result<Vec<RunId>, StoreError> {
        self.inner.release_locks(lease, node).await
    }
    async fn keep_locks(
        &self,
        lease: &Lease,
        kept: &[(Option<String>, Vec<String>)],
    ) -> Result<Vec<RunId>, StoreError> {
        self.inner.keep_locks(lease, kept).await
    }
    async fn locks(&self) -> Result<Locks, StoreError> {
        self.inner.locks().await
    }
    async fn leave_to_servers(&self, run: &RunId, leave: Leave) -> Result<(), StoreError> {
        self.inner.leave_to_servers(run, leave).await
    }

    async fn is_left_to_servers(&self, run: &RunId) -> Result<bool, StoreError> {
        self.inner.is_left_to_servers(run).await
    }

    async fn claimable(&self, host: &str) -> Result<Claimable, StoreError> {
        self.inner.claimable(host).await
    }

    async fn note_away(&self, lease: &Lease, hosts: &[String]) -> Result<(), StoreError> {
        self.inner.note_away(lease, hosts).await
    }

    async fn runs_away(&self, host: &str) -> Result<Vec<RunId>, StoreError> {
        self.inner.runs_away(host).await
    }

    async fn claim(
        &self,
        run: &RunId,
        owner: &Owner,
        ttl: Millis,
    ) -> Result<Option<Lease>, StoreError> {
        self.inner.claim(run, owner, ttl).await
    }

    async fn engines(&self, run: &RunId) -> Result<Vec<Engaged>, StoreError> {
        self.inner.engines(run).await
    }

    async fn serving(
        &self,
        owner: &Owner,
        name: &str,
        max_runs: Option<u32>,
    ) -> Result<(), StoreError> {
        self.inner.serving(owner, name, max_runs).await
    }

    async fn serves_no_more(&self, owner: &Owner) -> Result<(), StoreError> {
        self.inner.serves_no_more(owner).await
    }

    async fn hosts(&self) -> Result<Vec<Host>, StoreError> {
        self.inner.hosts().await
    }

    async fn say_of_host(
        &self,
        host: &str,
        dead: bool,
        by: &Actor,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.inner.say_of_host(host, dead, by, reason).await
    }

    async fn host_words(&self) -> Result<Vec<(String, HostWord)>, StoreError> {
        self.inner.host_words().await
    }

    async fn now(&self) -> Result<Timestamp, StoreError> {
        self.inner.now().await
    }

    async fn break_lock(
        &self,
        name: &str,
        by: &Actor,
        reason: &str,
    ) -> Result<LockBreak, StoreError> {
        self.inner.break_lock(name, by, reason).await
    }
}

impl World {
    fn faulty(&self, fault: Fault, at: u32, times: u32) -> Local<Faulty> {
        let inner = self.store();
        let store = Faulty {
            inner,
            fault,
            at,
            times,
            commits: AtomicU32::new(0),
        };
        Local::new(store, self.location()).with_keeper(keeper())
    }
}

fn chain() -> PlanBuilder {
    let mut chain = plan("chain");
    for at in 0..4 {
        let node = step(&format!("s{at}"))
            .script(&format!("echo {at} >> order; echo v={at} >> $PITON_OUTPUT"))
            .output("v", "output.v");
        chain = chain.node(if at == 0 {
            node
        } else {
            node.needs(&[&format!("s{}", at - 1)])
        });
    }
    chain
}

const ORDER: &str = "0\n1\n2\n3\n";

#[test]
fn a_commit_of_which_nothing_is_known_is_looked_up_and_nothing_is_done_twice() {
    on_runtime(async {
        for fault in [Fault::Lost, Fault::Unacknowledged] {
            for at in 1..=4 {
                let world = World::new();
                let run = world.submit(chain()).await;
                let local = world.faulty(fault, at, 1);
                let end = local
                    .drive(&run, DriveOptions::until(Until::Over), &mut ())
                    .await;
                assert_eq!(end.unwrap(), SUCCEEDED, "{fault:?} {at}");
                assert_eq!(world.text("order"), ORDER, "{fault:?} {at}");
                assert_eq!(world.results(&run).await.len(), 4, "{fault:?} {at}");
                local.audit(&run).await.unwrap();
            }
        }
    });
}

/// Counts how often the store went away and came back.
#[derive(Default)]
struct Comings {
    away: u32,
    back: u32,
}

impl Observer for Comings {
    fn on_store_away(&mut self, _: &StoreError, _: Duration) {
        self.away += 1;
    }

    fn on_store_back(&mut self) {
        self.back += 1;
    }
}

#[test]
fn a_store_that_is_away_is_waited_for_and_nothing_is_done_twice() {
    on_runtime(async {
        for at in 1..=4 {
            let world = World::new();
            let run = world.submit(chain()).await;
            let local = world.faulty(Fault::Away, at, 2);
            let mut comings = Comings::default();
            let options = DriveOptions::until(Until::Over);
            let end = local.drive(&run, options, &mut comings).await;
            assert_eq!(end.unwrap(), SUCCEEDED, "{at}");
            assert_eq!(world.text("order"), ORDER, "{at}");
            assert_eq!(world.results(&run).await.len(), 4, "{at}");
            assert_eq!((comings.away, comings.back), (1, 2), "{at}");
        }
    });
}

#[test]
fn a_store_that_stays_away_is_left_with_the_command_that_goes_on() {
    on_runtime(async {
        let world = World::new();
        let run = world.submit(chain()).await;
        let local = world.faulty(Fault::Away, 2, u32::MAX - 2);
        let options = DriveOptions {
            store_patience: Duration::from_millis(300),
            ..DriveOptions::until(Until::Over)
        };
        let end = local.drive(&run, options, &mut ()).await;
        let Err(DriveError::Store(error @ StoreError::Away { .. })) = end else {
            panic!("{end:?}");
        };
        let said = error.to_string();
        assert!(said.contains(&format!("piton resume {run}")), "{said}");
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        assert_eq!(world.text("order"), ORDER);
    });
}

#[test]
fn a_full_store_ends_the_driving_and_after_the_repair_the_run_goes_on() {
    on_runtime(async {
        for at in 1..=4 {
            let world = World::new();
            let run = world.submit(chain()).await;
            let full = world.faulty(Fault::Full, at, u32::MAX - at);
            let end = full
                .drive(&run, DriveOptions::until(Until::Over), &mut ())
                .await;
            let Err(DriveError::Store(error)) = end else {
                panic!("{end:?}")
            };
            let message = error.to_string();
            assert!(
                message.contains("faulty") && message.contains(&format!("piton resume {run}")),
                "{message}"
            );
            assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
            assert_eq!(world.text("order"), ORDER, "nothing was done twice");
        }
    });
}

#[test]
fn a_store_that_never_works_again_ends_the_driving() {
    on_runtime(async {
        let world = World::new();
        let run = world.submit(chain()).await;
        let broken = world.faulty(Fault::Lost, 2, u32::MAX - 2);
        let end = broken
            .drive(&run, DriveOptions::until(Until::Over), &mut ())
            .await;
        assert!(
            matches!(end, Err(DriveError::Store(StoreError::Failed { .. }))),
            "{end:?}"
        );
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
        assert_eq!(world.text("order"), ORDER);
    });
}

#[test]
fn a_run_directory_that_cannot_be_used_is_named() {
    on_runtime(async {
        let world = World::new();
        let run = world.submit(chain()).await;
        let directory = world.local().directory(&run);
        std::fs::remove_dir_all(directory.path()).unwrap();
        std::fs::write(directory.path(), "in the way").unwrap();
        let Err(error) = world.drive(&run).await else {
            panic!()
        };
        let message = error.to_string();
        assert!(
            message.contains(&directory.path().display().to_string()),
            "{message}"
        );
        assert!(
            message.contains(&format!("piton resume {run}")),
            "{message}"
        );
        std::fs::remove_file(directory.path()).unwrap();
        assert_eq!(world.drive(&run).await.unwrap(), SUCCEEDED);
    });
}

#[test]
fn an_audit_accepts_what_was_written_and_names_what_was_changed() {
    on_runtime(async {
        let world = World::new();
        let (run, _) = world.run(chain()).await;
        let head = world.local().audit(&run).await.unwrap().head;
        let records = world.local().records(&run).await.unwrap();
        assert_eq!(head.seq, records.len() as u64);
        assert!(matches!(records[0].fact(), Ok(Fact::RunCreated { .. })));

        let change = |sql: &str| {
            let database = rusqlite::Connection::open(world.path("runs.db")).unwrap();
            assert_eq!(database.execute(sql, []).unwrap(), 1, "{sql}");
        };
        change("update record set body = replace(body, '\"s2\"', '\"s2\"') || ' ' where seq = 7");
        match world.local().audit(&run).await {
            Err(AuditError::Record { source, .. }) => {
                assert!(source.to_string().contains("record 7"), "{source}")
            }
            other => panic!("{other:?}"),
        }
        change("update record set body = trim(body) where seq = 7");
        world.local().audit(&run).await.unwrap();
        change(&format!("delete from record where seq = {}", head.seq));
        let error = world.local().audit(&run).await.unwrap_err();
        assert!(matches!(error, AuditError::Head { .. }), "{error}");
    });
}
