//! Where the statements of a script begin, for messages, and whether the script looks after its own transactions.
//!
//! SQLite itself takes the script apart when it is executed. This is only told apart here as far as comments,
//! quotes and the bodies of triggers go; if it were wrong, a message would name the wrong line.

use crate::action::sql::line_of;

/// A statement of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The line its first word stands on, from 1.
    pub line: usize,
    /// Its first word in upper case.
    pub keyword: String,
}

/// The statements of a script, in order.
#[must_use]
pub fn statements(script: &str) -> Vec<Statement> {
    let mut found: Vec<Statement> = Vec::new();
    // The first words of the statement so far, which say whether it is a trigger.
    let mut head: Vec<String> = Vec::new();
    let (mut open, mut after_semicolon, mut end_of_body) = (false, false, false);
    for token in Tokens::new(script) {
        let (word, at) = match token {
            Token::Semicolon => {
                if !is_trigger(&head) || end_of_body {
                    head.clear();
                    open = false;
                }
                (after_semicolon, end_of_body) = (true, false);
                continue;
            }
            Token::Word(word, at) => (word.to_ascii_uppercase(), at),
            Token::Other(at) => (String::new(), at),
        };
        if !open {
            open = true;
            found.push(Statement {
                line: line_of(script, at),
                keyword: word.clone(),
            });
        }
        end_of_body = after_semicolon && word == "END";
        after_semicolon = false;
        if head.len() < 3 {
            head.push(word);
        }
    }
    found
}

/// Whether these first words begin the definition of a trigger, whose body has semicolons of its own.
fn is_trigger(words: &[String]) -> bool {
    let mut words = words.iter().map(String::as_str);
    if words.next() != Some("CREATE") {
        return false;
    }
    match words.next() {
        Some("TRIGGER") => true,
        Some("TEMP" | "TEMPORARY") => words.next() == Some("TRIGGER"),
        _ => false,
    }
}

/// How a script wants to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapping {
    /// In one transaction that begins after this many leading statements (`pragma`, `attach`), which cannot be
    /// part of one or mean something else in it.
    After(usize),
    /// As it is: it begins and ends transactions itself, or does what no transaction may (`vacuum`).
    Own,
}

/// How a script of these statements is to be run.
#[must_use]
pub fn wrapping(statements: &[Statement]) -> Wrapping {
    let own = ["BEGIN", "COMMIT", "ROLLBACK", "VACUUM", "DETACH"];
    if statements
        .iter()
        .any(|statement| own.contains(&statement.keyword.as_str()))
    {
        return Wrapping::Own;
    }
    let leading = statements
        .iter()
        .take_while(|statement| ["PRAGMA", "ATTACH"].contains(&statement.keyword.as_str()))
        .count();
    Wrapping::After(leading)
}

enum Token<'a> {
    Word(&'a str, usize),
    Semicolon,
    /// Anything else that is neither a comment nor white space: a string, a number, a sign.
    Other(usize),
}

struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        Tokens { text, at: 0 }
    }

    /// The length of what stands at the beginning of `rest`, up to and with `end`; all of it if there is no `end`.
    fn through(rest: &str, skip: usize, end: &str) -> usize {
        rest.get(skip..)
            .and_then(|inner| inner.find(end))
            .map_or(rest.len(), |at| skip + at + end.len())
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let at = self.at;
            let rest = self.text.get(at..)?;
            let first = rest.chars().next()?;
            let word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
            let (length, token) = match first {
                c if c.is_whitespace() => (c.len_utf8(), None),
                ';' => (1, Some(Token::Semicolon)),
                '-' if rest.starts_with("--") => (Self::through(rest, 2, "\n"), None),
                '/' if rest.starts_with("/*") => (Self::through(rest, 2, "*/"), None),
                '\'' => (Self::through(rest, 1, "'"), Some(Token::Other(at))),
                '"' => (Self::through(rest, 1, "\""), Some(Token::Other(at))),
                '`' => (Self::through(rest, 1, "`"), Some(Token::Other(at))),
                '[' => (Self::through(rest, 1, "]"), Some(Token::Other(at))),
                c if word(c) => {
                    let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
                    (
                        length,
                        Some(Token::Word(rest.get(..length).unwrap_or(""), at)),
                    )
                }
                c => (c.len_utf8(), Some(Token::Other(at))),
            };
            self.at += length;
            if token.is_some() {
                return token;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(script: &str) -> Vec<(usize, String)> {
        statements(script)
            .into_iter()
            .map(|s| (s.line, s.keyword))
            .collect()
    }

    #[test]
    fn statements_are_found_with_their_lines() {
        let script = "-- head; er\ncreate table t (x text default ';');\n\n/* ; */ insert into t values ('a;''b');;\nselect 1";
        assert_eq!(
            seen(script),
            [
                (2, "CREATE".into()),
                (4, "INSERT".into()),
                (5, "SELECT".into())
            ]
        );
    }

    #[test]
    fn a_triggers_body_belongs_to_it() {
        let script = "create temp trigger t after insert on x begin\n update x set y = case when 1 then 2 end;\n delete from x; end;\nselect 1;";
        assert_eq!(seen(script), [(1, "CREATE".into()), (4, "SELECT".into())]);
    }

    #[test]
    fn a_script_with_transactions_of_its_own_is_left_alone() {
        assert_eq!(
            wrapping(&statements("begin; select 1; commit")),
            Wrapping::Own
        );
        assert_eq!(wrapping(&statements("vacuum")), Wrapping::Own);
        assert_eq!(
            wrapping(&statements("pragma foreign_keys = on; delete from t")),
            Wrapping::After(1)
        );
        assert_eq!(
            wrapping(&statements(
                "create trigger t after insert on x begin select 1; end; insert into x values (1)"
            )),
            Wrapping::After(0)
        );
    }

    #[test]
    fn unfinished_texts_end() {
        for text in ["'", "\"x", "/* ", "-- x", "[", "é;ü'", "", ";;;"] {
            let _ = statements(text);
        }
    }
}
