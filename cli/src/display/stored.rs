//! Reads what attempts printed from the store, where it keeps logs: for attempts of another host.

use super::tail::Printed;
use piton_runtime::store::LogPiece;

/// A log that is read as it grows in the store.
#[derive(Debug, Default)]
pub struct Stored {
    next: u64,
    partial: Vec<u8>,
}

impl Stored {
    /// From where on pieces are wanted.
    #[must_use]
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Complete lines that came with these pieces, and how many bytes are left out between them, because the store
    /// keeps only the beginning and the end of a long log.
    pub fn take(&mut self, pieces: Vec<LogPiece>) -> (Vec<Printed>, u64) {
        let (mut lines, mut left_out) = (Vec::new(), 0);
        for piece in pieces {
            let end = piece.start.saturating_add(piece.bytes.len() as u64);
            let known =
                usize::try_from(self.next.saturating_sub(piece.start)).unwrap_or(usize::MAX);
            let Some(mut fresh) = piece.bytes.get(known..) else {
                continue;
            };
            if piece.start > self.next {
                left_out += piece.start - self.next;
                // The piece may begin in the middle of a line.
                let begin = fresh.iter().position(|byte| *byte == b'\n');
                fresh = begin.and_then(|at| fresh.get(at + 1..)).unwrap_or_default();
                self.partial.clear();
            }
            self.next = end.max(self.next);
            self.partial.extend_from_slice(fresh);
            lines.extend(self.complete());
        }
        (lines, left_out)
    }

    /// Lines that are complete by now.
    fn complete(&mut self) -> Vec<Printed> {
        let last = self.partial.iter().rposition(|byte| *byte == b'\n');
        let rest = self.partial.split_off(last.map_or(0, |at| at + 1));
        let whole = std::mem::replace(&mut self.partial, rest);
        let lines = whole.split(|byte| *byte == b'\n');
        lines
            .filter(|line| !line.is_empty())
            .map(Printed::read)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(start: u64, bytes: &str) -> LogPiece {
        LogPiece {
            start,
            bytes: bytes.as_bytes().to_vec(),
        }
    }

    fn texts(lines: &[Printed]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn a_piece_that_grew_is_read_on_and_lines_come_once() {
        let mut log = Stored::default();
        let (lines, _) = log.take(vec![piece(0, "1 o one\n2 o tw")]);
        assert_eq!(texts(&lines), ["one"]);
        assert_eq!(log.next(), 14);
        let (lines, left_out) =
            log.take(vec![piece(0, "1 o one\n2 o two\n"), piece(16, "3 e no\n")]);
        assert_eq!(texts(&lines), ["two", "no"]);
        assert_eq!((log.next(), left_out), (23, 0));
        assert_eq!(log.take(vec![]), (vec![], 0));
    }

    #[test]
    fn what_is_left_out_is_counted_and_no_line_is_torn() {
        let mut log = Stored::default();
        let (lines, left_out) = log.take(vec![
            piece(0, "1 o one\n2 o cut her"),
            piece(100, "e it goes on\n9 o nine\n"),
        ]);
        assert_eq!(texts(&lines), ["one", "nine"]);
        assert_eq!(left_out, 81);
    }
}
