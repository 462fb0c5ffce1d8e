//! Expressions made from others: values as literals, templates as expressions, names replaced by what stands for
//! them in another runbook.

use super::{CompileError, unchecked};
use crate::runbook::ParamType;
use piton_core::expr::{ExprError, Expression, Template};
use piton_core::value::Value;

/// What stands for a path of names in another place; `None` leaves it as it is.
pub(super) type Replace<'a> = dyn Fn(&[String]) -> Option<String> + 'a;

/// A piece of a template.
pub(super) enum Piece {
    /// Text as it comes out.
    Text(String),
    /// The expression of a `${{ }}`.
    Splice(Expression),
}

/// The pieces of a template in order.
pub(super) fn pieces(template: &Template) -> Vec<Piece> {
    let (text, mut at) = (template.text(), 0);
    let mut pieces = Vec::new();
    let push = |pieces: &mut Vec<Piece>, literal: Option<&str>| match literal {
        None | Some("") => {}
        Some(literal) => pieces.push(Piece::Text(literal.replace("$${{", "${{"))),
    };
    for (offset, expression) in template.expressions() {
        push(&mut pieces, text.get(at..offset - "${{".len()));
        pieces.push(Piece::Splice(expression.clone()));
        at = offset + expression.text().len() + "}}".len();
    }
    push(&mut pieces, text.get(at..));
    pieces
}

/// A template of these pieces.
fn template(pieces: &[Piece]) -> Result<Template, ExprError> {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(literal) => text.push_str(&literal.replace("${{", "$${{")),
            Piece::Splice(expression) => {
                text.push_str("${{ ");
                text.push_str(expression.text().trim());
                text.push_str(" }}");
            }
        }
    }
    Template::parse(&text)
}

/// The expression that gives what a parameter of this type gets from a template: one `${{ }}` by itself keeps the
/// type of its value, a text without any is read as the parameter's type, and everything else is put together as a
/// text first.
pub(super) fn value_of(
    written: &Template,
    kind: ParamType,
    what: &str,
) -> Result<Expression, CompileError> {
    let pieces = pieces(written);
    let text = match pieces.as_slice() {
        [Piece::Splice(only)] => return Ok(only.clone()),
        [] | [Piece::Text(_)] => {
            let text = match pieces.first() {
                Some(Piece::Text(text)) => text.as_str(),
                _ => "",
            };
            kind.read(text).and_then(|value| literal(&value))
        }
        _ => Some(converted(&joined(&pieces), kind)),
    };
    text.and_then(|text| Expression::parse(&text).ok())
        .ok_or_else(|| unchecked(what))
}

/// The text of a template as an expression: its pieces put together.
fn joined(pieces: &[Piece]) -> String {
    // Begins with a text, so that `+` means putting texts together.
    let first = match pieces.first() {
        Some(Piece::Text(_)) => None,
        _ => Some("''".to_owned()),
    };
    let rest = pieces.iter().map(|piece| match piece {
        Piece::Text(text) => quoted(text),
        Piece::Splice(expression) => format!("string({})", expression.text().trim()),
    });
    first
        .into_iter()
        .chain(rest)
        .collect::<Vec<_>>()
        .join(" + ")
}

fn converted(text: &str, kind: ParamType) -> String {
    match kind {
        ParamType::String => text.to_owned(),
        ParamType::Int => format!("int({text})"),
        ParamType::Float => format!("double({text})"),
        ParamType::Bool => format!("bool({text})"),
        ParamType::Duration => format!("duration({text})"),
        ParamType::Timestamp => format!("timestamp({text})"),
    }
}

