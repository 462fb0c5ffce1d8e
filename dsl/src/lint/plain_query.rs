//! Queries so plain that they surely do not end too early: most of those that judge whether something is well. Reading
//! them costs a hundredth of what the SQL reader takes.

use sqlparser::keywords::ALL_KEYWORDS;

/// Words of SQL after which nothing has to come that is not looked for here.
const KNOWN: [&str; 25] = [
    "AND", "AS", "ASC", "AVG", "BY", "COALESCE", "COUNT", "DESC", "FALSE", "FROM", "GROUP",
    "HAVING", "IN", "IS", "LIMIT", "MAX", "MIN", "NOT", "NULL", "OFFSET", "OR", "ORDER", "SUM",
    "TRUE", "WHERE",
];

/// Those of them that a query may end with.
const LAST: [&str; 5] = ["ASC", "DESC", "FALSE", "NULL", "TRUE"];

/// The longest keyword that is looked up, in bytes.
const LONGEST: usize = 64;

/// Whether a text is one `select` in which every quote and bracket is closed and whose last part is complete. `false`
/// says nothing: it may be more than is known here. It need not be right in any other way.
pub(crate) fn is_plain_query(text: &str) -> bool {
    let text = text.trim_ascii();
    let text = text.strip_suffix(';').unwrap_or(text).trim_ascii_end();
    let mut words = text.split_ascii_whitespace();
    if !words
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case("select"))
    {
        return false;
    }
    let (mut rest, mut depth, mut complete) = (
        text.get("select".len()..).unwrap_or_default(),
        0_usize,
        false,
    );
    while let Some(first) = rest.bytes().next() {
        let length = match first {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let length = run(rest, |byte| {
                    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')
                });
                let word = rest.get(..length).unwrap_or_default();
                // A quote right behind it would belong to it.
                if rest.as_bytes().get(length) == Some(&b'\'') {
                    return false;
                }
                complete = match word.split('.').map(kind).max() {
                    Some(Kind::Name) => true,
                    Some(Kind::Last) => !word.contains('.'),
                    Some(Kind::Known) => false,
                    Some(Kind::Unknown) | None => return false,
                };
                length
            }
            b'0'..=b'9' => {
                let length = run(rest, |byte| byte.is_ascii_digit());
                let next = rest.as_bytes().get(length).copied().unwrap_or(b' ');
                if next.is_ascii_alphanumeric() || matches!(next, b'_' | b'.' | b'\'') {
                    return false;
                }
                complete = true;
                length
            }
            b'\'' => {
                let inside = run(rest.get(1..).unwrap_or_default(), |byte| {
                    !matches!(byte, b'\'' | b'\\')
                });
                let behind = rest.as_bytes().get(inside + 1..).unwrap_or_default();
                if behind.first() != Some(&b'\'') || behind.get(1) == Some(&b'\'') {
                    return false;
                }
                complete = true;
                inside + 2
            }
            b'(' => {
                depth += 1;
                complete = false;
                1
            }
            b')' => {
                let Some(outer) = depth.checked_sub(1) else {
                    return false;
                };
                depth = outer;
                complete = true;
                1
            }
            b',' | b'=' | b'<' | b'>' | b'*' => {
                complete = false;
                1
            }
            b' ' | b'\t' | b'\n' | b'\r' => 1,
            _ => return false,
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    complete && depth == 0
}

/// What a word may be, the ones that decide last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// No word of SQL.
    Name,
    /// One that a query may end with.
    Last,
    /// One that something follows.
    Known,
    /// One that may need anything, or no word at all.
    Unknown,
}

fn kind(word: &str) -> Kind {
    if word.is_empty() || word.len() > LONGEST || word.starts_with(|c: char| c.is_ascii_digit()) {
        return Kind::Unknown;
    }
    let mut upper = [0; LONGEST];
    let Some(upper) = upper.get_mut(..word.len()) else {
        return Kind::Unknown;
    };
    upper.copy_from_slice(word.as_bytes());
    upper.make_ascii_uppercase();
    let Ok(word) = std::str::from_utf8(upper) else {
        return Kind::Unknown;
    };
    if ALL_KEYWORDS.binary_search(&word).is_err() {
        return Kind::Name;
    }
    match (LAST.contains(&word), KNOWN.contains(&word)) {
        (true, _) => Kind::Last,
        (false, true) => Kind::Known,
        (false, false) => Kind::Unknown,
    }
}

/// How many bytes a text begins with for which `is_part` holds.
fn run(text: &str, is_part: impl Fn(u8) -> bool) -> usize {
    text.bytes().take_while(|byte| is_part(*byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;
    use sqlparser::dialect::{Dialect, GenericDialect, PostgreSqlDialect, SQLiteDialect};
    use sqlparser::parser::{Parser, ParserError};

    #[test]
    fn plain_queries_are_known() {
        for text in [
            "select 1",
            "SELECT count(*) FROM orders WHERE customer IS NULL;",
            "select sum(a.total), b from a, b where (a.x = 'it, is' or b.y in (1, 2)) and not b.gone = true\n order by b desc limit 10",
        ] {
            assert!(is_plain_query(text), "{text}");
        }
        for text in [
            "",
            "selected",
            "select",
            "select 1,",
            "select 1 from",
            "select (1",
            "select 1)",
            "select 1 where a in",
            "select 'a",
            "select 'a''b'",
            "select e'a'",
            "select 1; select 2",
            "select a.",
            "select a.b.* from c",
            "select a between 1",
            "select case when a then b",
            "select 1 union b",
            "select a -- b",
            "select a /* b",
            "select \"a\"",
            "select $1",
            "select count",
            "insert into a (b, c)",
            "with a as (select 1)",
        ] {
            assert!(!is_plain_query(text), "{text}");
        }
    }

    /// What queries are made up of: most of it is known, and all of it may stand anywhere.
    fn part() -> impl Strategy<Value = &'static str> {
        let others = [
            "a", "b.c", "x1", "1", "2.5", "'t'", "''", "(", ")", "(", ")", ",", "=", "<", ">", "*",
            "select", "distinct", "on", "join", "between", "case", "then", "end", "interval",
            "date", "union", "all", "-", "e", "desc.a", ";", "cast", "like", "any", "over", "with",
            "values",
        ];
        select(KNOWN.into_iter().chain(others).collect::<Vec<_>>())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn plain_queries_are_complete(parts in vec(part(), 1..9)) {
            let text = format!("select {}", parts.join(" "));
            if is_plain_query(&text) {
                let dialects: [&dyn Dialect; 3] = [&PostgreSqlDialect {}, &SQLiteDialect {}, &GenericDialect {}];
                for dialect in dialects {
                    let error = Parser::parse_sql(dialect, &text).err();
                    let ends_early = error.as_ref().is_some_and(|error| match error {
                        ParserError::ParserError(error) => error.ends_with("found: EOF"),
                        _ => true,
                    });
                    prop_assert!(!ends_early, "{text}: {error:?}");
                }
            }
        }
    }
}
