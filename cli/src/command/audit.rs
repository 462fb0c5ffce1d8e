//! `piton audit`: is the journal the one that was written?

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;
use crate::session::{Session, block_on};
use clap::Args;
use piton_runtime::driver::AuditError;
use serde::Serialize;

/// What `piton audit` takes.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  piton audit last
  piton audit last --head > head.txt    keep the head elsewhere: with it, later changes can be proved

Exits 0 when every record and every kept file is the one that was written, 1 when one is not, and names it.")]
pub struct Audit {
    /// The run: its id, a part of it, or `last`
    run: Option<String>,
    /// Print the head alone: the number of the last record and its hash
    #[arg(long)]
    head: bool,
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
}
