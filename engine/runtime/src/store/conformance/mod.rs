//! What any store has to pass: small cases, each on a fresh store.
//!
//! A store's own tests call [`all`] with a function that makes an empty store. What only one kind of store can
//! show (files, two processes, a torn log) is in that store's tests.

mod delete;
mod inbox;
mod journal;
mod lease;
mod list;
mod lock;
mod log;
mod serving;

use super::{
    BrokenLock, Commit, Created, InboxId, Lease, LockClaim, LockHolder, NewRun, RunFilter,
    RunStatus, Store, StoreError, StoredSnapshot, Taken, Verdict,
};
use crate::owner::Owner;
use piton_core::digest::Digest;
use piton_core::id::{Actor, RunId};
use piton_core::record::{Fact, Record, RunOutcome};
use piton_core::run::{Event, Head, RunState};
use piton_core::time::{Millis, Timestamp};
use std::fmt::Debug;
use std::future::Future;

/// A case that a store did not pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a store must pass `{case}`, but {reason}")]
pub struct Failure {
    /// The case.
    pub case: &'static str,
    /// What was wrong.
    pub reason: String,
}

/// Runs all cases, each on a store that `make` has just made.
///
/// # Errors
/// The first case that does not pass.
pub async fn all<S: Store, M: Future<Output = S>>(make: impl Fn() -> M) -> Result<(), Failure> {
    macro_rules! cases {
        ($($group:ident::$case:ident),+ $(,)?) => {$(
            Box::pin($group::$case(&make().await)).await.map_err(|reason| Failure { case: stringify!($case), reason })?;
        )+};
    }
    cases!(
        journal::a_run_is_made_once,
        journal::a_bad_id_is_refused,
        journal::what_is_committed_is_loaded_as_written,
        journal::a_commit_on_another_head_changes_nothing,
        journal::records_that_do_not_follow_are_refused,
        journal::a_snapshot_stands_for_the_records_before_it,
        lease::a_held_run_is_refused_and_says_by_whom,
        lease::each_lease_has_a_higher_fence,
        lease::an_expired_lease_can_be_taken_and_fences_the_old_engine,
        lease::the_lease_of_a_dead_process_is_taken_at_once,
        lease::a_released_lease_is_over,
        inbox::posting_again_with_the_same_key_is_the_same_entry,
        inbox::the_inbox_is_in_order_until_there_are_verdicts,
        inbox::an_entry_is_decided_once,
        inbox::a_failed_commit_decides_nothing,
        lock::locks_are_taken_all_at_once_or_not_at_all,
        lock::the_same_holder_gets_its_locks_again,
        lock::nodes_of_a_run_exclude_each_other_but_not_their_run,
        lock::releasing_tells_who_waits,
        lock::the_locks_of_a_run_that_is_over_are_free,
        lock::only_the_engine_with_the_lease_takes_and_releases,
        lock::locks_stay_when_the_lease_ends_and_are_kept_by_name,
        lock::a_lock_is_broken_once_and_that_is_kept,
        lock::a_lock_that_nobody_has_is_not_broken,
        serving::servers_get_the_runs_that_are_left_to_them,
        serving::a_run_that_waits_is_claimable_when_something_is_due_or_posted,
        serving::a_run_is_found_by_the_host_that_its_attempts_are_on,
        serving::an_orphan_is_claimable_and_then_the_servers,
        serving::all_engines_of_a_run_are_known,
        serving::hosts_are_listed_with_what_lives_on_them,
        serving::a_host_that_is_said_to_be_dead_has_no_leases,
        log::a_log_is_kept_in_chunks_that_may_come_again,
        log::a_long_log_keeps_its_beginning_and_its_end,
        lease::its_clock_goes_on,
        delete::only_what_is_over_and_not_needed_is_deleted,
        delete::a_run_and_those_that_took_it_back_go_in_this_order,
        list::runs_are_counted_by_their_states,
        list::listings_are_newest_first_and_filtered,
        list::a_run_is_found_by_what_people_type,
        journal::what_is_not_there_is_said_so,
    );
    Ok(())
}

type Passed = Result<(), String>;

/// A run's journal as a case writes it.
struct Journal {
    head: Head,
}

impl Journal {
    fn new() -> Journal {
        Journal { head: Head::EMPTY }
    }

    /// The next records.
    fn next(&mut self, count: usize) -> Vec<Record> {
        (0..count)
            .map(|_| {
                let seq = self.head.seq.saturating_add(1);
                let at = Timestamp(1_700_000_000_000).after(Millis(seq));
                let fact = Fact::CancelRequested {
                    by: Actor {
                        name: "ada".to_owned(),
                        account: "ada@host".to_owned(),
                    },
                    reason: Some(format!("„{seq}“ '; DROP TABLE record; --\n")),
                    rollback: false,
                };
                let record = Record::seal(seq, at, self.head.hash, &fact);
                self.head = Head {
                    seq,
                    hash: record.hash,
                };
                record
            })
            .collect()
    }
}

fn new_run(id: &str) -> NewRun {
    NewRun {
        id: RunId(id.to_owned()),
        plan_json: format!("{{\"of\":\"{id}\"}}"),
        runbook: id.split('-').next().unwrap_or("x").to_owned(),
        title: Some("A drill".to_owned()),
        starter: "ada (ada@host)".to_owned(),
        started: Timestamp(1_700_000_000_000),
        status: RunStatus::running(),
    }
}

async fn create(store: &impl Store, id: &str, records: &[Record]) -> Result<RunId, String> {
    let run = new_run(id);
    equal(
        store.create(&run, records).await.map_err(text)?,
        Created::New,
        "create",
    )?;
    Ok(run.id)
}

async fn acquire(store: &impl Store, run: &RunId) -> Result<Lease, String> {
    store
        .acquire(run, &Owner::this_process(), Millis(600_000))
        .await
        .map_err(text)
}

/// A process of this host whose id has been given to another one since.
fn dead_owner() -> Owner {
    let here = Owner::this_process();
    Owner {
        start_time: here.start_time.saturating_add(1),
        ..here
    }
}

fn just(records: &[Record]) -> Commit<'_> {
    static RUNNING: RunStatus = RunStatus {
        state: RunState::Running,
        outcome: None,
        ended: None,
        waiting_for: Vec::new(),
        next_due: Some(RunStatus::AT_ONCE),
    };
    Commit {
        records,
        snapshot: None,
        consumed: &[],
        status: &RUNNING,
    }
}

fn cancel(reason: &str) -> Event {
    Event::Cancel {
        by: Actor {
            name: "ada".to_owned(),
            account: "ada@host".to_owned(),
        },
        reason: Some(reason.to_owned()),
        rollback: false,
    }
}

fn text(error: StoreError) -> String {
    error.to_string()
}

fn equal<T: PartialEq + Debug>(found: T, expected: T, what: &str) -> Passed {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what} gave {found:?} instead of {expected:?}"))
    }
}

fn unexpected<T: Debug>(found: &T, what: &str) -> Passed {
    Err(format!("{what} gave {found:?}"))
}
