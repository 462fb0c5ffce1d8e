//! From the text of a script to words, operators and redirections.

use super::{Redirect, Word, part};
use crate::node::Scalar;
use crate::source::Span;
use std::ops::Range;

/// A part of a script.
#[derive(Clone, Debug)]
pub(super) enum Token {
    /// A word.
    Word(Word),
    /// A redirection.
    Redirect(Redirect),
    /// An operator, or the end of a line.
    Operator(&'static str),
}

/// Operators between commands, longer ones first.
const OPERATORS: [&str; 9] = ["&&", "||", ";;", "|&", "|", "&", ";", "(", ")"];

/// Redirections, longer ones first.
const REDIRECTIONS: [&str; 12] = [
    "&>>", "<<<", "<<-", "&>", "<<", "<&", "<>", ">>", ">&", ">|", "<", ">",
];

/// Cuts a part of a script into tokens.
pub(super) struct Lexer<'a> {
    text: &'a str,
    scalar: &'a Scalar,
    at: usize,
    end: usize,
    pub(super) tokens: Vec<Token>,
    pub(super) comments: Vec<Span>,
    /// Parts of the text that are scripts of their own: `$(…)` and what stands in backticks.
    pub(super) inner: Vec<Range<usize>>,
    /// Here-documents whose text begins at the next line: the places of their tokens.
    open: Vec<usize>,
}

impl<'a> Lexer<'a> {
    /// One for this part of a scalar's text.
    pub(super) fn new(scalar: &'a Scalar, range: Range<usize>) -> Lexer<'a> {
        Lexer {
            text: &scalar.text,
            scalar,
            at: range.start,
            end: range.end.min(scalar.text.len()),
            tokens: Vec::new(),
            comments: Vec::new(),
            inner: Vec::new(),
            open: Vec::new(),
        }
    }

    fn peek(&self, ahead: usize) -> u8 {
        let at = self.at + ahead;
        if at >= self.end {
            return 0;
        }
        self.text.as_bytes().get(at).copied().unwrap_or(0)
    }

    fn rest(&self) -> &'a str {
        part(self.text, self.at..self.end)
    }

    fn span(&self, range: Range<usize>) -> Span {
        self.scalar.source_span(range)
    }

    /// Cuts all of it.
    pub(super) fn run(&mut self) {
        while self.at < self.end {
            match self.peek(0) {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.peek(1) == b'\n' => self.at += 2,
                b'\n' => {
                    self.at += 1;
                    self.tokens.push(Token::Operator("\n"));
                    self.bodies();
                }
                b'#' => self.comment(),
                _ => self.token(),
            }
        }
    }

    fn comment(&mut self) {
        let length = self.rest().find('\n').unwrap_or(self.rest().len());
        let span = self.span(self.at..self.at + length);
        self.comments.push(span);
        self.at += length;
    }

    fn token(&mut self) {
        let rest = self.rest();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let behind = part(rest, digits..rest.len());
        let process = behind.starts_with("<(") || behind.starts_with(">(");
        let redirection = REDIRECTIONS.iter().find(|it| behind.starts_with(**it));
        if let (false, Some(operator)) = (process, redirection) {
            self.redirect(digits, operator);
        } else if let Some(operator) = OPERATORS.iter().find(|it| rest.starts_with(**it)) {
            self.at += operator.len();
            self.tokens.push(Token::Operator(operator));
        } else {
            let word = self.word();
            self.tokens.push(Token::Word(word));
        }
    }

    fn redirect(&mut self, digits: usize, operator: &'static str) {
        let number = part(self.rest(), 0..digits).parse().ok();
        self.at += digits + operator.len();
        while matches!(self.peek(0), b' ' | b'\t') {
            self.at += 1;
        }
        let target = self.word();
        if matches!(operator, "<<" | "<<-") {
            self.open.push(self.tokens.len());
        }
        self.tokens.push(Token::Redirect(Redirect {
            number,
            operator,
            target,
            body: String::new(),
        }));
    }

