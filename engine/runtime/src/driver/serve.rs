//! Serving: one process that drives many runs, those that were left to servers.
//!
//! A server sleeps until something may have changed: somebody rings it ([`Bell`]), something of a run comes due, an
//! engine on this host ends, or a lease of another host expires. Then it looks which runs can be driven, claims them,
//! and drives each until it is over or waits for people. A run that waits is let go of, and costs nothing until
//! somebody decides or its next timeout is due.
//!
//! All runs share one thread: what takes long is done by their keepers' processes. A fault in one run is told, and
//! that run is tried again later; the others do not notice.

use super::bell::Bell;
use super::error::DriveError;
use super::local::Local;
use super::options::{DriveEnd, DriveOptions, Observer, Until};
use crate::owner::{Owner, ended};
use crate::store::{Claimable, Lease, SERVER_LIVES, Store, StoreError};
use piton_core::id::RunId;
use piton_core::record::{Question, Record};
use piton_core::run::{Effect, Run};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::Instant;

/// How long a run that cannot go on is left alone at first; then twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// How long it is left alone at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long a store that fails is left alone.
const STORE_PAUSE: Duration = Duration::from_secs(2);

/// How long after the store told of something it is looked at, so that what comes together is looked at once.
const COALESCE: Duration = Duration::from_millis(20);

/// How soon a run that was let go of is looked at again at the earliest, unless somebody rings. Clocks differ a little
/// between an engine and a store on another machine.
const BREATH: Duration = Duration::from_millis(500);

/// How a server serves.
#[derive(Clone, Debug)]
pub struct Serving {
    /// What people call it.
    pub name: String,
    /// How many runs it drives at once; `None` for any number.
    pub max_runs: Option<u32>,
    /// Becomes true when it is to leave: what runs goes on under its keepers, and nothing new is started.
    pub stop: watch::Receiver<bool>,
}

/// What a server tells.
#[derive(Debug)]
pub enum Served<'a> {
    /// It drives this run now.
    Taken {
        /// Which.
        run: &'a RunId,
        /// Whose it was before, when that engine died or was cut off.
        from: Option<&'a Owner>,
    },
    /// A question was opened in a run.
    Asks {
        /// Which.
        run: &'a RunId,
        /// The node's id.
        node: &'a str,
    },
    /// It no longer drives this run.
    Left {
        /// Which.
        run: &'a RunId,
        /// Why.
        end: DriveEnd,
    },
    /// It cannot drive this run.
    Failed {
        /// Which.
        run: &'a RunId,
        /// Why.
        why: &'a str,
        /// When it tries again; `None` if another engine has it.
        again: Option<Duration>,
    },
    /// It no longer drives a run that it could not go on with. Told each time, whether or not `Failed` is.
    LetGo {
        /// Whether that is because another engine has it.
        fenced: bool,
    },
    /// The store cannot be used; it is tried again.
    StoreFailed {
        /// Why.
        error: &'a StoreError,
    },
    /// The store can be used again.
    StoreBack,
    /// The store failed at something: this is told each time.
    StoreError {
        /// Why.
        error: &'a StoreError,
    },
    /// It has a run now in which attempts were to be started or under way already.
    TakenUp {
        /// How many.
        attempts: usize,
    },
    /// The store took records; it took this long.
    Committed {
        /// How long.
        took: Duration,
    },
    /// These were written down in a run that it drives.
    Records {
        /// What.
        records: &'a [Record],
    },
}

