//! Whether what came of a round is what was promised.

use super::ledger::{self, Deed, Entry};
use super::round::Round;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How long a process that was ended may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(3);

pub fn judge(round: &mut Round<'_>) {
    if !round.account.broken.is_empty() {
        return;
    }
    orphans(round);
    let ledger = round.world.ledger();
    effects(round, &ledger);
    order(round, &ledger);
    journal(round, &ledger);
    let run = round.world.run();
    let audited = round.world.command(&["audit", &run]);
    if audited.code != Some(0) {
        round.broken(&format!("the audit found something: {audited:?}"));
    }
    let outcome = round.world.stands().map(|(_, outcome)| outcome);
    if outcome.as_deref() != Some(round.shape.outcome) {
        let show = round.world.command(&["show", &run]).stdout;
        round.broken(&format!("it ended {outcome:?}: {show}"));
    }
}

/// No process of any step is alive.
fn orphans(round: &mut Round<'_>) {
    let mark = format!("PITON_RUN={}", round.world.run());
    let daemons = round.shape.daemons.clone();
    let alive = || -> Vec<(u32, String)> {
        let lines = crate::support::processes(|_| true).into_iter().map(|pid| {
            let read = |file: &str| {
                let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
                String::from_utf8_lossy(&bytes).replace('\0', " ")
            };
            (pid, read("cmdline"), read("environ"))
        });
        lines
            .filter(|(_, line, environment)| {
                environment.split(' ').any(|word| word == mark)
                    || daemons
                        .as_ref()
                        .is_some_and(|it| line.contains(it.as_str()))
            })
            .map(|(pid, line, _)| (pid, line))
            .collect()
    };
    let end = Instant::now() + GONE_WITHIN;
    let mut left = alive();
    while !left.is_empty() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(20));
        left = alive();
    }
    round.account.orphans += left.len();
    if !left.is_empty() {
        round.broken(&format!("still alive: {left:?}"));
        left.iter()
            .for_each(|(pid, _)| crate::support::kill(*pid, "KILL"));
    }
}

/// Everything was done once.
fn effects(round: &mut Round<'_>, ledger: &[Entry]) {
    round.account.attempts += ledger.iter().filter(|entry| entry.word == "begin").count();
    let twice = ledger::twice(ledger, &round.allowed);
    round.account.twice += twice.len();
    if !twice.is_empty() {
        round.broken(&format!("done twice: {twice:?}"));
    }
    for deed in round.shape.deeds.clone() {
        let ends = ledger
            .iter()
            .filter(|entry| entry.word == "end" && entry.deed() == deed);
        match ends.count() {
            1 => {}
            0 => {
                round.account.lost += 1;
                round.broken(&format!("never done: {deed:?}"));
            }
            count => {
                round.account.twice += 1;
                round.broken(&format!("done {count} times: {deed:?}"));
            }
        }
    }
}

/// What comes after something began after its end.
fn order(round: &mut Round<'_>, ledger: &[Entry]) {
    let at = |deed: &Deed, word: &str| {
        ledger
            .iter()
            .position(|entry| entry.word == word && entry.deed() == *deed)
    };
    for (before, after) in round.shape.order.clone() {
        let (ended, began) = (at(&before, "end"), at(&after, "begin"));
        if began.is_some_and(|began| ended.is_none_or(|ended| began < ended)) {
            round.broken(&format!("{after:?} began before the end of {before:?}"));
        }
    }
}

/// What was in the journal is in it, and each attempt was in it before it began.
fn journal(round: &mut Round<'_>, ledger: &[Entry]) {
    let Some(journal) = round.world.journal() else {
        return round.broken("the store does not answer");
    };
    for earlier in std::mem::take(&mut round.journals) {
        if !journal.starts_with(&earlier) {
            let kept = journal.iter().zip(&earlier).filter(|(a, b)| a == b).count();
            round.account.lost += earlier.len() - kept;
            round.broken(&format!("of {} records {kept} are left", earlier.len()));
        }
    }
    let run = round.world.run();
    let view = round.world.place.json(["show", &run, "--json"]);
    let nodes = view["nodes"].as_array().into_iter().flatten();
    let known: BTreeSet<&str> = nodes
        .flat_map(|node| node["attempts"].as_array().into_iter().flatten())
        .filter_map(|attempt| attempt["id"].as_str())
        .collect();
    for entry in ledger {
        if !known.contains(entry.attempt.as_str()) {
            round.broken(&format!("{} is not in the journal", entry.attempt));
        }
    }
}
