//! The texts between quotes in Piton's own language: escapes, and the indentation of `"""` texts.

use crate::node::{OffsetMap, Scalar, Style};
use crate::source::Span;

/// An escape that means nothing, and where it stands.
pub(crate) struct BadEscape {
    pub(super) span: Span,
    pub(super) written: String,
}

/// The scalar for a string in double quotes; `source` is its text with the quotes, `span` its place.
/// An escape that means nothing stands for itself and is reported.
pub(crate) fn quoted(source: &str, span: Span) -> (Scalar, Vec<BadEscape>) {
    let inner = source
        .get(1..source.len().saturating_sub(1))
        .unwrap_or_default();
    let start = span.start + 1;
    let mut text = String::with_capacity(inner.len());
    let mut map = OffsetMap::default();
    let mut bad = Vec::new();
    let mut at = 0;
    map.push(0, start, inner.find('\\').unwrap_or(inner.len()));
    while let Some(found) = inner.get(at..).and_then(|rest| rest.find('\\')) {
        text.push_str(inner.get(at..at + found).unwrap_or_default());
        at += found;
        let rest = inner.get(at..).unwrap_or_default();
        let (value, length) = escape(rest);
        map.push(text.len(), start + at, length);
        match value {
            Some(value) => text.push(value),
            None => {
                let written = rest.get(..length).unwrap_or_default();
                text.push_str(written);
                bad.push(BadEscape {
                    span: Span::new(start + at, start + at + length),
                    written: written.to_string(),
                });
            }
        }
        at += length;
        let rest = inner.get(at..).unwrap_or_default();
        map.push(
            text.len(),
            start + at,
            rest.find('\\').unwrap_or(rest.len()),
        );
    }
    text.push_str(inner.get(at..).unwrap_or_default());
    let scalar = Scalar {
        text,
        style: Style::Quoted,
        span,
        map,
    };
    (scalar, bad)
}

/// What the escape at the start of `rest` stands for, and its length in bytes.
fn escape(rest: &str) -> (Option<char>, usize) {
    let mut characters = rest.chars();
    characters.next();
    let Some(kind) = characters.next() else {
        return (None, rest.len());
    };
    let length = 1 + kind.len_utf8();
    let value = match kind {
        'n' => Some('\n'),
        't' => Some('\t'),
        'r' => Some('\r'),
        '"' => Some('"'),
        '\\' => Some('\\'),
        'u' => return unicode(rest),
        _ => None,
    };
    (value, length)
}

/// `\u{…}` with one to six hexadecimal digits.
fn unicode(rest: &str) -> (Option<char>, usize) {
    let Some(digits) = rest.get(2..).and_then(|rest| rest.strip_prefix('{')) else {
        return (None, 2);
    };
    let count = digits
        .bytes()
        .take(7)
        .take_while(u8::is_ascii_hexdigit)
        .count();
    if digits.as_bytes().get(count) != Some(&b'}') {
        return (None, 3 + count);
    }
    let value = digits
        .get(..count)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .and_then(char::from_u32);
    (value, 4 + count)
}

/// The scalar for a text between `"""`; `inner` is what stands between them, `start` its offset, `span` the place of
/// all of it. A first line without text is dropped, and so is the indentation that all lines with text share. Of the
/// line with the closing quotes only the line end before it counts, when nothing else stands on it. Line ends
/// become `\n`.
pub(crate) fn raw(inner: &str, start: usize, span: Span) -> Scalar {
    let mut text = String::with_capacity(inner.len());
    let mut map = OffsetMap::default();
    let lines: Vec<&str> = inner.split('\n').collect();
    let last = lines.len() - 1;
    let first_is_blank = last > 0 && lines.first().is_some_and(|line| line.trim().is_empty());
    let indent = common_indent(&lines);
    let mut at = start;
    for (number, line) in lines.iter().enumerate() {
        let here = at;
        at += line.len() + 1;
        if number == 0 && first_is_blank {
            continue;
        }
        let content = line.strip_suffix('\r').unwrap_or(line);
        let content = if number == last { *line } else { content };
        let cut = match number {
            0 => 0,
            _ if content.trim().is_empty() => content.len(),
            _ => indent,
        };
        map.push(text.len(), here + cut, content.len() - cut);
        text.push_str(content.get(cut..).unwrap_or_default());
        if number < last {
            map.push(
                text.len(),
                here + content.len(),
                line.len() + 1 - content.len(),
            );
            text.push('\n');
        }
    }
    Scalar {
        text,
        style: Style::Block,
        span,
        map,
    }
}

