//! The SQL of a runbook, wherever it stands: in `sql`, after `psql -c`, and in here-documents for `psql`.

use super::Context;
use super::embedded::{Embedded, Purpose};
use crate::node::Scalar;
use crate::source::Span;
use std::ops::Range;

/// A piece of SQL.
pub(crate) struct Query<'a> {
    /// The node, by its place.
    pub(crate) node: usize,
    /// What it is there for.
    pub(crate) purpose: Purpose,
    /// The text.
    pub(crate) text: &'a str,
    /// The text in lower case with texts and comments blanked, every byte in its place.
    pub(crate) bare: String,
    /// Whether `psql` carries it out, which has commands of its own.
    pub(crate) by_psql: bool,
    /// The database as it is written, if that is known.
    pub(crate) database: Option<&'a str>,
    place: Place<'a>,
}

enum Place<'a> {
    /// The text of this scalar.
    Text(&'a Scalar),
    /// Somewhere in these bytes.
    Within(Span),
}

impl Query<'_> {
    /// The bytes of the file that a part of the text came from.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        match &self.place {
            Place::Text(scalar) => scalar.source_span(range),
            Place::Within(span) => *span,
        }
    }

    /// Whether it is surely not for Postgres.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.database.is_some_and(|it| it.starts_with("sqlite:"))
    }

    /// The statements of [`Query::bare`]: where each stands.
    pub(crate) fn statements(&self) -> Vec<Range<usize>> {
        let mut from = 0;
        let mut found = Vec::new();
        for part in self.bare.split_inclusive(';') {
            let start = from + (part.len() - part.trim_start().len());
            found.push(
                start
                    ..from
                        + part
                            .trim_end_matches([';', ' ', '\n', '\r', '\t'])
                            .len()
                            .max(start - from),
            );
            from += part.len();
        }
        found.retain(|range| !range.is_empty());
        found
    }
}

impl<'a> Context<'a> {
    /// All SQL there is.
    pub(crate) fn queries(&self) -> &[Query<'a>] {
        &self.queries
    }
}

/// All SQL there is.
pub(super) fn of<'a>(embedded: &'a Embedded<'_>) -> Vec<Query<'a>> {
    let mut found = Vec::new();
    for statement in &embedded.statements {
        if let Some(text) = &statement.sql.text {
            found.push(Query {
                node: statement.node,
                purpose: statement.purpose,
                text: text.value.text(),
                bare: bare(text.value.text()),
                by_psql: false,
                database: statement.sql.on.as_ref().map(|it| it.value.text()),
                place: Place::Text(&text.source),
            });
        }
    }
    for code in embedded.running(&["psql"]) {
        for command in code.script.commands() {
            let Some(psql) = command.invocation().filter(|it| it.program == "psql") else {
                continue;
            };
            let given = psql.values("command", 'c');
            let given = given.into_iter().map(|(text, word)| (text, word.span));
            // The text of a here-document is not mapped; its mark shows where it begins.
            let here = command.redirects.iter().filter_map(|it| match it.operator {
                "<<" | "<<-" => Some((it.body.as_str(), it.target.span)),
                "<<<" => Some((it.target.text.as_str(), it.target.span)),
                _ => None,
            });
            for (text, span) in given.chain(here) {
                found.push(Query {
                    node: code.node,
                    purpose: code.purpose,
                    text,
                    bare: bare(text),
                    by_psql: true,
                    database: None,
                    place: Place::Within(span),
                });
            }
        }
    }
    found
}

/// SQL in lower case with what stands in quotes, and comments, blanked. As long as the text.
pub(crate) fn bare(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out: Vec<u8> = text.to_ascii_lowercase().into_bytes();
    let at = |place: usize| bytes.get(place).copied().unwrap_or(0);
    let mut place = 0;
    while place < bytes.len() {
        let behind = bytes.get(place..).unwrap_or_default();
        let length = match (at(place), at(place + 1)) {
            (b'\'', _) => quoted(behind),
            (b'-', b'-') => behind
                .iter()
                .position(|it| *it == b'\n')
                .unwrap_or(behind.len()),
            (b'/', b'*') => text
                .get(place..)
                .and_then(|it| it.find("*/"))
                .map_or(behind.len(), |end| end + 2),
            (b'$', _) => dollar_quoted(text.get(place..).unwrap_or_default()),
            _ => 0,
        };
        for byte in out.iter_mut().skip(place).take(length) {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        place += length.max(1);
    }
    // Only whole texts and comments were blanked, or what they have outside of ASCII byte by byte.
    String::from_utf8_lossy(&out).into_owned()
}

fn quoted(text: &[u8]) -> usize {
    let mut place = 1;
    while let Some(byte) = text.get(place) {
        place += 1;
        if *byte == b'\'' {
            if text.get(place) != Some(&b'\'') {
                break;
            }
            place += 1;
        }
    }
    place
}

/// The length of `$tag$…$tag$`, or 0 where there is none.
fn dollar_quoted(text: &str) -> usize {
    let Some(end) = text.get(1..).and_then(|rest| rest.find('$')) else {
        return 0;
    };
    let tag = text.get(..end + 2).unwrap_or_default();
    let inside = tag.trim_matches('$');
    let is_tag = !inside.starts_with(|c: char| c.is_ascii_digit())
        && inside
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_');
    match text.get(tag.len()..).and_then(|rest| rest.find(tag)) {
        Some(length) if is_tag => 2 * tag.len() + length,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_comments_are_blanked() {
        let blanked = format!("select {}\n, 1", " ".repeat(16));
        assert_eq!(bare("Select 'Drop; ''x' -- Y\n, 1"), blanked);
        assert_eq!(bare("a /* b */ c"), "a         c");
        assert_eq!(bare("do $x$ drop $x$;"), "do             ;");
        assert_eq!(bare("where a = $1 and b = $2"), "where a = $1 and b = $2");
        for unfinished in ["'", "/*", "--", "$a$", "$", "é'é"] {
            assert_eq!(bare(unfinished).len(), unfinished.len());
        }
    }
}
