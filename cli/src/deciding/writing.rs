//! Writing an event down where no engine drives the run: one commit, and nothing is started. What follows from it is
//! started by the next engine, as after a crash right after the commit.

use crate::driving;
use crate::failure::Failure;
use crate::session::{Session, from_store};
use piton_core::id::RunId;
use piton_core::run::Event;
use piton_core::time::Millis;
use piton_runtime::driver::{Clock, status};
use piton_runtime::owner::Owner;
use piton_runtime::store::{Commit, InboxId, Store, StoreError, Verdict};

/// How long the lease lasts under which a decision alone is written.
const SHORT_LEASE: Millis = Millis(10_000);

/// Takes the event of this inbox entry without driving the run. Another engine being quicker is no error.
pub(super) async fn write_down(
    session: &Session,
    run: &RunId,
    entry: InboxId,
    event: &Event,
) -> Result<(), Failure> {
    let store = session.store();
    let lease = match store
        .acquire(run, &Owner::this_process(), SHORT_LEASE)
        .await
    {
        Ok(lease) => lease,
        Err(StoreError::Held { .. }) => return Ok(()),
        Err(error) => return Err(from_store(error)),
    };
    let written = async {
        let mut machine = session.local.run(run).await.map_err(driving::from_drive)?;
        let (head, now) = (machine.head(), Clock::start().now());
        let (refusal, records) = match machine.handle(event.clone(), now) {
            // What is written down and refused all the same is told like any other refusal.
            Ok(batch) => (batch.refused, batch.records),
            Err(error) => (Some(error), Vec::new()),
        };
        let verdict = Verdict {
            accepted: refusal.is_none(),
            message: refusal.map(|error| error.to_string()).unwrap_or_default(),
        };
        let (consumed, status) = ([(entry, verdict)], status(&machine, Some(now)));
        let commit = Commit {
            records: &records,
            snapshot: None,
            consumed: &consumed,
            status: &status,
        };
        match store.commit(&lease, head, commit).await {
            // Somebody else has taken it: what they decided is the verdict.
            Err(StoreError::Decided { .. }) => Ok(()),
            other => other.map_err(from_store),
        }
    };
    let written = written.await;
    if let Err(error) = store.release(&lease).await {
        tracing::warn!(%error, "the lease was not given back");
    }
    written
}
