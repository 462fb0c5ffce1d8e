//! Where the statements of a text begin and end, what values they use, and whether they may be one transaction.
//!
//! The server takes one statement at a time here, so this has to be right about semicolons: it knows those in quotes
//! and comments, in the brackets of a rule, and in the body of an SQL function (`begin atomic … end`).

use crate::action::sql::line_of;
use piton_core::sql::{Token, tokens};
use std::ops::Range;

/// How many words of a statement are kept, to tell what it is.
const WORDS: usize = 8;

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Its text, without the semicolon.
    pub text: &'a str,
    /// The line its first word stands on, from 1.
    pub line: usize,
    /// Its first words in lower case.
    pub words: Vec<String>,
    /// Where `$1` and the like stand in its text.
    values: Vec<Range<usize>>,
}

/// The statements of a text, in order.
#[must_use]
pub fn statements(text: &str) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    let mut open: Option<Open> = None;
    for (range, token) in tokens(text) {
        match (token, &mut open) {
            (Token::Blank | Token::Comment, _) | (Token::Semicolon, None) => {}
            (Token::Semicolon, Some(statement)) if statement.may_end() => {
                found.extend(open.take().map(|it| it.close(text, range.start)));
            }
            (token, open) => {
                let begin = range.start;
                let word = text.get(range.clone()).unwrap_or_default();
                open.get_or_insert_with(|| Open::at(begin))
                    .take(token, range, word);
            }
        }
    }
    found.extend(open.map(|it| it.close(text, text.len())));
    found
}

/// A statement whose end was not seen yet.
struct Open {
    begin: usize,
    words: Vec<String>,
    values: Vec<Range<usize>>,
    /// How many brackets are open.
    brackets: usize,
    /// How deep in `begin atomic`, and in the `case`s inside it, whose `end` is not the body's.
    depth: usize,
    last: String,
}

impl Open {
    fn at(begin: usize) -> Open {
        Open {
            begin,
            words: Vec::new(),
            values: Vec::new(),
            brackets: 0,
            depth: 0,
            last: String::new(),
        }
    }

    fn may_end(&self) -> bool {
        self.brackets == 0 && self.depth == 0
    }

    fn take(&mut self, token: Token, range: Range<usize>, word: &str) {
        match token {
            Token::Open => self.brackets += 1,
            Token::Close => self.brackets = self.brackets.saturating_sub(1),
            Token::Value => {
                let of_text = range.start.saturating_sub(self.begin);
                self.values.push(of_text..of_text + range.len());
            }
            Token::Word => {
                let word = word.to_lowercase();
                match word.as_str() {
                    "atomic" if self.last == "begin" => self.depth = 1,
                    "case" if self.depth > 0 => self.depth += 1,
                    "end" => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
                if self.words.len() < WORDS {
                    self.words.push(word.clone());
                }
                self.last = word;
            }
            _ => {}
        }
    }

    fn close(self, text: &str, end: usize) -> Statement<'_> {
        Statement {
            text: text.get(self.begin..end).unwrap_or_default().trim_end(),
            line: line_of(text, self.begin),
            words: self.words,
            values: self.values,
        }
    }
}

impl Statement<'_> {
    /// The text with its values numbered from 1 without gaps, because the server takes no others; and which of the
    /// bound values each of them is, from 1.
    #[must_use]
    pub fn numbered(&self) -> (String, Vec<usize>) {
        let (mut text, mut used, mut at) = (String::new(), Vec::new(), 0);
        for range in &self.values {
            let number = self.text.get(range.start + 1..range.end);
            // One that is too large for a number is too large for the list of values.
            let number = number
                .and_then(|digits| digits.parse().ok())
                .unwrap_or(usize::MAX);
            let place = used.iter().position(|known| *known == number);
            let place = place.unwrap_or_else(|| {
                used.push(number);
                used.len() - 1
            });
            text.push_str(self.text.get(at..range.start).unwrap_or_default());
            text.push_str(&format!("${}", place + 1));
            at = range.end;
        }
        text.push_str(self.text.get(at..).unwrap_or_default());
        (text, used)
    }

    /// Whether it takes bound values.
    #[must_use]
    pub fn takes_values(&self) -> bool {
        !self.values.is_empty()
    }

    /// What cannot be sent, and what to do instead.
    #[must_use]
    pub fn refused(&self) -> Option<&'static str> {
        if self.text.starts_with('\\') {
            return Some(
                "what begins with a backslash is a command of psql, not SQL; use `exec` with psql for it",
            );
        }
        let words: Vec<&str> = self.words.iter().map(String::as_str).collect();
        let streams = words.first() == Some(&"copy")
            && words.iter().any(|word| ["stdin", "stdout"].contains(word));
        streams.then_some(
            "there is nothing here that `copy` could read from or write to; use `exec` with psql for it",
        )
    }
}

/// How a script is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// As one transaction.
    Transaction,
    /// As it is: it begins and ends transactions itself, or does what no transaction may.
    Own,
    /// It begins a transaction and never ends it.
    Unfinished,
}

