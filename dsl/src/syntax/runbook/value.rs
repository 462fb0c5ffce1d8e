//! Values: texts, words, lists, inline blocks and calls, and what is wrong with those that are none.

use pest::Parser as _;
use pest::iterators::Pair;

use super::grammar::{Grammar, Rule};
use super::{Reader, place, shorten};
use crate::diagnostic::{Diagnostic, Severity};
use crate::fix::Fix;
use crate::node::{Entry, Kind, Node, Scalar, Style};
use crate::source::Span;
use crate::syntax::text;

/// A value of which only the place is known; what is wrong with it was reported.
pub(super) fn unreadable(span: Span) -> Node {
    Node {
        span,
        kind: Kind::Unreadable,
    }
}

impl<'a> Reader<'a> {
    pub(super) fn value(&mut self, pair: Pair<'a, Rule>) -> Node {
        let span = place(&pair);
        match pair.as_rule() {
            Rule::string => Node::scalar(self.string(&pair)),
            Rule::raw => {
                let inner = pair.into_inner().next();
                let (start, inner) = inner.map_or((span.start, ""), |inner| {
                    (place(&inner).start, inner.as_str())
                });
                Node::scalar(text::raw(inner, start, span))
            }
            Rule::word => self.word(pair.as_str(), span),
            Rule::list => self.list(pair),
            Rule::call => self.call(pair),
            Rule::body => self.body(pair, None),
            Rule::word_block => self.word_block(pair),
            Rule::single_quoted => self.single_quoted(pair.as_str(), span),
            Rule::open_string => {
                self.error(
                    "syntax::unclosed-text",
                    span,
                    "this text has no closing `\"`",
                    "opened here",
                    "write the `\"` at its end; a text of several lines stands between `\"\"\"` and `\"\"\"`",
                );
                unreadable(span)
            }
            Rule::open_raw => {
                self.error(
                    "syntax::unclosed-text",
                    Span::new(span.start, span.start + 3),
                    "this text has no closing `\"\"\"`",
                    "everything from here to the end of the file belongs to it",
                    "write `\"\"\"` on a line of its own where the text ends",
                );
                unreadable(span)
            }
            _ => unreadable(span),
        }
    }

    /// `probe { … }`: what YAML writes as `{probe: {…}}`.
    fn word_block(&mut self, pair: Pair<'a, Rule>) -> Node {
        let span = place(&pair);
        let mut parts = pair.into_inner();
        let (Some(word), Some(body)) = (parts.next(), parts.next()) else {
            return unreadable(span);
        };
        let key = Scalar::verbatim(word.as_str(), Style::Plain, place(&word));
        let value = self.body(body, Some(word.as_str()));
        Node {
            span,
            kind: Kind::Map(vec![Entry { key, value }]),
        }
    }

    /// A text in double quotes.
    pub(super) fn string(&mut self, pair: &Pair<'a, Rule>) -> Scalar {
        let (scalar, bad) = text::quoted(pair.as_str(), place(pair));
        for escape in bad {
            let written = &escape.written;
            let message = format!("`{written}` is not an escape");
            self.error(
                "syntax::bad-escape",
                escape.span,
                message,
                "",
                "the escapes are \\n, \\t, \\r, \\\", \\\\ and \\u{E9}; for a backslash itself write \\\\, or put the text between \"\"\" where nothing is an escape",
            );
        }
        scalar
    }

    fn single_quoted(&mut self, written: &str, span: Span) -> Node {
        let inner = Span::new(span.start + 1, span.end.saturating_sub(1));
        let text = written.trim_matches('\'');
        self.error(
            "syntax::bad-value",
            span,
            "texts stand in double quotes",
            "single quotes",
            format!("write `\"{}\"`", shorten(text)),
        );
        // In double quotes a backslash would begin an escape.
        if !text.contains('\\') {
            let fix = Fix::new("write double quotes", span, format!("\"{text}\""));
            self.findings.mend_last(fix);
        }
        let mut scalar = Scalar::verbatim(text, Style::Quoted, inner);
        scalar.span = span;
        Node::scalar(scalar)
    }

    /// A word without quotes: a number, a duration, a range, a percentage or a name.
    fn word(&mut self, word: &str, span: Span) -> Node {
        if !is_exact(word) {
            let (message, help) = explain_word(word);
            self.error("syntax::bad-value", span, message, "", help);
            return unreadable(span);
        }
        Node::scalar(Scalar::verbatim(word, Style::Plain, span))
    }

