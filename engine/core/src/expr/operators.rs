//! What the operators do with two values, and which types they take.

use super::ast::Operator;
use super::error::Fault;
use super::types::Type;
use crate::time::{Millis, Timestamp};
use crate::value::Value;
use std::cmp::Ordering;

/// The earliest and the latest instant that arithmetic gives: the years 1 to 9999, which RFC 3339 can write.
const INSTANTS: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

/// The result of any operator but `&&` and `||`, which do not always look at both sides.
pub(super) fn apply(operator: Operator, left: &Value, right: &Value) -> Result<Value, Fault> {
    match operator {
        Operator::Equal => Ok(Value::Bool(equal(left, right))),
        Operator::NotEqual => Ok(Value::Bool(!equal(left, right))),
        Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
            let order = compare(left, right)
                .ok_or_else(|| mismatch(operator, &Type::of(left), &Type::of(right)))?;
            Ok(Value::Bool(match operator {
                Operator::Less => order.is_lt(),
                Operator::LessOrEqual => order.is_le(),
                Operator::Greater => order.is_gt(),
                _ => order.is_ge(),
            }))
        }
        Operator::In => match (left, right) {
            (_, Value::List(items)) => Ok(Value::Bool(items.iter().any(|item| equal(left, item)))),
            (Value::String(key), Value::Map(entries)) => Ok(Value::Bool(entries.contains_key(key))),
            _ => Err(mismatch(operator, &Type::of(left), &Type::of(right))),
        },
        _ => arithmetic(operator, left, right),
    }
}

fn arithmetic(operator: Operator, left: &Value, right: &Value) -> Result<Value, Fault> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => int(operator, *a, *b),
        (Value::Float(a), Value::Float(b)) => match operator {
            Operator::Add => finite(a + b),
            Operator::Subtract => finite(a - b),
            Operator::Multiply => finite(a * b),
            Operator::Divide if *b == 0.0 => Err(Fault::new("this divides by zero")),
            Operator::Divide => finite(a / b),
            _ => Err(mismatch(operator, &Type::Float, &Type::Float)),
        },
        (Value::String(a), Value::String(b)) if operator == Operator::Add => {
            Ok(Value::String(format!("{a}{b}")))
        }
        (Value::List(a), Value::List(b)) if operator == Operator::Add => {
            Ok(Value::List(a.iter().chain(b).cloned().collect()))
        }
        (Value::Duration(a), Value::Duration(b)) => match operator {
            Operator::Add => length(a.0.checked_add(b.0)),
            Operator::Subtract => Ok(Value::Duration(Millis(
                a.0.checked_sub(b.0)
                    .ok_or_else(|| Fault::new(format!("{a} - {b} would be less than nothing")))?,
            ))),
            _ => Err(mismatch(operator, &Type::Duration, &Type::Duration)),
        },
        (Value::Timestamp(a), Value::Timestamp(b)) if operator == Operator::Subtract => {
            let apart =
                a.0.checked_sub(b.0)
                    .and_then(|apart| u64::try_from(apart).ok());
            apart
                .map(|apart| Value::Duration(Millis(apart)))
                .ok_or_else(|| {
                    Fault::new(format!(
                        "{a} - {b} would be less than nothing, because the first is the earlier one"
                    ))
                })
        }
        (Value::Timestamp(at), Value::Duration(length))
        | (Value::Duration(length), Value::Timestamp(at))
            if operator == Operator::Add =>
        {
            instant(
                i64::try_from(length.0)
                    .ok()
                    .and_then(|length| at.0.checked_add(length)),
            )
        }
        (Value::Timestamp(at), Value::Duration(length)) if operator == Operator::Subtract => {
            instant(
                i64::try_from(length.0)
                    .ok()
                    .and_then(|length| at.0.checked_sub(length)),
            )
        }
        _ => Err(mismatch(operator, &Type::of(left), &Type::of(right))),
    }
}

fn int(operator: Operator, a: i64, b: i64) -> Result<Value, Fault> {
    let result = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::Divide | Operator::Remainder if b == 0 => {
            return Err(Fault::new("this divides by zero"));
        }
        Operator::Divide => a.checked_div(b),
        Operator::Remainder => a.checked_rem(b),
        _ => return Err(mismatch(operator, &Type::Int, &Type::Int)),
    };
    result.map(Value::Int).ok_or_else(overflow)
}

pub(super) fn overflow() -> Fault {
    Fault::new("the result does not fit into a 64-bit int")
}

pub(super) fn finite(value: f64) -> Result<Value, Fault> {
    if value.is_finite() {
        Ok(Value::Float(value))
    } else {
        Err(Fault::new("the result is too large for a float"))
    }
}

fn length(ms: Option<u64>) -> Result<Value, Fault> {
    ms.filter(|ms| i64::try_from(*ms).is_ok())
        .map(|ms| Value::Duration(Millis(ms)))
        .ok_or_else(|| Fault::new("the result is too long for a duration"))
}

pub(super) fn instant(ms: Option<i64>) -> Result<Value, Fault> {
    ms.filter(|ms| INSTANTS.contains(ms))
        .map(|ms| Value::Timestamp(Timestamp(ms)))
        .ok_or_else(|| Fault::new("the result is outside the years 1 to 9999"))
}

/// The value with its sign turned.
pub(super) fn negate(value: &Value) -> Result<Value, Fault> {
    match value {
        Value::Int(value) => value.checked_neg().map(Value::Int).ok_or_else(overflow),
        Value::Float(value) => Ok(Value::Float(-value)),
        other => Err(Fault::new(format!(
            "`-` takes a number, and this is {}",
            article(&Type::of(other))
        ))),
    }
}

