//! Changes to a file that mend a finding, as `piton check --fix` makes them.
//!
//! A rule gives a fix only where it keeps what the file means, or where only one meaning is possible.

use crate::diagnostic::Diagnostic;
use crate::source::Span;

/// How a finding is mended: all its edits, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as a command: "write `fetch`".
    pub title: String,
    /// The changes. They do not overlap each other.
    pub edits: Vec<Edit>,
}

/// One change: the bytes of `span` become `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced, in bytes of the file; an empty span puts the text in.
    pub span: Span,
    /// What stands there afterwards; nothing takes the bytes out.
    pub text: String,
}

impl Fix {
    /// A fix of one edit.
    pub fn new(title: impl Into<String>, span: Span, text: impl Into<String>) -> Fix {
        let text = text.into();
        Fix {
            title: title.into(),
            edits: vec![Edit { span, text }],
        }
    }

    /// Writes the name `new` where `old` stands at `span`, within the quotes if it has any. `None` where what stands
    /// there is not just the name, or the new one could not stand there as it is.
    #[must_use]
    pub fn rename(span: Span, old: &str, new: &str) -> Option<Fix> {
        let quotes = span.len().checked_sub(old.len())?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !new.starts_with(|c: char| c.is_ascii_alphabetic()) || !new.chars().all(is_plain) {
            return None;
        }
        let inside = match quotes {
            0 => span,
            2 => Span::new(span.start + 1, span.end - 1),
            _ => return None,
        };
        Some(Fix::new(format!("write `{new}`"), inside, new))
    }

    /// Whether its edits can be made in this text, and none of them twice.
    fn fits(&self, text: &str) -> bool {
        let mut spans: Vec<Span> = self.edits.iter().map(|edit| edit.span).collect();
        spans.sort();
        !spans.is_empty()
            && spans.iter().all(|span| text.get(span.range()).is_some())
            && spans.windows(2).all(|pair| match pair {
                [first, second] => !touch(*first, *second),
                _ => true,
            })
    }
}

/// Whether two edits are about the same bytes, or put something into the same place.
fn touch(a: Span, b: Span) -> bool {
    a.start < b.end && b.start < a.end || a.start == b.start
}

/// What came of making the fixes of some findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The text of the file afterwards. What no edit is about is as it was, byte by byte.
    pub text: String,
    /// The places in the list of findings of those whose fix was made.
    pub made: Vec<usize>,
}

/// Makes the fixes of `findings` in the text they were found in, first come first served: of two that change the same
/// bytes only the first is made. Those that are left can be made when the text is checked again.
#[must_use]
pub fn apply(text: &str, findings: &[Diagnostic]) -> Fixed {
    let (mut edits, mut made): (Vec<&Edit>, Vec<usize>) = (Vec::new(), Vec::new());
    for (index, finding) in findings.iter().enumerate() {
        let Some(fix) = finding.fix.as_deref().filter(|fix| fix.fits(text)) else {
            continue;
        };
        let is_free = |edit: &Edit| !edits.iter().any(|other| touch(other.span, edit.span));
        if fix.edits.iter().all(is_free) {
            edits.extend(&fix.edits);
            made.push(index);
        }
    }
    edits.sort_by_key(|edit| edit.span);
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for edit in edits {
        out.push_str(text.get(at..edit.span.start).unwrap_or_default());
        out.push_str(&edit.text);
        at = edit.span.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    Fixed { text: out, made }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(edits: &[(usize, usize, &str)]) -> Diagnostic {
        let edit = |(start, end, text): &(usize, usize, &str)| Edit {
            span: Span::new(*start, *end),
            text: (*text).to_owned(),
        };
        let fix = Fix {
            title: "mend it".to_owned(),
            edits: edits.iter().map(edit).collect(),
        };
        Diagnostic::error("keys::unknown", Span::default(), "no", "").fix(fix)
    }

    #[test]
    fn edits_are_made_where_they_do_not_meet() {
        let findings = [
            finding(&[(0, 3, "ONE"), (8, 8, "!")]),
            finding(&[(2, 4, "x")]),
            finding(&[(4, 7, "")]),
            finding(&[(8, 8, "?")]),
            Diagnostic::error("keys::unknown", Span::default(), "no fix", ""),
        ];
        let fixed = apply("one two three", &findings);
        assert_eq!(fixed.text, "ONE  !three");
        assert_eq!(fixed.made, [0, 2]);
    }

    #[test]
    fn a_fix_that_does_not_fit_the_text_is_left_out() {
        for edits in [
            vec![(0, 99, "x")],
            vec![(1, 1, "x")],
            vec![(0, 2, "x"), (1, 3, "y")],
            vec![],
        ] {
            let fixed = apply("é12", &[finding(&edits)]);
            assert_eq!(
                (fixed.text.as_str(), fixed.made.len()),
                ("é12", 0),
                "{edits:?}"
            );
        }
    }

    #[test]
    fn a_name_is_written_within_its_quotes() {
        let fix = |span: (usize, usize), new| {
            let fix = Fix::rename(Span::new(span.0, span.1), "fetsh", new)?;
            fix.edits
                .first()
                .map(|edit| (edit.span.start, edit.span.end))
        };
        assert_eq!(fix((3, 8), "fetch"), Some((3, 8)));
        assert_eq!(fix((3, 10), "fetch"), Some((4, 9)));
        assert_eq!(fix((3, 12), "fetch"), None, "something is an escape");
        assert_eq!(fix((3, 8), "a b"), None);
    }
}
