//! Golden journals: what this and earlier versions wrote is loaded by every later one, and says the same.
//!
//! They stand in `tests/fixtures/golden/VERSION/`, and are never written anew: `digests` beside them is only added to.
//! `PITON_WRITE_GOLDEN=1 cargo test --release -p piton-core --test core golden` writes those that are missing.

#![allow(
    clippy::disallowed_methods,
    reason = "a test reads and writes its fixtures"
)]

mod made;

use piton_core::digest::Digest;
use piton_core::plan::Plan;
use piton_core::record::Record;
use piton_core::run::{Event, Run, RunState, Snapshot};
use piton_core::sim::Simulator;
use piton_core::time::Timestamp;
use piton_core::view::RunView;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The version whose journals are written now.
const NOW: &str = "v1";

/// A journal and what it says.
#[derive(Debug, Deserialize, Serialize)]
struct Golden {
    /// The plan in the stored form.
    plan: String,
    records: Vec<Stored>,
    /// A snapshot taken on the way, in the stored form.
    snapshot: Option<String>,
    state: RunState,
    outstanding: Vec<String>,
    next_timeout: Option<Timestamp>,
    view: Value,
}

/// A record as a store has it.
#[derive(Debug, Deserialize, Serialize)]
struct Stored {
    seq: u64,
    at: Timestamp,
    body: String,
    prev: Digest,
    hash: Digest,
}

impl Golden {
    fn of(simulator: &Simulator) -> Golden {
        let commits = simulator.commits();
        let mut middle = commits[commits.len() / 2].run.clone();
        let run = &commits.last().unwrap().run;
        let view = RunView::of(simulator.plan(), simulator.records().to_vec()).unwrap();
        Golden {
            plan: simulator.plan().to_json(),
            records: simulator.records().iter().map(Stored::of).collect(),
            snapshot: serde_json::to_string(&middle.snapshot()).ok(),
            state: run.state(),
            outstanding: run.outstanding().map(|effect| effect.id()).collect(),
            next_timeout: run.next_timeout(),
            view: serde_json::to_value(view).unwrap(),
        }
    }

    fn records(&self) -> Vec<Record> {
        self.records.iter().map(Stored::record).collect()
    }
}

impl Stored {
    fn of(record: &Record) -> Stored {
        Stored {
            seq: record.seq,
            at: record.at,
            body: record.body.clone(),
            prev: record.prev,
            hash: record.hash,
        }
    }

    fn record(&self) -> Record {
        Record {
            seq: self.seq,
            at: self.at,
            body: self.body.clone(),
            prev: self.prev,
            hash: self.hash,
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/golden")
}

/// Every version's journals, by their paths in the folder.
fn kept() -> BTreeMap<String, Vec<u8>> {
    let mut kept = BTreeMap::new();
    for version in fs::read_dir(folder()).unwrap().flatten() {
        let version = version.path();
        if !version.is_dir() {
            continue;
        }
        for file in fs::read_dir(&version).unwrap().flatten() {
            let path = file.path();
            let name = path.strip_prefix(folder()).unwrap().display().to_string();
            kept.insert(name, fs::read(&path).unwrap());
        }
    }
    kept
}

fn digests() -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder().join("digests")).unwrap_or_default();
    let lines = text.lines().map(|line| line.split_once("  ").unwrap());
    lines
        .map(|(digest, name)| (name.to_owned(), digest.to_owned()))
        .collect()
}

fn digest(bytes: &[u8]) -> String {
    Digest::of(&[bytes]).to_string()
}

/// Writes those that are missing, and nothing else.
fn write() {
    let there = kept();
    let mut lines = fs::read_to_string(folder().join("digests")).unwrap_or_default();
    fs::create_dir_all(folder().join(NOW)).unwrap();
    for (name, simulator) in made::all() {
        let name = format!("{NOW}/{name}.json");
        if there.contains_key(&name) {
            continue;
        }
        let text = serde_json::to_string(&Golden::of(&simulator)).unwrap() + "\n";
        fs::write(folder().join(&name), &text).unwrap();
        lines += &format!("{}  {name}\n", digest(text.as_bytes()));
    }
    fs::write(folder().join("digests"), lines).unwrap();
}

