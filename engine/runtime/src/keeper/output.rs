//! What a process prints: from its pipes through the masker into the run's files.
//!
//! Both streams go, line by line, into `logs/ATTEMPT.log`, each line behind a header: when it was read in
//! milliseconds since 1970, and `o` or `e` for the stream ([`LogLine`]). Standard output alone goes, as it was,
//! into `out/ATTEMPT.out`, up to [`STDOUT_LIMIT`]. Neither file is made before there is something to write. Of a very
//! long log the beginning and the end are kept (`log_file`).

use super::log_file::{LogFile, create};
use crate::mask::{Masker, Patterns};
use piton_core::run::Produced;
use piton_core::time::Timestamp;
use rustix::buffer::spare_capacity;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

/// How many bytes of standard output are kept for expressions; the log keeps more.
pub const STDOUT_LIMIT: usize = Produced::STDOUT_LIMIT;

/// A longer line is written in pieces.
const LONGEST_LINE: usize = 16 * 1024;

/// How much of one stream is read at a time, so that one chatty process does not keep the others waiting.
const AT_A_TIME: usize = 256 * 1024;

/// How much may stand in a pipe when its writer exits: the most that a pipe of an ordinary user holds.
const PIPE_LIMIT: usize = 1024 * 1024;

/// Which stream a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A line of an attempt's log: `1763872031123 o text`, or `1763872031123 o+text` if the line of the process goes
/// on in the next one of the same stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLine<'a> {
    /// When it was read.
    pub at: Timestamp,
    /// From which stream.
    pub stream: Stream,
    /// Whether the line goes on.
    pub continues: bool,
    /// What it says, without line end; any bytes.
    pub text: &'a [u8],
}

impl LogLine<'_> {
    /// Reads a line of a log, with or without its line end. `None` if it is not one.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<LogLine<'_>> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let space = line.iter().position(|&byte| byte == b' ')?;
        let at = std::str::from_utf8(line.get(..space)?).ok()?.parse().ok()?;
        let (&stream, rest) = line.get(space + 1..)?.split_first()?;
        let (&continues, text) = rest.split_first()?;
        Some(LogLine {
            at: Timestamp(at),
            stream: match stream {
                b'o' => Stream::Stdout,
                b'e' => Stream::Stderr,
                _ => return None,
            },
            continues: match continues {
                b' ' => false,
                b'+' => true,
                _ => return None,
            },
            text,
        })
    }
}

/// The output of one attempt.
pub(crate) struct Capture {
    stdout: Source,
    stderr: Source,
    log: LogFile,
    /// `None` once the attempt is over: what its daemons print later is not its result.
    out: Option<Sink>,
    /// Bytes of standard output so far.
    stdout_bytes: usize,
    lost: bool,
}

struct Source {
    pipe: Option<OwnedFd>,
    masker: Masker,
    /// A line that has not ended yet.
    line: Vec<u8>,
    letter: char,
}

/// A file that is made when something is written to it.
struct Sink {
    path: PathBuf,
    file: Option<File>,
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(create(&self.path)?),
        };
        file.write_all(bytes)
    }
}

impl Capture {
    pub(crate) fn new(
        stdout: OwnedFd,
        stderr: OwnedFd,
        secrets: &[String],
        log: PathBuf,
        out: PathBuf,
    ) -> Capture {
        let patterns = Rc::new(Patterns::new(secrets));
        let source = |pipe, letter| Source {
            pipe: Some(pipe),
            masker: Masker::new(Rc::clone(&patterns)),
            line: Vec::new(),
            letter,
        };
        Capture {
            stdout: source(stdout, 'o'),
            stderr: source(stderr, 'e'),
            log: LogFile::new(log),
            out: Some(Sink {
                path: out,
                file: None,
            }),
            stdout_bytes: 0,
            lost: false,
        }
    }

    /// The pipe of a stream, while it is open.
    pub(crate) fn pipe(&self, stream: Stream) -> Option<&OwnedFd> {
        match stream {
            Stream::Stdout => self.stdout.pipe.as_ref(),
            Stream::Stderr => self.stderr.pipe.as_ref(),
        }
    }

    /// Whether anybody can still write.
    pub(crate) fn is_open(&self) -> bool {
        self.stdout.pipe.is_some() || self.stderr.pipe.is_some()
    }

    /// Reads what a stream has, but not without end.
    pub(crate) fn read(&mut self, stream: Stream) {
        self.read_up_to(stream, AT_A_TIME);
    }

