//! Loading: what a journal must be, and what is said when it is not.

use crate::world::{first_in_flight, worlds};
use piton_core::digest::Digest;
use piton_core::id::RunId;
use piton_core::record::{Record, RecordError};
use piton_core::run::{Event, LoadError, Outcome, Produced, Run, Snapshot};
use piton_core::sim::plans::{chain, start};
use piton_core::time::Timestamp;
use proptest::prelude::*;
use std::sync::Arc;

/// A chain of three, run to its end.
fn journal() -> (Arc<piton_core::plan::Plan>, Vec<Record>) {
    let plan = Arc::new(chain(3));
    let (mut run, batch) = Run::create(RunId("r".to_owned()), plan.clone(), start(), Timestamp(0));
    let mut records = batch.records;
    while let Some(attempt) = first_in_flight(&run) {
        let outcome = Outcome::succeeded(Produced::default());
        records.extend(
            run.handle(Event::AttemptEnded { attempt, outcome }, Timestamp(1))
                .unwrap()
                .records,
        );
    }
    assert!(run.outcome().is_some());
    (plan, records)
}

/// A record in the place of another one, with a whole chain up to it.
fn resealed(record: &Record, body: &str) -> Record {
    let sealed = Record {
        body: body.to_owned(),
        ..record.clone()
    };
    let parts: [&[u8]; 4] = [
        &sealed.prev.0,
        &sealed.seq.to_be_bytes(),
        &sealed.at.0.to_be_bytes(),
        body.as_bytes(),
    ];
    Record {
        hash: Digest::of(&parts),
        ..sealed
    }
}

#[test]
fn an_untouched_journal_loads() {
    let (plan, records) = journal();
    let last = records.last().unwrap().clone();
    let run = Run::load(plan, None, records).unwrap();
    assert_eq!((run.head().seq, run.head().hash), (last.seq, last.hash));
}

#[test]
fn an_empty_journal_is_named_as_such() {
    let (plan, _) = journal();
    assert!(matches!(
        Run::load(plan, None, vec![]),
        Err(LoadError::Empty)
    ));
}

#[test]
fn a_missing_record_is_named() {
    let (plan, mut records) = journal();
    records.remove(4);
    let error = Run::load(plan, None, records).unwrap_err();
    assert!(
        matches!(
            error,
            LoadError::Record(RecordError::OutOfPlace {
                expected: 5,
                found: 6
            })
        ),
        "{error}"
    );
}

#[test]
fn a_record_of_a_newer_piton_is_refused_with_what_to_do() {
    let (plan, mut records) = journal();
    records[3] = resealed(&records[3], r#"{"v":9,"fact":{"is":"teleported"}}"#);
    let error = Run::load(plan, None, records).unwrap_err();
    assert_eq!(
        error.to_string(),
        "record 4 has version 9, and this piton knows versions up to 4; use the newer piton"
    );
}

#[test]
fn a_record_that_cannot_follow_is_named() {
    let (plan, records) = journal();
    let ended = r#"{"v":1,"fact":{"is":"attempt_ended","attempt":{"node":2,"pass":1,"purpose":"do","number":1},"result":{"status":"succeeded"}}}"#;
    let foreign = r#"{"v":1,"fact":{"is":"node_skipped","node":77,"pass":1,"reason":"when"}}"#;
    let check = r#"{"v":1,"fact":{"is":"attempt_started","attempt":{"node":0,"pass":1,"purpose":{"check":0},"number":1}}}"#;
    for body in [ended, foreign, check, &records[0].body] {
        let mut records = records.clone();
        records[2] = resealed(&records[2], body);
        let error = Run::load(plan.clone(), None, records).unwrap_err();
        assert!(
            matches!(error, LoadError::Misfit { seq: 3, .. }),
            "{body}: {error}"
        );
    }
    let mut tail = records;
    tail[0] = resealed(&tail[0], foreign);
    assert!(matches!(
        Run::load(plan, None, tail),
        Err(LoadError::Misfit { seq: 1, .. })
    ));
}

#[test]
fn a_journal_of_another_plan_is_refused() {
    let (_, records) = journal();
    let error = Run::load(Arc::new(chain(4)), None, records).unwrap_err();
    assert!(matches!(error, LoadError::OtherPlan { .. }), "{error}");
}

#[test]
fn a_snapshot_of_a_newer_piton_is_refused() {
    let (plan, records) = journal();
    let mut run = Run::load(plan.clone(), None, records).unwrap();
    let mut json = serde_json::to_value(run.snapshot()).unwrap();
    json["version"] = 3.into();
    let snapshot: Snapshot = serde_json::from_value(json).unwrap();
    let error = Run::load(plan, Some(snapshot), vec![]).unwrap_err();
    assert!(
        matches!(error, LoadError::NewerSnapshot { found: 3 }),
        "{error}"
    );
}

#[test]
fn a_snapshot_is_due_after_many_records_and_then_not_for_a_while() {
    let plan = Arc::new(chain(400));
    let (mut run, _) = Run::create(RunId("r".to_owned()), plan, start(), Timestamp(0));
    let mut taken = Vec::new();
    while let Some(attempt) = first_in_flight(&run) {
        let outcome = Outcome::succeeded(Produced::default());
        run.handle(Event::AttemptEnded { attempt, outcome }, Timestamp(1))
            .unwrap();
        if run.snapshot_due() {
            taken.push(run.snapshot().head.seq);
        }
    }
    // Four records a step, and two at the beginning and the end: 1602 records.
    assert_eq!(taken, [1027]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Promise 11: one changed byte of one record is found, and the record is named.
    #[test]
    fn one_changed_byte_is_found(
        world in worlds(),
        which in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        flip in 1..=127u8,
    ) {
        let (simulator, _) = world.happen();
        let mut records = simulator.records().to_vec();
        let record = which.index(records.len());
        let mut body = records[record].body.clone().into_bytes();
        let at = place.index(body.len());
        body[at] = (body[at] ^ flip) & 0x7f;
        let body = String::from_utf8_lossy(&body).into_owned();
        prop_assume!(body != records[record].body);
        records[record].body = body;
        let seq = records[record].seq;
        let error = Run::load(simulator.plan().clone(), None, records).unwrap_err();
        prop_assert!(
            matches!(error, LoadError::Record(RecordError::Changed { seq: found }) if found == seq),
            "{}", error
        );
    }
}

#[test]
fn the_sql_of_an_older_plan_stays_as_it_was_written() {
    use piton_core::plan::{Action, Plan};
    use piton_core::sim::plans::{plan, step};
    let built = plan("old").node(step("a").sql("sqlite:x.db", "select 1"));
    let stored = built.build().unwrap().to_json();
    for text in ["select 1", "select '$${{ x'", "select '${{ x', '}}'"] {
        let old = stored
            .replace(r#""version":3"#, r#""version":2"#)
            .replace("select 1", text);
        let read = Plan::from_json(&old).unwrap();
        let Action::Sql(sql) = &read.nodes[0].action else {
            panic!("{read:?}")
        };
        assert!(sql.text.is_literal() && !sql.read_only);
        assert_eq!(sql.text, piton_core::expr::Template::literal(text));
        // Written again it is the same, unless there is something to escape: its digest holds.
        assert_eq!(read.to_json() == old, !text.contains("${{"));
    }
}