    /// The texts of the here-documents that begin here.
    fn bodies(&mut self) {
        for place in std::mem::take(&mut self.open) {
            let Some(Token::Redirect(redirect)) = self.tokens.get(place) else {
                continue;
            };
            let mark = redirect.target.text.clone();
            let strips = redirect.operator == "<<-";
            let mut body = String::new();
            while self.at < self.end {
                let rest = self.rest();
                let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
                let line = part(rest, 0..length);
                self.at += length;
                let bare = line.trim_end_matches(['\n', '\r']);
                let bare = match strips {
                    true => bare.trim_start_matches('\t'),
                    false => bare,
                };
                if bare == mark {
                    break;
                }
                body.push_str(line);
            }
            if let Some(Token::Redirect(redirect)) = self.tokens.get_mut(place) {
                redirect.body = body;
            }
        }
    }

    fn word(&mut self) -> Word {
        let start = self.at;
        let mut text = String::new();
        let mut quoted = false;
        while self.at < self.end {
            match self.peek(0) {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b')' => break,
                b'(' if self.at > start && text.ends_with('=') => self.nested(1, &mut text),
                b'<' | b'>' if self.peek(1) == b'(' => self.nested(2, &mut text),
                b'(' | b'<' | b'>' => break,
                b'\'' => {
                    quoted = true;
                    self.single(&mut text);
                }
                b'"' => {
                    quoted = true;
                    self.double(&mut text);
                }
                b'\\' => {
                    self.at += 1;
                    match self.peek(0) {
                        b'\n' => self.at += 1,
                        _ => self.copy(&mut text),
                    }
                }
                _ => self.expansion_or_letter(&mut text),
            }
        }
        if self.at == start {
            // An operator where a word was expected: it is the next token.
            return Word {
                span: self.span(start..start),
                ..Word::default()
            };
        }
        let span = self.span(start..self.at);
        Word { text, quoted, span }
    }

    fn copy(&mut self, text: &mut String) {
        if let Some(letter) = self.rest().chars().next() {
            text.push(letter);
            self.at += letter.len_utf8();
        }
    }

    fn single(&mut self, text: &mut String) {
        self.at += 1;
        let length = self.rest().find('\'').unwrap_or(self.rest().len());
        text.push_str(part(self.rest(), 0..length));
        self.at = (self.at + length + 1).min(self.end);
    }

    fn double(&mut self, text: &mut String) {
        self.at += 1;
        while self.at < self.end {
            match self.peek(0) {
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'\\' => {
                    match self.peek(1) {
                        b'\n' => self.at += 2,
                        b'"' | b'\\' | b'$' | b'`' => {
                            self.at += 1;
                            self.copy(text);
                        }
                        _ => self.copy(text),
                    };
                }
                _ => self.expansion_or_letter(text),
            }
        }
    }

    fn expansion_or_letter(&mut self, text: &mut String) {
        match (self.peek(0), self.peek(1)) {
            (b'$', b'(') => self.nested(2, text),
            (b'$', b'{') => {
                let length = self
                    .rest()
                    .find('}')
                    .map_or(self.rest().len(), |end| end + 1);
                text.push_str(part(self.rest(), 0..length));
                self.at += length;
            }
            (b'`', _) => {
                let inside = self.at + 1;
                let behind = part(self.text, inside..self.end);
                let length = behind.find('`').unwrap_or(behind.len());
                self.inner.push(inside..inside + length);
                let end = (inside + length + 1).min(self.end);
                text.push_str(part(self.text, self.at..end));
                self.at = end;
            }
            _ => self.copy(text),
        }
    }

    /// A script in brackets, after `before` letters that lead to it; it is kept as it stands.
    fn nested(&mut self, before: usize, text: &mut String) {
        let inside = self.at + before;
        let end = closing(self.text, inside, self.end);
        // `$((…))` is arithmetic, and the values of a list are no script.
        let is_script = before == 2 && !part(self.text, inside..end).starts_with('(');
        if is_script {
            self.inner.push(inside..end);
        }
        let behind = (end + 1).min(self.end);
        text.push_str(part(self.text, self.at..behind));
        self.at = behind;
    }
}

/// The place of the bracket that closes the one before `from`, or `end`.
fn closing(text: &str, from: usize, end: usize) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (1usize, from);
    let mut quote = 0u8;
    while at < end {
        let byte = bytes.get(at).copied().unwrap_or(0);
        match (quote, byte) {
            (0 | b'"', b'\\') => at += 1,
            (0, b'\'' | b'"') => quote = byte,
            (b'\'', b'\'') | (b'"', b'"') => quote = 0,
            (0, b'(') => depth += 1,
            (0, b')') => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
        at += 1;
    }
    end
}
