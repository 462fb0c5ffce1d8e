//! Templates: text with `${{ expression }}` in it.

use super::evaluate::described;
use super::{ExprError, Expression, Range, Scope};
use crate::record::Bound;
use crate::text::{Piece, Text};
use crate::value::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// What begins a splice.
const OPEN: &str = "${{";
/// A literal [`OPEN`].
const ESCAPED_OPEN: &str = "$${{";

/// A text with values put into it. `${{ expression }}` is replaced by the expression's value, and `$${{` stands for
/// a literal `${{`. Stored as its source text, and equal to another when those are.
#[derive(Clone)]
pub struct Template {
    text: Arc<str>,
    pub(super) parts: Arc<[Part]>,
}

/// A piece of a template.
pub(super) enum Part {
    /// Text as it comes out.
    Literal(String),
    /// What is put in.
    Splice {
        /// Where the expression's text begins in the template's.
        offset: usize,
        /// What gives the value.
        expression: Expression,
    },
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its place in the template's text.
    pub fn parse(text: &str) -> Result<Template, ExprError> {
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(splice) = next_splice(text, at) {
            push_literal(&mut parts, &text[at..splice.start]);
            let offset = splice.start + OPEN.len();
            if !splice.closed {
                let error = ExprError::new(splice.start..offset, "this `${{` is not closed");
                return Err(error.help("close it with `}}`, or write `$${{` for a literal `${{`"));
            }
            let inside = &text[offset..splice.end - "}}".len()];
            if inside.trim().is_empty() {
                let error = ExprError::new(
                    splice.start..splice.end,
                    "there is no expression in this `${{ }}`",
                );
                return Err(error.help("write `$${{` for a literal `${{`"));
            }
            let expression = Expression::parse(inside).map_err(|error| error.moved(offset))?;
            parts.push(Part::Splice { offset, expression });
            at = splice.end;
        }
        push_literal(&mut parts, &text[at..]);
        Ok(Template {
            text: text.into(),
            parts: parts.into(),
        })
    }

    /// A text in which nothing is to be replaced, `${{` included.
    #[must_use]
    pub fn literal(text: &str) -> Template {
        let mut parts = Vec::new();
        if !text.is_empty() {
            parts.push(Part::Literal(text.to_owned()));
        }
        Template {
            text: text.replace(OPEN, ESCAPED_OPEN).into(),
            parts: parts.into(),
        }
    }

    /// A template that renders to this text, whatever is in scope besides its secrets.
    ///
    /// # Errors
    /// When the name of a secret cannot be written in an expression.
    pub fn of_text(text: &Text) -> Result<Template, ExprError> {
        let pieces = text.pieces.iter().map(|piece| match piece {
            Piece::Literal(text) => text.replace(OPEN, ESCAPED_OPEN),
            Piece::Secret(name) => format!("${{{{ secrets['{name}'] }}}}"),
        });
        Template::parse(&pieces.collect::<String>())
    }

    /// The source text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether there is nothing to put in.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        !self
            .parts
            .iter()
            .any(|part| matches!(part, Part::Splice { .. }))
    }

    /// The expressions in it, in order, each with where its text begins in the template's.
    pub fn expressions(&self) -> impl Iterator<Item = (usize, &Expression)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Literal(_) => None,
            Part::Splice { offset, expression } => Some((*offset, expression)),
        })
    }

    /// The text with the values put in: strings as they are, durations as `1h30m`, instants as RFC 3339, everything
    /// else as JSON. Secrets stay references.
    ///
    /// # Errors
    /// When an expression has no value, or one that has no form in a text: null, or a list with a secret in it.
    pub fn render(&self, scope: &dyn Scope) -> Result<Text, ExprError> {
        let mut pieces: Vec<Piece> = Vec::new();
        for part in self.parts.iter() {
            let text = match part {
                Part::Literal(text) => text.clone(),
                Part::Splice { offset, expression } => {
                    let value = expression
                        .evaluate(scope)
                        .map_err(|error| error.moved(*offset))?;
                    match in_text(value) {
                        Ok(Piece::Literal(text)) => text,
                        Ok(secret @ Piece::Secret(_)) => {
                            pieces.push(secret);
                            continue;
                        }
                        Err(why) => return Err(why.at(*offset, expression)),
                    }
                }
            };
            match pieces.last_mut() {
                Some(Piece::Literal(last)) => last.push_str(&text),
                _ => pieces.push(Piece::Literal(text)),
            }
        }
        Ok(Text { pieces })
    }

    /// As [`Template::render`], but a template that is exactly one `${{ }}` keeps the type of its value, which may
    /// then be null too.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn value(&self, scope: &dyn Scope) -> Result<Bound, ExprError> {
        if let [Part::Splice { offset, expression }] = &*self.parts {
            let value = expression
                .evaluate(scope)
                .map_err(|error| error.moved(*offset))?;
            return match value {
                Value::Secret(name) => Ok(Bound::Text(Text {
                    pieces: vec![Piece::Secret(name)],
                })),
                value if value.has_secret() => {
                    Err(NoForm::SecretInside(value).at(*offset, expression))
                }
                value => Ok(Bound::Value(value)),
            };
        }
        let text = self.render(scope)?;
        if text.secrets().next().is_some() {
            return Ok(Bound::Text(text));
        }
        Ok(Bound::Value(Value::String(text.shown())))
    }
}

