//! What other processes post, and what becomes of it.

use super::{
    Commit, Head, Journal, Passed, RunOutcome, RunStatus, Store, StoreError, StoredSnapshot,
    Timestamp, Verdict, acquire, cancel, create, equal, just, text, unexpected,
};

pub(super) async fn posting_again_with_the_same_key_is_the_same_entry(
    store: &impl Store,
) -> Passed {
    let run = create(store, "drill-1", &[]).await?;
    let other = create(store, "drill-2", &[]).await?;
    let first = store.post(&run, &cancel("1"), "key").await.map_err(text)?;
    let again = store.post(&run, &cancel("2"), "key").await.map_err(text)?;
    equal(again, first, "posting again")?;
    let elsewhere = store
        .post(&other, &cancel("3"), "key")
        .await
        .map_err(text)?;
    if elsewhere == first {
        return Err("two runs share an entry".to_owned());
    }
    equal(
        store.inbox(&run).await.map_err(text)?,
        vec![(first, cancel("1"))],
        "the inbox",
    )
}

pub(super) async fn the_inbox_is_in_order_until_there_are_verdicts(store: &impl Store) -> Passed {
    let mut journal = Journal::new();
    let run = create(store, "drill-1", &journal.next(1)).await?;
    let lease = acquire(store, &run).await?;
    let mut entries = Vec::new();
    for number in 0..3 {
        let event = cancel(&number.to_string());
        let entry = store
            .post(&run, &event, &format!("key {number}"))
            .await
            .map_err(text)?;
        entries.push((entry, event));
    }
    equal(
        &store.inbox(&run).await.map_err(text)?,
        &entries,
        "the inbox",
    )?;
    let last = entries.pop();
    let verdicts: Vec<_> = entries
        .iter()
        .map(|(entry, _)| {
            let accepted = Some(entry) == entries.first().map(|(entry, _)| entry);
            (
                *entry,
                Verdict {
                    accepted,
                    message: format!("about {entry}"),
                },
            )
        })
        .collect();
    // Verdicts alone are a commit too: a refusal leaves no record.
    let commit = Commit {
        consumed: &verdicts,
        ..just(&[])
    };
    store
        .commit(&lease, journal.head, commit)
        .await
        .map_err(text)?;
    let waiting = store.inbox(&run).await.map_err(text)?;
    equal(waiting.first(), last.as_ref(), "the inbox afterwards")?;
    for (entry, verdict) in verdicts {
        equal(
            store.verdict(entry).await.map_err(text)?,
            Some(verdict),
            "the verdict",
        )?;
    }
    for (entry, _) in waiting {
        equal(
            store.verdict(entry).await.map_err(text)?,
            None,
            "the verdict on what waits",
        )?;
    }
    Ok(())
}

pub(super) async fn an_entry_is_decided_once(store: &impl Store) -> Passed {
    let mut journal = Journal::new();
    let run = create(store, "drill-1", &journal.next(1)).await?;
    let lease = acquire(store, &run).await?;
    let entry = store.post(&run, &cancel("x"), "key").await.map_err(text)?;
    let yes = [(
        entry,
        Verdict {
            accepted: true,
            message: String::new(),
        },
    )];
    let no = [(
        entry,
        Verdict {
            accepted: false,
            message: "late".to_owned(),
        },
    )];
    let commit = Commit {
        consumed: &yes,
        ..just(&[])
    };
    store
        .commit(&lease, journal.head, commit)
        .await
        .map_err(text)?;
    let head = journal.head;
    let records = journal.next(1);
    match store
        .commit(
            &lease,
            head,
            Commit {
                consumed: &no,
                ..just(&records)
            },
        )
        .await
    {
        Err(StoreError::Decided { entry: found, .. }) => equal(found, entry, "the entry")?,
        found => return unexpected(&found, "a second verdict"),
    }
    let [(_, yes)] = yes;
    equal(
        store.verdict(entry).await.map_err(text)?,
        Some(yes),
        "the verdict",
    )?;
    equal(store.load(&run).await.map_err(text)?.head, head, "the head")?;
    // A key that was decided is not asked again.
    equal(
        store.post(&run, &cancel("x"), "key").await.map_err(text)?,
        entry,
        "posting again",
    )?;
    equal(
        store.inbox(&run).await.map_err(text)?,
        Vec::new(),
        "the inbox",
    )
}

pub(super) async fn a_failed_commit_decides_nothing(store: &impl Store) -> Passed {
    let mut journal = Journal::new();
    let run = create(store, "drill-1", &journal.next(1)).await?;
    let lease = acquire(store, &run).await?;
    let entry = store.post(&run, &cancel("x"), "key").await.map_err(text)?;
    let consumed = [(
        entry,
        Verdict {
            accepted: true,
            message: String::new(),
        },
    )];
    let over = RunStatus::over(RunOutcome::Cancelled, Timestamp(1));
    let snapshot = StoredSnapshot {
        seq: 9,
        json: "{}".to_owned(),
    };
    let commit = Commit {
        records: &[],
        snapshot: Some(&snapshot),
        consumed: &consumed,
        status: &over,
    };
    if store.commit(&lease, Head::EMPTY, commit).await.is_ok() {
        return Err("a commit on the wrong head was taken".to_owned());
    }
    equal(
        store.verdict(entry).await.map_err(text)?,
        None,
        "the verdict",
    )?;
    let loaded = store.load(&run).await.map_err(text)?;
    equal(loaded.status, RunStatus::running(), "the status")?;
    equal(loaded.snapshot, None, "the snapshot")
}
