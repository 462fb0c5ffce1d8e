//! Deleting runs.

use super::{
    Commit, Head, Journal, Lease, Passed, RunFilter, RunId, RunOutcome, RunStatus, Store,
    StoreError, Timestamp, acquire, cancel, create, equal, just, text, unexpected,
};
use crate::store::StillNeeded;

async fn end(store: &impl Store, lease: &Lease, head: Head) -> Passed {
    let status = RunStatus::over(RunOutcome::Failed, Timestamp(5));
    let commit = Commit {
        status: &status,
        ..just(&[])
    };
    store.commit(lease, head, commit).await.map_err(text)
}

async fn stays(store: &impl Store, run: &RunId, expected: fn(&StillNeeded) -> bool) -> Passed {
    match store.delete(run).await {
        Err(StoreError::StillNeeded { why, .. }) if expected(&why) => Ok(()),
        other => unexpected(&other, "deleting a run that is needed"),
    }
}

pub(super) async fn only_what_is_over_and_not_needed_is_deleted(store: &impl Store) -> Passed {
    let mut journal = Journal::new();
    let run = create(store, "drill-1", &journal.next(3)).await?;
    let other = create(store, "drill-2", &[]).await?;
    let event = cancel("no");
    let entry = store.post(&run, &event, "k").await.map_err(text)?;
    stays(store, &run, |why| *why == StillNeeded::Open).await?;
    let lease = acquire(store, &run).await?;
    let names = ["a".to_owned()];
    store.take_locks(&lease, None, &names).await.map_err(text)?;
    end(store, &lease, journal.head).await?;
    stays(store, &run, |why| matches!(why, StillNeeded::Driven { .. })).await?;
    store.release(&lease).await.map_err(text)?;
    store.delete(&run).await.map_err(text)?;
    for gone in [
        store.load(&run).await.err(),
        store.summary(&run).await.err(),
        store.records(&run, 1).await.err(),
        store.delete(&run).await.err(),
    ] {
        if !matches!(gone, Some(StoreError::NoSuchRun { .. })) {
            return unexpected(&gone, "asking for a run that was deleted");
        }
    }
    equal(store.verdict(entry).await.map_err(text)?, None, "its inbox")?;
    let left = store.runs(&RunFilter::default()).await.map_err(text)?;
    let left: Vec<_> = left.into_iter().map(|run| run.id).collect();
    equal(left, vec![other], "the runs that are left")?;
    // Its id is free, and nothing of what it was comes back.
    create(store, "drill-1", &[]).await?;
    let records = store.records(&run, 1).await.map_err(text)?;
    equal(records.len(), 0, "the records of a new run of its id")
}

pub(super) async fn a_run_and_those_that_took_it_back_go_in_this_order(
    store: &impl Store,
) -> Passed {
    let run = create(store, "drill-1", &[]).await?;
    let back = create(store, "drill-1-rollback", &[]).await?;
    let lease = acquire(store, &run).await?;
    end(store, &lease, Head::EMPTY).await?;
    store.release(&lease).await.map_err(text)?;
    stays(store, &run, |why| {
        matches!(why, StillNeeded::TakenBack { .. })
    })
    .await?;
    let lease = acquire(store, &back).await?;
    end(store, &lease, Head::EMPTY).await?;
    store.release(&lease).await.map_err(text)?;
    stays(store, &back, |why| {
        matches!(why, StillNeeded::TookBack { .. })
    })
    .await?;
    store.delete(&run).await.map_err(text)?;
    store.delete(&back).await.map_err(text)
}