/// How a script of these statements is run.
#[must_use]
pub fn wrapping(statements: &[Statement<'_>]) -> Wrapping {
    let (mut own, mut open) = (false, false);
    for statement in statements {
        let words: Vec<&str> = statement.words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["begin", ..] | ["start", "transaction", ..] => (own, open) = (true, true),
            ["rollback" | "abort", rest @ ..] if rest.contains(&"to") => {}
            ["commit" | "end" | "abort" | "rollback", ..] | ["prepare", "transaction", ..] => {
                (own, open) = (true, words.ends_with(&["and", "chain"]));
            }
            words => own |= alone(words),
        }
    }
    match (own, open) {
        (_, true) => Wrapping::Unfinished,
        (true, false) => Wrapping::Own,
        (false, false) => Wrapping::Transaction,
    }
}

/// Whether no transaction may hold a statement that begins with these words.
fn alone(words: &[&str]) -> bool {
    match words {
        ["create" | "drop", "database" | "tablespace", ..]
        | ["create" | "alter" | "drop", "subscription", ..]
        | ["alter", "system", ..]
        | ["vacuum", ..]
        | ["cluster"]
        | ["discard", "all"]
        | ["reindex", "database" | "system" | "schema", ..] => true,
        ["alter", "database", rest @ ..] => rest.contains(&"tablespace"),
        ["create" | "drop", "index", rest @ ..]
        | ["create", "unique", "index", rest @ ..]
        | ["reindex" | "alter", rest @ ..] => rest.contains(&"concurrently"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(script: &str) -> Vec<(usize, &str)> {
        statements(script)
            .into_iter()
            .map(|statement| (statement.line, statement.text))
            .collect()
    }

    #[test]
    fn semicolons_in_quotes_comments_brackets_and_bodies_end_nothing() {
        assert_eq!(
            seen("-- a; b\nselect ';' , \"a;b\", E'\\';' /* ; /* ; */ ; */;;\n\nselect 2;"),
            [
                (2, "select ';' , \"a;b\", E'\\';' /* ; /* ; */ ; */"),
                (4, "select 2")
            ]
        );
        for whole in [
            "create function f() returns int as $body$ begin; $x$ ; $x$ end; $body$ language plpgsql",
            "create function g() returns int begin atomic select case when true then 1 end; select 2; end",
            "create rule r as on insert to t do also (delete from a; delete from b)",
            "do $$ begin delete from t; end $$",
        ] {
            let script = format!("{whole};\nselect 1");
            assert_eq!(seen(&script), [(1, whole), (2, "select 1")]);
        }
    }

    #[test]
    fn values_are_numbered_for_each_statement() {
        let numbered = |text| statements(text).first().map(Statement::numbered);
        assert_eq!(
            numbered("select $3, '$1', $1, $$ $2 $$, $3;"),
            Some(("select $1, '$1', $2, $$ $2 $$, $1".into(), vec![3, 1]))
        );
        assert_eq!(numbered("select a$1"), Some(("select a$1".into(), vec![])));
        let far = numbered("select $99999999999999999999");
        assert_eq!(far, Some(("select $1".into(), vec![usize::MAX])));
    }

    #[test]
    fn scripts_are_one_transaction_unless_they_cannot_be() {
        let how = |script: &str| wrapping(&statements(script));
        for script in [
            "insert into t values (1); delete from t",
            "savepoint a; rollback to a; rollback work to savepoint a",
            "create table i (a int); create index on i (a)",
            "refresh materialized view concurrently v",
            "reindex table t; cluster t",
            "",
        ] {
            assert_eq!(how(script), Wrapping::Transaction, "{script}");
        }
        for script in [
            "create database x",
            "/* now */ Create Unique Index Concurrently i on t(a)",
            "drop index concurrently if exists i",
            "reindex (verbose) table concurrently t",
            "alter table t detach partition u concurrently",
            "alter system set a = b",
            "vacuum; select 1",
            "begin; select 1; commit",
            "start transaction; end",
            "commit prepared 'x'",
        ] {
            assert_eq!(how(script), Wrapping::Own, "{script}");
        }
        assert_eq!(how("begin; select 1"), Wrapping::Unfinished);
        assert_eq!(how("begin; commit and chain"), Wrapping::Unfinished);
    }

    #[test]
    fn what_is_not_for_a_server_is_refused() {
        let refused = |text| statements(text).first().and_then(Statement::refused);
        assert!(refused("\\copy t from 'x'").is_some());
        assert!(refused("copy t (a, b) from stdin").is_some());
        assert!(refused("copy (select 1) to stdout").is_some());
        assert!(refused("copy t from '/tmp/x'").is_none());
    }

    #[test]
    fn unfinished_texts_end() {
        for text in [
            "'", "\"x", "/* /* */", "-- x", "$a$", "E'\\", "é;ü'", "", ";;;", "$", "$é", "(;",
        ] {
            let _ = wrapping(&statements(text));
        }
    }
}
