//! Values: what parameters, outputs and expressions hold.
//!
//! Stored as JSON. What JSON has no form for is a map with one key that begins with `$`
//! (`{"$duration": 5000}`), and a map of the user's with such a key is wrapped as `{"$map": {…}}`.

use crate::time::{Millis, Timestamp};
use std::collections::BTreeMap;

/// A value. Maps are ordered by key, so that the same value always has the same stored form.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// Nothing: SQL's `NULL`, JSON's `null`.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A 64-bit whole number. Arithmetic that leaves its range is an error.
    Int(i64),
    /// A finite floating-point number.
    Float(f64),
    /// Text.
    String(String),
    /// A length of time.
    Duration(Millis),
    /// An instant.
    Timestamp(Timestamp),
    /// A list.
    List(Vec<Value>),
    /// A map by name.
    Map(BTreeMap<String, Value>),
    /// A reference to a secret by its name in the plan. The value itself is known only to the runtime, for as
    /// long as an attempt uses it; nothing but putting it into a text can be done with the reference.
    Secret(String),
}

impl Value {
    /// The name of the value's type as people write it in a runbook.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Float(_) => "float",
            Value::String(_) => "string",
            Value::Duration(_) => "duration",
            Value::Timestamp(_) => "timestamp",
            Value::List(_) => "list",
            Value::Map(_) => "map",
            Value::Secret(_) => "secret",
        }
    }
}