/// Serves until it is told to stop. Runs that it drove then are let go of.
///
/// # Errors
/// When the server cannot be made known at all.
pub async fn serve<S: Store + 'static>(
    local: Rc<Local<S>>,
    serving: Serving,
    tell: Rc<dyn Fn(Served<'_>)>,
) -> Result<(), DriveError> {
    let store = local.store();
    store
        .serving(local.owner(), &serving.name, serving.max_runs)
        .await?;
    let bell = Bell::hang(local.location(), local.owner()).map_err(|source| {
        let path = Bell::directory(local.location());
        DriveError::Bell { path, source }
    })?;
    let mut server = Server {
        local: Rc::clone(&local),
        serving,
        tell,
        driven: JoinSet::new(),
        leases: BTreeMap::new(),
        pauses: BTreeMap::new(),
        watched: Watched::default(),
        look_at: Instant::now(),
        known_until: Instant::now() + heartbeat(),
        away: JoinSet::new(),
        watching: BTreeMap::new(),
        store_failed: false,
    };
    let set = tokio::task::LocalSet::new();
    set.run_until(server.go(&bell)).await;
    drop(bell);
    Ok(local.store().serves_no_more(local.owner()).await?)
}

fn heartbeat() -> Duration {
    Duration::from_millis(SERVER_LIVES.0 / 3)
}

