//! Types of expressions, and what an expression asks about the names in scope.

use crate::value::Value;
use std::fmt;

/// The type of an expression, as far as it is known before the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    /// Not known before the run: everything is allowed.
    Any,
    /// Only `null`.
    Null,
    /// True or false.
    Bool,
    /// A 64-bit whole number.
    Int,
    /// A floating-point number.
    Float,
    /// Text.
    String,
    /// A length of time.
    Duration,
    /// An instant.
    Timestamp,
    /// A list whose items have this type.
    List(Box<Type>),
    /// A map by name whose values have this type.
    Map(Box<Type>),
    /// A reference to a secret: may be put into a template, and nothing else.
    Secret,
}

impl fmt::Display for Type {
    /// As people write it: `list of string`, and plainly `list` when the items may be anything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Any => "any",
            Type::Null => "null",
            Type::Bool => "bool",
            Type::Int => "int",
            Type::Float => "float",
            Type::String => "string",
            Type::Duration => "duration",
            Type::Timestamp => "timestamp",
            Type::Secret => "secret",
            Type::List(item) | Type::Map(item) => {
                let kind = if matches!(self, Type::List(_)) {
                    "list"
                } else {
                    "map"
                };
                return match **item {
                    Type::Any => f.write_str(kind),
                    ref item => write!(f, "{kind} of {item}"),
                };
            }
        })
    }
}

impl Type {
    /// The type of a value: of its items too, when they all have the same.
    #[must_use]
    pub fn of(value: &Value) -> Type {
        match value {
            Value::Null => Type::Null,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Float(_) => Type::Float,
            Value::String(_) => Type::String,
            Value::Duration(_) => Type::Duration,
            Value::Timestamp(_) => Type::Timestamp,
            Value::List(items) => Type::List(Box::new(Type::common(items.iter().map(Type::of)))),
            Value::Map(entries) => {
                Type::Map(Box::new(Type::common(entries.values().map(Type::of))))
            }
            Value::Secret(_) => Type::Secret,
        }
    }

    /// The type that all of these have; [`Type::Any`] when they differ or there are none.
    pub(super) fn common(types: impl IntoIterator<Item = Type>) -> Type {
        let mut types = types.into_iter();
        match types.next() {
            Some(first) if types.all(|other| other == first) => first,
            _ => Type::Any,
        }
    }

    /// Whether this may turn out to be a number.
    pub(super) fn may_be_number(&self) -> bool {
        matches!(self, Type::Any | Type::Int | Type::Float)
    }

    /// Whether a value of this type may turn out to equal one of the other.
    pub(super) fn comparable(&self, other: &Type) -> bool {
        match (self, other) {
            (Type::Any | Type::Null, _) | (_, Type::Any | Type::Null) => true,
            (Type::Int | Type::Float, Type::Int | Type::Float) => true,
            (Type::List(a), Type::List(b)) | (Type::Map(a), Type::Map(b)) => a.comparable(b),
            (a, b) => a == b,
        }
    }
}

/// The values of the names that an expression may use.
pub trait Scope {
    /// What stands at this path. The evaluator asks for `["steps"]`, then `["steps", "fetch"]` and so on, as long
    /// as the answer is [`Resolved::Namespace`]; inside a value it goes on by itself.
    fn resolve(&self, path: &[String]) -> Resolved;
}

/// What stands at a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolved {
    /// A value.
    Value(Value),
    /// Nothing by itself, but names may follow.
    Namespace,
    /// There is no such name, or it has no value in this run (the output of a step that was skipped).
    Unknown,
}

/// The types of the names that an expression may use.
pub trait TypeScope {
    /// What will stand at this path; asked in the same way as [`Scope::resolve`].
    fn resolve(&self, path: &[String]) -> TypeResolved;
}

/// What will stand at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeResolved {
    /// A value of this type.
    Type(Type),
    /// Nothing by itself, but names may follow.
    Namespace,
    /// There is no such name. The scope words the message, because it knows what the name was meant to be.
    Unknown {
        /// What is wrong: ``there is no step `fetsh` ``.
        message: String,
        /// What to do: ``did you mean `fetch`?``.
        help: Option<String>,
    },
}