/// A value that has no form in a text.
pub(super) enum NoForm {
    /// There is nothing to write.
    Null,
    /// A list or map with a secret in it.
    SecretInside(Value),
}

impl NoForm {
    /// The error, at the expression that begins there.
    pub(super) fn at(self, offset: usize, expression: &Expression) -> ExprError {
        let text = expression.text();
        let start = text.len() - text.trim_start().len();
        let span = offset + start..offset + text.trim_end().len().max(start);
        match self {
            NoForm::Null => ExprError::new(span, "this is null, which cannot be put into a text")
                .help("say what to write instead: `${{ x == null ? 'none' : x }}`"),
            NoForm::SecretInside(value) => ExprError::new(
                span,
                format!("this is {} with a secret in it", described(&value)),
            )
            .help("put the secret into the text by itself: `${{ secrets.NAME }}`"),
        }
    }
}

fn in_text(value: Value) -> Result<Piece, NoForm> {
    match value {
        Value::Null => Err(NoForm::Null),
        Value::Secret(name) => Ok(Piece::Secret(name)),
        value if value.has_secret() => Err(NoForm::SecretInside(value)),
        Value::String(text) => Ok(Piece::Literal(text)),
        value => Ok(Piece::Literal(value.to_string())),
    }
}

fn push_literal(parts: &mut Vec<Part>, source: &str) {
    if !source.is_empty() {
        parts.push(Part::Literal(source.replace(ESCAPED_OPEN, OPEN)));
    }
}

/// A splice in a text: from its `$` to the end of its `}}`, or of the text if it is not closed.
struct Splice {
    start: usize,
    end: usize,
    closed: bool,
}

/// The first splice at or after `from`, which must not be in the middle of one.
fn next_splice(text: &str, from: usize) -> Option<Splice> {
    let mut at = from;
    loop {
        let start = at + text.get(at..)?.find(OPEN)?;
        let inside = start + OPEN.len();
        if start > from && text.as_bytes().get(start - 1) == Some(&b'$') {
            at = inside;
            continue;
        }
        let closed = end_of_splice(&text[inside..]).map(|end| inside + end);
        return Some(Splice {
            start,
            end: closed.unwrap_or(text.len()),
            closed: closed.is_some(),
        });
    }
}

/// Where the `}}` that closes a splice ends: one that is neither in a string nor the end of maps inside.
fn end_of_splice(inside: &str) -> Option<usize> {
    let bytes = inside.as_bytes();
    let (mut braces, mut quote, mut at) = (0usize, None, 0);
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(_), b'\\') => at += 1,
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'{') => braces += 1,
            (None, b'}') if braces > 0 => braces -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at + 2),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Every `${{ … }}` in a text, and an unclosed `${{` to the text's end: for the rule against splicing into code.
#[must_use]
pub fn find_splices(text: &str) -> Vec<Range> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(splice) = next_splice(text, at) {
        found.push(splice.start..splice.end);
        at = splice.end;
    }
    found
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Template").field(&self.text).finish()
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Template) -> bool {
        self.text == other.text
    }
}

impl Eq for Template {}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Template::parse(&text).map_err(|error| {
            serde::de::Error::custom(format!("the template `{text}` does not parse: {error}"))
        })
    }
}