struct Server<S> {
    local: Rc<Local<S>>,
    serving: Serving,
    tell: Rc<dyn Fn(Served<'_>)>,
    driven: JoinSet<Result<DriveEnd, DriveError>>,
    leases: BTreeMap<Id, Lease>,
    pauses: BTreeMap<RunId, Pause>,
    watched: Watched,
    /// When to look for runs next.
    look_at: Instant,
    /// When the store has to be told again that this server lives.
    known_until: Instant,
    /// Watches attempts on this host of runs that others drive.
    away: JoinSet<()>,
    watching: BTreeMap<Id, RunId>,
    store_failed: bool,
}

/// A run that is left alone for a while.
struct Pause {
    until: Instant,
    /// How often in a row it could not go on.
    times: u32,
    /// Why, as it was told last.
    told: String,
}

impl<S: Store + 'static> Server<S> {
    async fn go(&mut self, bell: &Bell) {
        let mut stop = self.serving.stop.clone();
        loop {
            if *stop.borrow() {
                break;
            }
            let now = Instant::now();
            if now >= self.known_until {
                self.known_until = now + heartbeat();
                self.say_that_it_lives().await;
            }
            if now >= self.look_at {
                self.look().await;
            }
            let until = self.look_at.min(self.known_until);
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                Some(ended) = self.driven.join_next_with_id() => self.let_go(ended).await,
                () = bell.rung() => self.rung(),
                // What is told by a store that hosts share comes often, from this server too: it is a reason to look, and
                // none to try again what could not go on.
                () = self.local.store().stirred() => {
                    self.look_at = self.look_at.min(Instant::now() + COALESCE);
                }
                Some(ended) = self.away.join_next_with_id() => {
                    let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                    self.watching.remove(&id);
                }
                () = self.watched.one_ended() => self.look_at = Instant::now(),
                () = tokio::time::sleep_until(until) => {}
            }
        }
        // Each of them leaves because of the same word.
        while let Some(ended) = self.driven.join_next_with_id().await {
            self.let_go(ended).await;
        }
    }

    /// Somebody may have decided, or put right what a run needs.
    fn rung(&mut self) {
        self.look_at = Instant::now();
        for pause in self.pauses.values_mut() {
            pause.until = Instant::now();
        }
    }

    async fn say_that_it_lives(&mut self) {
        let (owner, serving) = (self.local.owner(), &self.serving);
        let told = self
            .local
            .store()
            .serving(owner, &serving.name, serving.max_runs)
            .await;
        self.store_answered(told.err());
        self.look_at = Instant::now();
    }

    /// Tells when the store begins to fail, and when it is back.
    fn store_answered(&mut self, error: Option<StoreError>) {
        match error {
            Some(error) => {
                (self.tell)(Served::StoreError { error: &error });
                if !std::mem::replace(&mut self.store_failed, true) {
                    (self.tell)(Served::StoreFailed { error: &error });
                }
                self.look_at = Instant::now() + STORE_PAUSE;
            }
            None => {
                if std::mem::take(&mut self.store_failed) {
                    (self.tell)(Served::StoreBack);
                }
            }
        }
    }

    /// Claims what can be driven, as far as there is room, and notes when to look again.
    async fn look(&mut self) {
        self.look_at = self.known_until;
        let found = match self.local.store().claimable(&self.local.owner().host).await {
            Ok(found) => found,
            Err(error) => return self.store_answered(Some(error)),
        };
        self.store_answered(None);
        let here = self.local.owner();
        self.watched
            .only(found.driven_by.iter().filter(|owner| *owner != here));
        let due = found.next.map(|next| next.since(found.now));
        let due = due.and_then(|due| Instant::now().checked_add(Duration::from_millis(due.0)));
        if let Some(at) = due {
            self.look_at = self.look_at.min(at.max(Instant::now() + BREATH));
        }
        self.claim(found).await;
        self.watch_away().await;
    }

    /// Watches what began on this host and others have the run of, so that they hear how it ended.
    async fn watch_away(&mut self) {
        let runs = match self.local.store().runs_away(&self.local.owner().host).await {
            Ok(runs) => runs,
            Err(error) => return self.store_answered(Some(error)),
        };
        for run in runs {
            let driven = self.leases.values().any(|lease| lease.run == run);
            if driven || self.watching.values().any(|watched| *watched == run) {
                continue;
            }
            let (local, watched) = (Rc::clone(&self.local), run.clone());
            let task = async move {
                if let Err(error) = local.watch_away(&watched).await {
                    tracing::warn!(run = %watched, %error, "attempts out of reach are not watched");
                }
            };
            let handle = self.away.spawn_local(task);
            self.watching.insert(handle.id(), run);
        }
    }

    async fn claim(&mut self, found: Claimable) {
        let now = Instant::now();
        let leases = &self.leases;
        self.pauses.retain(|run, pause| {
            pause.until > now
                || found.runs.contains(run)
                || leases.values().any(|lease| lease.run == *run)
        });
        for run in found.runs {
            if self.is_full() {
                // The end of a run makes room, and another look.
                return;
            }
            if let Some(pause) = self.pauses.get(&run)
                && pause.until > now
            {
                self.look_at = self.look_at.min(pause.until);
                continue;
            }
            match self.local.claim(&run).await {
                Ok(Some(lease)) => self.drive(lease),
                // Another server was quicker: the next look tells whom to watch.
                Ok(None) => self.look_at = Instant::now() + BREATH,
                Err(error @ StoreError::NoSuchRun { .. }) => {
                    tracing::debug!(%error, "a run is gone");
                }
                Err(error) => return self.store_answered(Some(error)),
            }
        }
    }

    fn is_full(&self) -> bool {
        let most = self
            .serving
            .max_runs
            .map_or(usize::MAX, |most| most as usize);
        self.driven.len() >= most
    }

    fn drive(&mut self, lease: Lease) {
        (self.tell)(Served::Taken {
            run: &lease.run,
            from: lease.taken_from.as_ref(),
        });
        let local = Rc::clone(&self.local);
        let mut teller = Teller {
            run: lease.run.clone(),
            tell: Rc::clone(&self.tell),
            asked: 0,
            loaded: false,
        };
        let options = DriveOptions {
            stop: self.serving.stop.clone(),
            ..DriveOptions::until(Until::WaitingOrOver)
        };
        let held = lease.clone();
        let task = async move { local.drive_claimed(&held, options, &mut teller).await };
        let handle = self.driven.spawn_local(task);
        self.leases.insert(handle.id(), lease);
    }

    async fn let_go(&mut self, ended: Result<(Id, Result<DriveEnd, DriveError>), JoinError>) {
        let (id, end) = match ended {
            Ok((id, end)) => (id, Ok(end)),
            Err(error) => (error.id(), Err(error)),
        };
        let Some(lease) = self.leases.remove(&id) else {
            return;
        };
        self.look_at = Instant::now();
        let run = &lease.run;
        match end {
            Ok(Ok(end)) => {
                (self.tell)(Served::Left { run, end });
                self.pause_for(run, BREATH, 0, String::new());
            }
            Ok(Err(error)) => {
                // Whoever has the run now goes on with it.
                let fenced = matches!(&error, DriveError::Store(StoreError::Fenced { .. }));
                self.failed(run, &error.to_string(), fenced);
            }
            Err(error) => {
                let why = format!("a fault in piton itself: {error}. What was recorded is safe");
                if let Err(error) = self.local.store().release(&lease).await {
                    tracing::warn!(%error, "the lease was not given back");
                }
                self.failed(run, &why, false);
            }
        }
    }

    fn failed(&mut self, run: &RunId, why: &str, fenced: bool) {
        (self.tell)(Served::LetGo { fenced });
        let before = self.pauses.get(run);
        let times = before.map_or(0, |pause| pause.times).saturating_add(1);
        let told_before = before.is_some_and(|pause| pause.told == why);
        let pause = FIRST_PAUSE
            .saturating_mul(1 << times.saturating_sub(1).min(8))
            .min(LONGEST_PAUSE);
        if !told_before {
            let again = (!fenced).then_some(pause);
            (self.tell)(Served::Failed { run, why, again });
        }
        self.pause_for(run, pause, times, why.to_owned());
    }

    fn pause_for(&mut self, run: &RunId, pause: Duration, times: u32, told: String) {
        let until = Instant::now() + pause;
        let pause = Pause { until, times, told };
        self.pauses.insert(run.clone(), pause);
    }
}

