//! Checking that a run's journal is the one that was written.

use super::error::AuditError;
use crate::store::Store;
use piton_core::id::RunId;
use piton_core::plan::Plan;
use piton_core::record::Fact;
use piton_core::run::Head;

/// A journal that was found whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Its end. Who keeps this can tell later whether anything before it was changed.
    pub head: Head,
}

/// Checks every record against the one before it, the last one against the head that the store keeps, and the plan
/// against the digest in the first record.
pub(super) async fn audit<S: Store>(store: &S, run: &RunId) -> Result<Audit, AuditError> {
    let broken = |source| AuditError::Record {
        run: run.clone(),
        source,
    };
    let loaded = store.load(run).await?;
    let records = store.records(run, 1).await?;
    let first = records
        .first()
        .ok_or_else(|| AuditError::Empty { run: run.clone() })?;
    let mut head = Head::EMPTY;
    for record in &records {
        record
            .verify(head.seq.saturating_add(1), head.hash)
            .map_err(broken)?;
        head = Head {
            seq: record.seq,
            hash: record.hash,
        };
        record.fact().map_err(broken)?;
    }
    if head != loaded.head {
        let found = head.seq;
        return Err(AuditError::Head {
            run: run.clone(),
            expected: loaded.head.seq,
            found,
        });
    }
    if let Fact::RunCreated { plan: expected, .. } = first.fact().map_err(broken)? {
        let found = match Plan::from_json(&loaded.plan_json) {
            Ok(plan) if plan.digest() == expected => return Ok(Audit { head }),
            Ok(plan) => plan.digest().to_string(),
            Err(error) => error.to_string(),
        };
        return Err(AuditError::Plan {
            run: run.clone(),
            expected: expected.to_string(),
            found,
        });
    }
    Ok(Audit { head })
}
