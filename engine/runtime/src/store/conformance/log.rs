//! What attempts print, where a store keeps it.

use super::{Passed, Store, StoreError, create, equal, text, unexpected};
use crate::store::{LOG_CHUNK, LOG_HEAD, LOG_TAIL, LogPiece};
use piton_core::id::{AttemptId, RunId};

fn attempt(number: u32) -> Result<AttemptId, String> {
    let text = format!("n0.p1.a{number}");
    text.parse().map_err(|error| format!("{text}: {error}"))
}

pub(super) async fn a_log_is_kept_in_chunks_that_may_come_again(store: &impl Store) -> Passed {
    if !store.keeps_logs() {
        return Ok(());
    }
    let run = create(store, "drill-1", &[]).await?;
    let other = create(store, "drill-2", &[]).await?;
    let (one, two) = (attempt(1)?, attempt(2)?);
    let first = vec![1; usize::try_from(LOG_CHUNK).unwrap_or(0)];
    for (run, attempt, start, bytes) in [
        (&run, one, 0, &b"beginn"[..]),
        (&run, one, 0, &first),
        // An engine that died may have sent less of it before, and more of it late.
        (&run, one, 0, b"beg"),
        (&run, one, LOG_CHUNK, b"second\0\xff"),
        (&run, two, 0, b"of another attempt"),
        (&other, one, 0, b"of another run"),
    ] {
        let kept = store.append_log(run, attempt, start, bytes).await;
        kept.map_err(text)?;
    }
    let second = LogPiece {
        start: LOG_CHUNK,
        bytes: b"second\0\xff".to_vec(),
    };
    let both = vec![
        LogPiece {
            start: 0,
            bytes: first,
        },
        second.clone(),
    ];
    let from = async |from| store.log(&run, one, from).await.map_err(text);
    equal(from(0).await?, both, "the log")?;
    equal(from(LOG_CHUNK).await?, vec![second], "the rest of the log")?;
    equal(from(LOG_CHUNK + 8).await?, vec![], "the log after its end")?;
    let mut ends = store.log_ends(&run).await.map_err(text)?;
    ends.sort();
    equal(ends, vec![(one, LOG_CHUNK + 8), (two, 18)], "the ends")?;
    let nothing = RunId("nothing".to_owned());
    match store.append_log(&nothing, one, 0, b"x").await {
        Err(StoreError::NoSuchRun { .. }) => Ok(()),
        found => unexpected(&found, "the log of a run that is not there"),
    }
}

pub(super) async fn a_long_log_keeps_its_beginning_and_its_end(store: &impl Store) -> Passed {
    if !store.keeps_logs() {
        return Ok(());
    }
    let run = create(store, "drill-1", &[]).await?;
    let attempt = attempt(1)?;
    let chunk = vec![7; usize::try_from(LOG_CHUNK).unwrap_or(0)];
    let length = 2 * (LOG_HEAD + LOG_TAIL);
    for start in (0..length).step_by(chunk.len()) {
        let kept = store.append_log(&run, attempt, start, &chunk).await;
        kept.map_err(text)?;
    }
    let log = store.log(&run, attempt, 0).await.map_err(text)?;
    let expected: Vec<u64> = (0..LOG_HEAD)
        .chain(length - LOG_TAIL..length)
        .step_by(chunk.len())
        .collect();
    let found: Vec<u64> = log.iter().map(|piece| piece.start).collect();
    equal(found, expected, "the pieces")
}
