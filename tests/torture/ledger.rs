//! What steps did, as they wrote it down themselves, outside Piton: each line is appended and synced by the step.
//! A line is `WORD NODE PASS ATTEMPT`; the words are `begin`, `end`, and `fail` where an attempt is meant to fail.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The program with which steps write.
pub const MARK: &str = r#"#!/bin/sh
printf '%s %s %s %s\n' "$1" "$PITON_NODE" "$PITON_PASS" "$PITON_ATTEMPT" |
  dd of="$LEDGER" oflag=append conv=notrunc,fsync status=none
"#;

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub word: String,
    pub node: String,
    pub pass: String,
    /// As in `PITON_ATTEMPT`: `n4.p1.a2`, `n4.p1.undo1`.
    pub attempt: String,
}

/// What has one effect: a node and a pass, done or undone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deed {
    pub node: String,
    pub pass: String,
    pub undo: bool,
}

impl Deed {
    /// Of a node's first pass.
    pub fn of(node: &str, undo: bool) -> Deed {
        Deed {
            node: node.to_owned(),
            pass: "1".to_owned(),
            undo,
        }
    }
}

impl Entry {
    pub fn deed(&self) -> Deed {
        Deed {
            node: self.node.clone(),
            pass: self.pass.clone(),
            undo: self.attempt.contains(".undo"),
        }
    }
}

/// All complete lines.
pub fn read(path: &Path) -> Vec<Entry> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let words: Vec<_> = line.split(' ').map(str::to_owned).collect();
            let [word, node, pass, attempt] = <[String; 4]>::try_from(words).ok()?;
            Some(Entry {
                word,
                node,
                pass,
                attempt,
            })
        })
        .collect()
}

/// Attempts that have begun and neither ended nor failed.
pub fn open(entries: &[Entry]) -> BTreeSet<&str> {
    let mut open = BTreeSet::new();
    for entry in entries {
        match entry.word.as_str() {
            "begin" => open.insert(entry.attempt.as_str()),
            _ => open.remove(entry.attempt.as_str()),
        };
    }
    open
}

/// Attempts that began although what they do was done or under way, and nobody had allowed it. `allowed`: how often
/// somebody said that a deed did not happen.
pub fn twice(entries: &[Entry], allowed: &BTreeMap<Deed, usize>) -> Vec<String> {
    let mut left = allowed.clone();
    let mut last: BTreeMap<Deed, &Entry> = BTreeMap::new();
    let mut begun = BTreeSet::new();
    let mut found = Vec::new();
    for entry in entries {
        let deed = entry.deed();
        if entry.word == "begin" {
            let again = !begun.insert(entry.attempt.as_str());
            let before = last.get(&deed);
            if again || before.is_some_and(|before| before.word != "fail") {
                match left.get_mut(&deed).filter(|left| **left > 0 && !again) {
                    Some(left) => *left -= 1,
                    None => found.push(format!("{} after {before:?}", entry.attempt)),
                }
            }
        }
        last.insert(deed, entry);
    }
    found
}

#[test]
fn what_is_done_twice_is_found() {
    let entries = |text: &str| -> Vec<Entry> {
        let path = std::env::temp_dir().join(format!("piton-ledger-{}", std::process::id()));
        std::fs::write(&path, text).expect("a file");
        let entries = read(&path);
        let _ = std::fs::remove_file(&path);
        entries
    };
    let count = |text: &str, allowed: usize| {
        let allowed = BTreeMap::from([(Deed::of("a", false), allowed)]);
        twice(&entries(text), &allowed).len()
    };
    let once = "begin a 1 n0.p1.a1\nend a 1 n0.p1.a1\n";
    assert_eq!(count(once, 0), 0);
    let undone = "begin a 1 n0.p1.undo1\nend a 1 n0.p1.undo1\n";
    assert_eq!(count(&format!("{once}{undone}"), 0), 0);
    assert_eq!(count(&format!("{once}{once}"), 1), 1, "the same attempt");
    let again = "begin a 1 n0.p1.a2\nend a 1 n0.p1.a2\n";
    assert_eq!(count(&format!("{once}{again}"), 0), 1);
    assert_eq!(count(&format!("{once}{again}"), 1), 0);
    let failed = "begin a 1 n0.p1.a1\nfail a 1 n0.p1.a1\n";
    assert_eq!(count(&format!("{failed}{again}"), 0), 0);
    let cut = "begin a 1 n0.p1.a1\n";
    assert_eq!(count(&format!("{cut}{again}"), 0), 1);
    assert_eq!(open(&entries(cut)).len(), 1);
    assert_eq!(open(&entries(once)).len(), 0);
}