/// Whether a later version still says what an earlier one said: it may say more.
fn says(before: &Value, now: &Value, place: &str) {
    match (before, now) {
        (Value::Object(before), Value::Object(now)) => {
            for (key, value) in before {
                let place = format!("{place}.{key}");
                let now = now.get(key);
                says(
                    value,
                    now.unwrap_or_else(|| panic!("{place} is gone")),
                    &place,
                );
            }
        }
        (Value::Array(before), Value::Array(now)) => {
            assert_eq!(before.len(), now.len(), "{place}");
            for (at, (before, now)) in before.iter().zip(now).enumerate() {
                says(before, now, &format!("{place}[{at}]"));
            }
        }
        (before, now) => assert_eq!(before, now, "{place}"),
    }
}

#[test]
fn what_was_kept_is_as_it_was() {
    if std::env::var_os("PITON_WRITE_GOLDEN").is_some() {
        write();
    }
    let (kept, digests) = (kept(), digests());
    assert!(kept.len() >= 12, "only {} journals are kept", kept.len());
    let found: BTreeMap<_, _> = kept
        .iter()
        .map(|(name, bytes)| (name.clone(), digest(bytes)))
        .collect();
    assert_eq!(found, digests, "a journal that is kept is never changed");
}

#[test]
fn kept_journals_load_and_say_what_they_said() {
    for (name, bytes) in kept() {
        let golden: Golden = serde_json::from_slice(&bytes).unwrap();
        let plan = Arc::new(Plan::from_json(&golden.plan).unwrap());
        let records = golden.records();
        let last = records.last().unwrap().clone();
        // Loading checks the chain of hashes on the way.
        let run = Run::load(plan.clone(), None, records.clone())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!((run.head().seq, run.head().hash), (last.seq, last.hash));
        assert_eq!(run.state(), golden.state, "{name}");
        let outstanding: Vec<String> = run.outstanding().map(|effect| effect.id()).collect();
        assert_eq!(outstanding, golden.outstanding, "{name}");
        assert_eq!(run.next_timeout(), golden.next_timeout, "{name}");
        let view = RunView::of(&plan, records.clone()).unwrap();
        says(&golden.view, &serde_json::to_value(view).unwrap(), &name);

        let snapshot = golden.snapshot.as_deref().unwrap();
        let snapshot: Snapshot = serde_json::from_str(snapshot).unwrap();
        let tail = records[snapshot.head.seq as usize..].to_vec();
        let from_snapshot = Run::load(plan.clone(), Some(snapshot), tail).unwrap();
        assert_eq!(from_snapshot, run, "{name}");

        // It goes on.
        let mut resumed = run.clone();
        let batch = resumed.handle(Event::Tick, last.at).unwrap();
        for record in &batch.records {
            assert!(record.seq > last.seq, "{name}");
        }
        for seq in 1..=records.len() {
            Run::load(plan.clone(), None, records[..seq].to_vec())
                .unwrap_or_else(|error| panic!("{name} up to record {seq}: {error}"));
        }
    }
}

/// What is kept is worth it only while every kind of fact is in it.
#[test]
fn every_kind_of_fact_is_kept() {
    let mut kept_kinds = BTreeSet::new();
    for bytes in kept().values() {
        let golden: Golden = serde_json::from_slice(bytes).unwrap();
        for record in &golden.records {
            let body: Value = serde_json::from_str(&record.body).unwrap();
            kept_kinds.insert(body["fact"]["is"].as_str().unwrap().to_owned());
        }
    }
    let missing: Vec<_> = made::KINDS
        .iter()
        .filter(|kind| !kept_kinds.contains(**kind))
        .collect();
    assert!(missing.is_empty(), "no journal has {missing:?}");
}
