//! The keeper's log: what it started and how that ended, one line each, only ever added to.
//!
//! ```text
//! H 1 BOOT                    a keeper begins: version, and the boot in which the ids below mean something
//! B ATTEMPT FENCE             about to fork
//! P ATTEMPT PID START-TIME    written by the child, about to execute the program
//! X ATTEMPT STATUS            it ended
//! ```
//!
//! Only the creation of the log is forced to the disk; the lines live as long as the machine does. That is enough:
//! they are for a keeper or engine that died, and after a crash of the machine no process is left to find, and
//! every attempt that may have run is unknown.

use super::outcome::Ended;
use super::process::Process;
use piton_core::id::AttemptId;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

const VERSION: &str = "1";

/// What the log says of one attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The main process, if the child got as far as saying so.
    pub(crate) process: Option<Process>,
    /// How it ended.
    pub(crate) ended: Option<Ended>,
    /// Whether its lines were written in this boot.
    pub(crate) this_boot: bool,
}

/// What became of an attempt, by the log alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    /// Provably none of its code ran.
    NotStarted,
    /// It ended.
    Ended(Ended),
    /// It ran in this boot; the process may be alive.
    Ran(Process),
    /// It ran, or may have run, before the machine was restarted or on another one.
    OtherBoot,
}

/// A log that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contents {
    pub(crate) entries: BTreeMap<AttemptId, Entry>,
    /// The highest fence of any start.
    pub(crate) fence: u64,
    /// Whether any line is of another boot, so that lines may be missing.
    pub(crate) other_boot: bool,
    whole: bool,
}

impl Contents {
    /// Reads the log; there is nothing in one that does not exist. Lines that cannot be read are left out: only a
    /// write that failed leaves one behind, and then nothing was executed.
    pub(crate) fn read(path: &Path, boot: &str) -> io::Result<Contents> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(Contents::parse(&bytes, boot)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Contents {
                whole: true,
                ..Contents::default()
            }),
            Err(error) => Err(error),
        }
    }

    fn parse(bytes: &[u8], boot: &str) -> Contents {
        let mut contents = Contents {
            whole: bytes.last().is_none_or(|&byte| byte == b'\n'),
            ..Contents::default()
        };
        // Lines before any header are nobody's: as good as another boot's.
        let mut this_boot = false;
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let Some(line) = line
                .strip_suffix(b"\n")
                .and_then(|line| std::str::from_utf8(line).ok())
            else {
                continue;
            };
            if let Some(header) = line.strip_prefix("H ") {
                this_boot = header
                    .strip_prefix(VERSION)
                    .is_some_and(|rest| rest.trim_start() == boot);
                contents.other_boot |= !this_boot;
            } else {
                contents.take(line, this_boot);
            }
        }
        contents
    }

    fn take(&mut self, line: &str, this_boot: bool) -> Option<()> {
        let (kind, rest) = line.split_once(' ')?;
        let (attempt, rest) = rest.split_once(' ')?;
        let attempt = attempt.parse().ok()?;
        match kind {
            "B" => {
                self.fence = self.fence.max(rest.parse().ok()?);
                self.entries.insert(
                    attempt,
                    Entry {
                        this_boot,
                        ..Entry::default()
                    },
                );
            }
            "P" => {
                let (pid, start_time) = rest.split_once(' ')?;
                let process = Process {
                    pid: pid.parse().ok()?,
                    start_time: start_time.parse().ok()?,
                };
                self.entries.entry(attempt).or_default().process = Some(process);
            }
            "X" => self.entries.entry(attempt).or_default().ended = Some(Ended::parse(rest)?),
            _ => return None,
        }
        Some(())
    }

    /// What became of an attempt. `resumed`: it was found in the journal, so an earlier boot may have begun it.
    pub(crate) fn trace(&self, attempt: AttemptId, resumed: bool) -> Trace {
        match self.entries.get(&attempt) {
            Some(Entry {
                ended: Some(ended), ..
            }) => Trace::Ended(ended.clone()),
            Some(Entry {
                this_boot: false, ..
            }) => Trace::OtherBoot,
            Some(Entry {
                process: Some(process),
                ..
            }) => Trace::Ran(*process),
            Some(_) => Trace::NotStarted,
            None if resumed && self.other_boot => Trace::OtherBoot,
            None => Trace::NotStarted,
        }
    }
}

