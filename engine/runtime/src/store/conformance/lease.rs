//! One engine a run.

use super::{
    Journal, Millis, Owner, Passed, Store, StoreError, acquire, create, dead_owner, equal, just,
    text, unexpected,
};

pub(super) async fn a_held_run_is_refused_and_says_by_whom(store: &impl Store) -> Passed {
    let run = create(store, "drill-1", &[]).await?;
    let lease = acquire(store, &run).await?;
    equal(&lease.taken_from, &None, "who had the lease")?;
    match store.acquire(&run, &dead_owner(), Millis(1000)).await {
        Err(StoreError::Held {
            by, since, until, ..
        }) => {
            equal(*by, Owner::this_process(), "the holder")?;
            if until <= since {
                return Err(format!("it is held from {since} until {until}"));
            }
        }
        found => return unexpected(&found, "taking a held run"),
    }
    let driven_by = store.summary(&run).await.map_err(text)?.driven_by;
    equal(
        driven_by,
        Some(Owner::this_process()),
        "the engine in the listing",
    )?;
    store.renew(&lease).await.map_err(text)
}

pub(super) async fn each_lease_has_a_higher_fence(store: &impl Store) -> Passed {
    let run = create(store, "drill-1", &[]).await?;
    let other = create(store, "drill-2", &[]).await?;
    for expected in 1..=3 {
        let lease = acquire(store, &run).await?;
        equal(lease.fence, expected, "the fence")?;
        store.release(&lease).await.map_err(text)?;
    }
    equal(
        acquire(store, &other).await?.fence,
        1,
        "the fence of another run",
    )
}

pub(super) async fn an_expired_lease_can_be_taken_and_fences_the_old_engine(
    store: &impl Store,
) -> Passed {
    let mut journal = Journal::new();
    let run = create(store, "drill-1", &journal.next(1)).await?;
    let here = Owner::this_process();
    let old = store.acquire(&run, &here, Millis(0)).await.map_err(text)?;
    let driven_by = store.summary(&run).await.map_err(text)?.driven_by;
    equal(driven_by, None, "the engine of an expired lease")?;
    // Nobody has taken the run over yet, so that its work still counts.
    let expected = journal.head;
    store
        .commit(&old, expected, just(&journal.next(1)))
        .await
        .map_err(text)?;
    let new = acquire(store, &run).await?;
    equal(&new.taken_from, &Some(here.clone()), "who had the lease")?;
    let head = journal.head;
    let records = journal.next(1);
    for (found, what) in [
        (store.commit(&old, head, just(&records)).await, "a commit"),
        (store.renew(&old).await, "a renewal"),
        (store.release(&old).await, "a release"),
    ] {
        match found {
            Err(StoreError::Fenced {
                fence, current, by, ..
            }) => {
                equal((fence, current), (old.fence, new.fence), "the fences")?;
                equal(by.as_deref(), Some(&here), "the new holder")?;
            }
            found => return unexpected(&found, &format!("{what} with an old lease")),
        }
    }
    equal(store.load(&run).await.map_err(text)?.head, head, "the head")?;
    store.commit(&new, head, just(&records)).await.map_err(text)
}

pub(super) async fn the_lease_of_a_dead_process_is_taken_at_once(store: &impl Store) -> Passed {
    let run = create(store, "drill-1", &[]).await?;
    store
        .acquire(&run, &dead_owner(), Millis(600_000))
        .await
        .map_err(text)?;
    equal(
        store.summary(&run).await.map_err(text)?.driven_by,
        None,
        "the engine in the listing",
    )?;
    let lease = acquire(store, &run).await?;
    equal(&lease.taken_from, &Some(dead_owner()), "who had the lease")?;
    equal(lease.fence, 2, "the fence")?;
    store.release(&lease).await.map_err(text)?;
    // Of a process that cannot be seen from here nobody knows whether it lives.
    let elsewhere = Owner {
        host: "elsewhere".to_owned(),
        ..dead_owner()
    };
    store
        .acquire(&run, &elsewhere, Millis(600_000))
        .await
        .map_err(text)?;
    match store
        .acquire(&run, &Owner::this_process(), Millis(1000))
        .await
    {
        Err(StoreError::Held { by, .. }) => equal(*by, elsewhere, "the holder"),
        found => unexpected(&found, "taking a run from another host"),
    }
}

pub(super) async fn a_released_lease_is_over(store: &impl Store) -> Passed {
    let mut journal = Journal::new();
    let run = create(store, "drill-1", &journal.next(1)).await?;
    let lease = acquire(store, &run).await?;
    store.release(&lease).await.map_err(text)?;
    let head = journal.head;
    for found in [
        store.commit(&lease, head, just(&journal.next(1))).await,
        store.renew(&lease).await,
        store.release(&lease).await,
    ] {
        match found {
            Err(StoreError::Fenced { by: None, .. }) => {}
            found => return unexpected(&found, "using a released lease"),
        }
    }
    equal(
        acquire(store, &run).await?.taken_from,
        None,
        "who had the lease",
    )
}

pub(super) async fn its_clock_goes_on(store: &impl Store) -> Passed {
    let first = store.now().await.map_err(text)?;
    let second = store.now().await.map_err(text)?;
    if second < first || first.0 < 1_700_000_000_000 {
        return Err(format!("the clock said {first} and then {second}"));
    }
    Ok(())
}
