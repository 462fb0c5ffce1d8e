//! The functions: one table of names and forms, one place that says what each does, one that says its types.

use super::error::Fault;
use super::format;
use super::operators::{article, compare, instant};
use super::suggest::suggest;
use super::types::Type;
use crate::time::Timestamp;
use crate::value::Value;
use std::cmp::Ordering;

/// A function that an expression may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    Contains,
    StartsWith,
    EndsWith,
    LowerAscii,
    UpperAscii,
    Trim,
    Split,
    Join,
    Replace,
    String,
    Int,
    Double,
    Bool,
    Duration,
    Timestamp,
    Min,
    Max,
    Abs,
    GetHours,
    GetMinutes,
    GetSeconds,
    Format,
    Ident,
}

/// How a function is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `f(x)`
    Function,
    /// `x.f()`
    Method,
    /// Either.
    Both,
}

/// A row of the table: the function, its name, its form, its fewest and most arguments (a method's receiver
/// counts), and an example.
struct Entry(Function, &'static str, Form, usize, usize, &'static str);

static TABLE: [Entry; 24] = [
    Entry(Function::Size, "size", Form::Both, 1, 1, "size(list)"),
    Entry(
        Function::Contains,
        "contains",
        Form::Method,
        2,
        2,
        "text.contains('part')",
    ),
    Entry(
        Function::StartsWith,
        "startsWith",
        Form::Method,
        2,
        2,
        "text.startsWith('part')",
    ),
    Entry(
        Function::EndsWith,
        "endsWith",
        Form::Method,
        2,
        2,
        "text.endsWith('part')",
    ),
    Entry(
        Function::LowerAscii,
        "lowerAscii",
        Form::Method,
        1,
        1,
        "text.lowerAscii()",
    ),
    Entry(
        Function::UpperAscii,
        "upperAscii",
        Form::Method,
        1,
        1,
        "text.upperAscii()",
    ),
    Entry(Function::Trim, "trim", Form::Method, 1, 1, "text.trim()"),
    Entry(
        Function::Split,
        "split",
        Form::Method,
        2,
        2,
        "text.split(',')",
    ),
    Entry(
        Function::Join,
        "join",
        Form::Method,
        1,
        2,
        "list.join(', ')",
    ),
    Entry(
        Function::Replace,
        "replace",
        Form::Method,
        3,
        3,
        "text.replace('old', 'new')",
    ),
    Entry(
        Function::String,
        "string",
        Form::Function,
        1,
        1,
        "string(5)",
    ),
    Entry(Function::Int, "int", Form::Function, 1, 1, "int('5')"),
    Entry(
        Function::Double,
        "double",
        Form::Function,
        1,
        1,
        "double('0.5')",
    ),
    Entry(Function::Bool, "bool", Form::Function, 1, 1, "bool('true')"),
    Entry(
        Function::Duration,
        "duration",
        Form::Function,
        1,
        1,
        "duration('1h30m')",
    ),
    Entry(
        Function::Timestamp,
        "timestamp",
        Form::Function,
        1,
        1,
        "timestamp('2026-01-31T03:00:00Z')",
    ),
    Entry(
        Function::Min,
        "min",
        Form::Function,
        1,
        usize::MAX,
        "min(a, b)",
    ),
    Entry(
        Function::Max,
        "max",
        Form::Function,
        1,
        usize::MAX,
        "max(a, b)",
    ),
    Entry(Function::Abs, "abs", Form::Function, 1, 1, "abs(x)"),
    Entry(
        Function::GetHours,
        "getHours",
        Form::Method,
        1,
        1,
        "length.getHours()",
    ),
    Entry(
        Function::GetMinutes,
        "getMinutes",
        Form::Method,
        1,
        1,
        "length.getMinutes()",
    ),
    Entry(
        Function::GetSeconds,
        "getSeconds",
        Form::Method,
        1,
        1,
        "length.getSeconds()",
    ),
    Entry(
        Function::Format,
        "format",
        Form::Both,
        2,
        2,
        "format(time, '%Y-%m')",
    ),
    Entry(
        Function::Ident,
        "ident",
        Form::Function,
        1,
        1,
        "ident(name)",
    ),
];

