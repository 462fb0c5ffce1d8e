//! `piton audit`: is the journal the one that was written?

use crate::command::backup::{HeadOf, Heads};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on};
use clap::Args;
use piton_core::id::RunId;
use piton_runtime::driver::AuditError;
use piton_runtime::store::{Store, StoreError};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What `piton audit` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton audit last
  piton audit last --head > head.txt    keep the head elsewhere: with it, later changes can be proved
  piton audit --against runs.db.heads   all runs that `piton backup` noted: is what was noted still there?

Exits 0 when every record and every kept file is the one that was written, 1 when one is not, and names it.")]
pub struct Audit {
    /// The run: its id, a part of it, or `last`
    run: Option<String>,
    /// Print the head alone: the number of the last record and its hash
    #[arg(long)]
    head: bool,
    /// Compare all runs with the heads that `piton backup` wrote beside its copy
    #[arg(long, value_name = "FILE", conflicts_with_all = ["run", "head"])]
    against: Option<PathBuf>,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` writes.
#[derive(Serialize)]
struct Audited {
    run: String,
    accepted: bool,
    records: Option<u64>,
    head: Option<String>,
    /// How many kept files are on other hosts, and were not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    files_elsewhere: Option<usize>,
    message: Option<String>,
}

impl Audit {
    /// Does it.
    ///
    /// # Errors
    /// When the journal was changed, or cannot be read.
    pub fn execute(self, store: Option<&str>) -> Result<Exit, Failure> {
        if let Some(heads) = &self.against {
            return self.compare(heads, store);
        }
        let (run, audited) = block_on(async {
            let session = Session::open(store).await?;
            let run = session.resolve(self.run.as_deref()).await?;
            let audited = session.local.audit(&run).await;
            Ok((run, audited))
        })?;
        match audited {
            Ok(audit) => {
                let (seq, hash) = (audit.head.seq, audit.head.hash.to_string());
                if self.json {
                    let run = run.to_string();
                    output::json(&Audited {
                        run,
                        accepted: true,
                        records: Some(seq),
                        head: Some(hash),
                        files_elsewhere: Some(audit.elsewhere).filter(|files| *files > 0),
                        message: None,
                    })?;
                } else if self.head {
                    output::line(&format!("{seq} {hash}"))?;
                } else {
                    let kept = match audit.kept {
                        0 => String::new(),
                        1 => " and the kept file".to_owned(),
                        files => format!(" and {files} kept files"),
                    };
                    output::line(&format!(
                        "✓ {run}: all {seq} records{kept} are as they were written; head {hash}"
                    ))?;
                    if audit.elsewhere > 0 {
                        output::line(&format!(
                            "  {} files were kept on other hosts, where `piton audit {run}` looks at them",
                            audit.elsewhere
                        ))?;
                    }
                }
                Ok(Exit::Success)
            }
            Err(AuditError::Store(error)) => Err(crate::session::from_store(error)),
            Err(error) => {
                if self.json {
                    let (run, message) = (run.to_string(), Some(error.to_string()));
                    output::json(&Audited {
                        run,
                        accepted: false,
                        records: None,
                        head: None,
                        files_elsewhere: None,
                        message,
                    })?;
                }
                if let AuditError::Evidence { .. } = error {
                    return Err(Failure::new(error).help("what the journal says holds; keep a copy of the store and of these files before anything else"));
                }
                Err(Failure::new(error).help("what stands before that record is as it was written; keep a copy of the store before anything else"))
            }
        }
    }

    /// Compares what the store has with heads that were noted before.
    fn compare(&self, heads: &Path, store: Option<&str>) -> Result<Exit, Failure> {
        let name = heads.display();
        let noted: Heads = std::fs::read(heads)
            .map_err(|error| error.to_string())
            .and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string()))
            .map_err(|error| Failure::usage(format!("{name} has no heads of runs: {error}")))?;
        let compared = block_on(async {
            let session = Session::open(store).await?;
            let mut compared = Vec::new();
            for one in noted.runs {
                let wrong = differs(&session, &one).await?;
                compared.push(Compared {
                    run: one.run,
                    records: one.records,
                    accepted: wrong.is_none(),
                    message: wrong,
                });
            }
            Ok(compared)
        })?;
        let wrong: Vec<&Compared> = compared.iter().filter(|one| !one.accepted).collect();
        if self.json {
            output::json(&compared)?;
        } else {
            for one in &wrong {
                let message = one.message.as_deref().unwrap_or_default();
                output::line(&format!("✗ {}: {message}", one.run))?;
            }
            let same = compared.len() - wrong.len();
            output::line(&format!(
                "{same} of {} runs have what {name} notes of them",
                compared.len()
            ))?;
        }
        Ok(match wrong.is_empty() {
            true => Exit::Success,
            false => Exit::Failed,
        })
    }
}

/// How a run compares with what was noted of it.
#[derive(Serialize)]
struct Compared {
    run: String,
    records: u64,
    accepted: bool,
    message: Option<String>,
}

/// What is not as it was noted; `None` if the journal goes on from there.
async fn differs(session: &Session, noted: &HeadOf) -> Result<Option<String>, Failure> {
    let run = RunId(noted.run.clone());
    let records = match session.store().records(&run, noted.records.max(1)).await {
        Ok(records) => records,
        Err(StoreError::NoSuchRun { .. }) => {
            return Ok(Some("the store has no such run; was it pruned?".to_owned()));
        }
        Err(error) => return Err(crate::session::from_store(error)),
    };
    Ok(match records.first() {
        _ if noted.records == 0 => None,
        None => Some(format!("record {} is missing", noted.records)),
        Some(record) if record.hash == noted.head => match session.local.audit(&run).await {
            Ok(_) => None,
            Err(AuditError::Store(error)) => return Err(crate::session::from_store(error)),
            Err(error) => Some(error.to_string()),
        },
        Some(_) => Some(format!(
            "record {} is not the one that was noted",
            noted.records
        )),
    })
}
