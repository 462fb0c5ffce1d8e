//! Values: what parameters, outputs and expressions hold.
//!
//! Stored as JSON. What JSON has no form for is a map with one key that begins with `$`
//! (`{"$duration": 5000}`), and a map of the user's with such a key is wrapped as `{"$map": {…}}`.

use crate::time::{Millis, Timestamp};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

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

impl Value {
    /// Plain JSON from outside (a program's output, a parameter) as a value. Nothing in it is special: a map with
    /// the key `$secret` stays a map, so that no program can name a secret. A whole number beyond 64 bits becomes
    /// a float.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(*value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(int) => Value::Int(int),
                None => number
                    .as_f64()
                    .filter(|float| float.is_finite())
                    .map_or(Value::Null, Value::Float),
            },
            serde_json::Value::String(text) => Value::String(text.clone()),
            serde_json::Value::Array(items) => {
                Value::List(items.iter().map(Value::from_json).collect())
            }
            serde_json::Value::Object(entries) => Value::Map(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), Value::from_json(value)))
                    .collect(),
            ),
        }
    }

    /// Plain JSON for people and other programs: durations as `"1h30m"`, instants as RFC 3339, secrets as
    /// `"[secret NAME]"`. Does not read back as the same value; the stored form, which does, is this type's
    /// [`Serialize`].
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Int(value) => (*value).into(),
            Value::Float(value) => (*value).into(),
            Value::String(text) => text.clone().into(),
            Value::Duration(length) => length.to_string().into(),
            Value::Timestamp(at) => at.to_string().into(),
            Value::List(items) => items.iter().map(Value::to_json).collect(),
            Value::Map(entries) => serde_json::Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| (key.clone(), value.to_json()))
                    .collect(),
            ),
            Value::Secret(name) => format!("[secret {name}]").into(),
        }
    }

    /// Whether a secret is in it, at any depth.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        match self {
            Value::Secret(_) => true,
            Value::List(items) => items.iter().any(Value::has_secret),
            Value::Map(entries) => entries.values().any(Value::has_secret),
            _ => false,
        }
    }
}

impl fmt::Display for Value {
    /// For people: a string as it is, everything else as in [`Value::to_json`] without quotes around it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_json() {
            serde_json::Value::String(text) => f.write_str(&text),
            json => write!(f, "{json}"),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Int(value)
    }
}

impl From<String> for Value {
    fn from(value: String) -> Value {
        Value::String(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::String(value.to_owned())
    }
}

impl From<Millis> for Value {
    fn from(value: Millis) -> Value {
        Value::Duration(value)
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Value {
        Value::Timestamp(value)
    }
}

impl From<Vec<Value>> for Value {
    fn from(value: Vec<Value>) -> Value {
        Value::List(value)
    }
}

impl From<BTreeMap<String, Value>> for Value {
    fn from(value: BTreeMap<String, Value>) -> Value {
        Value::Map(value)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    /// `None` is null.
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// Keys of the maps that stand for what JSON has no form for.
const DURATION: &str = "$duration";
const TIMESTAMP: &str = "$timestamp";
const SECRET: &str = "$secret";
const MAP: &str = "$map";

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Float(value) if value.is_finite() => serializer.serialize_f64(*value),
            Value::Float(_) => Err(S::Error::custom(
                "a float that is not finite cannot be stored",
            )),
            Value::String(text) => serializer.serialize_str(text),
            Value::Duration(length) => serializer.collect_map([(DURATION, length)]),
            Value::Timestamp(at) => serializer.collect_map([(TIMESTAMP, at)]),
            Value::Secret(name) => serializer.collect_map([(SECRET, name)]),
            Value::List(items) => serializer.collect_seq(items),
            Value::Map(entries) if entries.keys().any(|key| key.starts_with('$')) => {
                serializer.collect_map([(MAP, entries)])
            }
            Value::Map(entries) => serializer.collect_map(entries),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StoredForm)
    }
}

/// Reads the stored form.
struct StoredForm;

impl<'de> Visitor<'de> for StoredForm {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value)
            .map(Value::Int)
            .map_err(|_| E::custom(format!("{value} does not fit into 64 bits")))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some(key) = access.next_key::<String>()? {
            if !key.starts_with('$') {
                entries.insert(key, access.next_value()?);
                continue;
            }
            let value = match key.as_str() {
                DURATION => Value::Duration(access.next_value()?),
                TIMESTAMP => Value::Timestamp(access.next_value()?),
                SECRET => Value::Secret(access.next_value()?),
                MAP => Value::Map(access.next_value()?),
                _ => {
                    return Err(A::Error::custom(format!(
                        "`{key}` is not a form of value that this piton knows"
                    )));
                }
            };
            if !entries.is_empty() || access.next_key::<String>()?.is_some() {
                return Err(A::Error::custom(format!(
                    "`{key}` stands beside other keys"
                )));
            }
            return Ok(value);
        }
        Ok(Value::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let finite =
            any::<f64>().prop_filter("only finite floats are values", |float| float.is_finite());
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            finite.prop_map(Value::Float),
            any::<i32>().prop_map(|whole| Value::Float(f64::from(whole))),
            ".{0,6}".prop_map(Value::String),
            (0..1u64 << 63).prop_map(|ms| Value::Duration(Millis(ms))),
            any::<i64>().prop_map(|ms| Value::Timestamp(Timestamp(ms))),
            "[a-z]{1,4}".prop_map(Value::Secret),
        ];
        let key = prop_oneof![
            "[a-z$ ]{0,3}".boxed(),
            prop::sample::select(vec![DURATION, TIMESTAMP, SECRET, MAP])
                .prop_map(str::to_owned)
                .boxed(),
        ];
        leaf.prop_recursive(4, 24, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                prop::collection::btree_map(key.clone(), inner, 0..4).prop_map(Value::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_stored_form_reads_back_as_the_same_value(value in any_value()) {
            let text = serde_json::to_string(&value).unwrap();
            let again: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&again, &value);
            prop_assert_eq!(serde_json::to_string(&again).unwrap(), text.clone());
            // The same through a tree of JSON, whose maps may come in another order.
            let tree: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(serde_json::from_value::<Value>(tree).unwrap(), value);
        }

        #[test]
        fn json_from_outside_is_never_special(value in any_value()) {
            let json = serde_json::to_value(&value).unwrap();
            let read = Value::from_json(&json);
            prop_assert!(!read.has_secret());
            prop_assert_eq!(read.to_json(), json);
        }
    }

