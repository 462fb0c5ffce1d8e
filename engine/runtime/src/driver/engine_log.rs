//! `engine.log`: which attempts an engine began to make itself.
//!
//! SQL and requests to web servers are sent by the engine. When an engine is found dead with such an attempt under
//! way, nobody knows what became of it, unless it had not begun at all: that is what this file tells. A line is
//! written before anything is sent, and names the boot of the machine, because a machine that went down may have lost the last lines.

use crate::owner::Owner;
use crate::store::RunDirectory;
use crate::store::location::private_file;
use piton_core::id::AttemptId;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// The engine's log of a run.
#[derive(Debug)]
pub(crate) struct EngineLog {
    path: PathBuf,
    boot: String,
    file: Option<File>,
    begun: BTreeSet<String>,
    /// Whether an attempt that is not in it has not begun for certain.
    complete: bool,
}

impl EngineLog {
    /// Opens the log of a run for the engine `here` that holds the lease with this fence, which was taken over
    /// from `before` if that engine died.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn open(
        directory: &RunDirectory,
        fence: u64,
        before: Option<&Owner>,
        here: &Owner,
    ) -> std::io::Result<EngineLog> {
        let path = directory.engine_log();
        let (begun, complete) = match std::fs::read_to_string(&path) {
            Ok(text) => {
                // A torn last line names an attempt that was about to begin.
                let lines = || text.lines().filter_map(|line| line.split_once(' '));
                let last_boot = lines().next_back().map(|(boot, _)| boot);
                (
                    lines().map(|(_, attempt)| attempt.to_owned()).collect(),
                    last_boot == Some(here.boot.as_str()),
                )
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let same_boot = before.is_some_and(|before| before.boot == here.boot);
                (BTreeSet::new(), fence == 1 || same_boot)
            }
            Err(error) => return Err(error),
        };
        let complete = complete && !here.boot.is_empty();
        Ok(EngineLog {
            path,
            boot: here.boot.clone(),
            file: None,
            begun,
            complete,
        })
    }

    /// Whether it is certain that the attempt has not begun.
    pub fn has_not_begun(&self, attempt: AttemptId) -> bool {
        self.complete && !self.begun.contains(&attempt.to_string())
    }

    /// Writes down that the attempt begins now.
    ///
    /// # Errors
    /// When that is not possible; then it must not begin.
    pub fn begin(&mut self, attempt: AttemptId) -> std::io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(private_file().append(true).create(true).open(&self.path)?),
        };
        file.write_all(format!("{} {attempt}\n", self.boot).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use piton_core::id::{Purpose, RunId};
    use piton_core::plan::NodeIndex;

    #[test]
    fn what_has_begun_is_known_within_a_boot_and_doubted_after_it() {
        let base = std::env::temp_dir().join(format!("piton-engine-log-{}", std::process::id()));
        let directory = RunDirectory::at(base.join(RunId("r".into()).0));
        directory.create().unwrap();
        let here = Owner {
            boot: "b1".into(),
            ..Owner::this_process()
        };
        let attempt = |number| AttemptId {
            node: NodeIndex(1),
            pass: 1,
            purpose: Purpose::Do,
            number,
        };

        let fresh = EngineLog::open(&directory, 1, None, &here).unwrap();
        assert!(
            fresh.has_not_begun(attempt(1)),
            "nobody drove the run before"
        );
        let unsure = EngineLog::open(&directory, 2, None, &here).unwrap();
        assert!(
            !unsure.has_not_begun(attempt(1)),
            "the machine may have lost the file"
        );
        let mut log = EngineLog::open(&directory, 2, Some(&here), &here).unwrap();
        assert!(
            log.has_not_begun(attempt(1)),
            "it died in this boot and had written nothing"
        );
        log.begin(attempt(1)).unwrap();

        let again = EngineLog::open(&directory, 3, Some(&here), &here).unwrap();
        assert!(!again.has_not_begun(attempt(1)));
        assert!(again.has_not_begun(attempt(2)));
        let rebooted = Owner {
            boot: "b2".into(),
            ..here
        };
        let doubtful = EngineLog::open(&directory, 4, None, &rebooted).unwrap();
        assert!(!doubtful.has_not_begun(attempt(2)));
        std::fs::remove_dir_all(base).unwrap();
    }
}
