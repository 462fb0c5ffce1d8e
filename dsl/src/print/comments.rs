//! Finds the comments of a text and hands them out in order.

use super::document::{Above, Body, Comment};
use crate::source::Span;

/// The comments of a text that have not been handed out yet.
pub(super) struct Comments<'a> {
    text: &'a str,
    all: Vec<Span>,
    next: usize,
}

impl<'a> Comments<'a> {
    /// These, in order.
    pub(super) fn new(text: &'a str, all: Vec<Span>) -> Comments<'a> {
        Comments { text, all, next: 0 }
    }

    /// The next one, if it begins before `end`.
    pub(super) fn peek(&self, end: usize) -> Option<Span> {
        let next = self.all.get(self.next)?;
        (next.start < end).then_some(*next)
    }

    /// Hands out the next one, if it begins before `end`.
    pub(super) fn take(&mut self, end: usize) -> Option<Span> {
        let next = self.peek(end)?;
        self.next += 1;
        Some(next)
    }

    /// A comment's text: line ends as `\n`, no blanks at the ends of lines.
    pub(super) fn written(&self, span: Span) -> Comment {
        let text = self.text.get(span.range()).unwrap_or_default();
        let lines: Vec<&str> = text.split('\n').map(str::trim_end).collect();
        lines.join("\n")
    }

    /// Whether nothing but blanks and separators lies between two places on one line.
    pub(super) fn same_line(&self, from: usize, to: usize) -> bool {
        let between = self.text.get(from..to);
        between.is_some_and(|text| !text.contains('\n'))
    }

    /// Whether a blank line lies between two places.
    pub(super) fn blank_between(&self, from: usize, to: usize) -> bool {
        let between = self.text.get(from..to).unwrap_or_default();
        let mut lines = between.split('\n').skip(1).peekable();
        while let Some(line) = lines.next() {
            if lines.peek().is_some() && line.trim().is_empty() {
                return true;
            }
        }
        false
    }

    /// Hands out those before `end`: what stands on the line of `last` goes behind what ended there, the others are
    /// given back as comments above what comes. `last` moves on with them.
    pub(super) fn before(&mut self, end: usize, last: &mut usize, body: &mut Body) -> Vec<Above> {
        let mut above = Vec::new();
        while let Some(span) = self.take(end) {
            let comment = self.written(span);
            if above.is_empty() && self.same_line(*last, span.start) {
                body.comment_behind(comment);
            } else {
                let blank = self.blank_between(*last, span.start);
                above.push(Above { comment, blank });
            }
            *last = span.end;
        }
        above
    }
}

/// The comments of a text in Piton's own language that parses.
pub(super) fn of_runbook(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        let length = match byte {
            b'#' => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            b'/' if rest.starts_with("/*") => past(rest, 2, "*/"),
            b'"' if rest.starts_with("\"\"\"") => {
                at += past(rest, 3, "\"\"\"");
                continue;
            }
            b'"' => {
                at += string(rest);
                continue;
            }
            _ => {
                at += 1;
                continue;
            }
        };
        let length = rest
            .get(..length)
            .map_or(length, |comment| comment.trim_end().len());
        found.push(Span::new(at, at + length));
        at += length.max(1);
    }
    found
}

/// How far it is past `mark`, which is looked for from `from` on.
fn past(rest: &str, from: usize, mark: &str) -> usize {
    let inner = rest.get(from..).unwrap_or_default();
    inner
        .find(mark)
        .map_or(rest.len(), |found| from + found + mark.len())
}

/// The length of the string that starts here.
fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The comments of a text in YAML that parses, given the places of its scalars in order.
pub(super) fn of_yaml(text: &str, scalars: &[Span]) -> Vec<Span> {
    let mut found = Vec::new();
    let mut at = 0;
    let ends = scalars.iter().map(|span| (span.start, span.end));
    for (start, end) in ends.chain(std::iter::once((text.len(), text.len()))) {
        while let Some(mark) = text.get(at..start).and_then(|gap| gap.find('#')) {
            let from = at + mark;
            let rest = text.get(from..).unwrap_or_default();
            let line = rest.find('\n').unwrap_or(rest.len());
            let length = rest
                .get(..line)
                .map_or(line, |comment| comment.trim_end().len());
            found.push(Span::new(from, from + length));
            at = from + line;
        }
        at = at.max(end);
    }
    found
}
