//! Making runs, and the line of their records.

use super::{
    Commit, Created, Digest, Head, InboxId, Journal, Lease, Millis, Owner, Passed, RunFilter,
    RunId, Store, StoreError, StoredSnapshot, acquire, cancel, create, equal, just, new_run, text,
    unexpected,
};

pub(super) async fn a_run_is_made_once(store: &impl Store) -> Passed {
    let mut journal = Journal::new();
    let first = journal.next(2);
    let run = create(store, "drill-1", &first).await?;
    let mut other = new_run("drill-1");
    other.plan_json = "another".to_owned();
    equal(
        store
            .create(&other, &Journal::new().next(1))
            .await
            .map_err(text)?,
        Created::Existing,
        "creating it again",
    )?;
    let loaded = store.load(&run).await.map_err(text)?;
    equal(loaded.plan_json, new_run("drill-1").plan_json, "the plan")?;
    equal(loaded.records, first, "the records")?;
    equal(loaded.head, journal.head, "the head")?;
    equal(loaded.snapshot, None, "the snapshot")
}

pub(super) async fn a_bad_id_is_refused(store: &impl Store) -> Passed {
    for id in ["", "..", "a/b", "a b"] {
        match store.create(&new_run(id), &[]).await {
            Err(StoreError::BadRunId { .. }) => {}
            found => return unexpected(&found, &format!("creating run `{id}`")),
        }
    }
    equal(
        store.runs(&RunFilter::default()).await.map_err(text)?.len(),
        0,
        "the number of runs",
    )
}

pub(super) async fn what_is_committed_is_loaded_as_written(store: &impl Store) -> Passed {
    let mut journal = Journal::new();
    let mut written = journal.next(1);
    let run = create(store, "drill-1", &written).await?;
    let lease = acquire(store, &run).await?;
    for count in [4, 1, 0, 7] {
        let expected = journal.head;
        let records = journal.next(count);
        store
            .commit(&lease, expected, just(&records))
            .await
            .map_err(text)?;
        written.extend(records);
    }
    let loaded = store.load(&run).await.map_err(text)?;
    equal(loaded.head, journal.head, "the head")?;
    equal(&loaded.records, &written, "the records")?;
    let mut prev = Digest::ZERO;
    for (record, seq) in loaded.records.iter().zip(1..) {
        record
            .verify(seq, prev)
            .map_err(|error| error.to_string())?;
        prev = record.hash;
    }
    let tail = store.records(&run, 10).await.map_err(text)?;
    equal(Some(&tail[..]), written.get(9..), "the records from 10 on")?;
    equal(
        store.records(&run, 99).await.map_err(text)?,
        Vec::new(),
        "records after the end",
    )
}

pub(super) async fn a_commit_on_another_head_changes_nothing(store: &impl Store) -> Passed {
    let mut journal = Journal::new();
    let run = create(store, "drill-1", &journal.next(1)).await?;
    let lease = acquire(store, &run).await?;
    let early = journal.head;
    store
        .commit(&lease, early, just(&journal.next(1)))
        .await
        .map_err(text)?;
    let mut rival = Journal { head: early };
    match store.commit(&lease, early, just(&rival.next(2))).await {
        Err(StoreError::Conflict {
            expected, found, ..
        }) => {
            equal((expected, found), (early, journal.head), "the conflict")?;
        }
        found => return unexpected(&found, "a commit on an old head"),
    }
    let forged = Head {
        hash: Digest([7; 32]),
        ..journal.head
    };
    match store
        .commit(&lease, forged, just(&Journal { head: forged }.next(1)))
        .await
    {
        Err(StoreError::Conflict { .. }) => {}
        found => return unexpected(&found, "a commit on a head with another hash"),
    }
    equal(
        store.load(&run).await.map_err(text)?.head,
        journal.head,
        "the head",
    )
}

pub(super) async fn records_that_do_not_follow_are_refused(store: &impl Store) -> Passed {
    let mut journal = Journal::new();
    let run = create(store, "drill-1", &journal.next(1)).await?;
    let lease = acquire(store, &run).await?;
    let head = journal.head;
    let mut gap = journal.next(3);
    gap.remove(1);
    match store.commit(&lease, head, just(&gap)).await {
        Err(StoreError::Misplaced { .. }) => {}
        found => return unexpected(&found, "a commit with a gap"),
    }
    match store.create(&new_run("drill-2"), &gap).await {
        Err(StoreError::Misplaced { .. }) => {}
        found => return unexpected(&found, "a run that does not begin with record 1"),
    }
    equal(store.load(&run).await.map_err(text)?.head, head, "the head")
}

pub(super) async fn a_snapshot_stands_for_the_records_before_it(store: &impl Store) -> Passed {
    let mut journal = Journal::new();
    let first = journal.next(3);
    let run = create(store, "drill-1", &first).await?;
    let lease = acquire(store, &run).await?;
    for round in 1..=2u64 {
        let expected = journal.head;
        let records = journal.next(2);
        let snapshot = StoredSnapshot {
            seq: journal.head.seq,
            json: format!("{{\"round\":{round}}}"),
        };
        let commit = Commit {
            snapshot: Some(&snapshot),
            ..just(&records)
        };
        store.commit(&lease, expected, commit).await.map_err(text)?;
        let loaded = store.load(&run).await.map_err(text)?;
        equal(loaded.snapshot, Some(snapshot), "the snapshot")?;
        equal(loaded.records, Vec::new(), "the records after it")?;
    }
    let expected = journal.head;
    let last = journal.next(2);
    store
        .commit(&lease, expected, just(&last))
        .await
        .map_err(text)?;
    equal(
        store.load(&run).await.map_err(text)?.records,
        last,
        "the records after the snapshot",
    )?;
    equal(
        store.records(&run, 1).await.map_err(text)?.len(),
        9,
        "the number of all records",
    )
}

pub(super) async fn what_is_not_there_is_said_so(store: &impl Store) -> Passed {
    let run = RunId("nothing".to_owned());
    let lease = Lease {
        run: run.clone(),
        fence: 1,
        ttl: Millis(1),
        taken_from: None,
    };
    for found in [
        store
            .acquire(&run, &Owner::this_process(), Millis(1))
            .await
            .map(drop),
        store.load(&run).await.map(drop),
        store.records(&run, 1).await.map(drop),
        store.commit(&lease, Head::EMPTY, just(&[])).await,
        store.renew(&lease).await,
        store.post(&run, &cancel("x"), "key").await.map(drop),
        store.inbox(&run).await.map(drop),
        store.summary(&run).await.map(drop),
    ] {
        match found {
            Err(StoreError::NoSuchRun { run: named, .. }) => equal(&named, &run, "the run")?,
            found => return unexpected(&found, "asking for a run that is not there"),
        }
    }
    match store.resolve("last").await {
        Err(StoreError::NotFound { newest, .. }) => equal(newest, Vec::new(), "the newest runs")?,
        found => return unexpected(&found, "`last` of no runs"),
    }
    let lost = InboxId(99);
    equal(
        store.verdict(lost).await.map_err(text)?,
        None,
        "the verdict on an entry that is not there",
    )
}