/// Tells what happens to a run that is driven.
struct Teller {
    run: RunId,
    tell: Rc<dyn Fn(Served<'_>)>,
    /// The number of the last question that was told.
    asked: u32,
    /// Whether the run was loaded before.
    loaded: bool,
}

impl Observer for Teller {
    fn on_loaded(&mut self, run: &Run) {
        if !std::mem::replace(&mut self.loaded, true) {
            let outstanding = run.outstanding();
            let attempts = outstanding
                .filter(|effect| matches!(effect, Effect::Start(_)))
                .count();
            (self.tell)(Served::TakenUp { attempts });
        }
    }

    fn on_records(&mut self, _: &Run, records: &[Record]) {
        (self.tell)(Served::Records { records });
    }

    fn on_commit(&mut self, took: Duration) {
        (self.tell)(Served::Committed { took });
    }

    fn on_store_error(&mut self, error: &StoreError) {
        (self.tell)(Served::StoreError { error });
    }

    fn on_question(&mut self, run: &Run, question: &Question) {
        if question.number <= self.asked {
            return;
        }
        self.asked = question.number;
        let node = run.plan().node(question.node);
        (self.tell)(Served::Asks {
            run: &self.run,
            node: node.map(|node| node.id.as_str()).unwrap_or_default(),
        });
    }
}

/// Engines whose end is waited for, as far as they are on this host.
struct Watched {
    tasks: Vec<(Owner, AbortHandle)>,
    ended: tokio::sync::mpsc::UnboundedSender<Owner>,
    told: tokio::sync::mpsc::UnboundedReceiver<Owner>,
}

impl Default for Watched {
    fn default() -> Watched {
        let (ended, told) = tokio::sync::mpsc::unbounded_channel();
        Watched {
            tasks: Vec::new(),
            ended,
            told,
        }
    }
}

impl Watched {
    /// These, and no others.
    fn only<'a>(&mut self, owners: impl Iterator<Item = &'a Owner>) {
        let mut before = std::mem::take(&mut self.tasks);
        for owner in owners {
            let known = before.iter().position(|(known, _)| known == owner);
            let watch = match known {
                Some(at) => before.swap_remove(at),
                None => (owner.clone(), self.wait_for(owner.clone())),
            };
            self.tasks.push(watch);
        }
        for (_, task) in before {
            task.abort();
        }
    }

    fn wait_for(&self, owner: Owner) -> AbortHandle {
        let sender = self.ended.clone();
        let task = async move {
            ended(&owner).await;
            // Nobody listens when the server leaves.
            drop(sender.send(owner));
        };
        tokio::task::spawn_local(task).abort_handle()
    }

    /// Returns when one has ended. Nothing is lost when the future is dropped.
    async fn one_ended(&mut self) {
        if let Some(ended) = self.told.recv().await {
            self.tasks.retain(|(owner, _)| *owner != ended);
        }
    }
}
