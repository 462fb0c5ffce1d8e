//! The log of an attempt on the disk: all of a short one, and of a long one the beginning and the end.
//!
//! What is left out in the middle is given back to the file system as a hole, so that places in the file stay what
//! they are: readers that follow a log, or copy it piece by piece, find everything where it was. They see zeros in
//! the hole and pass over them. A note stands before it. Where a file system cannot make holes, the end is left out.

use rustix::fs::{FallocateFlags, fallocate};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// How many bytes of a long log's beginning are kept.
pub const LOG_HEAD_KEPT: u64 = 32 * 1024 * 1024;

/// How many bytes of its end are kept at least; at most [`LOG_STEP`] more.
pub const LOG_TAIL_KEPT: u64 = 32 * 1024 * 1024;

/// How many bytes are left out at a time.
pub const LOG_STEP: u64 = 8 * 1024 * 1024;

/// The place of the note: a line, and empty lines up to the hole.
const NOTE: u64 = 4096;

/// Holes begin and end where blocks do, on every common file system.
const BLOCK: u64 = 64 * 1024;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
struct Limits {
    head: u64,
    tail: u64,
    step: u64,
}

/// A log that is written. The file is made with its first bytes.
pub(crate) struct LogFile {
    path: PathBuf,
    limits: Limits,
    file: Option<File>,
    /// Where the next byte is written.
    length: u64,
    /// Where the hole ends, once there is one.
    hole_end: Option<u64>,
    /// No hole can be made, so nothing more is kept.
    ends_here: bool,
}

impl LogFile {
    pub(crate) fn new(path: PathBuf) -> LogFile {
        LogFile {
            path,
            limits: Limits {
                head: LOG_HEAD_KEPT,
                tail: LOG_TAIL_KEPT,
                step: LOG_STEP,
            },
            file: None,
            length: 0,
            hole_end: None,
            ends_here: false,
        }
    }

    /// Appends whole lines. `now`: milliseconds since 1970, for a note.
    pub(crate) fn write(&mut self, lines: &[u8], now: u64) -> io::Result<()> {
        if self.ends_here {
            return Ok(());
        }
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let file = create(&self.path)?;
                self.length = file.metadata()?.len();
                self.file.insert(file)
            }
        };
        file.write_all(lines)?;
        self.length = self.length.saturating_add(lines.len() as u64);
        let Limits { head, tail, step } = self.limits;
        let kept_from = self.hole_end.unwrap_or(head + NOTE);
        if self.length.saturating_sub(tail) >= kept_from.saturating_add(step) {
            self.leave_out(kept_from, now)?;
        }
        Ok(())
    }

    /// Makes a hole, or makes it longer.
    fn leave_out(&mut self, from: u64, now: u64) -> io::Result<()> {
        let end = self.length.saturating_sub(self.limits.tail);
        let end = end - end % BLOCK;
        // Another handle: what is written through one that appends lands at the end.
        let file = File::options().write(true).open(&self.path)?;
        // From the next block on: of a part of one, only the bytes would be cleared.
        let start = from.next_multiple_of(BLOCK);
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        if end <= start || fallocate(&file, flags, start, end - start).is_err() {
            return self.end_here(now);
        }
        if self.hole_end.is_none() {
            file.write_all_at(&vec![0; usize_of(start - from)], from)?;
            file.write_all_at(&self.note(now), self.limits.head)?;
        }
        self.hole_end = Some(end);
        Ok(())
    }

    fn note(&self, now: u64) -> Vec<u8> {
        let Limits { head, tail, .. } = self.limits;
        let mut note = format!(
            "\n{now} e piton: this log is long; what follows is left out up to its last {} MiB (the first {} MiB are kept)\n",
            tail >> 20,
            head >> 20
        )
        .into_bytes();
        note.resize(usize_of(NOTE), b'\n');
        note
    }

    fn end_here(&mut self, now: u64) -> io::Result<()> {
        self.ends_here = true;
        let note = format!(
            "{now} e piton: this log is long, and what follows is not kept: this file system cannot leave out its middle\n"
        );
        self.file
            .as_mut()
            .map_or(Ok(()), |file| file.write_all(note.as_bytes()))
    }
}

fn usize_of(length: u64) -> usize {
    usize::try_from(length).unwrap_or(0)
}

/// Opens a file for appending; its folder is made when it is missing.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let open = || File::options().create(true).append(true).open(path);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(dir) = path.parent() {
                std::fs::create_dir_all(dir)?;
            }
            open()
        }
        opened => opened,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    const LIMITS: Limits = Limits {
        head: 4 * BLOCK,
        tail: 4 * BLOCK,
        step: 2 * BLOCK,
    };

    /// Writes so many lines and gives the file's text, its blocks' bytes, and what was written in all.
    fn written(lines: usize) -> (String, u64, String) {
        let name = crate::store::new_run_id("piton-log-file").0;
        let path = std::env::temp_dir().join(name).join("logs/a.log");
        let mut log = LogFile {
            limits: LIMITS,
            ..LogFile::new(path.clone())
        };
        let mut all = String::new();
        for line in 0..lines {
            let line = format!("7 o line {line}\n");
            log.write(line.as_bytes(), 7).unwrap();
            all.push_str(&line);
        }
        let text = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
        let held = std::fs::metadata(&path).unwrap().blocks() * 512;
        std::fs::remove_dir_all(path.parent().and_then(Path::parent).unwrap()).unwrap();
        (text, held, all)
    }

    #[test]
    fn a_short_log_is_kept_whole() {
        let (text, _, all) = written(20_000);
        assert_eq!(text, all);
    }

    #[test]
    fn of_a_long_log_the_ends_are_kept_in_their_places() {
        let (text, held, all) = written(1_000_000);
        assert_eq!(text.len(), all.len());
        let (head, tail) = (usize_of(LIMITS.head), usize_of(LIMITS.tail));
        assert_eq!(text[..head], all[..head]);
        assert_eq!(text[text.len() - tail..], all[all.len() - tail..]);
        let note = &text[head..head + usize_of(NOTE)];
        assert!(note.starts_with("\n7 e piton: this log is long"), "{note}");
        let most = LIMITS.head + LIMITS.tail + LIMITS.step + 2 * BLOCK;
        assert!(held <= most, "{held} bytes are held, of at most {most}");
        // Between the note and the end that is kept there is nothing, and no line begins like that.
        let middle = &text
            [head + usize_of(NOTE)..text.len() - tail - usize_of(LIMITS.step) - usize_of(BLOCK)];
        assert!(middle.bytes().all(|byte| byte == 0));
        assert!(!middle.is_empty());
    }
}