/// Every function: its name, and how it is written. For the reference.
pub fn function_examples() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|entry| (entry.1, entry.5))
}

/// A call with the wrong number of arguments.
pub(super) fn wrong_count(name: &str, count: usize) -> Fault {
    Fault::new(format!(
        "`{name}` does not take {count} argument{}",
        if count == 1 { "" } else { "s" }
    ))
}

impl Function {
    /// The function of this name, if it can be written in this form.
    pub(super) fn find(name: &str, is_method: bool) -> Result<Function, Fault> {
        let wrong_form = if is_method {
            Form::Function
        } else {
            Form::Method
        };
        match TABLE.iter().find(|entry| entry.1 == name) {
            Some(entry) if entry.2 == wrong_form => {
                Err(Fault::new(format!("`{name}` is not written in this form"))
                    .help(format!("write `{}`", entry.5)))
            }
            Some(entry) => Ok(entry.0),
            None => Err(unknown(name)),
        }
    }

    fn entry(self) -> Option<&'static Entry> {
        TABLE.iter().find(|entry| entry.0 == self)
    }

    /// As people write it.
    pub(super) fn name(self) -> &'static str {
        self.entry().map_or("", |entry| entry.1)
    }

    fn example(self) -> String {
        format!("write `{}`", self.entry().map_or("", |entry| entry.5))
    }

    /// Whether so many arguments will do, a method's receiver counted.
    pub(super) fn check_count(self, count: usize, is_method: bool) -> Result<(), Fault> {
        match self.entry() {
            Some(entry) if count < entry.3 || count > entry.4 => {
                Err(wrong_count(entry.1, count - usize::from(is_method)).help(self.example()))
            }
            _ => Ok(()),
        }
    }

    /// What is wrong with arguments that are literals, whatever the others are.
    pub(super) fn check_literals(self, arguments: &[Option<&Value>]) -> Result<(), Fault> {
        match (self, arguments) {
            (Function::Format, [_, Some(Value::String(form))]) => {
                format::format(Timestamp(0), form, usize::MAX).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    fn refuses(self, arguments: &[Type]) -> Fault {
        let given: Vec<String> = arguments.iter().map(article).collect();
        Fault::new(format!(
            "`{}` does not take {}",
            self.name(),
            given.join(" and ")
        ))
        .help(self.example())
    }

    /// The type of the result for arguments of these types.
    pub(super) fn result_type(self, arguments: &[Type]) -> Result<Type, Fault> {
        use Type as T;
        let fits = |at: usize, wanted: fn(&Type) -> bool| {
            arguments
                .get(at)
                .is_none_or(|argument| *argument == T::Any || wanted(argument))
        };
        let string = |argument: &Type| *argument == T::String;
        let scalar =
            |argument: &Type| !matches!(argument, T::Null | T::List(_) | T::Map(_) | T::Secret);
        let (all_fit, result) = match self {
            Function::Size => (
                fits(0, |t| matches!(t, T::String | T::List(_) | T::Map(_))),
                T::Int,
            ),
            Function::Contains | Function::StartsWith | Function::EndsWith => {
                (fits(0, string) && fits(1, string), T::Bool)
            }
            Function::LowerAscii | Function::UpperAscii | Function::Trim => {
                (fits(0, string), T::String)
            }
            Function::Split => (
                fits(0, string) && fits(1, string),
                T::List(Box::new(T::String)),
            ),
            Function::Join => {
                let strings =
                    |t: &Type| matches!(t, T::List(item) if matches!(**item, T::String | T::Any));
                (fits(0, strings) && fits(1, string), T::String)
            }
            Function::Replace => (
                fits(0, string) && fits(1, string) && fits(2, string),
                T::String,
            ),
            Function::String => (fits(0, scalar), T::String),
            Function::Int => (
                fits(0, |t| {
                    matches!(t, T::Int | T::Float | T::String | T::Timestamp)
                }),
                T::Int,
            ),
            Function::Double => (
                fits(0, |t| matches!(t, T::Int | T::Float | T::String)),
                T::Float,
            ),
            Function::Bool => (fits(0, |t| matches!(t, T::Bool | T::String)), T::Bool),
            Function::Duration => (
                fits(0, |t| matches!(t, T::String | T::Duration)),
                T::Duration,
            ),
            Function::Timestamp => (
                fits(0, |t| matches!(t, T::String | T::Int | T::Timestamp)),
                T::Timestamp,
            ),
            Function::Abs => (
                fits(0, Type::may_be_number),
                arguments.first().cloned().unwrap_or(T::Any),
            ),
            Function::GetHours | Function::GetMinutes | Function::GetSeconds => {
                (fits(0, |t| *t == T::Duration), T::Int)
            }
            Function::Format => (
                fits(0, |t| *t == T::Timestamp) && fits(1, string),
                T::String,
            ),
            Function::Ident => (fits(0, string), T::String),
            Function::Min | Function::Max => return self.extreme_type(arguments),
        };
        if all_fit {
            Ok(result)
        } else {
            Err(self.refuses(arguments))
        }
    }

    fn extreme_type(self, arguments: &[Type]) -> Result<Type, Fault> {
        let items = match arguments {
            [Type::List(item)] => std::slice::from_ref(&**item),
            [Type::Any] => return Ok(Type::Any),
            [_] => return Err(self.refuses(arguments)),
            several => several,
        };
        let ordered = |t: &Type| {
            matches!(
                t,
                Type::Any
                    | Type::Bool
                    | Type::Int
                    | Type::Float
                    | Type::String
                    | Type::Duration
                    | Type::Timestamp
            )
        };
        let together = items
            .iter()
            .all(|a| ordered(a) && items.iter().all(|b| a.comparable(b)));
        if together {
            Ok(Type::common(items.iter().cloned()))
        } else {
            Err(self.refuses(arguments))
        }
    }

    /// The result. `most_bytes` is how long a text it may make.
    pub(super) fn call(self, arguments: &[&Value], most_bytes: usize) -> Result<Value, Fault> {
        let refuses = || {
            self.refuses(
                &arguments
                    .iter()
                    .map(|argument| Type::of(argument))
                    .collect::<Vec<_>>(),
            )
        };
        match (self, arguments) {
            (Function::Min, _) => extreme(arguments, Ordering::Less).ok_or_else(refuses),
            (Function::Max, _) => extreme(arguments, Ordering::Greater).ok_or_else(refuses),
            (_, [Value::String(text), rest @ ..]) => self
                .of_text(text, rest, most_bytes)
                .unwrap_or_else(|| Err(refuses())),
            (Function::Size, [Value::List(items)]) => Ok(count(items.len())),
            (Function::Size, [Value::Map(entries)]) => Ok(count(entries.len())),
            (Function::Join, [Value::List(items), rest @ ..]) => {
                join(items, rest, most_bytes).unwrap_or_else(|| Err(refuses()))
            }
            (
                Function::String,
                [
                    value @ (Value::Bool(_)
                    | Value::Int(_)
                    | Value::Float(_)
                    | Value::Duration(_)
                    | Value::Timestamp(_)),
                ],
            ) => Ok(Value::String(value.to_string())),
            (Function::Int, [Value::Int(value)]) => Ok(Value::Int(*value)),
            (Function::Int, [Value::Float(value)]) => int_of_float(*value),
            (Function::Int, [Value::Timestamp(at)]) => Ok(Value::Int(at.0.div_euclid(1000))),
            (Function::Double, [Value::Int(value)]) => Ok(Value::Float(*value as f64)),
            (Function::Double, [Value::Float(value)]) => Ok(Value::Float(*value)),
            (Function::Bool, [Value::Bool(value)]) => Ok(Value::Bool(*value)),
            (Function::Duration, [Value::Duration(length)]) => Ok(Value::Duration(*length)),
            (Function::Timestamp, [Value::Timestamp(at)]) => Ok(Value::Timestamp(*at)),
            (Function::Timestamp, [Value::Int(seconds)]) => instant(seconds.checked_mul(1000)),
            (Function::Abs, [Value::Int(value)]) => value
                .checked_abs()
                .map(Value::Int)
                .ok_or_else(super::operators::overflow),
            (Function::Abs, [Value::Float(value)]) => Ok(Value::Float(value.abs())),
            (Function::GetHours, [Value::Duration(length)]) => Ok(whole(length.0 / 3_600_000)),
            (Function::GetMinutes, [Value::Duration(length)]) => Ok(whole(length.0 / 60_000)),
            (Function::Format, [Value::Timestamp(at), Value::String(form)]) => {
                format::format(*at, form, most_bytes).map(Value::String)
            }
            (Function::GetSeconds, [Value::Duration(length)]) => Ok(whole(length.0 / 1000)),
            _ => Err(refuses()),
        }
    }

    /// The functions whose first argument is a text; `None` if this is not one, or another argument does not fit.
    fn of_text(
        self,
        text: &str,
        rest: &[&Value],
        most_bytes: usize,
    ) -> Option<Result<Value, Fault>> {
        let value = match (self, rest) {
            (Function::Size, []) => count(text.chars().count()),
            (Function::Contains, [Value::String(part)]) => {
                Value::Bool(text.contains(part.as_str()))
            }
            (Function::StartsWith, [Value::String(part)]) => {
                Value::Bool(text.starts_with(part.as_str()))
            }
            (Function::EndsWith, [Value::String(part)]) => {
                Value::Bool(text.ends_with(part.as_str()))
            }
            (Function::LowerAscii, []) => Value::String(text.to_ascii_lowercase()),
            (Function::UpperAscii, []) => Value::String(text.to_ascii_uppercase()),
            (Function::Trim, []) => Value::String(text.trim().to_owned()),
            (Function::String, []) => Value::String(text.to_owned()),
            (Function::Ident, []) => return Some(ident(text)),
            (Function::Split, [Value::String(by)]) => return Some(split(text, by, most_bytes)),
            (Function::Replace, [Value::String(old), Value::String(new)]) => {
                return Some(replace(text, old, new, most_bytes));
            }
            (Function::Int, []) => match text.trim().parse() {
                Ok(value) => Value::Int(value),
                Err(_) => return Some(Err(unreadable(text, "an int"))),
            },
            (Function::Double, []) => match text.trim().parse::<f64>() {
                Ok(value) if value.is_finite() => Value::Float(value),
                _ => return Some(Err(unreadable(text, "a float"))),
            },
            (Function::Bool, []) => match text {
                "true" => Value::Bool(true),
                "false" => Value::Bool(false),
                _ => {
                    return Some(Err(
                        unreadable(text, "a bool").help("a bool is `true` or `false`")
                    ));
                }
            },
            (Function::Duration, []) => match text.parse() {
                Ok(length) => Value::Duration(length),
                Err(error) => return Some(Err(Fault::new(short(&error.to_string())))),
            },
            (Function::Timestamp, []) => match text.parse::<Timestamp>() {
                Ok(at) => return Some(instant(Some(at.0))),
                Err(error) => return Some(Err(Fault::new(short(&error.to_string())))),
            },
            _ => return None,
        };
        Some(Ok(value))
    }
}

/// A name that is no function, with what to write instead.
fn unknown(name: &str) -> Fault {
    let fault = Fault::new(format!("there is no function `{}`", short(name)));
    match name {
        "matches" => fault.help(
            "there are no regular expressions here; use `contains`, `startsWith` or `endsWith`",
        ),
        "float" => fault.help("`double(x)` makes a float"),
        "len" | "length" | "count" => fault.help("`size(x)` is the length"),
        "lower" | "toLower" | "to_lower" => fault.help("write `text.lowerAscii()`"),
        "strftime" | "getFullYear" | "getMonth" | "getDate" => {
            fault.help("write `format(time, '%Y-%m-%d')`")
        }
        "upper" | "toUpper" | "to_upper" => fault.help("write `text.upperAscii()`"),
        _ => match suggest(name, TABLE.iter().map(|entry| entry.1)) {
            Some(near) => fault.help(format!("did you mean `{near}`?")),
            None => fault,
        },
    }
}

/// A name as SQL quotes it.
fn ident(name: &str) -> Result<Value, Fault> {
    /// The longest name that Postgres keeps whole. It cuts others, so that two of them may be the same.
    const LONGEST: usize = 63;
    let problem = match name {
        "" => "is empty".to_owned(),
        name if name.contains('\0') => "contains a zero byte".to_owned(),
        name if name.len() > LONGEST => format!("has more than {LONGEST} bytes: {}", short(name)),
        name => return Ok(Value::String(format!("\"{}\"", name.replace('"', "\"\"")))),
    };
    Err(Fault::new(format!(
        "this is no name for an SQL identifier: it {problem}"
    )))
}

fn unreadable(text: &str, wanted: &str) -> Fault {
    Fault::new(format!("`{}` does not read as {wanted}", short(text)))
}

/// A text for a message, cut if it is long.
pub(super) fn short(text: &str) -> String {
    const MOST: usize = 120;
    let mut letters = text.chars();
    let start: String = letters.by_ref().take(MOST).collect();
    if letters.next().is_some() {
        start + "…"
    } else {
        start
    }
}

fn count(count: usize) -> Value {
    whole(count as u64)
}

fn whole(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

pub(super) fn too_long() -> Fault {
    Fault::new("the result is longer than an expression may make")
        .help("do this in the step's own program")
}

fn split(text: &str, by: &str, most_bytes: usize) -> Result<Value, Fault> {
    let pieces = if by.is_empty() {
        text.chars().count()
    } else {
        text.matches(by).count() + 1
    };
    if pieces
        .saturating_mul(size_of::<Value>())
        .saturating_add(text.len())
        > most_bytes
    {
        return Err(too_long());
    }
    let piece = |piece: &str| Value::String(piece.to_owned());
    Ok(Value::List(match by {
        "" => text
            .chars()
            .map(|letter| Value::String(letter.to_string()))
            .collect(),
        by => text.split(by).map(piece).collect(),
    }))
}

fn replace(text: &str, old: &str, new: &str, most_bytes: usize) -> Result<Value, Fault> {
    if old.is_empty() {
        return Err(Fault::new(
            "`replace` needs a text to look for, and this one is empty",
        ));
    }
    let longest = text
        .matches(old)
        .count()
        .saturating_mul(new.len())
        .saturating_add(text.len());
    if longest > most_bytes {
        Err(too_long())
    } else {
        Ok(Value::String(text.replace(old, new)))
    }
}

fn join(items: &[Value], rest: &[&Value], most_bytes: usize) -> Option<Result<Value, Fault>> {
    let between = match rest {
        [] => "",
        [Value::String(between)] => between.as_str(),
        _ => return None,
    };
    let mut result = String::new();
    for (at, item) in items.iter().enumerate() {
        let Value::String(item) = item else {
            let message = format!(
                "`join` takes a list of strings, and item {at} is {}",
                article(&Type::of(item))
            );
            return Some(Err(
                Fault::new(message).help("make strings of them first: `list.map(x, string(x))`")
            ));
        };
        if result.len() + between.len() + item.len() > most_bytes {
            return Some(Err(too_long()));
        }
        if at > 0 {
            result.push_str(between);
        }
        result.push_str(item);
    }
    Some(Ok(Value::String(result)))
}

fn int_of_float(value: f64) -> Result<Value, Fault> {
    /// 2^63: floats from here on are above every int.
    const ABOVE: f64 = 9_223_372_036_854_775_808.0;
    if (-ABOVE..ABOVE).contains(&value) {
        Ok(Value::Int(value.trunc() as i64))
    } else {
        Err(super::operators::overflow())
    }
}

/// The least or the greatest of some values, the first of equal ones; `None` if there are none or they have no order.
fn extreme(arguments: &[&Value], wanted: Ordering) -> Option<Value> {
    let items: Vec<&Value> = match arguments {
        [Value::List(items)] => items.iter().collect(),
        [_] => return None,
        several => several.to_vec(),
    };
    let (first, rest) = items.split_first()?;
    let mut best = *first;
    compare(best, best)?;
    for item in rest {
        if compare(item, best)? == wanted {
            best = item;
        }
    }
    Some(best.clone())
}
