//! Runs that are left to servers, and what is known of hosts.

use super::{
    Actor, Commit, Head, InboxId, Lease, Millis, Owner, Passed, RunId, RunOutcome, RunState,
    RunStatus, Store, StoreError, Timestamp, acquire, cancel, create, dead_owner, equal, just,
    text, unexpected,
};
use crate::store::{Engaged, Leave};

/// Far enough ahead that it does not come while a test runs.
const FAR: Timestamp = Timestamp(32_000_000_000_000);

/// The host of the server that looks.
const HERE: &str = "here";

fn elsewhere() -> Owner {
    Owner {
        host: "elsewhere".to_owned(),
        ..dead_owner()
    }
}

fn ada() -> Actor {
    Actor {
        name: "ada".to_owned(),
        account: "ada@host".to_owned(),
    }
}

async fn claimable(store: &impl Store) -> Result<Vec<String>, String> {
    let found = store.claimable(HERE).await.map_err(text)?;
    Ok(found.runs.into_iter().map(|run| run.0).collect())
}

async fn claim(store: &impl Store, run: &RunId) -> Result<Option<Lease>, String> {
    let here = Owner::this_process();
    store.claim(run, &here, Millis(600_000)).await.map_err(text)
}

/// Writes where a run stands, and lets go of it.
async fn stands(store: &impl Store, run: &RunId, status: &RunStatus) -> Passed {
    let lease = acquire(store, run).await?;
    let commit = Commit {
        status,
        ..just(&[])
    };
    let done = store.commit(&lease, Head::EMPTY, commit).await;
    done.map_err(text)?;
    store.release(&lease).await.map_err(text)
}

fn waiting(next_due: Option<Timestamp>) -> RunStatus {
    RunStatus {
        state: RunState::Waiting,
        waiting_for: vec!["go".to_owned()],
        next_due,
        ..RunStatus::running()
    }
}

pub(super) async fn servers_get_the_runs_that_are_left_to_them(store: &impl Store) -> Passed {
    for id in ["a-1", "a-2", "a-3"] {
        create(store, id, &[]).await?;
    }
    let (first, third) = (RunId("a-1".to_owned()), RunId("a-3".to_owned()));
    equal(claimable(store).await?, vec![], "runs that nobody left")?;
    equal(claim(store, &first).await?, None, "claiming such a run")?;
    for run in [&third, &first] {
        let left = store.leave_to_servers(run, Leave::AtOnce).await;
        left.map_err(text)?;
    }
    let expected = vec!["a-1".to_owned(), "a-3".to_owned()];
    equal(claimable(store).await?, expected, "runs that were left")?;
    let left = store.is_left_to_servers(&first).await.map_err(text)?;
    equal(left, true, "whether a run was left")?;
    let Some(lease) = claim(store, &first).await? else {
        return Err("a free run could not be claimed".to_owned());
    };
    equal(lease.fence, 1, "the fence")?;
    equal(claim(store, &first).await?, None, "claiming a driven run")?;
    let found = store.claimable(HERE).await.map_err(text)?;
    equal(found.runs, vec![third.clone()], "what is left to claim")?;
    let drivers = vec![Owner::this_process()];
    equal(found.driven_by, drivers, "who drives the other")?;
    if found.next.is_none_or(|next| next <= found.now) {
        return Err(format!("its lease ends at {:?}", found.next));
    }
    let over = RunStatus::over(RunOutcome::Succeeded, Timestamp(5));
    stands(store, &third, &over).await?;
    equal(claimable(store).await?, vec![], "runs that are over")?;
    equal(claim(store, &third).await?, None, "claiming one")
}

