//! Checking that a run's journal is the one that was written.

use super::error::AuditError;
use crate::action::evidence;
use crate::store::{RunDirectory, Store};
use piton_core::digest::Digest;
use piton_core::id::RunId;
use piton_core::plan::Plan;
use piton_core::record::Fact;
use piton_core::run::Head;

/// A journal that was found whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audit {
    /// Its end. Who keeps this can tell later whether anything before it was changed.
    pub head: Head,
    /// How many files were kept with the run; each is as it was kept.
    pub kept: usize,
}

/// Checks every record against the one before it, the last one against the head that the store keeps, and the plan
/// against the digest in the first record; then the files that were kept against their digests.
pub(super) async fn audit<S: Store>(
    store: &S,
    run: &RunId,
    directory: &RunDirectory,
) -> Result<Audit, AuditError> {
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
    let (mut kept, mut wrong) = (0, Vec::new());
    for record in &records {
        record
            .verify(head.seq.saturating_add(1), head.hash)
            .map_err(broken)?;
        head = Head {
            seq: record.seq,
            hash: record.hash,
        };
        let fact = record.fact().map_err(broken)?;
        check_plan(run, record.seq, &fact)?;
        check_evidence(&fact, directory, &mut kept, &mut wrong);
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
            Ok(plan) if plan.digest() == expected => None,
            Ok(plan) => Some(plan.digest().to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(found) = found {
            return Err(AuditError::Plan {
                run: run.clone(),
                expected: expected.to_string(),
                found,
            });
        }
    }
    if !wrong.is_empty() {
        return Err(AuditError::Evidence {
            run: run.clone(),
            records: head.seq,
            kept,
            wrong,
        });
    }
    Ok(Audit { head, kept })
}

/// Compares a plan that the run took over with the digest that its record names.
fn check_plan(run: &RunId, seq: u64, fact: &Fact) -> Result<(), AuditError> {
    let Fact::Replanned { digest, plan, .. } = fact else {
        return Ok(());
    };
    let found = Digest::of(&[b"piton plan", plan.as_bytes()]);
    if found == *digest {
        return Ok(());
    }
    Err(AuditError::Replanned {
        run: run.clone(),
        seq,
        expected: digest.to_string(),
        found: found.to_string(),
    })
}

/// Compares the files that a fact says were kept with their digests.
fn check_evidence(
    fact: &Fact,
    directory: &RunDirectory,
    count: &mut usize,
    wrong: &mut Vec<String>,
) {
    let (Fact::AttemptEnded { attempt, result } | Fact::LateResult { attempt, result }) = fact
    else {
        return;
    };
    for kept in result.evidence.iter().filter_map(|it| it.kept.as_ref()) {
        *count += 1;
        let path = directory.evidence(*attempt).join(&kept.name);
        if let Some(why) = evidence::wrong(&path, kept) {
            wrong.push(format!("{} {why}", path.display()));
        }
    }
}
