//! What the stores have in common: the words they keep for where a run stands, and what may follow a head.

use super::{RunStatus, StoreError};
use piton_core::id::RunId;
use piton_core::record::{Record, RunOutcome};
use piton_core::run::{Head, RunState};
use piton_core::time::Timestamp;

/// The verdict on an inbox entry that this build cannot read.
pub(super) const NOT_UNDERSTOOD: &str = "the piton that drives the run is older than the one this came from, and does \
     not know it; end it, and type `piton resume` with the newer one";

/// All states, for listings of all runs.
pub(super) const STATES: [RunState; 7] = [
    RunState::Running,
    RunState::Waiting,
    RunState::Succeeded,
    RunState::Failed,
    RunState::Cancelled,
    RunState::RolledBack,
    RunState::PartlyRolledBack,
];

/// The stored words for where a run stands. They stay as they are even if those for people change.
pub(super) fn word_of(state: RunState) -> &'static str {
    match state {
        RunState::Running => "running",
        RunState::Waiting => "waiting",
        RunState::Succeeded => "succeeded",
        RunState::Failed => "failed",
        RunState::Cancelled => "cancelled",
        RunState::RolledBack => "rolled-back",
        RunState::PartlyRolledBack => "partly-rolled-back",
    }
}

/// The state of a stored word; `None` for a word that is none of ours.
pub(super) fn state_of(word: &str) -> Option<RunState> {
    STATES.into_iter().find(|state| word_of(*state) == word)
}

/// The stored word for how a run ended.
pub(super) fn outcome_word(outcome: RunOutcome) -> &'static str {
    word_of(outcome.into())
}

fn outcome_of(word: &str) -> Option<RunOutcome> {
    [
        RunOutcome::Succeeded,
        RunOutcome::Failed,
        RunOutcome::Cancelled,
        RunOutcome::RolledBack,
        RunOutcome::PartlyRolledBack,
    ]
    .into_iter()
    .find(|outcome| outcome_word(*outcome) == word)
}

/// Where a run stands, from the stored words. An error is the word that is none of ours.
pub(super) fn status_of(
    state: &str,
    outcome: Option<&str>,
    ended: Option<i64>,
    waiting_for: &str,
    next_due: Option<i64>,
) -> Result<RunStatus, String> {
    let known = STATES.into_iter().find(|known| word_of(*known) == state);
    let outcome = match outcome {
        Some(word) => Some(outcome_of(word).ok_or_else(|| word.to_owned())?),
        None => None,
    };
    Ok(RunStatus {
        state: known.ok_or_else(|| state.to_owned())?,
        outcome,
        ended: ended.map(Timestamp),
        waiting_for: waiting_for.lines().map(str::to_owned).collect(),
        next_due: next_due.map(Timestamp),
    })
}

/// The head after these records; whether they follow each other is checked here, once, so that the journal in the
/// store never has a gap. That each hash is right is the business of who sealed them, and of an audit.
pub(super) fn head_after(
    run: &RunId,
    mut head: Head,
    records: &[Record],
) -> Result<Head, StoreError> {
    for record in records {
        let seq = head.seq.saturating_add(1);
        if record.seq != seq || record.prev != head.hash {
            // What does not follow cannot verify either, and the verification says why.
            let reason = record.verify(seq, head.hash).err();
            return Err(match reason {
                Some(reason) => StoreError::Misplaced {
                    run: run.clone(),
                    reason,
                },
                None => StoreError::Conflict {
                    run: run.clone(),
                    expected: head,
                    found: head,
                },
            });
        }
        head = Head {
            seq,
            hash: record.hash,
        };
    }
    Ok(head)
}

/// Databases' integers are signed. A number of ours that does not fit is not one that was ever given out.
pub(super) fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number as it was before it was [`stored`].
pub(super) fn restored(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