    fn list(&mut self, pair: Pair<'a, Rule>) -> Node {
        let span = place(&pair);
        let mut items: Vec<Node> = Vec::new();
        let mut comma_due = false;
        let mut told = false;
        for part in pair.into_inner() {
            let here = place(&part);
            match part.as_rule() {
                Rule::comma if comma_due => comma_due = false,
                Rule::comma => {
                    self.missing_item(here);
                }
                Rule::list_junk => {
                    if !told {
                        let message = format!("`{}` is not a value", shorten(part.as_str()));
                        let help = "the values of a list are separated by commas: `[a, b]`";
                        self.error("syntax::unexpected", here, message, "", help);
                    }
                    told = true;
                    comma_due = false;
                }
                Rule::unclosed => self.unclosed_bracket(span, here, "[", "]"),
                Rule::open_comment => self.open_comment(here),
                rule if rule.is_comment() => {}
                _ => {
                    if comma_due && !told {
                        let before = items.last().map_or(here, |item| item.span);
                        self.missing_comma(before, here);
                        told = true;
                    }
                    items.push(self.value(part));
                    comma_due = true;
                }
            }
        }
        Node {
            span,
            kind: Kind::List(items),
        }
    }

    fn missing_item(&mut self, comma: Span) {
        self.error(
            "syntax::missing-value",
            comma,
            "a value is missing before this comma",
            "",
            "write the value, or remove the comma",
        );
    }

    fn missing_comma(&mut self, before: Span, here: Span) {
        let first = self.text.get(before.range()).unwrap_or_default();
        let second = self.text.get(here.range()).unwrap_or_default();
        let help = format!("write `{}, {}`", shorten(first), shorten(second));
        self.error(
            "syntax::missing-comma",
            here,
            "a comma is missing before this value",
            "",
            help,
        );
        let fix = Fix::new("write a comma", before.after(), ",");
        self.findings.mend_last(fix);
    }

    fn unclosed_bracket(&mut self, whole: Span, noticed: Span, open: &str, close: &str) {
        if self.damage.swallowed {
            return;
        }
        let at = self
            .text
            .get(whole.range())
            .and_then(|text| text.find(open))
            .unwrap_or(0);
        let start = whole.start + at;
        self.findings.add(
            Diagnostic::new(
                "syntax::unclosed",
                Severity::Error,
                format!("this `{open}` is never closed"),
            )
            .label(Span::new(start, start + 1), "opened here")
            .label(noticed, format!("`{close}` is missing before this"))
            .help(format!("write the `{close}` that ends it")),
        );
    }

    /// `f("x", k = v)`: the map `{f: x, k: v}`.
    fn call(&mut self, pair: Pair<'a, Rule>) -> Node {
        let span = place(&pair);
        let mut parts = pair.into_inner();
        let Some(name) = parts.next() else {
            return unreadable(span);
        };
        let function = Scalar::verbatim(name.as_str(), Style::Plain, place(&name));
        let mut map = super::map::MapBuilder::default();
        let mut positional: Option<Span> = None;
        let mut comma_due = false;
        for part in parts {
            let here = place(&part);
            match part.as_rule() {
                Rule::argument => {
                    comma_due = true;
                    let Some(inner) = part.into_inner().next() else {
                        continue;
                    };
                    if inner.as_rule() == Rule::named {
                        let mut named = inner.into_inner();
                        if let (Some(key), Some(value)) = (named.next(), named.next()) {
                            self.assign(&mut map, key, value, None);
                        }
                        continue;
                    }
                    let value = self.value(inner);
                    if positional.is_some() {
                        self.second_argument(&function.text, here);
                    } else {
                        positional = Some(here);
                        map.add(
                            Entry {
                                key: function.clone(),
                                value,
                            },
                            &mut self.findings,
                        );
                    }
                }
                Rule::comma if comma_due => comma_due = false,
                Rule::comma => self.missing_item(here),
                Rule::call_junk => {
                    let message = format!("`{}` does not belong here", shorten(part.as_str()));
                    let help = format!("write `{}(\"value\", name = value)`", function.text);
                    self.error("syntax::unexpected", here, message, "", help);
                    positional = positional.or(Some(here));
                }
                Rule::unclosed => {
                    self.unclosed_bracket(span, here, "(", ")");
                    positional = positional.or(Some(here));
                }
                Rule::open_comment => self.open_comment(here),
                _ => {}
            }
        }
        if positional.is_none() {
            let message = format!("`{}(…)` lacks its value", function.text);
            let help = format!("write `{0}(\"value\")`, or only `{0}`", function.text);
            self.error("syntax::missing-value", function.span, message, "", help);
            return unreadable(span);
        }
        map.finish(span)
    }

