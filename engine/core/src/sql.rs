//! Taking SQL apart, as far as its comments, its quotes and its words go: enough to know where a statement ends and
//! what stands in quotes. The rules are those of Postgres, which differ from the standard only by knowing more.

use std::ops::Range;

/// What a stretch of SQL is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// White space.
    Blank,
    /// `-- …` up to the line's end, or `/* … */`, which nests.
    Comment,
    /// A text or a name in quotes of any kind: `'…'`, `E'…'`, `"…"`, `` `…` ``, `$tag$…$tag$`.
    Quoted,
    /// A keyword, a name or a number.
    Word,
    /// The place of a bound value: `$1`.
    Value,
    /// `;`
    Semicolon,
    /// `(`
    Open,
    /// `)`
    Close,
    /// Any other sign.
    Sign,
}

/// The tokens of an SQL text, in order and without gaps; what is not closed goes on to the text's end.
pub fn tokens(text: &str) -> impl Iterator<Item = (Range<usize>, Token)> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let (length, token) = first(rest);
        let begin = at;
        at += length;
        Some((begin..at, token))
    })
}

/// The length of the first token of a text that is not empty, and what it is.
fn first(rest: &str) -> (usize, Token) {
    let Some(sign) = rest.chars().next() else {
        return (rest.len(), Token::Blank);
    };
    match sign {
        c if c.is_whitespace() => (c.len_utf8(), Token::Blank),
        ';' => (1, Token::Semicolon),
        '(' => (1, Token::Open),
        ')' => (1, Token::Close),
        '-' if rest.starts_with("--") => {
            let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
            (end, Token::Comment)
        }
        '/' if rest.starts_with("/*") => (comment(rest), Token::Comment),
        '\'' | '"' | '`' => (quoted(rest, 0, sign, false), Token::Quoted),
        'e' | 'E' if rest.as_bytes().get(1) == Some(&b'\'') => {
            (quoted(rest, 1, '\'', true), Token::Quoted)
        }
        '$' => dollar(rest),
        c if c.is_alphanumeric() || c == '_' => {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
            (end.unwrap_or(rest.len()), Token::Word)
        }
        c => (c.len_utf8(), Token::Sign),
    }
}

/// The length of a comment with those inside it.
fn comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0usize, 0);
    while let Some(pair) = rest.as_bytes().get(at..at + 2) {
        match pair {
            b"/*" => (depth, at) = (depth + 1, at + 2),
            b"*/" => (depth, at) = (depth.saturating_sub(1), at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of what stands in quotes, the first of which is the byte at `open`. A doubled quote is one of the text.
fn quoted(rest: &str, open: usize, quote: char, escapes: bool) -> usize {
    let (bytes, quote) = (rest.as_bytes(), quote as u8);
    let mut at = open + 1;
    while let Some(&byte) = bytes.get(at) {
        let next = bytes.get(at + 1) == Some(&quote);
        match byte {
            b'\\' if escapes => at += 2,
            _ if byte == quote && next => at += 2,
            _ if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// `$1`, `$tag$ … $tag$`, or only the sign.
fn dollar(rest: &str) -> (usize, Token) {
    let inner = rest.get(1..).unwrap_or_default();
    let digits = inner
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(inner.len());
    if digits > 0 {
        return (1 + digits, Token::Value);
    }
    let end = inner.find(|c: char| !(c.is_alphanumeric() || c == '_'));
    let tag = end
        .filter(|end| inner.get(*end..).is_some_and(|rest| rest.starts_with('$')))
        .and_then(|end| rest.get(..end + 2));
    let Some(tag) = tag else {
        return (1, Token::Sign);
    };
    let body = rest.get(tag.len()..).unwrap_or_default();
    let length = body
        .find(tag)
        .map_or(rest.len(), |end| tag.len() + end + tag.len());
    (length, Token::Quoted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The tokens that are not blank, each with its text.
    fn seen(text: &str) -> Vec<(&str, Token)> {
        tokens(text)
            .filter(|(_, token)| *token != Token::Blank)
            .map(|(range, token)| (&text[range], token))
            .collect()
    }

    #[test]
    fn quotes_of_all_kinds_are_one_token() {
        use Token::Quoted as Q;
        for text in [
            "'it''s; -- \\'",
            r"E'it\'s; '''",
            r"e'\\'",
            "\"a\"\"b;\"",
            "$$ ; 'x $a$ $$",
            "$täg$ $$ ; $tag$ $täg$",
            "`a;b`",
        ] {
            assert_eq!(seen(text), [(text, Q)], "{text}");
        }
        assert_eq!(
            seen(r"'\';"),
            [(r"'\'", Q), (";", Token::Semicolon)],
            "a backslash is nothing special without E"
        );
    }

    #[test]
    fn comments_nest_and_end() {
        use Token::{Comment as C, Word as W};
        assert_eq!(
            seen("/* a /* ; */ ' */b"),
            [("/* a /* ; */ ' */", C), ("b", W)]
        );
        assert_eq!(seen("-- it's; x\nb"), [("-- it's; x", C), ("b", W)]);
        assert_eq!(seen("/*/ */b"), [("/*/ */", C), ("b", W)]);
    }

    #[test]
    fn values_are_told_from_names_and_dollar_quotes() {
        use Token::{Sign as S, Value as V, Word as W};
        assert_eq!(seen("$1 a$1 $23"), [("$1", V), ("a$1", W), ("$23", V)]);
        assert_eq!(seen("a-$ b"), [("a", W), ("-", S), ("$", S), ("b", W)]);
    }

    proptest! {
        #[test]
        fn tokens_cover_every_text(text in r#"([a-eE1$'"`\\;()*/ \n-]|é){0,24}"#) {
            let mut end = 0;
            for (range, _) in tokens(&text) {
                prop_assert_eq!(range.start, end);
                prop_assert!(range.end > end && text.get(range.clone()).is_some());
                end = range.end;
            }
            prop_assert_eq!(end, text.len());
        }
    }
}
