//! The text of one runbook file, and places in it.
//!
//! Everything in this crate speaks of places as [`Span`]s: byte offsets in the file as it was given,
//! byte order mark and line ends included. Lines and columns are computed only to be shown.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Severity};

/// A range of bytes in a [`SourceFile`], `start..end`. Always on character boundaries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte; equal to `start` for a place between two characters.
    pub end: usize,
}

impl Span {
    /// The bytes from `start` up to but not including `end`. A reversed pair gives the empty span at `start`.
    pub fn new(start: usize, end: usize) -> Span {
        Span {
            start,
            end: end.max(start),
        }
    }

    /// The place before the byte at `offset`.
    pub fn at(offset: usize) -> Span {
        Span::new(offset, offset)
    }

    /// From the start of `self` to the end of `other`.
    pub fn to(self, other: Span) -> Span {
        Span::new(self.start, other.end)
    }

    /// The first place in `self`, as an empty span.
    pub fn before(self) -> Span {
        Span::at(self.start)
    }

    /// The place right behind `self`, as an empty span.
    pub fn after(self) -> Span {
        Span::at(self.end)
    }

    /// How many bytes it covers.
    pub fn len(self) -> usize {
        self.end - self.start
    }

    /// Whether it covers no byte.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The span as a range.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start..self.end
    }
}

impl From<std::ops::Range<usize>> for Span {
    fn from(range: std::ops::Range<usize>) -> Span {
        Span::new(range.start, range.end)
    }
}

/// Which of the two syntaxes a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Piton's own language: `NAME.runbook`.
    Runbook,
    /// YAML: `NAME.runbook.yaml` or `NAME.runbook.yml`.
    Yaml,
}

impl Syntax {
    /// The syntax that a file name says: YAML for a name that ends in `.yaml` or `.yml`, else Piton's own.
    pub fn of(name: &str) -> Syntax {
        let ending = name.rsplit('.').next().unwrap_or_default();
        if ending.eq_ignore_ascii_case("yaml") || ending.eq_ignore_ascii_case("yml") {
            Syntax::Yaml
        } else {
            Syntax::Runbook
        }
    }
}

/// A runbook file: its name, its text and its syntax.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The name as it is shown to people; usually the path that they typed.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
    /// How it is to be read.
    pub syntax: Syntax,
    /// Offsets of the first byte of each line but the first.
    line_starts: Arc<[usize]>,
}

impl SourceFile {
    /// A file of this name and text; the name's ending decides the syntax.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> SourceFile {
        let name = name.into();
        let text = text.into();
        let line_starts = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        SourceFile {
            syntax: Syntax::of(&name),
            name,
            text,
            line_starts,
        }
    }

    /// The same from bytes as they were read.
    ///
    /// # Errors
    ///
    /// A diagnostic (`syntax::not-utf8`) that names the line, the column and the value of the first byte which is
    /// not UTF-8. Its span is a place in the text that [`SourceFile::lossy`] gives for the same bytes.
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<SourceFile, Diagnostic> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(SourceFile::new(name, text)),
            Err(error) => Err(not_utf8(bytes, error.valid_up_to())),
        }
    }

    /// A file of this name from bytes of which some are not UTF-8, each such sequence shown as `U+FFFD`.
    /// For displaying what [`SourceFile::from_bytes`] reports, never for running.
    pub fn lossy(name: impl Into<String>, bytes: &[u8]) -> SourceFile {
        SourceFile::new(name, String::from_utf8_lossy(bytes).as_ref())
    }

    /// Line and column of a byte offset, both counted from 1, the column in characters.
    /// An offset behind the end gives the place of the end; one inside a character gives that character.
    /// A byte order mark counts as no column.
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let start = match line {
            0 => 0,
            n => self.line_starts.get(n - 1).copied().unwrap_or(0),
        };
        let mut end = offset.max(start);
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = self.text.get(start..end).unwrap_or_default();
        let before = match line {
            0 => before.trim_start_matches('\u{feff}'),
            _ => before,
        };
        // Counting the bytes that begin a character is fast even on a line of many megabytes.
        let column = before.bytes().filter(|byte| byte & 0xC0 != 0x80).count();
        (line + 1, column + 1)
    }

    /// The line of a byte offset, counted from 1, without looking at the line's text.
    pub(crate) fn line(&self, offset: usize) -> usize {
        let offset = offset.min(self.text.len());
        self.line_starts.partition_point(|start| *start <= offset) + 1
    }

    /// As [`SourceFile::position`], with the column in UTF-16 code units, as some formats of other programs want it.
    pub fn position_utf16(&self, offset: usize) -> (usize, usize) {
        let (line, column) = self.position(offset);
        let start = match line {
            0 | 1 => 0,
            n => self.line_starts.get(n - 2).copied().unwrap_or(0),
        };
        let text = self.text.get(start..).unwrap_or_default();
        let text = match line {
            1 => text.trim_start_matches('\u{feff}'),
            _ => text,
        };
        let before = text.chars().take(column - 1);
        (line, before.map(char::len_utf16).sum::<usize>() + 1)
    }

    /// The text of a span; empty when the span is not one of this file.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }
}

