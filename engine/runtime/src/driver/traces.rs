//! Sending the trace of a run to a collector, beside the loop that commits and never in its way.
//!
//! What is sent is read from the journal. Up to which record all spans arrived is noted in the run's directory, so that
//! an engine which takes the run over sends what the one before it did not, and an engine on another host sends all of it
//! once more. While no spans arrive nothing is read either, so nothing piles up.

use crate::store::location::private_file;
use crate::store::{RunDirectory, Store, StoreError};
use crate::traces::{Collector, Trace};
use piton_core::id::RunId;
use piton_core::plan::Plan;
use std::convert::Infallible;
use std::io::Write as _;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

/// How long after a commit its records are read, so that what comes together is sent together.
const GATHER: Duration = Duration::from_secs(1);

/// How long is waited after spans did not arrive: first, and at most.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How long an engine that leaves sends what is left. The next one sends the rest.
const LEAVING: Duration = Duration::from_secs(1);

/// How many spans are sent at once.
const AT_ONCE: usize = 256;

/// The trace of one run.
pub(super) struct Traces<'a, S> {
    store: &'a S,
    run: RunId,
    collector: Option<Arc<Collector>>,
    /// Is told of each commit.
    committed: Rc<Notify>,
    /// Where it is noted what arrived.
    file: PathBuf,
    reading: Option<Reading>,
}

/// How far the journal was read.
struct Reading {
    trace: Trace,
    /// The last record that was read.
    last: u64,
    /// All spans that ended up to this record arrived.
    arrived: u64,
}

/// Why spans were not sent.
enum NotTraced {
    Store(StoreError),
    Plan,
    NotSent,
}

impl<'a, S: Store> Traces<'a, S> {
    pub fn new(
        store: &'a S,
        run: &RunId,
        directory: &RunDirectory,
        collector: Option<Arc<Collector>>,
    ) -> Traces<'a, S> {
        Traces {
            store,
            run: run.clone(),
            collector,
            committed: Rc::default(),
            file: directory.path().join("traced"),
            reading: None,
        }
    }

    /// What has to be told of each commit.
    pub fn committed(&self) -> Rc<Notify> {
        Rc::clone(&self.committed)
    }

    /// Sends what comes, until dropped.
    pub async fn follow(&mut self) -> Infallible {
        let Some(collector) = self.collector.clone() else {
            return std::future::pending().await;
        };
        let mut pause = FIRST_PAUSE;
        loop {
            tokio::time::sleep(GATHER).await;
            match Box::pin(self.send(&collector)).await {
                Ok(()) => {
                    pause = FIRST_PAUSE;
                    self.committed.notified().await;
                }
                Err(why) => {
                    why.log();
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Sends what is left, before the engine leaves.
    pub async fn finish(&mut self) {
        let Some(collector) = self.collector.clone() else {
            return;
        };
        match tokio::time::timeout(LEAVING, Box::pin(self.send(&collector))).await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => why.log(),
            Err(_) => collector.is_slow(),
        }
    }

    /// Reads what is new and sends the spans that it ends.
    async fn send(&mut self, collector: &Collector) -> Result<(), NotTraced> {
        let reading = match &mut self.reading {
            Some(reading) => reading,
            none => none.insert(begin(self.store, &self.run, &self.file).await?),
        };
        let next = reading.last + 1;
        let records = self.store.records(&self.run, next).await;
        for record in records.map_err(NotTraced::Store)? {
            if reading.trace.over.len() >= AT_ONCE {
                reading.deliver(collector, &self.run, &self.file).await?;
            }
            reading.trace.take(&record);
            reading.last = record.seq;
            if reading.last <= reading.arrived {
                reading.trace.over.clear();
            }
        }
        reading.deliver(collector, &self.run, &self.file).await
    }
}

async fn begin<S: Store>(store: &S, run: &RunId, file: &PathBuf) -> Result<Reading, NotTraced> {
    let loaded = store.load(run).await.map_err(NotTraced::Store)?;
    let plan = Plan::from_json(&loaded.plan_json).map_err(|_| NotTraced::Plan)?;
    // One that cannot be read, or that was torn, tells nothing: all of it is sent again.
    let arrived = std::fs::read_to_string(file).ok();
    let arrived = arrived.and_then(|text| text.strip_suffix('\n')?.parse().ok());
    Ok(Reading {
        trace: Trace::new(run.clone(), Arc::new(plan)),
        last: 0,
        arrived: arrived.unwrap_or_default(),
    })
}

impl Reading {
    async fn deliver(
        &mut self,
        collector: &Collector,
        run: &RunId,
        file: &PathBuf,
    ) -> Result<(), NotTraced> {
        if self.trace.over.is_empty() {
            return Ok(());
        }
        let sent = collector.send(run, &self.trace.over).await;
        sent.map_err(|_| NotTraced::NotSent)?;
        self.trace.over.clear();
        self.arrived = self.last;
        let written = private_file()
            .write(true)
            .create(true)
            .truncate(true)
            .open(file)
            .and_then(|mut file| file.write_all(format!("{}\n", self.arrived).as_bytes()));
        if let Err(error) = written {
            // Then some of it is sent again.
            tracing::debug!(%error, "what was traced is not noted");
        }
        Ok(())
    }
}

impl NotTraced {
    fn log(&self) {
        match self {
            NotTraced::Store(error) => tracing::debug!(%error, "the journal is not traced"),
            NotTraced::Plan => tracing::debug!("a plan that cannot be read is not traced"),
            // The collector has said so.
            NotTraced::NotSent => {}
        }
    }
}
