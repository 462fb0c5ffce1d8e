//! Checking that a run's journal is the one that was written.

use super::error::AuditError;
use crate::action::evidence;
use crate::store::{Engaged, RunDirectory, Store};
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
    /// How many files were kept with the run on this host; each is as it was kept.
    pub kept: usize,
    /// How many files were kept on other hosts, which have to look for themselves.
    pub elsewhere: usize,
}

/// The files that were kept with a run, as far as they were looked at.
struct Files<'a> {
    /// Where this host keeps them.
    directory: &'a RunDirectory,
    /// This host.
    host: &'a str,
    /// The engines of the run, if its store is one that hosts share.
    engines: Vec<Engaged>,
    kept: usize,
    elsewhere: usize,
    wrong: Vec<String>,
}

/// Checks every record against the one before it, the last one against the head that the store keeps, and the plan
/// against the digest in the first record; then the files that were kept against their digests.
pub(super) async fn audit<S: Store>(
    store: &S,
    run: &RunId,
    directory: &RunDirectory,
    host: &str,
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
    let mut files = Files {
        directory,
        host,
        engines: match store.keeps_logs() {
            true => store.engines(run).await?,
            false => Vec::new(),
        },
        kept: 0,
        elsewhere: 0,
        wrong: Vec::new(),
    };
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
        files.check(&fact, record.seq);
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
    let Files {
        kept,
        elsewhere,
        wrong,
        ..
    } = files;
    if !wrong.is_empty() {
        return Err(AuditError::Evidence {
            run: run.clone(),
            records: head.seq,
            kept,
            wrong,
        });
    }
    Ok(Audit {
        head,
        kept,
        elsewhere,
    })
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

impl Files<'_> {
    /// Compares the files that a record says were kept with their digests, where they are on this host.
    fn check(&mut self, fact: &Fact, seq: u64) {
        let (Fact::AttemptEnded { attempt, result } | Fact::LateResult { attempt, result }) = fact
        else {
            return;
        };
        let is_elsewhere = self.writer_of(seq).is_some_and(|host| host != self.host);
        for kept in result.evidence.iter().filter_map(|it| it.kept.as_ref()) {
            if is_elsewhere {
                self.elsewhere += 1;
                continue;
            }
            self.kept += 1;
            let path = self.directory.evidence(*attempt).join(&kept.name);
            if let Some(why) = evidence::wrong(&path, kept) {
                self.wrong.push(format!("{} {why}", path.display()));
            }
        }
    }

    /// The host whose engine wrote a record, and kept the files that it names; `None` where there is only this one.
    fn writer_of(&self, seq: u64) -> Option<&str> {
        let wrote = self.engines.iter().rev().find(|engine| engine.after < seq);
        wrote.map(|engine| engine.owner.host.as_str())
    }
}