/// The log, open for adding to.
pub(crate) struct Log {
    file: File,
    /// The last write stopped in the middle of a line.
    torn: bool,
}

impl Log {
    /// Opens the log after it was read, and writes the header of a keeper.
    pub(crate) fn open(path: &Path, contents: &Contents, boot: &str) -> io::Result<Log> {
        let file = File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(path)?;
        let new = file.metadata()?.len() == 0;
        let mut log = Log {
            file,
            torn: !contents.whole,
        };
        log.line(&format!("H {VERSION} {boot}"))?;
        if new {
            // A log that is not there proves that nothing was ever started, also after the power failed: so it is
            // on the disk, under its name, before the first start.
            log.file.sync_all()?;
            if let Some(dir) = path.parent() {
                File::open(dir)?.sync_all()?;
            }
        }
        Ok(log)
    }

    /// `B`: an attempt is about to be started.
    pub(crate) fn begin(&mut self, attempt: AttemptId, fence: u64) -> io::Result<()> {
        self.line(&format!("B {attempt} {fence}"))
    }

    /// `X`: an attempt ended.
    pub(crate) fn end(&mut self, attempt: AttemptId, ended: &Ended) -> io::Result<()> {
        self.line(&format!("X {attempt} {ended}"))
    }

    /// For the child, to write its `P` line to.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// The child's line may have been torn.
    pub(crate) fn suspect(&mut self) {
        self.torn = true;
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        let text = if self.torn {
            format!("\n{line}\n")
        } else {
            format!("{line}\n")
        };
        self.torn = true;
        self.file.write_all(text.as_bytes())?;
        self.torn = false;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Status;
    use super::*;
    use piton_core::id::Purpose;
    use piton_core::plan::NodeIndex;

    fn attempt(number: u32) -> AttemptId {
        AttemptId {
            node: NodeIndex(0),
            pass: 1,
            purpose: Purpose::Do,
            number,
        }
    }

    const SAME: &str = "H 1 boot/1\nB n0.p1.a1 4\nP n0.p1.a1 10 20\nX n0.p1.a1 exited:3\nB n0.p1.a2 5\nP n0.p1.a2 11 21\nB n0.p1.a3 5\n";

    #[test]
    fn each_row_of_the_table() {
        let log = Contents::parse(SAME.as_bytes(), "boot/1");
        assert_eq!(log.fence, 5);
        assert_eq!(
            log.trace(attempt(1), true),
            Trace::Ended(Ended::with(Status::Exited(3)))
        );
        assert_eq!(
            log.trace(attempt(2), true),
            Trace::Ran(Process {
                pid: 11,
                start_time: 21
            })
        );
        assert_eq!(
            log.trace(attempt(3), true),
            Trace::NotStarted,
            "B without P"
        );
        assert_eq!(log.trace(attempt(4), true), Trace::NotStarted, "no B");
    }

    #[test]
    fn after_another_boot_only_results_and_new_attempts_are_certain() {
        let log = Contents::parse(SAME.as_bytes(), "boot/2");
        assert_eq!(
            log.trace(attempt(1), true),
            Trace::Ended(Ended::with(Status::Exited(3)))
        );
        for number in [2, 3, 4] {
            assert_eq!(
                log.trace(attempt(number), true),
                Trace::OtherBoot,
                "{number}"
            );
        }
        assert_eq!(
            log.trace(attempt(4), false),
            Trace::NotStarted,
            "recorded in this boot"
        );
    }

    #[test]
    fn torn_lines_are_left_out_wherever_they_stand() {
        for cut in 0.."P n0.p1.a1 10 20".len() {
            let torn = &"P n0.p1.a1 10 20"[..cut];
            let log = Contents::parse(format!("H 1 b\nB n0.p1.a1 1\n{torn}").as_bytes(), "b");
            assert_eq!(log.trace(attempt(1), true), Trace::NotStarted, "{torn:?}");
            let log = Contents::parse(
                format!("H 1 b\nB n0.p1.a1 1\n{torn}\nX n0.p1.a1 stopped\n").as_bytes(),
                "b",
            );
            assert_eq!(
                log.trace(attempt(1), true),
                Trace::Ended(Ended::with(Status::Stopped)),
                "{torn:?}"
            );
        }
    }
}