    fn read_up_to(&mut self, stream: Stream, limit: usize) {
        // Not zeroed: pages that are touched between two forks are copied, which costs more than the read.
        let mut chunk = Vec::with_capacity(64 * 1024);
        let mut total = 0;
        let mut shown = Vec::new();
        while total < limit {
            let source = self.source(stream);
            let Some(pipe) = &source.pipe else { break };
            chunk.clear();
            match rustix::io::read(pipe, spare_capacity(&mut chunk)) {
                Ok(0) => {
                    source.pipe = None;
                    self.flush(stream);
                    break;
                }
                Ok(count) => {
                    total += count;
                    shown.clear();
                    source.masker.push(&chunk, &mut shown);
                    self.write(stream, &shown);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => break,
                Err(_) => source.pipe = None,
            }
        }
    }

    /// The main process has exited: takes in what stands in the pipes, and holds nothing back any more.
    pub(crate) fn settle(&mut self) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            self.read_up_to(stream, PIPE_LIMIT);
            self.flush(stream);
        }
        self.out = None;
    }

    /// Whether standard output was longer than what is kept.
    pub(crate) fn stdout_cut(&self) -> bool {
        self.stdout_bytes > STDOUT_LIMIT
    }

    /// Whether something could not be written.
    pub(crate) fn lost(&self) -> bool {
        self.lost
    }

    fn source(&mut self, stream: Stream) -> &mut Source {
        match stream {
            Stream::Stdout => &mut self.stdout,
            Stream::Stderr => &mut self.stderr,
        }
    }

    /// Writes what the masker held back, and the line that has not ended.
    fn flush(&mut self, stream: Stream) {
        let source = self.source(stream);
        let mut shown = Vec::new();
        source.masker.flush(&mut shown);
        self.write(stream, &shown);
        let source = self.source(stream);
        if !source.line.is_empty() {
            let mut lines = Vec::new();
            source.end_line(b"", ' ', now(), &mut lines);
            self.write_log(&lines);
        }
    }

    fn write(&mut self, stream: Stream, shown: &[u8]) {
        if shown.is_empty() {
            return;
        }
        if stream == Stream::Stdout {
            self.keep_stdout(shown);
        }
        let mut lines = Vec::with_capacity(shown.len() + shown.len() / 4 + 64);
        self.source(stream).take_lines(shown, &mut lines);
        self.write_log(&lines);
    }

    fn keep_stdout(&mut self, shown: &[u8]) {
        let Some(out) = &mut self.out else { return };
        let room = STDOUT_LIMIT
            .saturating_sub(self.stdout_bytes)
            .min(shown.len());
        self.stdout_bytes = self.stdout_bytes.saturating_add(shown.len());
        if room > 0 {
            self.lost |= out.write(shown.get(..room).unwrap_or_default()).is_err();
        }
    }

    fn write_log(&mut self, lines: &[u8]) {
        if !lines.is_empty() {
            // A full disk must not end the step; that something is missing is told with its result.
            self.lost |= self.log.write(lines, now()).is_err();
        }
    }
}

impl Source {
    /// Takes the next bytes of the stream and gives the lines that they complete.
    fn take_lines(&mut self, bytes: &[u8], lines: &mut Vec<u8>) {
        let now = now();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(text) => self.end_line(text, ' ', now, lines),
                None => self.line.extend_from_slice(piece),
            }
            while self.line.len() > LONGEST_LINE {
                let rest = self.line.split_off(LONGEST_LINE);
                self.end_line(b"", '+', now, lines);
                self.line = rest;
            }
        }
    }

    /// Gives the line so far and `text`, in pieces if that is long; the last is marked as said.
    fn end_line(&mut self, text: &[u8], mark: char, now: u64, lines: &mut Vec<u8>) {
        self.line.extend_from_slice(text);
        let letter = self.letter;
        let mut rest = self.line.as_slice();
        loop {
            let (piece, more) = rest.split_at(rest.len().min(LONGEST_LINE));
            let mark = if more.is_empty() { mark } else { '+' };
            let _into_memory = write!(lines, "{now} {letter}{mark}");
            lines.extend_from_slice(piece);
            lines.push(b'\n');
            rest = more;
            if rest.is_empty() {
                break;
            }
        }
        self.line.clear();
    }
}

fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back_and_long_ones_come_in_pieces() {
        let patterns = Rc::new(Patterns::new(&[]));
        let mut source = Source {
            pipe: None,
            masker: Masker::new(patterns),
            line: Vec::new(),
            letter: 'e',
        };
        let mut lines = Vec::new();
        let text = [
            &b"one\n\ntwo"[..],
            &vec![b'x'; 3 * LONGEST_LINE],
            b" end\nrest",
        ]
        .concat();
        text.chunks(1000)
            .for_each(|chunk| source.take_lines(chunk, &mut lines));
        source.end_line(b"", ' ', 7, &mut lines);
        let mut whole = Vec::new();
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            let line = LogLine::parse(line).expect("a line of the log");
            assert_eq!(line.stream, Stream::Stderr);
            assert!(line.text.len() <= LONGEST_LINE);
            whole.extend_from_slice(line.text);
            if !line.continues {
                whole.push(b'\n');
            }
        }
        assert_eq!(whole, [&text[..], b"\n"].concat());
    }

    #[test]
    fn what_is_no_line_is_not_read_as_one() {
        for bad in [
            &b""[..],
            b"x o y",
            b"12",
            b"12 ",
            b"12 o",
            b"12 q x",
            b"12 o*x",
        ] {
            assert_eq!(LogLine::parse(bad), None);
        }
    }
}
