//! All promises at once, over worlds that have a number: what a plan is, what its attempts do, what people decide,
//! where engines die or are stopped and overtaken, which commits fail, which events come twice or late, and how far
//! clocks are off, all follow from it.
//!
//! `PITON_SIMULATIONS=100000` tries so many, `PITON_SIMULATION=7` only the one with this number, and tells its story.
//! A broken promise names the number.

use crate::world::{World, facts, world_of};
use crate::{back, people, promises, targets, waiting};
use piton_core::record::Fact;
use piton_core::sim::{Ending, Simulator};
use proptest::test_runner::TestCaseError;
use std::fmt;
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

/// How many worlds are tried unless somebody asks for more.
const USUALLY: u64 = 4_000;

/// What happened in all worlds together. A simulation in which nothing goes wrong proves nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    runs: u64,
    records: u64,
    attempts: u64,
    engines: u64,
    fenced_off: u64,
    failed_commits: u64,
    clocks_off: u64,
    waiting: u64,
}

impl AddAssign for Account {
    fn add_assign(&mut self, other: Account) {
        self.runs += other.runs;
        self.records += other.records;
        self.attempts += other.attempts;
        self.engines += other.engines;
        self.fenced_off += other.fenced_off;
        self.failed_commits += other.failed_commits;
        self.clocks_off += other.clocks_off;
        self.waiting += other.waiting;
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} runs simulated: {} records, {} attempts, {} engines, {} writes of engines without a lease refused, \
             {} worlds with failing commits, {} with clocks that are off, {} runs left waiting for people; \
             0 promises broken",
            self.runs,
            self.records,
            self.attempts,
            self.engines,
            self.fenced_off,
            self.failed_commits,
            self.clocks_off,
            self.waiting
        )
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "a test is told by its environment how much to try; the core is not"
)]
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn all_promises_hold_whatever_happens() {
    if let Some(seed) = number("PITON_SIMULATION") {
        let (world, orderly) = world_of(seed);
        println!("{world:?}");
        tried(&world, orderly, seed).unwrap();
        return;
    }
    let count = number("PITON_SIMULATIONS").unwrap_or(USUALLY);
    let account = simulate(count);
    println!("{account}");
    assert_eq!(account.runs, count);
    for (what, often) in [
        ("an engine without a lease wrote", account.fenced_off),
        ("a commit failed", account.failed_commits),
        ("a clock was off", account.clocks_off),
        ("a run was left waiting", account.waiting),
        (
            "an engine followed another",
            account.engines.saturating_sub(account.runs),
        ),
    ] {
        assert!(often > count / 100, "hardly ever: {what}");
    }
}

/// The test can fail: without fences, an engine that was overtaken does harm, and that is found.
#[test]
fn a_store_without_fences_would_be_found_out() {
    let found = (0..2_000).filter(|seed| {
        let (mut world, orderly) = world_of(*seed);
        world.script.unfenced = true;
        // A promise that is broken may show as a panic of a test's helper, for instance at a journal that cannot be read.
        catch_unwind(AssertUnwindSafe(|| tried(&world, orderly, *seed).is_err())).unwrap_or(true)
    });
    assert!(found.count() > 20);
}

/// Tries all worlds up to this number, on all cores.
fn simulate(count: u64) -> Account {
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut account = Account::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= count {
                return account;
            }
            let (world, orderly) = world_of(seed);
            let tried = catch_unwind(AssertUnwindSafe(|| tried(&world, orderly, seed)));
            match tried {
                Ok(Ok(one)) => account += one,
                Ok(Err(broken)) => panic!("{broken}\n{}", replay(seed)),
                Err(panic) => {
                    eprintln!("{}", replay(seed));
                    std::panic::resume_unwind(panic);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut account = Account::default();
        for worker in workers {
            match worker.join() {
                Ok(one) => account += one,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        account
    })
}

fn replay(seed: u64) -> String {
    format!(
        "world {seed}; to see it: PITON_SIMULATION={seed} cargo test --release -p piton-core --test core simulation:: -- --nocapture"
    )
}

/// Lets a world happen and holds every promise against it.
fn tried(world: &World, orderly: bool, seed: u64) -> Result<Account, TestCaseError> {
    let (simulator, ending) = world.happen();
    check(&simulator, &ending, orderly, seed)?;
    let engines = u64::from(simulator.engines());
    let started = |fact: &Fact| matches!(fact, Fact::AttemptStarted { .. });
    let told = facts(&simulator);
    Ok(Account {
        runs: 1,
        records: told.len() as u64,
        attempts: told.iter().filter(|(_, fact)| started(fact)).count() as u64,
        engines,
        fenced_off: u64::from(simulator.fenced_off()),
        failed_commits: u64::from(!world.script.failed_commits.is_empty()),
        clocks_off: u64::from(world.script.clocks_off.iter().any(|off| *off != 0)),
        waiting: u64::from(ending == Ending::Waiting),
    })
}

fn check(
    simulator: &Simulator,
    ending: &Ending,
    orderly: bool,
    seed: u64,
) -> Result<(), TestCaseError> {
    promises::check_ending(simulator, ending)?;
    promises::check_intent_first(simulator)?;
    promises::check_nothing_twice(simulator)?;
    promises::check_decisions(simulator)?;
    if let Ending::Over(_) = ending {
        promises::check_over(simulator)?;
    }
    back::check_order(simulator)?;
    back::check_once(simulator)?;
    back::check_asked_first(simulator)?;
    back::check_why_undone(simulator)?;
    back::check_rewinds(simulator)?;
    back::check_passes(simulator)?;
    back::check_ladders(simulator)?;
    back::check_cancels(simulator)?;
    back::check_irreversible(simulator)?;
    back::check_finally(simulator, ending)?;
    if orderly {
        back::check_world(simulator, ending)?;
    }
    people::check_pages(simulator)?;
    people::check_sent(simulator)?;
    people::check_taken(simulator)?;
    targets::check_clock(simulator)?;
    targets::check_calls(simulator)?;
    waiting::check_locks(simulator)?;
    waiting::check_times(simulator)?;
    waiting::check_prepared(simulator)?;
    waiting::check_items(simulator)?;
    let cut = (seed as usize) % simulator.commits().len().max(1);
    promises::check_snapshot(simulator, cut)?;
    promises::check_prefixes(simulator, cut)
}
