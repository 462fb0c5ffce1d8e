//! Going into a value by name or number, and words for when that does not work.

use super::ast::Node;
use super::evaluate::{Outcome, described};
use super::functions::short;
use super::{ExprError, Range, suggest};
use crate::value::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Why a value has no such member.
pub(super) enum NoMember {
    NotAMap(String),
    NotThere { name: String, near: Option<String> },
    Secret(String),
}

impl NoMember {
    pub(super) fn into_error(self, of: &Node, name_span: Range) -> ExprError {
        match self {
            NoMember::NotAMap(what) => ExprError::new(name_span, format!("{what} has no members")),
            NoMember::NotThere { name, near } => {
                ExprError::new(name_span, format!("the map has no key `{}`", short(&name)))
                    .suggest(near)
            }
            NoMember::Secret(name) => secret_used(of, &name),
        }
    }
}

pub(super) fn member<'v>(value: Cow<'v, Value>, name: &str) -> Result<Cow<'v, Value>, NoMember> {
    let found = match value {
        Cow::Borrowed(Value::Map(entries)) => entries
            .get_key_value(name)
            .map(|(_, value)| Cow::Borrowed(value))
            .ok_or(entries),
        Cow::Owned(Value::Map(mut entries)) => match entries.remove(name) {
            Some(value) => Ok(Cow::Owned(value)),
            None => return Err(not_there(&entries, name)),
        },
        other => {
            return Err(match &*other {
                Value::Secret(name) => NoMember::Secret(name.clone()),
                other => NoMember::NotAMap(described(other)),
            });
        }
    };
    found.map_err(|entries| not_there(entries, name))
}

fn not_there(entries: &BTreeMap<String, Value>, name: &str) -> NoMember {
    NoMember::NotThere {
        name: name.to_owned(),
        near: suggest(name, entries.keys().take(100).map(String::as_str)),
    }
}

pub(super) fn item<'v>(value: Cow<'v, Value>, at: i64, of: &Node, index: &Node) -> Outcome<'v> {
    let outside = |count: usize| {
        let message = format!("there is no item {at} in a list of {count}");
        let help = if count == 0 {
            "ask first with `size(list) > 0`".to_owned()
        } else {
            format!("items are 0 to {}", count - 1)
        };
        ExprError::new(index.span.clone(), message).help(help)
    };
    let place = usize::try_from(at).unwrap_or(usize::MAX);
    match value {
        Cow::Borrowed(Value::List(items)) => items
            .get(place)
            .map(Cow::Borrowed)
            .ok_or_else(|| outside(items.len())),
        Cow::Owned(Value::List(mut items)) if place < items.len() => {
            Ok(Cow::Owned(items.swap_remove(place)))
        }
        Cow::Owned(Value::List(items)) => Err(outside(items.len())),
        other => Err(match &*other {
            Value::Secret(name) => secret_used(of, name),
            other => ExprError::new(
                of.span.clone(),
                format!(
                    "only a list has items by number, and this is {}",
                    described(other)
                ),
            ),
        }),
    }
}

pub(super) fn secret_used(node: &Node, name: &str) -> ExprError {
    ExprError::new(
        node.span.clone(),
        format!(
            "the secret `{name}` can only be put into a text; nothing can be worked out with it"
        ),
    )
    .help(format!(
        "give it to a program by `env`: `{} = \"${{{{ secrets.{name} }}}}\"`",
        name.to_ascii_uppercase()
    ))
}

pub(super) fn namespace_used(node: &Node, path: &[String]) -> ExprError {
    let path = short(&path.join("."));
    ExprError::new(
        node.span.clone(),
        format!("`{path}` is not a value by itself"),
    )
    .help(format!("name a member of it: `{path}.NAME`"))
}

pub(super) fn namespace_index(index: &Node, path: &[String]) -> ExprError {
    ExprError::new(
        index.span.clone(),
        format!("a member of `{}` has to be named", short(&path.join("."))),
    )
    .help("names in scope cannot be worked out; write `.name` or `['name']`")
}