    fn second_argument(&mut self, function: &str, here: Span) {
        self.error(
            "syntax::unexpected",
            here,
            format!("`{function}` takes one value; the others are named"),
            "a second value without a name",
            format!("write `{function}(\"value\", name = value)`"),
        );
    }

    pub(super) fn open_comment(&mut self, comment: Span) {
        self.error(
            "syntax::unclosed-comment",
            Span::new(comment.start, comment.start + 2),
            "this comment has no closing `*/`",
            "everything from here to the end of the file belongs to it",
            "write `*/` where the comment ends",
        );
    }
}

/// Whether a word needs no quotes: a name, a number, a duration, a range or a percentage.
pub(crate) fn is_exact(word: &str) -> bool {
    is_name(word) || is_plain_number(word) || Grammar::parse(Rule::exact_word, word).is_ok()
}

/// Whether a word is digits, or digits with one unit of time: what most words are that are no names. The grammar says
/// the same of them.
fn is_plain_number(word: &str) -> bool {
    let unit = word.trim_start_matches(|letter: char| letter.is_ascii_digit());
    unit.len() < word.len() && matches!(unit, "" | "ms" | "s" | "m" | "h" | "d")
}

/// Whether a word is letters, digits, `_` and `-`, the first one no digit and no dash.
pub(crate) fn is_name(word: &str) -> bool {
    let mut bytes = word.bytes();
    bytes
        .next()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Message and help for a word that is no value. The word is read again with the rule it looks like.
fn explain_word(word: &str) -> (String, String) {
    let shown = shorten(word);
    let quoted = format!("write a text in double quotes: `\"{shown}\"`");
    if let Some((from, to)) = word.split_once("..") {
        return (
            format!("`{shown}` is not a range of durations"),
            match (as_duration(from), as_duration(to.trim_matches('.'))) {
                (Some(from), Some(to)) => format!("write `{from}..{to}`"),
                _ => "a range has a duration on both sides: `2s..30s`".to_string(),
            },
        );
    }
    if !word.starts_with(|first: char| first.is_ascii_digit()) {
        return (format!("`{shown}` needs quotes"), quoted);
    }
    if let Some(duration) = as_duration(word) {
        return (
            format!("`{shown}` is not a duration"),
            format!("write `{duration}`; the units are d, h, m, s and ms"),
        );
    }
    let plain: String = word.chars().filter(|c| *c != '_').collect();
    if plain != word && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        return (
            format!("`{shown}` is not a number"),
            format!("write the digits only: `{plain}`"),
        );
    }
    // How far it reads as a duration says which part is wrong.
    let read = Grammar::parse(Rule::duration, word)
        .ok()
        .and_then(|mut pairs| pairs.next())
        .map_or(0, |pair| pair.as_str().len());
    match (word.get(..read), word.get(read..)) {
        (Some(good), Some(rest)) if read > 0 && !word.contains([':', '/', '.']) => (
            format!(
                "`{shown}` is not a duration: `{}` follows `{good}`",
                shorten(rest)
            ),
            format!("a duration is written like `90s`, `10m` or `1h30m`; for a text, {quoted}"),
        ),
        _ => (
            format!("`{shown}` is neither a number nor a duration"),
            quoted,
        ),
    }
}

/// A duration in a spelling that people use elsewhere (`10min`, `1.5h`) in ours, if it is one.
pub(super) fn as_duration(word: &str) -> Option<String> {
    let split = word.find(|c: char| c.is_ascii_alphabetic())?;
    let (digits, unit) = (word.get(..split)?, word.get(split..)?);
    let unit = spelled_unit(unit)?;
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(format!("{digits}{unit}"));
    }
    let (whole, part) = digits.split_once('.')?;
    let (smaller, factor) = match unit {
        "d" => ("h", 24),
        "h" => ("m", 60),
        "m" => ("s", 60),
        _ => ("ms", 1000),
    };
    let tenths: u64 = (part.len() == 1).then(|| part.parse().ok()).flatten()?;
    let whole: u64 = whole.parse().ok()?;
    let rest = factor * tenths / 10;
    ((factor * tenths).is_multiple_of(10) && unit != "ms").then(|| match (whole, rest) {
        (_, 0) => format!("{whole}{unit}"),
        (0, _) => format!("{rest}{smaller}"),
        _ => format!("{whole}{unit}{rest}{smaller}"),
    })
}

/// Our unit for a unit of time as people spell it.
pub(super) fn spelled_unit(word: &str) -> Option<&'static str> {
    Some(match word.to_ascii_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        _ => return None,
    })
}
