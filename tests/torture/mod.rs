//! Torture: small runs, and whatever may strike them, at moments that are drawn. Steps count their effects outside
//! Piton, and after each round an account is taken of the promises.
//!
//! `PITON_TEST_ROUNDS=N` plays so many rounds; a round that failed prints how to play it again, and its folder stays.

mod account;
mod fault;
mod judge;
mod ledger;
mod round;
mod shape;
mod strike;
mod wall;
mod world;

use account::Account;
use round::Round;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use world::Kept;

/// How many rounds, over both stores: `PITON_TEST_ROUNDS`, else what `./test` takes.
fn rounds() -> u64 {
    number("PITON_TEST_ROUNDS").unwrap_or(12)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Plays the round of this seed.
fn play(seed: u64, kept: Kept<'_>) -> Account {
    let mut round = Round::draw(seed, kept);
    let title = round.title();
    let played = catch_unwind(AssertUnwindSafe(|| round.play()));
    if let Err(panic) = played {
        let text = panic.downcast_ref::<String>().cloned();
        round
            .account
            .broken
            .push(text.unwrap_or_else(|| "it panicked".to_owned()));
    }
    let mut account = std::mem::take(&mut round.account);
    let world = round.into_world();
    if account.is_clean() {
        world.remove();
        return account;
    }
    let folder = world.keep();
    println!("{title}: {account}");
    let name = kept.name();
    let said = format!(
        "again with PITON_TEST_ROUND={name}:{seed} (its folder: {})",
        folder.display()
    );
    println!("{said}");
    account.broken.push(said);
    account
}

/// Plays rounds one after another.
fn play_all(seeds: impl Iterator<Item = u64>, kept: Kept<'_>, total: &Mutex<Account>) {
    for seed in seeds {
        if let Kept::Postgres(server) = kept
            && !server.runs()
        {
            server.start();
        }
        let account = play(seed, kept);
        total
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .add(account);
    }
}

#[test]
fn whatever_strikes_a_run_nothing_is_lost_or_done_twice() {
    let total = Mutex::new(Account::default());
    if let Ok(text) = std::env::var("PITON_TEST_ROUND") {
        let (name, seed) = text.split_once(':').expect("STORE:SEED");
        let seeds = std::iter::once(seed.parse().expect("a number"));
        match name {
            "SQLite" => play_all(seeds, Kept::Sqlite, &total),
            _ => play_all(seeds, Kept::Postgres(world::server()), &total),
        }
    } else {
        let seed = number("PITON_TEST_SEED").unwrap_or(20_261_123);
        println!("PITON_TEST_SEED={seed}");
        let count = rounds();
        let seeds = |from: u64, count: u64| (0..count).map(move |at| seed * 1000 + from + at);
        std::thread::scope(|scope| {
            scope.spawn(|| play_all(seeds(0, count.div_ceil(2)), Kept::Sqlite, &total));
            scope.spawn(|| {
                let kept = Kept::Postgres(world::server());
                play_all(seeds(count, count / 2), kept, &total);
            });
        });
    }
    let total = total
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    println!("{total}");
    assert!(total.is_clean(), "{total}");
    let (struck, inside) = (total.struck(), total.inside);
    assert!(
        inside * 10 >= struck * 7 || struck < 20,
        "only {inside} of {struck} faults hit an attempt"
    );
}
