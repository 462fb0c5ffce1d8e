//! Values on their way into SQLite and out of it.

use piton_core::value::Value;
use rusqlite::types::{Value as SqlValue, ValueRef};

/// What is bound for this value.
pub(super) fn bind_value(value: &Value) -> SqlValue {
    match value {
        Value::Null => SqlValue::Null,
        Value::Bool(truth) => SqlValue::Integer(i64::from(*truth)),
        Value::Int(number) => SqlValue::Integer(*number),
        Value::Float(number) => SqlValue::Real(*number),
        Value::String(text) | Value::Secret(text) => SqlValue::Text(text.clone()),
        Value::Duration(length) => SqlValue::Text(length.to_string()),
        Value::Timestamp(instant) => SqlValue::Text(instant.to_string()),
        Value::List(_) | Value::Map(_) => {
            SqlValue::Text(serde_json::to_string(value).unwrap_or_default())
        }
    }
}

/// What a column holds. A blob is written as hex digits; text that is not UTF-8 has its bad bytes replaced; the
/// infinities, which no value can be, are text.
pub(super) fn column_value(column: ValueRef<'_>) -> Value {
    match column {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Real(number) if number.is_finite() => Value::Float(number),
        ValueRef::Real(number) => Value::String(number.to_string()),
        ValueRef::Text(text) => Value::String(String::from_utf8_lossy(text).into_owned()),
        ValueRef::Blob(bytes) => {
            Value::String(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
        }
    }
}
