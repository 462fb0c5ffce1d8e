//! The items of a call that is done for each of a list: worked out before the run, because each of them has nodes of
//! its own in the plan.

use super::CompileError;
use super::known::Known;
use super::rewrite::{literal, path, replaced, replaced_in};
use piton_core::expr::{ExprError, Expression, Template};
use piton_core::plan::ForEach;
use piton_core::value::Value;
use std::collections::BTreeSet;

/// An item of a list.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    /// What its nodes are called after: `restore/KEY`.
    pub(super) name: String,
    /// Its key, unique among them.
    pub(super) key: Value,
    /// The item.
    pub(super) value: Value,
}

impl Item {
    /// The expression with `item` and `key` replaced by what they are.
    pub(super) fn expression(&self, expression: &Expression) -> Result<Expression, ExprError> {
        replaced(expression, &|names| self.instead(names))
    }

    /// The template with `item` and `key` replaced by what they are.
    pub(super) fn template(&self, template: &Template) -> Result<Template, ExprError> {
        replaced_in(template, &|names| self.instead(names))
    }

    fn instead(&self, names: &[String]) -> Option<String> {
        let (root, rest) = names.split_first()?;
        let value = match root.as_str() {
            "item" => &self.value,
            "key" => &self.key,
            _ => return None,
        };
        Some(path(&literal(value)?, rest))
    }
}

/// The items of a call, in order.
pub(super) fn items(call: &str, each: &ForEach, known: &Known) -> Result<Vec<Item>, CompileError> {
    let error = |what: String| CompileError::Items {
        call: call.to_owned(),
        what,
    };
    let list = known.value(&each.items).ok_or_else(|| {
        error(format!(
            "the list `{}` is not known before the run; a call takes its items from parameters and literals. Give \
             the list as a parameter, or write for_each at a step inside the called runbook",
            each.items
        ))
    })?;
    let mut items = match list {
        Value::List(values) => listed(values),
        Value::Map(entries) => {
            let item = |(key, value)| Item {
                name: String::new(),
                key: Value::String(key),
                value,
            };
            entries.into_iter().map(item).collect()
        }
        other => {
            return Err(error(format!(
                "`{}` is {}, and it takes a list or a map",
                each.items,
                other.type_name()
            )));
        }
    };
    if let Some(expression) = &each.key {
        for item in &mut items {
            let key = item
                .expression(expression)
                .ok()
                .and_then(|expression| known.value(&expression));
            item.key = key.ok_or_else(|| {
                error(format!(
                    "the key `{expression}` has no value for the item `{}`",
                    item.value
                ))
            })?;
        }
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = items.iter().find(|item| !seen.insert(item.key.to_string())) {
        return Err(error(format!(
            "the key `{}` is there twice; write for_each_key so that each item has a key of its own",
            twice.key
        )));
    }
    name(&mut items);
    Ok(items)
}

/// The items of a list: a text or a number is its own key, anything else has its place.
fn listed(values: Vec<Value>) -> Vec<Item> {
    let item = |(place, value): (usize, Value)| Item {
        name: String::new(),
        key: match &value {
            Value::String(_) | Value::Int(_) => value.clone(),
            _ => Value::Int(place_of(place)),
        },
        value,
    };
    values.into_iter().enumerate().map(item).collect()
}

fn place_of(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

/// Names after the keys, where they can stand in a node's name; else after places, counted from 0 as in the journal.
fn name(items: &mut [Item]) {
    for (place, item) in items.iter_mut().enumerate() {
        let key = item.key.to_string();
        item.name = if is_safe(&key) {
            key
        } else {
            place.to_string()
        };
    }
    let names: BTreeSet<&str> = items.iter().map(|item| item.name.as_str()).collect();
    if names.len() < items.len() {
        for (place, item) in items.iter_mut().enumerate() {
            item.name = place.to_string();
        }
    }
}

/// Whether a key can stand in a node's name.
fn is_safe(key: &str) -> bool {
    (1..=64).contains(&key.len())
        && !key.starts_with('-')
        && key
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(items: &str, key: Option<&str>) -> Result<Vec<(String, String)>, String> {
        let parse = |text: &str| Expression::parse(text).expect("it parses");
        let each = ForEach {
            items: parse(items),
            key: key.map(parse),
        };
        let known = Known {
            params: [("regions".to_owned(), Value::from("eu,us"))].into(),
            mode: None,
        };
        let items = super::items("all", &each, &known).map_err(|error| error.to_string())?;
        let pair = |item: Item| (item.name, item.value.to_string());
        Ok(items.into_iter().map(pair).collect())
    }

    #[test]
    fn items_are_named_after_their_keys_where_that_is_a_name() {
        let pairs = |items: &[(&str, &str)]| {
            let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            Ok(items.iter().map(pair).collect::<Vec<_>>())
        };
        assert_eq!(
            keys("params.regions.split(',')", None),
            pairs(&[("eu", "eu"), ("us", "us")])
        );
        assert_eq!(
            keys("['a', 'B c', 7]", None),
            pairs(&[("a", "a"), ("1", "B c"), ("7", "7")])
        );
        // A key that looks like another item's place: then all have their places.
        assert_eq!(
            keys("['1', 'B c']", None),
            pairs(&[("0", "1"), ("1", "B c")])
        );
        assert_eq!(
            keys("{'x': 1, 'y': 2}", None),
            pairs(&[("x", "1"), ("y", "2")])
        );
        assert_eq!(
            keys("[{'id': 'p'}, {'id': 'q'}]", Some("item.id")),
            pairs(&[("p", r#"{"id":"p"}"#), ("q", r#"{"id":"q"}"#)])
        );
        assert_eq!(keys("[]", None), pairs(&[]));
    }

    #[test]
    fn a_list_that_is_not_known_or_has_a_key_twice_is_refused() {
        for (items, key, part) in [
            ("steps.a.outputs.list", None, "is not known before the run"),
            ("[run.id]", None, "is not known before the run"),
            ("'text'", None, "takes a list or a map"),
            ("['a', 'a']", None, "the key `a` is there twice"),
            ("[1, 2]", Some("'same'"), "the key `same` is there twice"),
            ("[1]", Some("item.name"), "has no value for the item `1`"),
        ] {
            let error = keys(items, key).expect_err(items);
            assert!(error.contains(part), "{error}");
        }
    }
}
