//! Blanks out what the YAML parser cannot go past, so that it can be asked what comes behind.

use std::borrow::Cow;

use crate::source::Span;

/// How often a file is read again; a file with more faulty lines shows the next ones when these are corrected.
const MOST: usize = 12;

/// The largest text that is read again, in bytes.
const LARGEST: usize = 1 << 20;

/// A text with lines blanked out. Every byte keeps its place.
pub(super) struct Mended<'a> {
    text: Cow<'a, str>,
    blanked: Vec<Span>,
}

impl<'a> Mended<'a> {
    /// The text as it is.
    pub(super) fn new(text: &'a str) -> Mended<'a> {
        Mended {
            text: Cow::Borrowed(text),
            blanked: Vec::new(),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What was blanked, in the order of the file.
    pub(super) fn blanked(&self) -> &[Span] {
        &self.blanked
    }

    /// Blanks the value on the line of `at`, together with the lines behind that are indented further. A key before it
    /// stays, so that it does not count as missing. Returns false when that would not get further than the last time:
    /// each time, the mistake must be further down.
    pub(super) fn blank(&mut self, at: usize) -> bool {
        let text = self.text.as_ref();
        if self.blanked.len() >= MOST || text.len() > LARGEST || !text.is_char_boundary(at) {
            return false;
        }
        let before = text.get(..at).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        if self.blanked.last().is_some_and(|last| start < last.end) {
            return false;
        }
        let rest = text.get(start..).unwrap_or_default();
        let mut lines = rest.split_inclusive('\n');
        let line = lines.next().unwrap_or_default();
        if line.trim().is_empty() {
            return false;
        }
        let indent = key_indent(line);
        let mut end = start + line.trim_end().len();
        let mut next = start + line.len();
        for line in lines {
            let blank = line.trim().is_empty();
            // A `}` or `]` at the beginning of a line ends what was broken.
            let closes = line.trim_start().starts_with(['}', ']']);
            if !blank && indent_of(line) <= indent && !closes {
                break;
            }
            if !blank {
                end = next + line.trim_end().len();
            }
            next += line.len();
        }
        let from = start + key_length(line);
        if from >= end || from > at && !line.contains('\t') {
            // The mistake is in the key: the whole line goes.
            self.overwrite(Span::new(start, end));
        } else {
            self.overwrite(Span::new(from, end));
        }
        true
    }

    fn overwrite(&mut self, span: Span) {
        let text = self.text.as_ref();
        let mut mended = String::with_capacity(text.len());
        mended.push_str(text.get(..span.start).unwrap_or_default());
        for character in text.get(span.range()).unwrap_or_default().chars() {
            if matches!(character, '\n' | '\r') {
                mended.push(character);
            } else {
                mended.extend(std::iter::repeat_n(' ', character.len_utf8()));
            }
        }
        mended.push_str(text.get(span.end..).unwrap_or_default());
        self.text = Cow::Owned(mended);
        self.blanked.push(span);
    }
}

/// Where a bracket was opened that the line of `at` shows to be unclosed: the lines from the bracket on are indented
/// further than its key, and this one, which the parser took for more of what is in the bracket, is not.
pub(super) fn unclosed_bracket(text: &str, at: usize) -> Option<usize> {
    let before = text.get(..at)?;
    let mut next = before.rfind('\n')?;
    let here = indent_of(text.get(next + 1..)?);
    // A list in brackets of more lines than these is not looked through.
    for _ in 0..100 {
        let start = text.get(..next)?.rfind('\n').map_or(0, |at| at + 1);
        let line = text.get(start..next)?;
        let value = line.get(key_length(line)..)?;
        if key_length(line) > 0 && value.starts_with(['[', '{']) {
            let part = text.get(start + key_length(line)..before.rfind('\n')?)?;
            let open = here <= key_indent(line) && balance(part) > 0;
            return open.then_some(start + key_length(line));
        }
        next = start.checked_sub(1)?;
    }
    None
}

/// Brackets opened less brackets closed, those in quotes aside.
fn balance(text: &str) -> i64 {
    let mut quote = None;
    let mut balance = 0;
    for character in text.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '[' | '{') => balance += 1,
            (None, ']' | '}') => balance -= 1,
            (None, _) => {}
        }
    }
    balance
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// How far the key of a line is indented; `- ` counts, because the keys on the lines below it are its neighbours.
fn key_indent(line: &str) -> usize {
    match key_length(line) {
        0 => indent_of(line),
        _ => line.len() - line.trim_start_matches([' ', '-']).len(),
    }
}

/// The length of `key: ` at the beginning of a line, with indentation and `- `; 0 when there is none.
fn key_length(line: &str) -> usize {
    let text = line.trim_start_matches([' ', '-']);
    let word = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
        .unwrap_or(text.len());
    match text.get(word..) {
        Some(rest) if word > 0 && rest.starts_with(": ") => line.len() - text.len() + word + 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(text: &str, mistake: &str) -> String {
        let mut mended = Mended::new(text);
        let at = text.find(mistake).expect("the mistake");
        assert!(mended.blank(at));
        assert_eq!(mended.text().len(), text.len());
        mended.text().to_string()
    }

    #[test]
    fn the_key_stays_and_the_value_goes() {
        assert_eq!(after("a: x: y\nb: 1\n", ": y"), "a:     \nb: 1\n");
        assert_eq!(
            after("- a: [é,\n    c\n  d: 1\n", "é"),
            "- a:     \n     \n  d: 1\n"
        );
    }

    #[test]
    fn a_line_is_blanked_once() {
        let mut mended = Mended::new("a: x: y\nb: 1\n");
        assert!(mended.blank(4));
        assert!(!mended.blank(4));
    }
}
