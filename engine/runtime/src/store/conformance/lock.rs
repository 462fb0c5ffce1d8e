//! One holder a lock.

use super::{
    Actor, BrokenLock, Commit, Journal, Lease, LockClaim, LockHolder, Passed, RunId, RunOutcome,
    RunStatus, Store, StoreError, Taken, Timestamp, acquire, create, equal, text, unexpected,
};

/// A run with its lease.
async fn driven(store: &impl Store, id: &str) -> Result<Lease, String> {
    let run = create(store, id, &[]).await?;
    acquire(store, &run).await
}

async fn take(
    store: &impl Store,
    lease: &Lease,
    node: Option<&str>,
    names: &[&str],
) -> Result<Taken, String> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    store.take_locks(lease, node, &names).await.map_err(text)
}

async fn must_take(
    store: &impl Store,
    lease: &Lease,
    node: Option<&str>,
    names: &[&str],
) -> Passed {
    equal(
        take(store, lease, node, names).await?,
        Taken::All,
        "taking free locks",
    )
}

/// Fails unless these are the locks, and their holders, that stand in the way.
async fn must_wait(
    store: &impl Store,
    lease: &Lease,
    node: Option<&str>,
    names: &[&str],
    for_whom: &[(&str, &LockHolder)],
) -> Passed {
    match take(store, lease, node, names).await? {
        Taken::Refused { held } => equal(
            pairs(&held),
            for_whom.to_vec(),
            "the locks that others have",
        ),
        Taken::All => Err("it took a lock that somebody else has".to_owned()),
    }
}

fn pairs(claims: &[LockClaim]) -> Vec<(&str, &LockHolder)> {
    claims
        .iter()
        .map(|claim| (claim.name.as_str(), &claim.holder))
        .collect()
}

fn holder(lease: &Lease, node: Option<&str>) -> LockHolder {
    LockHolder {
        run: lease.run.clone(),
        node: node.map(str::to_owned),
    }
}

async fn release(
    store: &impl Store,
    lease: &Lease,
    node: Option<&str>,
) -> Result<Vec<RunId>, String> {
    store.release_locks(lease, node).await.map_err(text)
}

async fn held(store: &impl Store) -> Result<Vec<LockClaim>, String> {
    Ok(store.locks().await.map_err(text)?.held)
}

async fn waiting(store: &impl Store) -> Result<Vec<LockClaim>, String> {
    Ok(store.locks().await.map_err(text)?.waiting)
}

async fn broken(store: &impl Store) -> Result<Vec<BrokenLock>, String> {
    Ok(store.locks().await.map_err(text)?.broken)
}

pub(super) async fn locks_are_taken_all_at_once_or_not_at_all(store: &impl Store) -> Passed {
    let (one, two) = (driven(store, "a-1").await?, driven(store, "b-1").await?);
    must_take(store, &one, Some("copy"), &["disk"]).await?;
    let first = holder(&one, Some("copy"));
    must_wait(
        store,
        &two,
        None,
        &["db", "disk", "net"],
        &[("disk", &first)],
    )
    .await?;
    equal(
        pairs(&held(store).await?),
        vec![("disk", &first)],
        "what is held",
    )?;
    let second = holder(&two, None);
    equal(
        pairs(&waiting(store).await?),
        vec![("db", &second), ("disk", &second), ("net", &second)],
        "what is waited for",
    )?;
    // Waiting for a lock keeps nobody from having it.
    must_take(store, &one, Some("load"), &["db"]).await?;
    let claims = held(store).await?;
    if claims.iter().any(|claim| claim.since.0 < 1_700_000_000_000) {
        return unexpected(&claims, "since when locks are held");
    }
    Ok(())
}

pub(super) async fn the_same_holder_gets_its_locks_again(store: &impl Store) -> Passed {
    let one = driven(store, "a-1").await?;
    must_take(store, &one, Some("copy"), &["disk", "db"]).await?;
    let before = held(store).await?;
    must_take(store, &one, Some("copy"), &["disk", "db", "disk"]).await?;
    equal(held(store).await?, before, "locks that were taken twice")?;
    release(store, &one, Some("copy")).await?;
    equal(release(store, &one, Some("copy")).await?, vec![], "nothing")?;
    equal(held(store).await?, vec![], "locks that were released")
}

