//! Working out an expression's value.

use super::access::{item, member, namespace_index, namespace_used, secret_used};
use super::ast::{Binary, Comprehension, ComprehensionKind, Kind, Node, Operator};
use super::functions::short;
use super::operators;
use super::{ExprError, Resolved, Scope};
use crate::value::Value;
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;

/// How many steps an evaluation may take: one a node visited, one an item looked at.
const MOST_STEPS: u64 = 500_000;

/// How many bytes of values an evaluation may make.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// How deep a result may be nested. Its stored form may be twice that, and has to stay under what JSON readers take.
const DEEPEST_RESULT: usize = 40;

/// A value that is made, or part of one that stands somewhere.
pub(super) type Outcome<'v> = Result<Cow<'v, Value>, ExprError>;

/// The value of an expression.
pub(super) fn evaluate(root: &Node, scope: &dyn Scope) -> Result<Value, ExprError> {
    let evaluator = Evaluator {
        scope,
        steps: Cell::new(0),
        bytes: Cell::new(0),
        spent: Cell::new(false),
    };
    let value = evaluator.value(root, None)?.into_owned();
    if nesting(&value) > DEEPEST_RESULT {
        let message = format!("the result is nested more than {DEEPEST_RESULT} deep");
        return Err(
            ExprError::new(root.span.clone(), message).help("take the part of it that is needed")
        );
    }
    Ok(value)
}

/// A value for a message: "the int 5", "a list of 3".
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Secret(_) => "a secret".to_owned(),
        Value::String(text) => format!("the string `{}`", short(text)),
        Value::List(items) => format!("a list of {}", items.len()),
        Value::Map(entries) => format!("a map of {}", entries.len()),
        scalar => format!("the {} {scalar}", scalar.type_name()),
    }
}

fn nesting(value: &Value) -> usize {
    match value {
        Value::List(items) => 1 + items.iter().map(nesting).max().unwrap_or(0),
        Value::Map(entries) => 1 + entries.values().map(nesting).max().unwrap_or(0),
        _ => 1,
    }
}

/// About how many bytes a value takes.
fn bytes(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => text.len(),
        Value::List(items) => items.iter().map(bytes).sum(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| size_of::<String>() + key.len() + bytes(value))
            .sum(),
        _ => 0,
    };
    size_of::<Value>() + inside
}

/// A comprehension's variables, the innermost first.
struct Variable<'v> {
    name: &'v str,
    value: &'v Value,
    outer: Option<&'v Variable<'v>>,
}

/// Where a path of names has got to.
enum Place<'v> {
    Value(Cow<'v, Value>),
    Namespace(Vec<String>),
}

struct Evaluator<'s> {
    scope: &'s dyn Scope,
    steps: Cell<u64>,
    bytes: Cell<usize>,
    /// Set when the budget ran out, an error that `&&` and `||` must not forgive.
    spent: Cell<bool>,
}

