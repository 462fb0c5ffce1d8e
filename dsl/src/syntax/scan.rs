//! A first look at a text in Piton's own language, before it is parsed: how deep its brackets nest.
//!
//! The parser calls itself for each bracket inside a bracket, so their depth has to be known beforehand. The text is
//! cut into the same tokens as in `runbook.pest`. Where the text is faulty, a bracket counts as open for longer
//! than the parser would think, never shorter: the bound holds for any text.

use crate::source::Span;
use crate::syntax::MAX_DEPTH;

/// The first bracket that nests deeper than [`MAX_DEPTH`], if there is one.
pub(super) fn too_deep(text: &str) -> Option<Span> {
    let bytes = text.as_bytes();
    let mut open: Vec<u8> = Vec::new();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        match byte {
            b'#' => at += to_line_end(rest),
            b'/' if rest.starts_with(b"//") => at += to_line_end(rest),
            b'/' if rest.starts_with(b"/*") => at += 2 + past(rest.get(2..), b"*/"),
            b'"' if rest.starts_with(b"\"\"\"") => at += 3 + past(rest.get(3..), b"\"\"\""),
            b'"' => at += string(rest),
            b'{' | b'[' | b'(' => {
                if open.len() >= MAX_DEPTH {
                    return Some(Span::new(at, at + 1));
                }
                open.push(byte);
                at += 1;
            }
            b'}' | b']' | b')' => {
                close(&mut open, byte);
                at += 1;
            }
            _ => at += 1,
        }
    }
    None
}

/// The comments of a text in Piton's own language that begin with `#`, each to the end of its line.
pub(crate) fn hash_comments(text: &str) -> Vec<Span> {
    let bytes = text.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(&byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        match byte {
            b'#' => {
                let end = at + to_line_end(rest);
                let line = text.get(at..end).unwrap_or_default();
                found.push(Span::new(at, at + line.trim_end_matches('\r').len()));
                at = end;
            }
            b'/' if rest.starts_with(b"//") => at += to_line_end(rest),
            b'/' if rest.starts_with(b"/*") => at += 2 + past(rest.get(2..), b"*/"),
            b'"' if rest.starts_with(b"\"\"\"") => at += 3 + past(rest.get(3..), b"\"\"\""),
            b'"' => at += string(rest),
            _ => at += 1,
        }
    }
    found
}

/// A brace ends whatever is open inside its block; the other brackets end only their own kind.
fn close(open: &mut Vec<u8>, byte: u8) {
    match byte {
        b'}' => {
            if let Some(at) = open.iter().rposition(|bracket| *bracket == b'{') {
                open.truncate(at);
            }
        }
        b']' if open.last() == Some(&b'[') => {
            open.pop();
        }
        b')' if open.last() == Some(&b'(') => {
            open.pop();
        }
        _ => {}
    }
}

fn to_line_end(rest: &[u8]) -> usize {
    rest.iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(rest.len())
}

/// How far it is past the next `mark`, or to the end without one.
fn past(rest: Option<&[u8]>, mark: &[u8]) -> usize {
    let rest = rest.unwrap_or_default();
    rest.windows(mark.len())
        .position(|window| window == mark)
        .map_or(rest.len(), |at| at + mark.len())
}

/// The length of the string that starts here; to the end of the line when it is not closed.
fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\n' => return at,
            b'\\' if rest.get(at + 1) != Some(&b'\n') => at += 2,
            _ => at += 1,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let many = "[".repeat(500);
        for text in [
            format!("a = \"{many}\""),
            format!("a = \"\"\"{many}\"\"\""),
            format!("# {many}\n// {many}\n/* {many} */"),
            "[]".repeat(500),
        ] {
            assert_eq!(too_deep(&text), None, "{text}");
        }
    }

    #[test]
    fn only_comments_of_the_language_are_comments() {
        let text = "a = \"# no\" # one\r\n// # no\n/* # no */ b = \"\"\"\n# no\n\"\"\"#two";
        let found: Vec<_> = hash_comments(text)
            .into_iter()
            .map(|span| &text[span.range()])
            .collect();
        assert_eq!(found, ["# one", "#two"]);
    }

    #[test]
    fn the_first_bracket_beyond_the_limit_is_found() {
        let text = "[".repeat(MAX_DEPTH + 1);
        assert_eq!(too_deep(&text), Some(Span::new(MAX_DEPTH, MAX_DEPTH + 1)));
        assert_eq!(too_deep(&"[".repeat(MAX_DEPTH)), None);
    }

    #[test]
    fn a_closing_bracket_of_another_kind_closes_nothing() {
        assert!(too_deep(&"{]".repeat(MAX_DEPTH + 1)).is_some());
        assert!(too_deep(&"[(}".repeat(MAX_DEPTH)).is_some());
    }
}
