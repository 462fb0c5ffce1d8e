//! What needs a look behind the store: faults made on its own connection, and what a commit costs.

use super::*;
use crate::store::{RunStatus, new_run_id};
use piton_core::id::Actor;
use piton_core::record::Fact;
use std::path::PathBuf;

/// A store in a directory of its own, which goes with it.
struct Scratch {
    store: SqliteStore,
    directory: PathBuf,
}

impl Scratch {
    fn new() -> Scratch {
        let directory = std::env::temp_dir().join(new_run_id("piton-sqlite").0);
        let store = SqliteStore::open(&directory.join("runs.db")).unwrap();
        Scratch { store, directory }
    }

    fn run(&self) -> (Lease, Head) {
        let run = NewRun {
            id: RunId("drill-1".to_owned()),
            plan_json: "{}".to_owned(),
            runbook: "drill".to_owned(),
            title: None,
            starter: "ada".to_owned(),
            started: Timestamp(1),
            status: RunStatus::running(),
        };
        let records = records(Head::EMPTY, 1, 200);
        self.store.create_run(&run, &records).unwrap();
        let owner = Owner::this_process();
        let lease = self
            .store
            .acquire_lease(&run.id, &owner, Millis(600_000))
            .unwrap();
        (lease, head_of(&records))
    }

    fn commit(&self, lease: &Lease, expected: Head, records: &[Record]) -> Result<(), StoreError> {
        let status = RunStatus::running();
        let commit = Commit {
            records,
            snapshot: None,
            consumed: &[],
            status: &status,
        };
        self.store.commit_batch(lease, expected, commit)
    }

