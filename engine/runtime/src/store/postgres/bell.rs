//! Being told by the database that something happened, over one connection that listens.
//!
//! What is told may come twice, or come to nothing, and whatever happened while nobody listened is not told at all. So
//! a ring only says "look", and everybody is rung whenever listening begins.

use super::failure::Problem;
use super::pool::connect;
use super::url::PostgresUrl;
use piton_core::id::RunId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How long is waited before a lost connection is made again: first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How often the connection is looked at while nothing is told.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Rings for runs.
#[derive(Debug)]
pub(super) struct Bell {
    url: PostgresUrl,
    ears: Arc<Ears>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// Those who listen.
#[derive(Debug, Default)]
struct Ears {
    of_run: Mutex<HashMap<String, Arc<Notify>>>,
    of_all: Notify,
}

impl Ears {
    fn of_run(&self) -> MutexGuard<'_, HashMap<String, Arc<Notify>>> {
        self.of_run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Somebody told about a run: `posted RUN`, `free RUN`, `changed RUN`, `made RUN`. What changed about a run is no
    /// news to who drives it.
    fn told(&self, payload: &str) {
        self.of_all.notify_one();
        let Some((what, run)) = payload.split_once(' ') else {
            return;
        };
        if what != "changed"
            && let Some(ear) = self.of_run().get(run)
        {
            ear.notify_one();
        }
    }

    fn everybody(&self) {
        self.of_all.notify_one();
        self.of_run().values().for_each(|ear| ear.notify_one());
    }
}

impl Bell {
    pub(super) fn new(url: &PostgresUrl) -> Bell {
        Bell {
            url: url.clone(),
            ears: Arc::default(),
            task: Mutex::new(None),
        }
    }

    /// Returns when something may have been posted for the run, or a lock that it waits for let go of. May be dropped
    /// and called again without losing a ring. The first call for a run returns as soon as the bell listens.
    pub(super) async fn rung(&self, run: &RunId) {
        self.listen();
        let ear = {
            let mut ears = self.ears.of_run();
            Arc::clone(ears.entry(run.0.clone()).or_insert_with(|| {
                // What was posted before there was an ear for it is looked for.
                let ear = Notify::new();
                ear.notify_one();
                Arc::new(ear)
            }))
        };
        ear.notified().await;
    }

    /// Returns when something may have happened to any run.
    pub(super) async fn stirred(&self) {
        self.listen();
        self.ears.of_all.notified().await;
    }

    /// Begins to listen, unless it is done already. A runtime that ends takes its task with it.
    fn listen(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(JoinHandle::is_finished) {
            let listening = listening(self.url.clone(), Arc::clone(&self.ears));
            *task = Some(tokio::spawn(listening));
        }
    }
}

impl Drop for Bell {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task.take() {
            task.abort();
        }
    }
}

async fn listening(url: PostgresUrl, ears: Arc<Ears>) {
    let mut pause = PAUSES.0;
    loop {
        if let Err(problem) = listen_once(&url, &ears, &mut pause).await {
            tracing::debug!(?problem, "the store's notifications are not heard");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Listens until the connection is lost.
async fn listen_once(
    url: &PostgresUrl,
    ears: &Arc<Ears>,
    pause: &mut Duration,
) -> Result<(), Problem> {
    let told = Arc::clone(ears);
    let mut link = connect(url, move |notification| told.told(notification.payload())).await?;
    link.batch("LISTEN piton").await?;
    *pause = PAUSES.0;
    ears.everybody();
    loop {
        if tokio::time::timeout(LOOK_EVERY, link.ended()).await.is_ok() {
            return Ok(());
        }
        // A connection that died without a word is noticed by asking.
        let asked = tokio::time::timeout(LOOK_EVERY, link.batch("")).await;
        match asked {
            Ok(asked) => asked?,
            Err(_) => return Err(Problem::Silent(LOOK_EVERY.as_secs())),
        }
    }
}