/// The text of an expression that gives this value; `None` for one with a secret in it.
pub(super) fn literal(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        // The smallest number cannot be written with a minus before its digits.
        Value::Int(value) if *value < 0 => format!("int('{value}')"),
        Value::Int(value) => value.to_string(),
        Value::Float(value) if *value < 0.0 => format!("double('{value:?}')"),
        Value::Float(value) => format!("{value:?}"),
        Value::String(text) => quoted(text),
        Value::Duration(length) => format!("duration('{length}')"),
        Value::Timestamp(at) => format!("timestamp('{at}')"),
        Value::List(items) => {
            let items: Option<Vec<_>> = items.iter().map(literal).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Map(entries) => {
            let entries: Option<Vec<_>> = entries
                .iter()
                .map(|(key, value)| Some(format!("{}: {}", quoted(key), literal(value)?)))
                .collect();
            // A space, so that no `}}` ends a template's splice early.
            format!("{{{} }}", entries?.join(", "))
        }
        Value::Secret(_) => return None,
    })
}

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('\'');
    for letter in text.chars() {
        match letter {
            '\\' => quoted.push_str("\\\\"),
            '\'' => quoted.push_str("\\'"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            letter => quoted.push(letter),
        }
    }
    quoted.push('\'');
    quoted
}

/// The same expression with some of its names replaced. What [`Replace`] gives stands for a whole path.
pub(super) fn replaced(
    expression: &Expression,
    replace: &Replace<'_>,
) -> Result<Expression, ExprError> {
    let (text, mut at) = (expression.text(), 0);
    let mut new = String::with_capacity(text.len());
    for reference in expression.references() {
        let Some(instead) = replace(&reference.path) else {
            continue;
        };
        new.push_str(text.get(at..reference.span.start).unwrap_or_default());
        new.push_str(&instead);
        at = reference.span.end;
    }
    if at == 0 {
        return Ok(expression.clone());
    }
    new.push_str(text.get(at..).unwrap_or_default());
    Expression::parse(new.trim())
}

/// The same template with some of the names in it replaced.
pub(super) fn replaced_in(
    written: &Template,
    replace: &Replace<'_>,
) -> Result<Template, ExprError> {
    let mut pieces = pieces(written);
    let mut changed = false;
    for piece in &mut pieces {
        if let Piece::Splice(expression) = piece {
            let new = replaced(expression, replace)?;
            changed |= new != *expression;
            *expression = new;
        }
    }
    if changed {
        template(&pieces)
    } else {
        Ok(written.clone())
    }
}