pub(super) async fn a_run_that_waits_is_claimable_when_something_is_due_or_posted(
    store: &impl Store,
) -> Passed {
    let run = create(store, "a-1", &[]).await?;
    let left = store.leave_to_servers(&run, Leave::AtOnce).await;
    left.map_err(text)?;
    stands(store, &run, &waiting(None)).await?;
    let found = store.claimable(HERE).await.map_err(text)?;
    equal(found.runs, vec![], "a run that waits for people")?;
    equal(found.next, None, "when to look again")?;
    stands(store, &run, &waiting(Some(FAR))).await?;
    let found = store.claimable(HERE).await.map_err(text)?;
    equal(found.runs, vec![], "a run of which nothing is due yet")?;
    equal(found.next, Some(FAR), "when to look again")?;
    stands(store, &run, &waiting(Some(Timestamp(5)))).await?;
    equal(claimable(store).await?, vec![run.0.clone()], "a due run")?;
    stands(store, &run, &waiting(Some(FAR))).await?;
    let entry: InboxId = store.post(&run, &cancel("x"), "k").await.map_err(text)?;
    let expected = vec![run.0.clone()];
    equal(claimable(store).await?, expected, "a run with mail")?;
    let lease = acquire(store, &run).await?;
    let verdict = super::Verdict {
        accepted: false,
        message: "no".to_owned(),
    };
    let status = waiting(None);
    let commit = Commit {
        consumed: &[(entry, verdict)],
        status: &status,
        ..just(&[])
    };
    let done = store.commit(&lease, Head::EMPTY, commit).await;
    done.map_err(text)?;
    store.release(&lease).await.map_err(text)?;
    equal(claimable(store).await?, vec![], "a run whose mail was read")
}

pub(super) async fn a_run_is_found_by_the_host_that_its_attempts_are_on(
    store: &impl Store,
) -> Passed {
    for (id, away) in [
        ("a-1", &["there", "here", "here"][..]),
        ("a-2", &["there"]),
        ("a-3", &[]),
    ] {
        let run = create(store, id, &[]).await?;
        let left = store.leave_to_servers(&run, Leave::AtOnce).await;
        left.map_err(text)?;
        stands(store, &run, &waiting(None)).await?;
        let lease = acquire(store, &run).await?;
        let hosts: Vec<_> = away.iter().map(|&host| host.to_owned()).collect();
        store.note_away(&lease, &hosts).await.map_err(text)?;
        store.release(&lease).await.map_err(text)?;
        match store.note_away(&lease, &[]).await {
            Err(StoreError::Fenced { .. }) => {}
            found => return unexpected(&found, "noting hosts with an old lease"),
        }
    }
    let expected = vec!["a-1".to_owned()];
    equal(claimable(store).await?, expected, "what a server reaches")?;
    for (host, expected) in [
        ("here", &["a-1"][..]),
        ("there", &["a-1", "a-2"]),
        ("the", &[]),
    ] {
        let found = store.runs_away(host).await.map_err(text)?;
        let found: Vec<_> = found.iter().map(|run| run.0.as_str()).collect();
        equal(found.as_slice(), expected, host)?;
    }
    let lease = acquire(store, &RunId("a-1".to_owned())).await?;
    store.note_away(&lease, &[]).await.map_err(text)?;
    store.release(&lease).await.map_err(text)?;
    equal(claimable(store).await?, vec![], "what is within reach")
}

pub(super) async fn an_orphan_is_claimable_and_then_the_servers(store: &impl Store) -> Passed {
    let run = create(store, "a-1", &[]).await?;
    let left = store.leave_to_servers(&run, Leave::WhenOrphaned).await;
    left.map_err(text)?;
    equal(claimable(store).await?, vec![], "a run that nobody drove")?;
    let ttl = Millis(600_000);
    let dead = store.acquire(&run, &dead_owner(), ttl).await;
    dead.map_err(text)?;
    let left = store.is_left_to_servers(&run).await.map_err(text)?;
    equal(left, false, "whether it is the servers'")?;
    equal(claimable(store).await?, vec![run.0.clone()], "an orphan")?;
    let Some(lease) = claim(store, &run).await? else {
        return Err("an orphan could not be claimed".to_owned());
    };
    let from = Some(dead_owner());
    equal(&lease.taken_from, &from, "whose it was")?;
    store.release(&lease).await.map_err(text)?;
    let left = store.is_left_to_servers(&run).await.map_err(text)?;
    equal(left, true, "whether it is the servers'")?;
    let later = store.leave_to_servers(&run, Leave::WhenOrphaned).await;
    later.map_err(text)?;
    equal(claimable(store).await?, vec![run.0], "a run of the servers")
}