    #[test]
    fn stored_forms_are_as_documented() {
        let map = |key: &str, value: Value| Value::Map(BTreeMap::from([(key.to_owned(), value)]));
        for (value, text) in [
            (Value::Null, "null"),
            (Value::Int(5), "5"),
            (Value::Float(5.0), "5.0"),
            (Value::Float(-0.0), "-0.0"),
            (Value::Duration(Millis(5000)), r#"{"$duration":5000}"#),
            (
                Value::Duration(Millis(u64::MAX)),
                r#"{"$duration":18446744073709551615}"#,
            ),
            (Value::Timestamp(Timestamp(-1)), r#"{"$timestamp":-1}"#),
            (Value::Secret("db".into()), r#"{"$secret":"db"}"#),
            (map("a", Value::Int(1)), r#"{"a":1}"#),
            (
                map("$duration", Value::Int(1)),
                r#"{"$map":{"$duration":1}}"#,
            ),
            (
                map("$map", map("$map", Value::Null)),
                r#"{"$map":{"$map":{"$map":{"$map":null}}}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
            assert_eq!(serde_json::from_str::<Value>(text).unwrap(), value);
        }
    }

    #[test]
    fn a_damaged_stored_form_is_refused() {
        for text in [
            r#"{"$duration":-5}"#,
            r#"{"$duration":"5s"}"#,
            r#"{"$duration":5,"a":1}"#,
            r#"{"a":1,"$duration":5}"#,
            r#"{"$later":1}"#,
            r#"{"$map":5}"#,
            "9223372036854775808",
        ] {
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text}");
        }
        assert!(serde_json::to_string(&Value::Float(f64::NAN)).is_err());
    }

    #[test]
    fn people_see_plain_forms() {
        let json = |text: &str| Value::from_json(&serde_json::from_str(text).unwrap());
        assert_eq!(Value::from("a \"b\"").to_string(), "a \"b\"");
        assert_eq!(Value::Float(5.0).to_string(), "5.0");
        assert_eq!(Value::from(Millis(5_400_000)).to_string(), "1h30m");
        assert_eq!(Value::Secret("db".into()).to_string(), "[secret db]");
        assert_eq!(
            json(r#"{"b":[1,"x",null],"a":2.5}"#).to_string(),
            r#"{"a":2.5,"b":[1,"x",null]}"#
        );
        assert_eq!(
            json("18446744073709551615"),
            Value::Float(18_446_744_073_709_551_615.0)
        );
    }
}
