//! Where each piece of a YAML scalar's text stands in the file.
//!
//! The parser gives a scalar's text and the bytes it was made of. Both are walked side by side: outside white space
//! every character of the text stands in the source, in order, as itself or as an escape; white space in between may
//! have been folded, indented or continued, and is paired as a whole where it differs.

use crate::node::OffsetMap;

/// How the bytes of a scalar become its text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Escapes {
    /// Every character stands for itself.
    None,
    /// `''` is one quote.
    Single,
    /// A backslash begins an escape.
    Double,
}

/// The pieces of `text`, made of `source`, which begins at byte `start` of the file.
/// `None` when they do not fit together; then only the place of the whole is known.
pub(super) fn align(text: &str, source: &str, start: usize, escapes: Escapes) -> Option<OffsetMap> {
    let mut map = OffsetMap::default();
    if text == source {
        map.push(0, start, source.len());
        return Some(map);
    }
    let mut walk = Walk {
        source,
        escapes,
        at: 0,
    };
    let mut done = 0;
    while done < text.len() {
        let rest = text.get(done..)?;
        let gap = rest.len() - rest.trim_start_matches(is_blank).len();
        let from = walk.at;
        walk.skip_blank();
        let between = source.get(from..walk.at)?;
        let gap_text = rest.get(..gap)?;
        if gap > 0 {
            pair_gap(&mut map, gap_text, done, between, start + from);
            done += gap;
            continue;
        }
        // A run of characters that stand for themselves, or one escape.
        let (copied, escaped) = walk.run(rest);
        if copied > 0 {
            map.push(done, start + walk.at, copied);
            walk.at += copied;
            done += copied;
        } else if let Some((length, value)) = escaped {
            if !rest.starts_with(value) {
                return None;
            }
            map.push(done, start + walk.at, length);
            walk.at += length;
            done += value.len_utf8();
        } else {
            return None;
        }
    }
    walk.skip_blank();
    // What is left over would mean that the two were paired wrongly.
    (walk.at >= source.len() || source.get(walk.at..)?.starts_with('#')).then_some(map)
}

/// White space against white space. What both end with is paired byte by byte: usually the indentation of a line.
fn pair_gap(map: &mut OffsetMap, text: &str, at: usize, source: &str, from: usize) {
    let same = text
        .bytes()
        .rev()
        .zip(source.bytes().rev())
        .take_while(|(a, b)| a == b)
        .count();
    if same < text.len() {
        map.push(at, from, source.len() - same);
    }
    if same > 0 {
        map.push(at + text.len() - same, from + source.len() - same, same);
    }
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

struct Walk<'a> {
    source: &'a str,
    escapes: Escapes,
    at: usize,
}

impl Walk<'_> {
    fn rest(&self) -> &str {
        self.source.get(self.at..).unwrap_or_default()
    }

    /// Goes past white space, escaped white space and line ends that an escape removes.
    fn skip_blank(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start_matches(is_blank).len();
            if blank > 0 {
                self.at += blank;
                continue;
            }
            if self.escapes != Escapes::Double || !rest.starts_with('\\') {
                return;
            }
            match escape(rest) {
                Some((length, None)) => self.at += length,
                Some((length, Some(value))) if is_blank(value) => self.at += length,
                _ => return,
            }
        }
    }

    /// How many bytes from here are the same in `text` and stand for themselves; else the escape that stands here.
    fn run(&self, text: &str) -> (usize, Option<(usize, char)>) {
        let rest = self.rest();
        let mut copied = 0;
        for (a, b) in rest.chars().zip(text.chars()) {
            let special = match self.escapes {
                Escapes::None => false,
                Escapes::Single => a == '\'',
                Escapes::Double => a == '\\',
            };
            if special || a != b || is_blank(a) {
                break;
            }
            copied += a.len_utf8();
        }
        if copied > 0 {
            return (copied, None);
        }
        let escaped = match self.escapes {
            Escapes::None => None,
            Escapes::Single => rest.starts_with("''").then_some((2, '\'')),
            Escapes::Double => escape(rest).and_then(|(length, value)| Some((length, value?))),
        };
        (0, escaped)
    }
}

/// The length of the escape at the start and what it stands for; nothing for an escaped line end.
fn escape(rest: &str) -> Option<(usize, Option<char>)> {
    let kind = rest.strip_prefix('\\')?.chars().next()?;
    let hexadecimal = |digits: usize| {
        let code = u32::from_str_radix(rest.get(2..2 + digits)?, 16).ok()?;
        Some((2 + digits, Some(char::from_u32(code)?)))
    };
    let value = match kind {
        '0' => '\0',
        'a' => '\u{07}',
        'b' => '\u{08}',
        't' | '\t' => '\t',
        'n' => '\n',
        'v' => '\u{0b}',
        'f' => '\u{0c}',
        'r' => '\r',
        'e' => '\u{1b}',
        ' ' => ' ',
        '"' => '"',
        '/' => '/',
        '\\' => '\\',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        'x' => return hexadecimal(2),
        'u' => return hexadecimal(4),
        'U' => return hexadecimal(8),
        '\n' | '\r' => return Some((2, None)),
        _ => return None,
    };
    Some((2, Some(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{Scalar, Style};
    use crate::source::Span;

    fn found(text: &str, source: &str, escapes: Escapes, part: &str) -> String {
        let map = align(text, source, 0, escapes).expect("they fit");
        let scalar = Scalar {
            text: text.to_string(),
            style: Style::Quoted,
            span: Span::new(0, source.len()),
            map,
        };
        let at = text.find(part).expect("part of the text");
        source[scalar.source_span(at..at + part.len()).range()].to_string()
    }

    #[test]
    fn indented_lines() {
        let source = "    one\n      two\n\n    three\n";
        let text = "one\n  two\n\nthree\n";
        assert_eq!(found(text, source, Escapes::None, "two"), "two");
        assert_eq!(found(text, source, Escapes::None, "three"), "three");
        assert_eq!(
            found(text, source, Escapes::None, "two\n\nth"),
            "two\n\n    th"
        );
    }

    #[test]
    fn folded_lines() {
        let source = "  one\n  two\n\n  three\n";
        let text = "one two\nthree\n";
        assert_eq!(found(text, source, Escapes::None, "two"), "two");
        assert_eq!(found(text, source, Escapes::None, "three"), "three");
    }

    #[test]
    fn escapes_in_double_quotes() {
        let source = r#"a\tb \x41\u00e9\\ c\
   d"#;
        let text = "a\tb Aé\\ cd";
        for (part, written) in [
            ("b", "b"),
            ("A", r"\x41"),
            ("é", r"\u00e9"),
            ("\\", r"\\"),
            ("c", "c"),
            ("d", "d"),
        ] {
            assert_eq!(found(text, source, Escapes::Double, part), written);
        }
    }

    #[test]
    fn quotes_in_single_quotes() {
        assert_eq!(found("it's x", "it''s x", Escapes::Single, "'"), "''");
        assert_eq!(found("it's x", "it''s x", Escapes::Single, "x"), "x");
    }

    #[test]
    fn texts_that_do_not_fit() {
        assert!(align("abc", "abd", 0, Escapes::None).is_none());
        assert!(align("ab", "abc", 0, Escapes::None).is_none());
        assert!(align("abc", "ab", 0, Escapes::None).is_none());
    }
}