/// How many bytes of blanks every line behind the first begins with, lines without text aside.
fn common_indent(lines: &[&str]) -> usize {
    let mut shared: Option<&str> = None;
    for line in lines.iter().skip(1) {
        let text = line.trim_start_matches([' ', '\t']);
        if text.trim().is_empty() {
            continue;
        }
        let own = line.get(..line.len() - text.len()).unwrap_or_default();
        shared = Some(match shared {
            None => own,
            Some(other) => common_prefix(other, own),
        });
    }
    shared.map_or(0, str::len)
}

fn common_prefix<'a>(a: &'a str, b: &str) -> &'a str {
    let length = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    a.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw_of(source: &str) -> Scalar {
        let inner = &source[3..source.len() - 3];
        raw(inner, 3, Span::new(0, source.len()))
    }

    #[test]
    fn escapes_are_resolved_and_remembered() {
        let source = r#""a\n\u{e9}b\"""#;
        let (scalar, bad) = quoted(source, Span::new(0, source.len()));
        assert_eq!(scalar.text, "a\néb\"");
        assert!(bad.is_empty());
        let place = |range: std::ops::Range<usize>| &source[scalar.source_span(range).range()];
        assert_eq!(place(0..1), "a");
        assert_eq!(place(1..2), "\\n");
        assert_eq!(place(2..4), "\\u{e9}");
        assert_eq!(place(4..5), "b");
        assert_eq!(place(0..5), r"a\n\u{e9}b");
        assert_eq!(place(5..6), "\\\"");
        assert_eq!(scalar.source_span(6..6), Span::at(13));
    }

    #[test]
    fn escapes_that_mean_nothing_are_reported_and_kept() {
        for (source, written) in [
            (r#""\d""#, r"\d"),
            (r#""\u{110000}""#, r"\u{110000}"),
            (r#""\u{}""#, r"\u{}"),
            (r#""\u12""#, r"\u"),
            (r#""\u{zz}""#, r"\u{"),
            (r#""\é""#, r"\é"),
        ] {
            let (scalar, bad) = quoted(source, Span::new(0, source.len()));
            assert_eq!(bad.len(), 1, "{source}");
            assert_eq!(bad[0].written, written);
            assert_eq!(scalar.text, source[1..source.len() - 1]);
        }
    }

    #[test]
    fn indentation_that_all_lines_share_is_dropped() {
        let source = "\"\"\"\n    one\n      two\n\n    three\n    \"\"\"";
        let scalar = raw_of(source);
        assert_eq!(scalar.text, "one\n  two\n\nthree\n");
        let at = scalar.text.find("two").unwrap();
        assert_eq!(&source[scalar.source_span(at..at + 3).range()], "two");
        let at = scalar.text.find("three").unwrap();
        assert_eq!(&source[scalar.source_span(at..at + 5).range()], "three");
    }

    #[test]
    fn the_place_of_the_closing_quotes_does_not_matter() {
        assert_eq!(raw_of("\"\"\"\n    one\n  \"\"\"").text, "one\n");
        assert_eq!(raw_of("\"\"\"\n  one\n      \"\"\"").text, "one\n");
        assert_eq!(raw_of("\"\"\"one\n  two\"\"\"").text, "one\ntwo");
        assert_eq!(raw_of("\"\"\"\"\"\"").text, "");
        assert_eq!(raw_of("\"\"\"\n\"\"\"").text, "");
    }

    #[test]
    fn line_ends_of_other_systems_become_one_character() {
        let source = "\"\"\"\r\n  a\r\n  b\r\n\"\"\"";
        let scalar = raw_of(source);
        assert_eq!(scalar.text, "a\nb\n");
        let source = "\"\"\"\r\n  a\r\n  b\r\n  \"\"\"";
        let scalar = raw_of(source);
        assert_eq!(scalar.text, "a\nb\n");
        assert_eq!(&source[scalar.source_span(2..3).range()], "b");
        assert_eq!(scalar.source_span(1..2).len(), 2);
    }
}