/// Whether two values are the same. Ints and floats are compared as numbers; values of other differing types are
/// never the same.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Int(_) | Value::Float(_), Value::Int(_) | Value::Float(_)) => {
            compare(left, right) == Some(Ordering::Equal)
        }
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len()
                && a.iter()
                    .zip(b)
                    .all(|((a_key, a), (b_key, b))| a_key == b_key && equal(a, b))
        }
        (Value::Secret(_), _) | (_, Value::Secret(_)) => false,
        (left, right) => left == right,
    }
}

/// The order of two values, where they have one.
pub(super) fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Float(a), Value::Float(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Float(b)) => compare_int_to_float(*a, *b),
        (Value::Float(a), Value::Int(b)) => compare_int_to_float(*b, *a).map(Ordering::reverse),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(b)),
        (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Exact: a large int is not rounded to a float first.
fn compare_int_to_float(int: i64, float: f64) -> Option<Ordering> {
    /// 2^63, the first float above every int.
    const ABOVE: f64 = 9_223_372_036_854_775_808.0;
    if float.is_nan() {
        return None;
    }
    if float >= ABOVE {
        return Some(Ordering::Less);
    }
    if float < -ABOVE {
        return Some(Ordering::Greater);
    }
    let whole = float.trunc();
    Some(
        int.cmp(&(whole as i64))
            .then_with(|| whole.partial_cmp(&float).unwrap_or(Ordering::Equal)),
    )
}

/// What may be meant by a type that is not known.
fn possible(of: &Type) -> Vec<Type> {
    match of {
        Type::Any => vec![
            Type::Null,
            Type::Bool,
            Type::Int,
            Type::Float,
            Type::String,
            Type::Duration,
            Type::Timestamp,
            Type::List(Box::new(Type::Any)),
            Type::Map(Box::new(Type::Any)),
        ],
        known => vec![known.clone()],
    }
}

/// The type of the result, as far as it is known.
pub(super) fn result_type(operator: Operator, left: &Type, right: &Type) -> Result<Type, Fault> {
    let mut results: Vec<Type> = Vec::new();
    for a in possible(left) {
        for b in possible(right) {
            results.extend(result_of_known(operator, &a, &b));
        }
    }
    if results.is_empty() {
        Err(mismatch(operator, left, right))
    } else {
        Ok(Type::common(results))
    }
}

fn result_of_known(operator: Operator, left: &Type, right: &Type) -> Option<Type> {
    use Operator as O;
    use Type as T;
    match (operator, left, right) {
        (O::And | O::Or, T::Bool, T::Bool) => Some(T::Bool),
        (O::Equal | O::NotEqual, a, b) if a.comparable(b) => Some(T::Bool),
        (O::Less | O::LessOrEqual | O::Greater | O::GreaterOrEqual, a, b) => {
            let both_numbers = matches!((a, b), (T::Int | T::Float, T::Int | T::Float));
            let ordered = matches!(a, T::String | T::Bool | T::Duration | T::Timestamp) && a == b;
            (both_numbers || ordered).then_some(T::Bool)
        }
        (O::In, item, T::List(items)) if item.comparable(items) => Some(T::Bool),
        (O::In, T::String, T::Map(_)) => Some(T::Bool),
        (O::Add | O::Subtract | O::Multiply | O::Divide | O::Remainder, T::Int, T::Int) => {
            Some(T::Int)
        }
        (O::Add | O::Subtract | O::Multiply | O::Divide, T::Float, T::Float) => Some(T::Float),
        (O::Add, T::String, T::String) => Some(T::String),
        (O::Add, T::List(a), T::List(b)) => Some(T::List(Box::new(if a == b {
            (**a).clone()
        } else {
            T::Any
        }))),
        (O::Add | O::Subtract, T::Duration, T::Duration) => Some(T::Duration),
        (O::Subtract, T::Timestamp, T::Timestamp) => Some(T::Duration),
        (O::Add | O::Subtract, T::Timestamp, T::Duration) => Some(T::Timestamp),
        (O::Add, T::Duration, T::Timestamp) => Some(T::Timestamp),
        _ => None,
    }
}

/// Two types that an operator does not take together.
fn mismatch(operator: Operator, left: &Type, right: &Type) -> Fault {
    let sign = operator.sign();
    let fault = Fault::new(match operator {
        Operator::Equal | Operator::NotEqual => {
            format!(
                "this compares {} with {}, which are never equal",
                article(left),
                article(right)
            )
        }
        _ => format!(
            "`{sign}` does not take {} and {}",
            article(left),
            article(right)
        ),
    });
    match (operator, left, right) {
        (Operator::And | Operator::Or, ..) => {
            fault.help(format!("both sides of `{sign}` have to be true or false"))
        }
        (Operator::In, Type::String, Type::String) => {
            fault.help("to look for a text in another, write `text.contains(part)`")
        }
        (Operator::Add, Type::String, _) | (Operator::Add, _, Type::String) => {
            fault.help("`string(x)` makes a text of a value")
        }
        (_, Type::String, number) | (_, number, Type::String)
            if matches!(number, Type::Int | Type::Float) =>
        {
            fault.help(if *number == Type::Int {
                "`int(x)` reads a number from a text"
            } else {
                "`double(x)` reads a number from a text"
            })
        }
        (_, Type::Int, Type::Float) | (_, Type::Float, Type::Int)
            if operator != Operator::Remainder =>
        {
            fault.help("`double(x)` makes a float of an int, and `int(x)` the other way round")
        }
        _ => fault,
    }
}

/// A type with its article: "a string", "an int".
pub(super) fn article(of: &Type) -> String {
    match of {
        Type::Null => "null".to_owned(),
        Type::Int | Type::Any => format!("an {of}"),
        _ => format!("a {of}"),
    }
}