    fn execute(&self, sql: &str) {
        self.store.connection().execute_batch(sql).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn records(mut head: Head, count: usize, size: usize) -> Vec<Record> {
    (0..count)
        .map(|_| {
            let fact = Fact::CancelRequested {
                by: Actor {
                    name: "ada".to_owned(),
                    account: "ada".to_owned(),
                },
                reason: Some("x".repeat(size)),
                rollback: false,
            };
            let record = Record::seal(head.seq + 1, Timestamp(7), head.hash, &fact);
            head = Head {
                seq: record.seq,
                hash: record.hash,
            };
            record
        })
        .collect()
}

fn head_of(records: &[Record]) -> Head {
    records.last().map_or(Head::EMPTY, |last| Head {
        seq: last.seq,
        hash: last.hash,
    })
}

#[test]
fn a_full_store_keeps_what_was_acknowledged_and_goes_on_after_repair() {
    let scratch = Scratch::new();
    let (lease, mut head) = scratch.run();
    scratch.execute("PRAGMA max_page_count = 40");
    let error = loop {
        let batch = records(head, 3, 5000);
        match scratch.commit(&lease, head, &batch) {
            Ok(()) => head = head_of(&batch),
            Err(error) => break error,
        }
        assert!(head.seq < 1000, "the store does not fill up");
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    let message = error.to_string();
    assert!(
        message.contains("runs.db") && message.contains("piton resume drill-1"),
        "{message}"
    );
    assert_eq!(scratch.store.load_run(&lease.run).unwrap().head, head);
    scratch.execute("PRAGMA max_page_count = 100000");
    let batch = records(head, 3, 5000);
    scratch.commit(&lease, head, &batch).unwrap();
    assert_eq!(
        scratch.store.load_run(&lease.run).unwrap().head,
        head_of(&batch)
    );
}

#[test]
fn an_unwritable_store_says_so_and_goes_on_after_repair() {
    let scratch = Scratch::new();
    let (lease, head) = scratch.run();
    scratch.execute("PRAGMA query_only = ON");
    let batch = records(head, 2, 10);
    let error = scratch.commit(&lease, head, &batch).unwrap_err();
    assert!(matches!(error, StoreError::Unwritable { .. }), "{error:?}");
    let message = error.to_string();
    assert!(
        message.contains("runs.db") && message.contains("piton resume drill-1"),
        "{message}"
    );
    scratch.execute("PRAGMA query_only = OFF");
    scratch.commit(&lease, head, &batch).unwrap();
}

#[test]
fn a_locked_store_says_so() {
    let scratch = Scratch::new();
    let (lease, head) = scratch.run();
    let other = Connection::open(scratch.store.place.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    scratch.execute("PRAGMA busy_timeout = 20");
    let error = scratch
        .commit(&lease, head, &records(head, 1, 10))
        .unwrap_err();
    assert!(matches!(error, StoreError::Busy { .. }), "{error:?}");
    assert!(error.wrote_nothing());
    assert!(error.to_string().contains("fuser /"), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    scratch.commit(&lease, head, &records(head, 1, 10)).unwrap();
}

#[test]
fn a_changed_byte_is_found_where_it_is() {
    let scratch = Scratch::new();
    let (lease, head) = scratch.run();
    scratch.commit(&lease, head, &records(head, 5, 10)).unwrap();
    scratch.execute(
        "UPDATE record SET body = substr(body, 1, 30) || char(unicode(substr(body, 31, 1)) + 1) || substr(body, 32)
         WHERE seq = 4",
    );
    let stored = scratch.store.read_records(&lease.run, 1).unwrap();
    let mut prev = piton_core::digest::Digest::ZERO;
    let broken: Vec<u64> = stored
        .iter()
        .zip(1..)
        .filter_map(|(record, seq)| {
            let broken = record.verify(seq, prev).is_err().then_some(seq);
            prev = record.hash;
            broken
        })
        .collect();
    assert_eq!(broken, [4]);
}

#[test]
fn what_was_never_written_by_us_is_damage_and_not_a_panic() {
    let scratch = Scratch::new();
    let (lease, head) = scratch.run();
    for damage in [
        "UPDATE progress SET state = 'sleeping'",
        "UPDATE progress SET state = 'running', outcome = 'won'",
        "UPDATE progress SET outcome = NULL, head_hash = x'00'",
        "UPDATE record SET hash = x''",
    ] {
        scratch.execute(damage);
        let error = scratch.store.load_run(&lease.run).unwrap_err();
        assert!(
            matches!(error, StoreError::Corrupt { .. }),
            "{damage}: {error:?}"
        );
    }
    scratch.execute("UPDATE lease SET owner = '{'");
    let error = scratch
        .store
        .acquire_lease(&lease.run, &Owner::this_process(), Millis(1));
    assert!(
        matches!(error, Err(StoreError::Corrupt { .. })),
        "{error:?}"
    );
    assert!(scratch.commit(&lease, head, &records(head, 1, 1)).is_err());
}

#[test]
fn an_event_of_a_newer_piton_is_refused_and_does_not_block_the_inbox() {
    let scratch = Scratch::new();
    let (lease, _) = scratch.run();
    let odd = scratch
        .store
        .post_event(&lease.run, &Event::Tick, "odd")
        .unwrap();
    let even = scratch
        .store
        .post_event(&lease.run, &Event::Tick, "even")
        .unwrap();
    scratch.execute("UPDATE inbox SET event = '{\"is\":\"rewind\"}' WHERE key = 'odd'");
    assert_eq!(
        scratch.store.read_inbox(&lease.run).unwrap(),
        [(even, Event::Tick)]
    );
    let verdict = scratch.store.read_verdict(odd).unwrap().unwrap();
    assert!(
        !verdict.accepted && verdict.message.contains("older"),
        "{verdict:?}"
    );
}

#[test]
fn a_store_of_the_first_layout_becomes_one_of_the_newest_with_all_that_is_in_it() {
    let scratch = Scratch::new();
    let (lease, head) = scratch.run();
    // What the first layout did not have yet.
    scratch.execute(
        "DROP TABLE claim; DROP TABLE broken_lock; DROP TABLE engine; DROP TABLE server; DROP TABLE host;
         DROP TABLE host_word; DROP INDEX progress_due; DROP TABLE away; ALTER TABLE progress DROP COLUMN next_due;
         ALTER TABLE lease DROP COLUMN served; PRAGMA user_version = 1",
    );
    let store = SqliteStore::open(scratch.store.place.path()).unwrap();
    assert_eq!(store.load_run(&lease.run).unwrap().head, head);
    let names = ["db".to_owned()];
    assert_eq!(
        store.take_named_locks(&lease, None, &names).unwrap(),
        Taken::All
    );
    assert_eq!(store.list_locks().unwrap().held.len(), 1);
    // What servers want to know of it is not there yet: a run that is not over is looked at once.
    let status = store.read_summary(&lease.run).unwrap().status;
    assert_eq!(status.next_due, Some(crate::store::RunStatus::AT_ONCE));
    assert_eq!(store.claimable_runs("here").unwrap().runs, []);
    store
        .leave_run_to_servers(&lease.run, crate::store::Leave::AtOnce)
        .unwrap();
    store.release_lease(&lease).unwrap();
    assert_eq!(store.claimable_runs("here").unwrap().runs, [lease.run]);
}

#[test]
fn a_layout_of_a_newer_piton_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    scratch.execute("PRAGMA user_version = 99");
    let error = SqliteStore::open(scratch.store.place.path()).unwrap_err();
    assert!(
        matches!(error, StoreError::Newer { found: 99, .. }),
        "{error:?}"
    );
    let version = |connection: &Connection| {
        connection
            .query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(version(&scratch.store.connection()), 99);
}