impl Evaluator<'_> {
    /// The value of a node that is used for something: no secret.
    fn operand<'v>(&self, node: &'v Node, variables: Option<&'v Variable<'v>>) -> Outcome<'v> {
        let value = self.value(node, variables)?;
        match &*value {
            Value::Secret(name) => Err(secret_used(node, name)),
            _ => Ok(value),
        }
    }

    fn value<'v>(&self, node: &'v Node, variables: Option<&'v Variable<'v>>) -> Outcome<'v> {
        self.take_steps(1, node)?;
        match &node.kind {
            Kind::Literal(value) => Ok(Cow::Borrowed(value)),
            Kind::Name(_) | Kind::Field(_) | Kind::Index(_) => match self.place(node, variables)? {
                Place::Value(value) => Ok(value),
                Place::Namespace(path) => Err(namespace_used(node, &path)),
            },
            Kind::List(items) => self.list(node, items, variables),
            Kind::Map(entries) => self.map(node, entries, variables),
            Kind::Call(_) => self.call(node, variables),
            Kind::Comprehension(it) => self.comprehension(node, it, variables),
            Kind::Has(of) => Ok(Cow::Owned(Value::Bool(self.has(of, variables)?))),
            Kind::Not(of) => Ok(Cow::Owned(Value::Bool(!self.truth(of, variables)?))),
            Kind::Negate(of) => {
                let value = self.operand(of, variables)?;
                operators::negate(&value)
                    .map(Cow::Owned)
                    .map_err(|fault| fault.at(node.span.clone()))
            }
            Kind::Binary(binary) => self.binary(node, binary, variables),
            Kind::Conditional(parts) => {
                let [condition, then, otherwise] = &**parts;
                self.operand(
                    if self.truth(condition, variables)? {
                        then
                    } else {
                        otherwise
                    },
                    variables,
                )
            }
        }
    }

    fn truth<'v>(
        &self,
        node: &'v Node,
        variables: Option<&'v Variable<'v>>,
    ) -> Result<bool, ExprError> {
        match &*self.operand(node, variables)? {
            Value::Bool(value) => Ok(*value),
            other => {
                let message = format!(
                    "this has to be true or false, and it is {}",
                    described(other)
                );
                Err(ExprError::new(node.span.clone(), message))
            }
        }
    }

    fn list<'v>(
        &self,
        node: &'v Node,
        items: &'v [Node],
        variables: Option<&'v Variable<'v>>,
    ) -> Outcome<'v> {
        let mut values = Vec::with_capacity(items.len());
        for item in items {
            values.push(self.operand(item, variables)?.into_owned());
        }
        self.made(Value::List(values), node)
    }

    fn map<'v>(
        &self,
        node: &'v Node,
        entries: &'v [(Node, Node)],
        variables: Option<&'v Variable<'v>>,
    ) -> Outcome<'v> {
        let mut values = BTreeMap::new();
        for (key, value) in entries {
            let name = match self.operand(key, variables)?.into_owned() {
                Value::String(name) => name,
                other => {
                    let message = format!(
                        "a map's key has to be a string, and this is {}",
                        described(&other)
                    );
                    return Err(ExprError::new(key.span.clone(), message));
                }
            };
            if values.contains_key(&name) {
                let message = format!("the key `{}` is written twice", short(&name));
                return Err(ExprError::new(key.span.clone(), message));
            }
            values.insert(name, self.operand(value, variables)?.into_owned());
        }
        self.made(Value::Map(values), node)
    }

    fn call<'v>(&self, node: &'v Node, variables: Option<&'v Variable<'v>>) -> Outcome<'v> {
        let Kind::Call(call) = &node.kind else {
            return Ok(Cow::Owned(Value::Null));
        };
        let mut values = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            values.push(self.operand(argument, variables)?);
        }
        let arguments: Vec<&Value> = values.iter().map(|value| &**value).collect();
        let work: usize = arguments.iter().map(|argument| bytes(argument)).sum();
        self.take_steps(work as u64 / 64, node)?;
        let left = MOST_BYTES.saturating_sub(self.bytes.get());
        let value = call
            .function
            .call(&arguments, left)
            .map_err(|fault| fault.at(node.span.clone()))?;
        self.made(value, node)
    }

    fn binary<'v>(
        &self,
        node: &'v Node,
        binary: &'v Binary,
        variables: Option<&'v Variable<'v>>,
    ) -> Outcome<'v> {
        let Binary {
            operator,
            left,
            right,
        } = binary;
        let decides = match operator {
            Operator::Or => true,
            Operator::And => false,
            _ => {
                let (left, right) = (
                    self.operand(left, variables)?,
                    self.operand(right, variables)?,
                );
                self.take_steps(((bytes(&left) + bytes(&right)) / 64) as u64, node)?;
                let value = operators::apply(*operator, &left, &right)
                    .map_err(|fault| fault.at(node.span.clone()))?;
                return match value {
                    Value::Bool(_) | Value::Int(_) => Ok(Cow::Owned(value)),
                    value => self.made(value, node),
                };
            }
        };
        // CEL: an error on one side does not matter when the other side decides.
        let first = self.truth(left, variables);
        if first == Ok(decides) {
            return Ok(Cow::Owned(Value::Bool(decides)));
        }
        if self.spent.get() {
            return first.map(|value| Cow::Owned(Value::Bool(value)));
        }
        let second = self.truth(right, variables)?;
        if second == decides {
            return Ok(Cow::Owned(Value::Bool(decides)));
        }
        first.map(|_| Cow::Owned(Value::Bool(!decides)))
    }

    fn place<'v>(
        &self,
        node: &'v Node,
        variables: Option<&'v Variable<'v>>,
    ) -> Result<Place<'v>, ExprError> {
        match &node.kind {
            Kind::Name(name) => {
                let mut at = variables;
                while let Some(variable) = at {
                    if variable.name == name {
                        return Ok(Place::Value(Cow::Borrowed(variable.value)));
                    }
                    at = variable.outer;
                }
                self.resolve(vec![name.clone()], node)
            }
            Kind::Field(field) => {
                self.take_steps(1, node)?;
                match self.place(&field.of, variables)? {
                    Place::Namespace(path) => self.resolve(longer(path, &field.name), node),
                    Place::Value(value) => member(value, &field.name)
                        .map(Place::Value)
                        .map_err(|error| error.into_error(&field.of, field.name_span.clone())),
                }
            }
            Kind::Index(parts) => {
                self.take_steps(1, node)?;
                let (of, index) = &**parts;
                let place = self.place(of, variables)?;
                let index_value = self.operand(index, variables)?;
                match (place, &*index_value) {
                    (Place::Namespace(path), Value::String(name))
                        if matches!(index.kind, Kind::Literal(_)) =>
                    {
                        self.resolve(longer(path, name), node)
                    }
                    (Place::Namespace(path), _) => Err(namespace_index(index, &path)),
                    (Place::Value(value), Value::String(name)) => member(value, name)
                        .map(Place::Value)
                        .map_err(|error| error.into_error(of, index.span.clone())),
                    (Place::Value(value), Value::Int(at)) => {
                        item(value, *at, of, index).map(Place::Value)
                    }
                    (Place::Value(_), other) => {
                        let message = format!(
                            "an index is an int or a string, and this is {}",
                            described(other)
                        );
                        Err(ExprError::new(index.span.clone(), message))
                    }
                }
            }
            _ => self.value(node, variables).map(Place::Value),
        }
    }

    /// What stands at a path, if anything does.
    fn look_up<'v>(&self, path: Vec<String>, node: &Node) -> Result<Option<Place<'v>>, ExprError> {
        match self.scope.resolve(&path) {
            Resolved::Value(value) => {
                self.take_steps(bytes(&value) as u64 / 64, node)?;
                Ok(Some(Place::Value(Cow::Owned(value))))
            }
            Resolved::Namespace => Ok(Some(Place::Namespace(path))),
            Resolved::Unknown => Ok(None),
        }
    }

    fn resolve<'v>(&self, path: Vec<String>, node: &Node) -> Result<Place<'v>, ExprError> {
        let is_of_a_step = path.first().is_some_and(|first| first == "steps");
        let name = short(&path.join("."));
        self.look_up(path, node)?.ok_or_else(|| {
            let error = ExprError::new(node.span.clone(), format!("`{name}` has no value here"));
            if is_of_a_step {
                error.help("a step that was skipped has no outputs; ask first with `has(…)`")
            } else {
                error
            }
        })
    }

    /// Whether the member is there: a key of a map, or a name in scope that has a value.
    fn has<'v>(
        &self,
        node: &'v Node,
        variables: Option<&'v Variable<'v>>,
    ) -> Result<bool, ExprError> {
        self.take_steps(1, node)?;
        let (of, name) = match &node.kind {
            Kind::Field(field) => (&field.of, &field.name),
            Kind::Index(parts) => match &parts.1.kind {
                Kind::Literal(Value::String(name)) => (&parts.0, name),
                _ => return Ok(false),
            },
            _ => return Ok(false),
        };
        match self.namespace(of, variables)? {
            Some(Place::Namespace(path)) => Ok(self.look_up(longer(path, name), node)?.is_some()),
            None => Ok(false),
            Some(Place::Value(value)) => match &*value {
                Value::Map(entries) => Ok(entries.contains_key(name)),
                Value::Secret(secret) => Err(secret_used(of, secret)),
                other => {
                    let message = format!("this is {}, which has no members", described(other));
                    Err(ExprError::new(of.span.clone(), message))
                }
            },
        }
    }

    /// The place of a node; `None` where a name in scope on the way to it is unknown.
    fn namespace<'v>(
        &self,
        node: &'v Node,
        variables: Option<&'v Variable<'v>>,
    ) -> Result<Option<Place<'v>>, ExprError> {
        let (of, name) = match &node.kind {
            Kind::Field(field) => (&field.of, &field.name),
            Kind::Index(parts) => match &parts.1.kind {
                Kind::Literal(Value::String(name)) => (&parts.0, name),
                _ => return self.place(node, variables).map(Some),
            },
            _ => return self.place(node, variables).map(Some),
        };
        match self.namespace(of, variables)? {
            None => Ok(None),
            Some(Place::Namespace(path)) => self.look_up(longer(path, name), node),
            Some(Place::Value(value)) => member(value, name)
                .map(|value| Some(Place::Value(value)))
                .map_err(|error| error.into_error(of, node.span.clone())),
        }
    }

    fn comprehension<'v>(
        &self,
        node: &'v Node,
        it: &'v Comprehension,
        variables: Option<&'v Variable<'v>>,
    ) -> Outcome<'v> {
        let over = self.operand(&it.over, variables)?;
        let keys: Vec<Value>;
        let items: &[Value] = match &*over {
            Value::List(items) => items,
            Value::Map(entries) => {
                keys = entries
                    .keys()
                    .map(|key| Value::String(key.clone()))
                    .collect();
                &keys
            }
            other => {
                let message = format!(
                    "this goes over a list, or the keys of a map, and it is {}",
                    described(other)
                );
                return Err(ExprError::new(it.over.span.clone(), message));
            }
        };
        match it.kind {
            ComprehensionKind::All => self.any(it, items, variables, false),
            ComprehensionKind::Exists => self.any(it, items, variables, true),
            ComprehensionKind::ExistsOne => {
                let mut found = 0u32;
                for item in items {
                    let inner = Variable {
                        name: &it.variable,
                        value: item,
                        outer: variables,
                    };
                    found = found.saturating_add(u32::from(self.truth(&it.body, Some(&inner))?));
                }
                Ok(Cow::Owned(Value::Bool(found == 1)))
            }
            ComprehensionKind::Filter | ComprehensionKind::Map => {
                let mut results = Vec::new();
                for item in items {
                    let inner = Variable {
                        name: &it.variable,
                        value: item,
                        outer: variables,
                    };
                    let result = if it.kind == ComprehensionKind::Filter {
                        if !self.truth(&it.body, Some(&inner))? {
                            continue;
                        }
                        item.clone()
                    } else {
                        if let Some(filter) = &it.filter
                            && !self.truth(filter, Some(&inner))?
                        {
                            continue;
                        }
                        self.operand(&it.body, Some(&inner))?.into_owned()
                    };
                    self.take_bytes(bytes(&result), node)?;
                    results.push(result);
                }
                Ok(Cow::Owned(Value::List(results)))
            }
        }
    }

    /// `exists` (`decides` true) and `all` (`decides` false): an item that decides outweighs an error at another.
    fn any<'v>(
        &self,
        it: &Comprehension,
        items: &[Value],
        variables: Option<&Variable<'_>>,
        decides: bool,
    ) -> Outcome<'v> {
        let mut first_error = None;
        for item in items {
            let inner = Variable {
                name: &it.variable,
                value: item,
                outer: variables,
            };
            match self.truth(&it.body, Some(&inner)) {
                Ok(value) if value == decides => return Ok(Cow::Owned(Value::Bool(decides))),
                Ok(_) => {}
                Err(error) if self.spent.get() => return Err(error),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        first_error.map_or(Ok(Cow::Owned(Value::Bool(!decides))), Err)
    }

    /// A new value, whose bytes count.
    fn made<'v>(&self, value: Value, node: &Node) -> Outcome<'v> {
        self.take_bytes(bytes(&value), node)?;
        Ok(Cow::Owned(value))
    }

    fn take_steps(&self, count: u64, node: &Node) -> Result<(), ExprError> {
        self.steps.set(self.steps.get().saturating_add(count));
        if self.steps.get() <= MOST_STEPS {
            return Ok(());
        }
        self.spent.set(true);
        Err(ExprError::new(
            node.span.clone(),
            format!("working this out takes more than {MOST_STEPS} steps"),
        )
        .help("do this in the step's own program, and give out the result as an output"))
    }

    fn take_bytes(&self, count: usize, node: &Node) -> Result<(), ExprError> {
        self.bytes.set(self.bytes.get().saturating_add(count));
        if self.bytes.get() <= MOST_BYTES {
            return Ok(());
        }
        self.spent.set(true);
        Err(ExprError::new(
            node.span.clone(),
            format!("working this out makes more than {MOST_BYTES} bytes of values"),
        )
        .help("do this in the step's own program, and give out the result as an output"))
    }
}

fn longer(mut path: Vec<String>, name: &str) -> Vec<String> {
    path.push(name.to_owned());
    path
}