/// `of` with the names that follow it in a path: `steps['a-b'].outputs.x`.
pub(super) fn path(of: &str, names: &[String]) -> String {
    let mut text = of.to_owned();
    for name in names {
        let plain = name.chars().next().is_some_and(|c| !c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if plain {
            text.push('.');
            text.push_str(name);
        } else {
            text.push_str(&format!("[{}]", quoted(name)));
        }
    }
    text
}

/// A directory that is relative to a called runbook's folder, as seen from the caller's. `folder` is relative to the
/// caller's, or absolute.
pub(super) fn in_folder(dir: Option<&Template>, folder: &str) -> Option<Template> {
    if folder.is_empty() {
        return dir.cloned();
    }
    let Some(dir) = dir else {
        return Some(Template::literal(folder));
    };
    let mut pieces = pieces(dir);
    match pieces.first_mut() {
        None => return Some(Template::literal(folder)),
        Some(Piece::Text(text)) if text.starts_with('/') => return Some(dir.clone()),
        Some(Piece::Text(text)) => *text = format!("{folder}/{text}"),
        Some(Piece::Splice(_)) => {
            // Only the run knows whether it is absolute.
            let whole = joined(&pieces);
            let relative = quoted(&format!("{folder}/"));
            let text = format!("({whole}).startsWith('/') ? {whole} : {relative} + {whole}");
            pieces = vec![Piece::Splice(Expression::parse(&text).ok()?)];
        }
    }
    template(&pieces).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use piton_core::expr::{Resolved, Scope};
    use piton_core::time::{Millis, Timestamp};

    /// Names that are strings of themselves: `a.b` is `'a.b'`.
    struct Echo;

    impl Scope for Echo {
        fn resolve(&self, path: &[String]) -> Resolved {
            match path {
                [_] => Resolved::Namespace,
                _ => Resolved::Value(Value::String(path.join("."))),
            }
        }
    }

    #[test]
    fn a_literal_gives_its_value_back() {
        let map = [
            (
                "a b".to_owned(),
                Value::List(vec![Value::Null, Value::Int(-1)]),
            ),
            (
                "$c".to_owned(),
                Value::Map([("d".to_owned(), Value::Bool(true))].into()),
            ),
        ];
        for value in [
            Value::Int(i64::MIN),
            Value::Int(i64::MAX),
            Value::Float(-2.0),
            Value::Float(1e300),
            Value::Float(1.5e-7),
            Value::String("it's \\ a\n\ttext \u{1} ${{ x }}".to_owned()),
            Value::Duration(Millis(5_400_000)),
            Value::Timestamp(Timestamp(1_800_000_000_123)),
            Value::Map(map.into()),
            Value::Map([].into()),
        ] {
            let text = literal(&value).expect("no secret");
            let expression = Expression::parse(&text).expect(&text);
            assert_eq!(expression.evaluate(&Echo).ok(), Some(value), "{text}");
        }
        assert_eq!(literal(&Value::List(vec![Value::Secret("s".into())])), None);
    }

    #[test]
    fn a_template_as_an_expression_gives_what_it_renders() {
        for text in [
            "",
            "plain",
            "a ${{ x.y }} $${{ b ${{ 1 + 2 }}",
            "${{ x.y }}${{ 5 }}",
            "it's ${{ true }}\n",
        ] {
            let template = Template::parse(text).expect(text);
            let expression = value_of(&template, ParamType::String, "test").expect(text);
            let rendered = template.render(&Echo).expect(text).shown();
            assert_eq!(
                expression.evaluate(&Echo).ok(),
                Some(Value::String(rendered)),
                "{text}"
            );
        }
        let typed = |text: &str, kind| {
            let template = Template::parse(text).expect(text);
            value_of(&template, kind, "test")
                .ok()
                .and_then(|it| it.evaluate(&Echo).ok())
        };
        assert_eq!(typed("7", ParamType::Int), Some(Value::Int(7)));
        assert_eq!(typed("${{ 7 }}0", ParamType::Int), Some(Value::Int(70)));
        assert_eq!(typed("${{ 7 }}", ParamType::Int), Some(Value::Int(7)));
        assert_eq!(
            typed("90s", ParamType::Duration),
            Some(Value::Duration(Millis(90_000)))
        );
        assert_eq!(typed("seven", ParamType::Int), None);
    }

    #[test]
    fn names_are_replaced_as_whole_paths_and_variables_are_not() {
        let replace = |path: &[String]| match path {
            [root, rest @ ..] if root == "item" => Some(self::path("{'a-b': 'x' }", rest)),
            _ => None,
        };
        for (text, new) in [
            (
                "item['a-b'] + params.item",
                "{'a-b': 'x' }['a-b'] + params.item",
            ),
            ("(item)['a-b'].size()", "{'a-b': 'x' }['a-b'].size()"),
            ("[1].map(item, item)", "[1].map(item, item)"),
            ("steps.a-b.outputs.item", "steps.a-b.outputs.item"),
        ] {
            let expression = Expression::parse(text).expect(text);
            let expression = replaced(&expression, &replace).expect(text);
            assert_eq!(expression.text(), new);
        }
        let template =
            Template::parse("$${{ ${{ item['a-b'] }} ${{ params.x }}").expect("it parses");
        let template = replaced_in(&template, &replace).expect("it parses");
        assert_eq!(
            template.text(),
            "$${{ ${{ {'a-b': 'x' }['a-b'] }} ${{ params.x }}"
        );
    }

    #[test]
    fn a_directory_of_a_called_runbook_is_in_its_folder_unless_it_is_absolute() {
        let dir = |text: Option<&str>, folder| {
            let dir = text.map(|text| Template::parse(text).expect(text));
            in_folder(dir.as_ref(), folder)
                .map(|dir| dir.render(&Echo).expect("it renders").shown())
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(dir(None, ""), None);
        assert_eq!(dir(None, "lib"), text("lib"));
        assert_eq!(dir(Some("work"), "lib"), text("lib/work"));
        assert_eq!(dir(Some("/work"), "lib"), text("/work"));
        assert_eq!(dir(Some("w${{ x.y }}"), "lib"), text("lib/wx.y"));
        assert_eq!(dir(Some("${{ x.y }}/w"), "../lib"), text("../lib/x.y/w"));
        assert_eq!(dir(Some("${{ '/' }}tmp"), "lib"), text("/tmp"));
    }
}
