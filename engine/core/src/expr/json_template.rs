//! Templates of JSON: what is put in cannot change what the author wrote around it.

use super::template::{NoForm, Part};
use super::{ExprError, Scope, Template};
use crate::text::{Piece, Text};
use crate::value::Value;
use serde::de::IgnoredAny;

/// Whether a place in a JSON text is inside of quotes.
#[derive(Clone, Copy, Default)]
struct Place {
    quoted: bool,
}

impl Place {
    /// The place after this piece of the author's text. Values never move it.
    fn after(self, literal: &str) -> Place {
        let (mut quoted, mut escaped) = (self.quoted, false);
        for letter in literal.chars() {
            match letter {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                _ => {}
            }
        }
        Place { quoted }
    }
}

impl Template {
    /// The text as JSON with the values put in: inside of quotes as a part of that text, elsewhere as JSON of the
    /// value's type, so that no value can end a text or add a member. Secrets stay references, which stand inside
    /// of quotes; whoever puts them in has to escape them with [`escaped`].
    ///
    /// # Errors
    /// When an expression has no value, or a list or map with a secret in it; when what comes out is not JSON.
    pub fn render_json(&self, scope: &dyn Scope) -> Result<Text, ExprError> {
        let mut place = Place::default();
        let mut text = Text::default();
        for part in self.parts.iter() {
            match part {
                Part::Literal(literal) => {
                    place = place.after(literal);
                    push(&mut text, literal);
                }
                Part::Splice { offset, expression } => {
                    let value = expression
                        .evaluate(scope)
                        .map_err(|error| error.moved(*offset))?;
                    put(&mut text, value, place).map_err(|why| why.at(*offset, expression))?;
                }
            }
        }
        match parse(&text.shown()) {
            None => Ok(text),
            Some(wrong) => Err(ExprError::new(0..self.text().len(), wrong)),
        }
    }

    /// What is wrong with the author's part of a template of JSON, whatever is put into it.
    #[must_use]
    pub fn wrong_json(&self) -> Option<String> {
        let mut place = Place::default();
        let mut sample = String::new();
        for part in self.parts.iter() {
            match part {
                Part::Literal(literal) => {
                    place = place.after(literal);
                    sample.push_str(literal);
                }
                Part::Splice { .. } => sample.push_str(if place.quoted { "x" } else { "null" }),
            }
        }
        parse(&sample)
    }
}

/// A text as it stands between the quotes of a JSON text.
#[must_use]
pub fn escaped(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted
        .get(1..quoted.len().saturating_sub(1))
        .unwrap_or_default()
        .to_owned()
}

/// What is wrong with a text that should be JSON; its content is not repeated.
fn parse(text: &str) -> Option<String> {
    let error = serde_json::from_str::<IgnoredAny>(text).err()?;
    Some(format!("this is not JSON: {error}"))
}

fn put(text: &mut Text, value: Value, place: Place) -> Result<(), NoForm> {
    let quote = if place.quoted { "" } else { "\"" };
    match value {
        Value::Secret(name) => {
            push(text, quote);
            text.pieces.push(Piece::Secret(name));
            push(text, quote);
        }
        value if value.has_secret() => return Err(NoForm::SecretInside(value)),
        Value::Null if place.quoted => return Err(NoForm::Null),
        value if place.quoted => push(text, &escaped(&value.to_string())),
        value => push(text, &value.to_json().to_string()),
    }
    Ok(())
}

fn push(text: &mut Text, literal: &str) {
    match text.pieces.last_mut() {
        _ if literal.is_empty() => {}
        Some(Piece::Literal(last)) => last.push_str(literal),
        _ => text.pieces.push(Piece::Literal(literal.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::Resolved;

    struct Names;

    impl Scope for Names {
        fn resolve(&self, path: &[String]) -> Resolved {
            Resolved::Value(match path.first().map_or("", |name| name) {
                "n" => Value::Int(7),
                "none" => Value::Null,
                "bad" => Value::String("x\", \"admin\": \"\\\n".into()),
                "map" => Value::Map([("a b".to_owned(), Value::Bool(true))].into()),
                "token" => Value::Secret("token".into()),
                "mixed" => Value::List(vec![Value::Secret("token".into())]),
                _ => return Resolved::Unknown,
            })
        }
    }

    fn rendered(template: &str) -> Result<Text, String> {
        let template = Template::parse(template).unwrap();
        template
            .render_json(&Names)
            .map_err(|error| error.message.clone())
    }

    fn json(template: &str) -> serde_json::Value {
        serde_json::from_str(&rendered(template).unwrap().shown()).unwrap()
    }

    #[test]
    fn values_are_put_in_as_what_they_are() {
        let sent = json(
            r#"{"n": ${{ n }}, "none": ${{ none }}, "text": "at ${{ n }}", "map": ${{ map }}}"#,
        );
        let expected =
            serde_json::json!({"n": 7, "none": null, "text": "at 7", "map": {"a b": true}});
        assert_eq!(sent, expected);
        assert_eq!(json("${{ map }}"), serde_json::json!({"a b": true}));
    }

    #[test]
    fn no_value_ends_the_text_it_stands_in() {
        let bad = "x\", \"admin\": \"\\\n";
        let expected = serde_json::json!({"name": bad, "\\\"q": bad});
        let sent = json(r#"{"name": "${{ bad }}", "\\\"q": ${{ bad }}}"#);
        assert_eq!(sent, expected);
    }

    #[test]
    fn a_secret_stays_a_name_inside_of_quotes() {
        for template in [r#"["${{ token }}"]"#, "[${{ token }}]"] {
            let text = rendered(template).unwrap();
            let expected = [
                Piece::Literal("[\"".into()),
                Piece::Secret("token".into()),
                Piece::Literal("\"]".into()),
            ];
            assert_eq!(text.pieces, expected);
        }
        assert!(rendered("${{ mixed }}").unwrap_err().contains("secret"));
    }

    #[test]
    fn what_is_no_json_is_found_with_and_without_values() {
        for wrong in [
            "{a: 1}",
            r#"{"a": -${{ n }}}"#,
            r#"{${{ bad }}: 1}"#,
            "",
            "1 2",
        ] {
            let template = Template::parse(wrong).unwrap();
            assert!(template.wrong_json().is_some(), "{wrong}");
        }
        assert!(rendered("{a: 1}").unwrap_err().contains("not JSON"));
        assert!(
            rendered(r#"{"a": "${{ none }}"}"#)
                .unwrap_err()
                .contains("null")
        );
        let right = Template::parse(r#"{"a": "${{ bad }}", "b": ${{ n }}}"#).unwrap();
        assert_eq!(right.wrong_json(), None);
    }

    #[test]
    fn what_is_escaped_reads_back() {
        let text = "a\"b\\c\nd\u{1}é";
        let read: String = serde_json::from_str(&format!("\"{}\"", escaped(text))).unwrap();
        assert_eq!(read, text);
    }
}