pub(super) async fn nodes_of_a_run_exclude_each_other_but_not_their_run(
    store: &impl Store,
) -> Passed {
    let (one, two) = (driven(store, "a-1").await?, driven(store, "b-1").await?);
    must_take(store, &one, None, &["db"]).await?;
    must_take(store, &one, Some("copy"), &["db"]).await?;
    let (whole, copy) = (holder(&one, None), holder(&one, Some("copy")));
    must_wait(store, &one, Some("load"), &["db"], &[("db", &copy)]).await?;
    must_wait(store, &two, None, &["db"], &[("db", &whole), ("db", &copy)]).await?;
    release(store, &one, Some("copy")).await?;
    must_take(store, &one, Some("load"), &["db"]).await?;
    release(store, &one, Some("load")).await?;
    must_wait(store, &two, None, &["db"], &[("db", &whole)]).await
}

pub(super) async fn releasing_tells_who_waits(store: &impl Store) -> Passed {
    let one = driven(store, "a-1").await?;
    let (two, three) = (driven(store, "b-1").await?, driven(store, "c-1").await?);
    must_take(store, &one, Some("copy"), &["disk"]).await?;
    must_take(store, &one, Some("load"), &["db"]).await?;
    let (copy, load) = (holder(&one, Some("copy")), holder(&one, Some("load")));
    must_wait(store, &one, Some("load"), &["disk"], &[("disk", &copy)]).await?;
    must_wait(store, &two, None, &["disk"], &[("disk", &copy)]).await?;
    must_wait(store, &three, None, &["db"], &[("db", &load)]).await?;
    let told = release(store, &one, Some("copy")).await?;
    equal(told, vec![two.run.clone()], "the runs that wait")?;
    must_take(store, &two, None, &["disk"]).await?;
    equal(
        pairs(&waiting(store).await?),
        vec![("db", &holder(&three, None)), ("disk", &load)],
        "what is still waited for",
    )?;
    // Letting go of what was only waited for makes nothing free.
    equal(
        release(store, &three, None).await?,
        vec![],
        "the runs that wait",
    )
}

pub(super) async fn the_locks_of_a_run_that_is_over_are_free(store: &impl Store) -> Passed {
    let mut journal = Journal::new();
    let run = create(store, "a-1", &journal.next(1)).await?;
    let (one, two) = (acquire(store, &run).await?, driven(store, "b-1").await?);
    must_take(store, &one, None, &["db"]).await?;
    must_wait(store, &two, None, &["db"], &[("db", &holder(&one, None))]).await?;
    let head = journal.head;
    let records = journal.next(1);
    let status = RunStatus::over(RunOutcome::Failed, Timestamp(1_700_000_000_500));
    let commit = Commit {
        records: &records,
        snapshot: None,
        consumed: &[],
        status: &status,
    };
    store.commit(&one, head, commit).await.map_err(text)?;
    equal(
        held(store).await?,
        vec![],
        "the locks of a run that is over",
    )?;
    must_take(store, &two, None, &["db"]).await?;
    // What its engine lets go of late is not taken from the new holder.
    equal(
        release(store, &one, None).await?,
        vec![],
        "the runs that wait",
    )?;
    equal(
        pairs(&held(store).await?),
        vec![("db", &holder(&two, None))],
        "what is held",
    )
}

pub(super) async fn only_the_engine_with_the_lease_takes_and_releases(
    store: &impl Store,
) -> Passed {
    let old = driven(store, "a-1").await?;
    must_take(store, &old, None, &["db"]).await?;
    store.release(&old).await.map_err(text)?;
    let new = acquire(store, &old.run).await?;
    let names = ["disk".to_owned()];
    for (found, what) in [
        (
            store.take_locks(&old, None, &names).await.map(drop),
            "taking",
        ),
        (store.release_locks(&old, None).await.map(drop), "releasing"),
        (store.keep_locks(&old, &[]).await.map(drop), "keeping"),
    ] {
        match found {
            Err(StoreError::Fenced { fence, current, .. }) => {
                equal((fence, current), (old.fence, new.fence), "the fences")?;
            }
            found => return unexpected(&found, &format!("{what} with an old lease")),
        }
    }
    let whole = holder(&new, None);
    equal(
        pairs(&held(store).await?),
        vec![("db", &whole)],
        "what is held",
    )?;
    equal(waiting(store).await?, vec![], "what is waited for")
}

