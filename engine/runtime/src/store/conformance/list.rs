//! Listings, and finding the run that somebody means.

use super::{
    Commit, Head, Passed, RunFilter, RunId, RunOutcome, RunState, RunStatus, Store, StoreError,
    Timestamp, acquire, create, equal, just, text, unexpected,
};

pub(super) async fn runs_are_counted_by_their_states(store: &impl Store) -> Passed {
    equal(store.census().await.map_err(text)?, Vec::new(), "no runs")?;
    for id in ["a-1", "a-2", "a-3"] {
        create(store, id, &[]).await?;
    }
    let lease = acquire(store, &RunId("a-2".to_owned())).await?;
    let over = RunStatus::over(RunOutcome::PartlyRolledBack, Timestamp(5));
    let commit = Commit {
        status: &over,
        ..just(&[])
    };
    let committed = store.commit(&lease, Head::EMPTY, commit).await;
    committed.map_err(text)?;
    let mut census = store.census().await.map_err(text)?;
    census.sort_by_key(|(_, count)| *count);
    let expected = vec![(RunState::PartlyRolledBack, 1), (RunState::Running, 2)];
    equal(census, expected, "how many runs are in each state")
}

pub(super) async fn listings_are_newest_first_and_filtered(store: &impl Store) -> Passed {
    for id in ["a-1", "b-1", "a-2", "b-2"] {
        create(store, id, &[]).await?;
    }
    for (id, status) in [
        ("a-1", RunStatus::over(RunOutcome::Failed, Timestamp(5))),
        (
            "b-1",
            RunStatus {
                state: RunState::Waiting,
                waiting_for: vec!["go".to_owned(), "verified".to_owned()],
                ..RunStatus::running()
            },
        ),
    ] {
        let lease = acquire(store, &RunId(id.to_owned())).await?;
        let commit = Commit {
            status: &status,
            ..just(&[])
        };
        store
            .commit(&lease, Head::EMPTY, commit)
            .await
            .map_err(text)?;
        let summary = store.summary(&lease.run).await.map_err(text)?;
        equal(summary.status, status, "the status")?;
        equal(summary.title.as_deref(), Some("A drill"), "the title")?;
    }
    let all = RunFilter::default;
    for (filter, expected) in [
        (all(), "b-2 a-2 b-1 a-1"),
        (
            RunFilter {
                limit: Some(2),
                ..all()
            },
            "b-2 a-2",
        ),
        (
            RunFilter {
                limit: Some(0),
                ..all()
            },
            "",
        ),
        (
            RunFilter {
                runbook: Some("a".to_owned()),
                ..all()
            },
            "a-2 a-1",
        ),
        (
            RunFilter {
                states: vec![RunState::Failed, RunState::Waiting],
                ..all()
            },
            "b-1 a-1",
        ),
        (
            RunFilter {
                states: vec![RunState::Cancelled],
                ..all()
            },
            "",
        ),
    ] {
        let found = store.runs(&filter).await.map_err(text)?;
        let ids: Vec<_> = found.iter().map(|run| run.id.0.as_str()).collect();
        equal(ids.join(" ").as_str(), expected, &format!("{filter:?}"))?;
    }
    Ok(())
}

pub(super) async fn a_run_is_found_by_what_people_type(store: &impl Store) -> Passed {
    for id in ["drill-aaaaa", "drill-bbbbb", "restore-drill-ccccc", "drill"] {
        create(store, id, &[]).await?;
    }
    for (typed, expected) in [
        ("drill-aaaaa", "drill-aaaaa"),
        ("drill", "drill"),
        ("last", "drill"),
        ("drill-b", "drill-bbbbb"),
        ("rest", "restore-drill-ccccc"),
        ("ccccc", "restore-drill-ccccc"),
        ("bbb", "drill-bbbbb"),
    ] {
        let found = store.resolve(typed).await.map_err(text)?;
        equal(found.0.as_str(), expected, &format!("`{typed}`"))?;
    }
    match store.resolve("drill-").await {
        Err(StoreError::Ambiguous { candidates, .. }) => {
            let ids: Vec<_> = candidates.iter().map(|id| id.0.as_str()).collect();
            equal(ids, vec!["drill-bbbbb", "drill-aaaaa"], "the candidates")?;
        }
        found => return unexpected(&found, "`drill-`"),
    }
    for typed in ["", "%", "_", "zzz", "DRILL", "' OR 1=1 --"] {
        match store.resolve(typed).await {
            Err(StoreError::NotFound { newest, .. }) => equal(newest.len(), 4, "those it names")?,
            found => return unexpected(&found, &format!("`{typed}`")),
        }
    }
    Ok(())
}
