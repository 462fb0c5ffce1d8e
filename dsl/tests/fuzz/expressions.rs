//! What holds for every expression and template: mistakes stand in the text, what the check lets through has the type
//! that it says, and nothing takes more than its budget.

use piton_core::expr::{
    ExprError, Expression, Resolved, Scope, Template, Type, TypeResolved, TypeScope,
};
use piton_core::time::{Millis, Timestamp};
use piton_core::value::Value;
use std::collections::BTreeMap;

/// A world in which every name that may stand in an expression has a value, by its letters.
struct World;

impl World {
    fn at(path: &[String]) -> Resolved {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["params" | "secrets" | "run" | "node" | "steps"] => Resolved::Namespace,
            ["steps", ..] if path.len() < 4 => Resolved::Namespace,
            ["secrets", name] => Resolved::Value(Value::Secret((*name).to_owned())),
            ["params" | "run" | "node", name]
            | ["steps", _, "outputs", name]
            | [name @ ("value" | "item" | "key" | "mode" | "stdout" | "rows" | "json")] => {
                Resolved::Value(value(name))
            }
            _ => Resolved::Unknown,
        }
    }
}

impl Scope for World {
    fn resolve(&self, path: &[String]) -> Resolved {
        World::at(path)
    }
}

impl TypeScope for World {
    fn resolve(&self, path: &[String]) -> TypeResolved {
        match World::at(path) {
            Resolved::Value(value) => TypeResolved::Type(Type::of(&value)),
            Resolved::Namespace => TypeResolved::Namespace,
            Resolved::Unknown => TypeResolved::Unknown {
                message: "there is none".to_owned(),
                help: None,
            },
        }
    }
}

/// The value of a name: of each type, some name has one.
fn value(name: &str) -> Value {
    let texts = ["eu", "", "é\u{1f40d}"].map(|text| Value::String(text.to_owned()));
    let sum: usize = name.bytes().map(usize::from).sum();
    match sum % 11 {
        0 => Value::Int(i64::MAX),
        1 => Value::Int(-3),
        2 => Value::Float(0.5),
        3 => Value::Bool(true),
        4 => Value::String("a b".to_owned()),
        5 => Value::Duration(Millis(90_000)),
        6 => Value::Timestamp(Timestamp(1_700_000_000_000)),
        7 => Value::List(texts.to_vec()),
        8 => Value::Map(BTreeMap::from([("a".to_owned(), Value::Int(1))])),
        9 => Value::List(Vec::new()),
        _ => Value::Null,
    }
}

/// Whether a value is of the type that the check promised.
fn fits(promised: &Type, value: &Value) -> bool {
    match (promised, value) {
        (Type::Any, _) => true,
        (Type::List(item), Value::List(items)) => items.iter().all(|it| fits(item, it)),
        (Type::Map(item), Value::Map(entries)) => entries.values().all(|it| fits(item, it)),
        (Type::List(_) | Type::Map(_), _) => false,
        (simple, value) => *simple == Type::of(value),
    }
}

fn stands_in(text: &str, error: &ExprError) {
    let place = text.get(error.span.start..error.span.end);
    assert!(place.is_some(), "{error:?} is not in {text:?}");
    assert!(
        !error.message.is_empty(),
        "{error:?} says nothing of {text:?}"
    );
}

/// Tries a text as an expression and as a template; panics when something does not hold.
pub(super) fn holds(text: &str) {
    match Expression::parse(text) {
        Ok(expression) => expression_holds(text, &expression),
        Err(error) => stands_in(text, &error),
    }
    match Template::parse(text) {
        Ok(template) => template_holds(text, &template),
        Err(error) => stands_in(text, &error),
    }
}

fn expression_holds(text: &str, expression: &Expression) {
    assert_eq!(expression.text(), text);
    for reference in expression.references() {
        for span in &reference.spans {
            assert!(
                text.get(span.clone()).is_some(),
                "{reference:?} of {text:?}"
            );
        }
    }
    let checked = expression.check(&World);
    for error in checked.as_ref().err().into_iter().flatten() {
        stands_in(text, error);
    }
    let worked_out = expression.evaluate(&World);
    match (&checked, &worked_out) {
        (Ok(promised), Ok(value)) => assert!(
            fits(promised, value),
            "{text:?} was to be {promised}, and is {value:?}"
        ),
        (_, Err(error)) => stands_in(text, error),
        (Err(_), Ok(_)) => {}
    }
    assert_eq!(expression.evaluate(&World), worked_out, "{text:?} again");
}

fn template_holds(text: &str, template: &Template) {
    assert_eq!(template.text(), text);
    for (at, expression) in template.expressions() {
        let place = text.get(at..at + expression.text().len());
        assert_eq!(place, Some(expression.text()), "{text:?}");
    }
    for error in [template.render(&World).err(), template.value(&World).err()]
        .into_iter()
        .flatten()
    {
        stands_in(text, &error);
    }
}
