//! The engine's side of the processes of a run: has the keeper start them, hears of their ends, and finds them
//! again when the keeper had to be replaced.

use crate::action::stop::StopSignal;
use crate::keeper::{Ended, Executable, Keeper, KeeperDir, KeeperError, Launch};
use piton_core::id::AttemptId;
use piton_core::time::Millis;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use tokio::sync::{Notify, oneshot};

/// How often in a row a keeper may go away without having done anything before the engine gives up.
const PATIENCE: u32 = 5;

/// What is asked of the keeper for an attempt.
#[derive(Clone, Debug)]
pub enum Ask {
    /// Start it, or attach to it if it was started before.
    Start(Box<Launch>),
    /// Attach to it, or say that it was never started.
    Watch {
        /// Which.
        attempt: AttemptId,
        /// How much of its time is left.
        deadline_in: Option<Millis>,
        /// How long after TERM follows KILL.
        grace: Millis,
    },
}

impl Ask {
    fn attempt(&self) -> AttemptId {
        match self {
            Ask::Start(launch) => launch.attempt,
            Ask::Watch { attempt, .. } => *attempt,
        }
    }

    async fn send(&self, keeper: &Keeper) -> Result<(), KeeperError> {
        match self {
            Ask::Start(launch) => keeper.start((**launch).clone()).await,
            Ask::Watch {
                attempt,
                deadline_in,
                grace,
            } => keeper.watch(*attempt, *deadline_in, *grace).await,
        }
    }
}

/// The processes of a run, as one engine sees them. A keeper is started with the first process. Works on a
/// [`tokio::task::LocalSet`] only.
#[derive(Clone)]
pub struct Processes(Rc<Shared>);

impl std::fmt::Debug for Processes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Processes")
            .field("dir", &self.0.dir)
            .finish_non_exhaustive()
    }
}

struct Shared {
    dir: KeeperDir,
    fence: u64,
    executable: Executable,
    keeper: RefCell<Option<Rc<Keeper>>>,
    connecting: tokio::sync::Mutex<()>,
    waiting: RefCell<BTreeMap<AttemptId, Waiting>>,
    /// Connections in a row that were lost before anything ended.
    lost: Cell<u32>,
    failure: RefCell<Option<KeeperError>>,
    failed: Notify,
}

struct Waiting {
    ask: Ask,
    stopped: bool,
    reply: oneshot::Sender<Ended>,
}

impl Processes {
    /// The processes of the run with this directory, for the engine with this fence.
    #[must_use]
    pub fn new(dir: KeeperDir, fence: u64, executable: Executable) -> Processes {
        Processes(Rc::new(Shared {
            dir,
            fence,
            executable,
            keeper: RefCell::default(),
            connecting: tokio::sync::Mutex::default(),
            waiting: RefCell::default(),
            lost: Cell::new(0),
            failure: RefCell::default(),
            failed: Notify::new(),
        }))
    }

    /// Has the process started, or finds it, and waits for its end. Tells it to end when `stop` says so.
    ///
    /// Never returns when the keeper cannot be used at all: then [`Processes::failure`] does, and the run has to be
    /// left for now.
    pub async fn run(&self, ask: Ask, mut stop: StopSignal) -> Ended {
        let attempt = ask.attempt();
        let (reply, mut ended) = oneshot::channel();
        self.0.waiting.borrow_mut().insert(
            attempt,
            Waiting {
                ask: ask.clone(),
                stopped: false,
                reply,
            },
        );
        let keeper = self.0.keeper.borrow().clone();
        match keeper {
            // If the keeper has just gone, whoever listens to it notices, and asks the next one.
            Some(keeper) => drop(ask.send(&keeper).await),
            None => self.0.connect().await,
        }
        let end = tokio::select! {
            biased;
            end = &mut ended => end,
            () = stop.stopped() => {
                if let Some(waiting) = self.0.waiting.borrow_mut().get_mut(&attempt) {
                    waiting.stopped = true;
                }
                let keeper = self.0.keeper.borrow().clone();
                if let Some(keeper) = keeper {
                    drop(keeper.stop(attempt).await);
                }
                ended.await
            }
        };
        match end {
            Ok(end) => end,
            // The keeper failed for good; the driver ends, and this with it.
            Err(_) => std::future::pending().await,
        }
    }

    /// Returns when the keeper cannot be used.
    pub async fn failure(&self) -> KeeperError {
        loop {
            let failed = self.0.failed.notified();
            if let Some(error) = self.0.failure.borrow_mut().take() {
                return error;
            }
            failed.await;
        }
    }

    /// The run is over: the keeper need not stay.
    pub async fn finish(&self) {
        let keeper = self.0.keeper.borrow().clone();
        if let Some(keeper) = keeper {
            // If it is gone already, all the better.
            drop(keeper.shutdown().await);
        }
    }
}

impl Shared {
    /// Takes a connection into use and listens to it.
    fn adopt(self: &Rc<Self>, keeper: Keeper) -> Rc<Keeper> {
        let keeper = Rc::new(keeper);
        *self.keeper.borrow_mut() = Some(Rc::clone(&keeper));
        tokio::task::spawn_local(listen(Rc::downgrade(self), Rc::clone(&keeper)));
        keeper
    }

    /// Connects, unless somebody did meanwhile, and asks again for all that is waited for.
    async fn connect(self: &Rc<Self>) {
        let _turn = self.connecting.lock().await;
        if self.keeper.borrow().is_some() {
            // Whoever connected found this request among those waiting.
            return;
        }
        match Keeper::attach_or_start(&self.dir, self.fence, &self.executable).await {
            Ok(keeper) => {
                let keeper = self.adopt(keeper);
                let asks: Vec<(Ask, bool)> = self
                    .waiting
                    .borrow()
                    .values()
                    .map(|waiting| (waiting.ask.clone(), waiting.stopped))
                    .collect();
                for (ask, stopped) in asks {
                    if ask.send(&keeper).await.is_err() {
                        // The listener notices too, and connects again.
                        return;
                    }
                    if stopped && keeper.stop(ask.attempt()).await.is_err() {
                        return;
                    }
                }
            }
            Err(error) => self.fail(error),
        }
    }

    fn fail(&self, error: KeeperError) {
        self.failure.borrow_mut().get_or_insert(error);
        self.failed.notify_one();
    }
}

/// Hands out ends as they come, for as long as the connection lasts.
async fn listen(shared: Weak<Shared>, keeper: Rc<Keeper>) {
    let error = loop {
        let next = keeper.ended().await;
        let Some(shared) = shared.upgrade() else {
            return;
        };
        match next {
            Ok((attempt, ended)) => {
                shared.lost.set(0);
                if let Some(waiting) = shared.waiting.borrow_mut().remove(&attempt) {
                    // Nobody listens when the driver has just been dropped; the keeper's log still has the end.
                    drop(waiting.reply.send(ended));
                }
            }
            Err(error) => break error,
        }
    };
    let Some(shared) = shared.upgrade() else {
        return;
    };
    *shared.keeper.borrow_mut() = None;
    let lost = shared.lost.get().saturating_add(1);
    shared.lost.set(lost);
    match error {
        KeeperError::Gone { .. } if lost <= PATIENCE => {
            if shared.waiting.borrow().is_empty() {
                return;
            }
            tracing::warn!("the keeper went away; asking another what became of its processes");
            for waiting in shared.waiting.borrow_mut().values_mut() {
                if let Ask::Start(launch) = &mut waiting.ask {
                    launch.resumed = true;
                }
            }
            shared.connect().await;
        }
        error => shared.fail(error),
    }
}