pub(super) async fn locks_stay_when_the_lease_ends_and_are_kept_by_name(
    store: &impl Store,
) -> Passed {
    let (one, two) = (driven(store, "a-1").await?, driven(store, "b-1").await?);
    must_take(store, &one, None, &["db"]).await?;
    must_take(store, &one, Some("copy"), &["disk", "net"]).await?;
    store.release(&one).await.map_err(text)?;
    let copy = holder(&one, Some("copy"));
    must_wait(store, &two, Some("x"), &["disk"], &[("disk", &copy)]).await?;
    must_wait(store, &two, Some("y"), &["net"], &[("net", &copy)]).await?;
    let one = acquire(store, &one.run).await?;
    let kept = [
        (None, vec!["db".to_owned()]),
        (Some("copy".to_owned()), vec!["net".to_owned()]),
        // A lock that is not there is not taken.
        (Some("load".to_owned()), vec!["disk".to_owned()]),
    ];
    let told = store.keep_locks(&one, &kept).await.map_err(text)?;
    equal(told, vec![two.run.clone()], "the runs that wait")?;
    equal(
        pairs(&held(store).await?),
        vec![("db", &holder(&one, None)), ("net", &copy)],
        "what is kept",
    )?;
    must_take(store, &two, Some("x"), &["disk"]).await
}

pub(super) async fn a_lock_is_broken_once_and_that_is_kept(store: &impl Store) -> Passed {
    let (one, two) = (driven(store, "a-1").await?, driven(store, "b-1").await?);
    must_take(store, &one, Some("copy"), &["db", "disk"]).await?;
    let copy = holder(&one, Some("copy"));
    must_wait(store, &two, None, &["db"], &[("db", &copy)]).await?;
    let since = held(store).await?[0].since;
    let ada = Actor {
        name: "ada".to_owned(),
        account: "ada@host".to_owned(),
    };
    let done = store
        .break_lock("db", &ada, "its host burned down")
        .await
        .map_err(text)?;
    equal(&done.waiting, &vec![two.run.clone()], "the runs that wait")?;
    let expected = BrokenLock {
        name: "db".to_owned(),
        holder: copy.clone(),
        since,
        by: ada.clone(),
        at: done.broken.first().map_or(Timestamp(0), |first| first.at),
        reason: "its host burned down".to_owned(),
        let_go: None,
    };
    equal(&done.broken, &vec![expected.clone()], "what was broken")?;
    equal(
        broken(store).await?,
        vec![expected.clone()],
        "what is listed",
    )?;
    equal(
        pairs(&held(store).await?),
        vec![("disk", &copy)],
        "what is held",
    )?;
    must_take(store, &two, None, &["db"]).await?;
    // The holder keeps it in mind, and letting go of it takes nothing from its successor.
    let kept = [(
        Some("copy".to_owned()),
        vec!["db".to_owned(), "disk".to_owned()],
    )];
    store.keep_locks(&one, &kept).await.map_err(text)?;
    equal(broken(store).await?, vec![expected], "what is listed")?;
    release(store, &one, Some("copy")).await?;
    let listed = broken(store).await?;
    if listed.len() != 1 || listed.iter().any(|lock| lock.let_go.is_none()) {
        return unexpected(&listed, "letting go of a broken lock");
    }
    equal(
        pairs(&held(store).await?),
        vec![("db", &holder(&two, None))],
        "what is held",
    )
}

pub(super) async fn a_lock_that_nobody_has_is_not_broken(store: &impl Store) -> Passed {
    let (one, two) = (driven(store, "a-1").await?, driven(store, "b-1").await?);
    must_take(store, &one, None, &["db"]).await?;
    must_wait(
        store,
        &two,
        None,
        &["db", "net"],
        &[("db", &holder(&one, None))],
    )
    .await?;
    let ada = Actor {
        name: "ada".to_owned(),
        account: "ada@host".to_owned(),
    };
    // `net` is only waited for.
    match store.break_lock("net", &ada, "why not").await {
        Err(StoreError::NoSuchLock { name, held, .. }) => {
            equal(name.as_str(), "net", "the name")?;
            equal(held, vec!["db".to_owned()], "the locks that are held")?;
        }
        found => return unexpected(&found, "breaking a lock that nobody has"),
    }
    equal(broken(store).await?, vec![], "what is listed as broken")
}
