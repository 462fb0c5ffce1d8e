//! Reads what attempts print, from the log files that their keeper writes.
//!
//! Each line of a log is `TIME STREAM TEXT`: milliseconds since the epoch, `o` or `e`, and what was printed. In the
//! middle of a very long log is a hole, which reads as zeros.

use piton_runtime::keeper::output::{LogLine, Stream};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

/// How much of a log is read at once, and so how much output a slow terminal can hold back.
const AT_ONCE: usize = 64 * 1024;

/// A log that is read as it grows. The file need not exist yet: it is made with the first line.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    file: Option<File>,
    partial: Vec<u8>,
}

impl Tail {
    /// Of the log at this path, from its start.
    #[must_use]
    pub fn new(path: PathBuf) -> Tail {
        Tail {
            path,
            file: None,
            partial: Vec::new(),
        }
    }

    /// Passes over everything but the last few lines that are there now.
    pub fn skip_to_end(&mut self) {
        if let Some(file) = self.open()
            && let Ok(length) = file.metadata().map(|metadata| metadata.len())
            && length > 4096
            && file.seek(SeekFrom::Start(length - 4096)).is_ok()
        {
            // The first piece read is the rest of a line that began before.
            let mut rest = Vec::new();
            let _ = Read::by_ref(file).take(4096).read_to_end(&mut rest);
            let from = rest
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(rest.len(), |at| at + 1);
            self.partial = rest.get(from..).unwrap_or_default().to_vec();
        }
    }

    fn open(&mut self) -> Option<&mut File> {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        self.file.as_mut()
    }

    /// Complete lines that came since the last call, at most about 64 KiB of them; none when the log does not exist.
    ///
    /// # Errors
    /// When the log is there and cannot be read.
    pub fn lines(&mut self) -> io::Result<Vec<Printed>> {
        let Some(file) = self.open() else {
            return Ok(Vec::new());
        };
        let in_hole = passes_hole(file);
        let mut bytes = Vec::new();
        Read::by_ref(file)
            .take(AT_ONCE as u64)
            .read_to_end(&mut bytes)?;
        if in_hole {
            // The rest of a line whose beginning was left out looks like zeros too, and is passed over.
            self.partial = vec![0];
        }
        self.partial.extend_from_slice(&bytes);
        let end = self
            .partial
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let rest = self.partial.split_off(end);
        let whole = std::mem::replace(&mut self.partial, rest);
        Ok(whole
            .split(|byte| *byte == b'\n')
            .filter(|line| !matches!(line.first(), None | Some(0)))
            .map(Printed::read)
            .collect())
    }

    /// All lines up to the end of the log as it is now.
    ///
    /// # Errors
    /// As [`Tail::lines`].
    pub fn rest(&mut self) -> io::Result<Vec<Printed>> {
        let mut all = Vec::new();
        loop {
            let more = self.lines()?;
            if more.is_empty() {
                return Ok(all);
            }
            all.extend(more);
        }
    }
}

/// Goes to the end of the hole that the file stands in, if it stands in one; says whether it did. Where a file system
/// does not know, the hole is read as zeros.
fn passes_hole(file: &mut File) -> bool {
    let Ok(at) = file.stream_position() else {
        return false;
    };
    match rustix::fs::seek(&*file, rustix::fs::SeekFrom::Data(at)) {
        Ok(data) if data > at => true,
        Ok(_) => false,
        // The end, or a file system that cannot tell: nothing has moved.
        Err(_) => false,
    }
}

/// A line that an attempt printed, or a piece of a very long one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Printed {
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// Whether to standard error.
    pub error: bool,
    /// What, without its line end.
    pub text: String,
    /// Whether the line goes on in the next piece of the same stream.
    pub goes_on: bool,
}

impl Printed {
    /// Reads a line of a log; one of another form counts as text.
    pub(super) fn read(line: &[u8]) -> Printed {
        let (at, error, goes_on, text) = match LogLine::parse(line) {
            Some(line) => (
                line.at.0,
                line.stream == Stream::Stderr,
                line.continues,
                line.text,
            ),
            None => (0, false, false, line),
        };
        Printed {
            at,
            error,
            text: String::from_utf8_lossy(text).into_owned(),
            goes_on,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn lines_come_once_they_are_complete() {
        let path = std::env::temp_dir().join(format!("piton-tail-{}.log", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let mut tail = Tail::new(path.clone());
        assert_eq!(tail.lines().unwrap(), []);
        let mut file = File::create(&path).unwrap();
        file.write_all(b"5 o hello wor").unwrap();
        assert_eq!(tail.lines().unwrap(), []);
        file.write_all(b"ld\n6 e no\n7 o \nodd\n8 o+lo\n8 o ng\n")
            .unwrap();
        let texts: Vec<_> = tail.rest().unwrap();
        std::fs::remove_file(&path).unwrap();
        let printed = |at, error, text: &str| Printed {
            at,
            error,
            text: text.to_owned(),
            goes_on: text == "lo",
        };
        assert_eq!(
            texts,
            [
                printed(5, false, "hello world"),
                printed(6, true, "no"),
                printed(7, false, ""),
                printed(0, false, "odd"),
                printed(8, false, "lo"),
                printed(8, false, "ng")
            ]
        );
    }

    #[test]
    fn a_hole_is_passed_over_and_no_line_is_torn() {
        let path = std::env::temp_dir().join(format!("piton-tail-hole-{}.log", std::process::id()));
        for zeros in [10, 100_000, 10_000_000] {
            let mut file = File::create(&path).unwrap();
            file.write_all(b"1 o one\n2 e a note\n\n\n").unwrap();
            // Beyond the end: a hole, but for the parts of blocks at its ends.
            file.seek(SeekFrom::Current(zeros)).unwrap();
            file.write_all(b"the rest of a line\n3 o three\n").unwrap();
            let texts = Tail::new(path.clone()).rest().unwrap();
            let texts: Vec<_> = texts.iter().map(|line| line.text.as_str()).collect();
            assert_eq!(texts, ["one", "a note", "three"], "{zeros}");
        }
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn the_last_lines_of_a_long_log_are_enough() {
        let path = std::env::temp_dir().join(format!("piton-tail-long-{}.log", std::process::id()));
        let text: String = (0..2000).map(|n| format!("{n} o line {n}\n")).collect();
        std::fs::write(&path, text).unwrap();
        let mut tail = Tail::new(path.clone());
        tail.skip_to_end();
        let lines = tail.rest().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(lines.len() < 400, "{}", lines.len());
        assert_eq!(
            lines.last().map(|line| line.text.as_str()),
            Some("line 1999")
        );
        assert!(lines.iter().all(|line| line.text.starts_with("line ")));
    }
}