pub(super) async fn all_engines_of_a_run_are_known(store: &impl Store) -> Passed {
    let mut journal = super::Journal::new();
    let run = create(store, "a-1", &journal.next(1)).await?;
    let here = Owner::this_process();
    let lease = acquire(store, &run).await?;
    let head = journal.head;
    let written = store.commit(&lease, head, just(&journal.next(2))).await;
    written.map_err(text)?;
    store.release(&lease).await.map_err(text)?;
    let second = store.acquire(&run, &elsewhere(), Millis(0)).await;
    second.map_err(text)?;
    let engines = store.engines(&run).await.map_err(text)?;
    let brief = |engine: &Engaged| (engine.fence, engine.owner.clone(), engine.after);
    equal(
        engines.iter().map(brief).collect::<Vec<_>>(),
        vec![(1, here, 1), (2, elsewhere(), 3)],
        "the engines",
    )
}

pub(super) async fn hosts_are_listed_with_what_lives_on_them(store: &impl Store) -> Passed {
    equal(store.hosts().await.map_err(text)?, vec![], "the hosts")?;
    let here = Owner::this_process();
    let noted = store.serving(&here, "rack-7", Some(3)).await;
    noted.map_err(text)?;
    let noted = store.serving(&dead_owner(), "gone", None).await;
    noted.map_err(text)?;
    let run = create(store, "a-1", &[]).await?;
    acquire(store, &run).await?;
    let mut hosts = store.hosts().await.map_err(text)?;
    let (Some(host), true) = (hosts.pop(), hosts.is_empty()) else {
        return Err("there is not one host".to_owned());
    };
    equal(&host.name, &here.host, "its name")?;
    equal(&host.driving, &vec![(run, here.clone())], "its engines")?;
    let servers = host.servers.iter();
    let servers: Vec<_> = servers
        .map(|one| (one.name.as_str(), one.max_runs))
        .collect();
    equal(servers, vec![("rack-7", Some(3))], "its servers")?;
    if host.seen.is_none() || host.dead.is_some() {
        return Err(format!("it gave {host:?}"));
    }
    store.serves_no_more(&here).await.map_err(text)?;
    let hosts = store.hosts().await.map_err(text)?;
    let servers: usize = hosts.iter().map(|host| host.servers.len()).sum();
    equal(servers, 0, "servers after the last one ended")
}

pub(super) async fn a_host_that_is_said_to_be_dead_has_no_leases(store: &impl Store) -> Passed {
    let run = create(store, "a-1", &[]).await?;
    let ttl = Millis(600_000);
    let held = store.acquire(&run, &elsewhere(), ttl).await.map_err(text)?;
    let said = store
        .say_of_host("elsewhere", true, &ada(), "on fire")
        .await;
    said.map_err(text)?;
    let summary = store.summary(&run).await.map_err(text)?;
    equal(summary.driven_by, None, "who drives the run")?;
    let lease = acquire(store, &run).await?;
    equal(lease.taken_from, Some(elsewhere()), "whose it was")?;
    match store.renew(&held).await {
        Err(StoreError::Fenced { .. }) => {}
        found => return unexpected(&found, "renewing the lease of a dead host"),
    }
    let other = create(store, "a-2", &[]).await?;
    for found in [
        store.acquire(&other, &elsewhere(), ttl).await.map(|_| ()),
        store.serving(&elsewhere(), "x", None).await,
    ] {
        match found {
            Err(StoreError::HostIsDead { by, reason, .. }) => {
                equal((by, reason.as_str()), (ada(), "on fire"), "what was said")?;
            }
            found => return unexpected(&found, "working on a dead host"),
        }
    }
    let hosts = store.hosts().await.map_err(text)?;
    let dead: Vec<_> = hosts.iter().filter(|host| host.dead.is_some()).collect();
    equal(dead.len(), 1, "dead hosts")?;
    let said = store
        .say_of_host("elsewhere", false, &ada(), "was a drill")
        .await;
    said.map_err(text)?;
    store
        .acquire(&other, &elsewhere(), ttl)
        .await
        .map_err(text)?;
    let words = store.host_words().await.map_err(text)?;
    let brief: Vec<_> = words
        .iter()
        .map(|(host, word)| (host.as_str(), word.dead, word.reason.as_str()))
        .collect();
    let expected = vec![
        ("elsewhere", true, "on fire"),
        ("elsewhere", false, "was a drill"),
    ];
    equal(brief, expected, "all that was said")
}
