//! Piton's own language to a [`Document`].

use super::comments::{Comments, of_runbook};
use super::document::{Body, Document, Head, Item, Spelling, Token, Value};
use crate::node::Style;
use crate::source::Span;
use crate::syntax::runbook::grammar::{Grammar, Rule};
use crate::syntax::text;
use pest::Parser as _;
use pest::iterators::Pair;

/// Reads a text that was found to be without mistakes.
pub(super) fn read(text: &str) -> Option<Document> {
    let file = Grammar::parse(Rule::file, text).ok()?.next()?;
    let mut reader = Reader {
        text,
        comments: Comments::new(text, of_runbook(text)),
    };
    let start = text.len() - text.trim_start_matches('\u{feff}').len();
    let statements = file
        .into_inner()
        .filter(|pair| pair.as_rule() != Rule::EOI)
        .collect();
    let mut body = reader.items(statements, start, text.len());
    // What stands on the file's first line opens nothing.
    let first: Vec<_> = body.opened.drain(..).collect();
    let first = first.into_iter().map(|comment| super::document::Above {
        comment,
        blank: false,
    });
    match body.items.first_mut() {
        Some(item) => drop(item.above.splice(0..0, first)),
        None => drop(body.end.splice(0..0, first)),
    }
    Some(Document { body })
}

struct Reader<'a> {
    text: &'a str,
    comments: Comments<'a>,
}

fn place(pair: &Pair<'_, Rule>) -> Span {
    let span = pair.as_span();
    Span::new(span.start(), span.end())
}

impl<'a> Reader<'a> {
    /// What stands between two brackets: `open` is behind the first one, `close` before the second.
    fn items(&mut self, pairs: Vec<Pair<'a, Rule>>, open: usize, close: usize) -> Body {
        let mut body = Body::default();
        let mut last = open;
        for pair in pairs {
            if pair.as_rule().is_comment() {
                continue;
            }
            let span = place(&pair);
            let above = self.comments.before(span.start, &mut last, &mut body);
            let blank = self.comments.blank_between(last, span.start);
            let Some(item) = self.item(pair) else {
                continue;
            };
            body.items.push(Item {
                above,
                blank,
                ..item
            });
            last = span.end;
        }
        let mut end = self.comments.before(close, &mut last, &mut body);
        body.end.append(&mut end);
        body.one_line = self.comments.same_line(open, close) && !body.has_comments();
        body
    }

    fn item(&mut self, pair: Pair<'a, Rule>) -> Option<Item> {
        match pair.as_rule() {
            Rule::assignment | Rule::named => {
                let mut parts = pair.into_inner();
                let key = token(&parts.next()?);
                let value = self.value(parts.next()?);
                Some(Item::new(Head::Key(key), value))
            }
            Rule::block => {
                let mut parts = pair.into_inner();
                let key = token(&parts.next()?);
                let mut name = None;
                for part in parts {
                    if part.as_rule() == Rule::body {
                        let body = self.body(part);
                        return Some(Item::new(Head::Block(key, name), Value::Map(body)));
                    }
                    name = Some(token(&part));
                }
                None
            }
            Rule::argument => self.item(pair.into_inner().next()?),
            _ => Some(Item::new(Head::None, self.value(pair))),
        }
    }

    fn value(&mut self, pair: Pair<'a, Rule>) -> Value {
        match pair.as_rule() {
            Rule::list => {
                let span = place(&pair);
                Value::List(self.bracketed(pair.into_inner().collect(), span.start + 1, span.end))
            }
            Rule::body => Value::Map(self.body(pair)),
            Rule::word_block => {
                let mut parts = pair.clone().into_inner();
                match (parts.next(), parts.next()) {
                    (Some(word), Some(body)) => Value::Word(token(&word), self.body(body)),
                    _ => Value::Token(token(&pair)),
                }
            }
            Rule::call => {
                let end = place(&pair).end;
                let mut parts: Vec<_> = pair.into_inner().collect();
                let word = parts.remove(0);
                let open = place(&word).end + 1;
                let mut body = self.bracketed(parts, open, end);
                body.one_line = !body.has_comments();
                Value::Call(token(&word), body)
            }
            _ => Value::Token(token(&pair)),
        }
    }

    fn body(&mut self, pair: Pair<'a, Rule>) -> Body {
        let span = place(&pair);
        self.bracketed(pair.into_inner().collect(), span.start + 1, span.end)
    }

    fn bracketed(&mut self, mut pairs: Vec<Pair<'a, Rule>>, open: usize, end: usize) -> Body {
        pairs.retain(|pair| pair.as_rule() != Rule::comma);
        self.items(pairs, open, end.saturating_sub(1).min(self.text.len()))
    }
}

/// A word or a text as it stands.
fn token(pair: &Pair<'_, Rule>) -> Token {
    let span = place(pair);
    let written = pair.as_str();
    let as_written = Spelling::AsWritten(written.replace("\r\n", "\n"));
    match pair.as_rule() {
        Rule::string => Token {
            text: text::quoted(written, span).0.text,
            style: Style::Quoted,
            spelling: as_written,
        },
        Rule::raw => {
            let inner = written
                .get(3..written.len().saturating_sub(3))
                .unwrap_or_default();
            let text = text::raw(inner, 0, span).text;
            let own_lines = inner.split_once('\n');
            let own_lines = own_lines.is_some_and(|(first, _)| first.trim().is_empty());
            Token {
                text,
                style: Style::Block,
                spelling: if own_lines { Spelling::Raw } else { as_written },
            }
        }
        _ => Token {
            text: written.to_owned(),
            style: Style::Plain,
            spelling: as_written,
        },
    }
}