fn not_utf8(bytes: &[u8], at: usize) -> Diagnostic {
    let before = bytes.get(..at).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let line_start = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |n| n + 1);
    let column = String::from_utf8_lossy(before.get(line_start..).unwrap_or_default())
        .chars()
        .count()
        + 1;
    let value = bytes.get(at).copied().unwrap_or_default();
    Diagnostic::new(
        "syntax::not-utf8",
        Severity::Error,
        format!(
            "the file is not UTF-8 text: line {line}, column {column} has the byte 0x{value:02X}"
        ),
    )
    // In the lossy text, the valid bytes before keep their places and the bad one becomes U+FFFD, three bytes.
    .label(Span::new(at, at + 3), "this byte is not UTF-8")
    .help("save the file as UTF-8; `iconv -f LATIN1 -t UTF-8` converts one from a common older encoding")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_from_one() {
        let file = SourceFile::new("a.runbook", "é = 1\nzwei = \"ü\" # x\n");
        assert_eq!(file.position(0), (1, 1));
        assert_eq!(file.position(2), (1, 2));
        assert_eq!(file.position(7), (2, 1));
        assert_eq!(file.position(17), (2, 10));
        assert_eq!(file.position(1), (1, 1));
        assert_eq!(file.position(9999), (3, 1));
    }

    #[test]
    fn positions_count_utf16_where_that_is_asked_for() {
        let file = SourceFile::new("a.runbook", "\u{feff}é = 1\n𝄞𝄞x\n");
        assert_eq!(file.position_utf16(0), (1, 1));
        assert_eq!(file.position_utf16(5), (1, 2));
        assert_eq!(file.position(18), (2, 3));
        assert_eq!(file.position_utf16(18), (2, 5));
        assert_eq!(file.position_utf16(9999), (3, 1));
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        let file = SourceFile::new("a.runbook", "\u{feff}ab");
        assert_eq!(file.position(0), (1, 1));
        assert_eq!(file.position(3), (1, 1));
        assert_eq!(file.position(4), (1, 2));
    }

    #[test]
    fn the_name_decides_the_syntax() {
        assert_eq!(Syntax::of("a.runbook"), Syntax::Runbook);
        assert_eq!(Syntax::of("a.runbook.yaml"), Syntax::Yaml);
        assert_eq!(Syntax::of("dir.yaml/a.runbook"), Syntax::Runbook);
        assert_eq!(Syntax::of("A.YML"), Syntax::Yaml);
    }

    #[test]
    fn the_first_byte_that_is_not_utf8_is_named() {
        let bytes = b"title = 1\nowner = \"caf\xe9\"\n";
        let error = SourceFile::from_bytes("a.runbook", bytes).unwrap_err();
        assert_eq!(error.code, "syntax::not-utf8");
        assert!(error.message.contains("line 2, column 13"), "{error:?}");
        assert!(error.message.contains("0xE9"), "{error:?}");
        let lossy = SourceFile::lossy("a.runbook", bytes);
        assert_eq!(lossy.slice(error.labels[0].span), "\u{fffd}");
    }
}
