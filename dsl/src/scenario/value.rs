//! Values as scenarios write them.

use crate::node::{Kind, Node, Scalar, Style};
use piton_core::time::Timestamp;
use piton_core::value::Value;

/// The value that a part of a scenario says. Without quotes, what looks like a number, a truth value, nothing or a
/// time is that.
pub(super) fn value_of(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar(scalar) => of_scalar(scalar),
        Kind::List(items) => Value::List(items.iter().map(value_of).collect()),
        Kind::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|entry| (entry.key.text.clone(), value_of(&entry.value)))
                .collect(),
        ),
        Kind::Unreadable => Value::Null,
    }
}

fn of_scalar(scalar: &Scalar) -> Value {
    let text = scalar.text.as_str();
    if scalar.style != Style::Plain {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "null" | "~" => return Value::Null,
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>() {
        return Value::Int(number);
    }
    let numeric = text
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    match text.parse::<f64>() {
        Ok(number) if numeric && number.is_finite() => return Value::Float(number),
        _ => {}
    }
    match text.parse::<Timestamp>() {
        Ok(at) => Value::Timestamp(at),
        Err(_) => Value::String(text.to_owned()),
    }
}
