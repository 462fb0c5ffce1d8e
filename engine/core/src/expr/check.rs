//! What is wrong with an expression as far as can be known before the run.

use super::ast::{Call, Comprehension, ComprehensionKind, Kind, Node};
use super::functions::short;
use super::operators::{self, article};
use super::{ExprError, Range, Type, TypeResolved, TypeScope};
use crate::value::Value;

/// The most errors that are reported for one expression.
const MOST_ERRORS: usize = 20;

/// The longest text that a call on literals may make; more is left to the run.
const MOST_BYTES: usize = 64 * 1024;

/// The type of an expression, or all that is wrong with it in the order of the text.
pub(super) fn check(root: &Node, scope: &dyn TypeScope) -> Result<Type, Vec<ExprError>> {
    let mut checker = Checker {
        scope,
        errors: Vec::new(),
        variables: Vec::new(),
    };
    let result = checker.value(root);
    if checker.errors.is_empty() {
        return Ok(result);
    }
    checker
        .errors
        .sort_by_key(|error| (error.span.start, error.span.end));
    checker.errors.truncate(MOST_ERRORS);
    Err(checker.errors)
}

/// Where a path of names has got to.
enum Place {
    Type(Type),
    Namespace(Vec<String>),
}

struct Checker<'a> {
    scope: &'a dyn TypeScope,
    errors: Vec<ExprError>,
    /// Comprehensions' variables, the innermost last.
    variables: Vec<(&'a str, Type)>,
}

impl<'a> Checker<'a> {
    /// Reports an error; what stands there may be anything, so that it is not reported again further out.
    fn report(&mut self, error: ExprError) -> Type {
        self.errors.push(error);
        Type::Any
    }

    /// The type of a node that is used for something: no secret.
    fn operand(&mut self, node: &'a Node) -> Type {
        match self.value(node) {
            Type::Secret => self.report(
                ExprError::new(
                    node.span.clone(),
                    "a secret can only be put into a text; nothing can be worked out with it",
                )
                .help("give it to a program by `env`: `NAME = \"${{ secrets.name }}\"`"),
            ),
            other => other,
        }
    }

    fn truth(&mut self, node: &'a Node) {
        let found = self.operand(node);
        if !matches!(found, Type::Any | Type::Bool) {
            let message = format!(
                "this has to be true or false, and it is {}",
                article(&found)
            );
            self.report(ExprError::new(node.span.clone(), message));
        }
    }

    fn value(&mut self, node: &'a Node) -> Type {
        match &node.kind {
            Kind::Literal(value) => Type::of(value),
            Kind::Name(_) | Kind::Field(_) | Kind::Index(_) => match self.place(node) {
                Place::Type(found) => found,
                Place::Namespace(path) => {
                    let path = short(&path.join("."));
                    let error = ExprError::new(
                        node.span.clone(),
                        format!("`{path}` is not a value by itself"),
                    );
                    self.report(error.help(format!("name a member of it: `{path}.NAME`")))
                }
            },
            Kind::List(items) => {
                let types: Vec<Type> = items.iter().map(|item| self.operand(item)).collect();
                Type::List(Box::new(Type::common(types)))
            }
            Kind::Map(entries) => self.map(entries),
            Kind::Call(call) => self.call(node, call),
            Kind::Comprehension(it) => self.comprehension(it),
            Kind::Has(of) => {
                // Whether the member is there is what is asked, but the names in scope still have to be right.
                self.place(of);
                Type::Bool
            }
            Kind::Not(of) => {
                self.truth(of);
                Type::Bool
            }
            Kind::Negate(of) => {
                let found = self.operand(of);
                if found.may_be_number() {
                    return found;
                }
                let message = format!("`-` takes a number, and this is {}", article(&found));
                self.report(ExprError::new(of.span.clone(), message))
            }
            Kind::Binary(binary) => {
                let (left, right) = (self.operand(&binary.left), self.operand(&binary.right));
                match operators::result_type(binary.operator, &left, &right) {
                    Ok(result) => result,
                    Err(fault) => self.report(fault.at(node.span.clone())),
                }
            }
            Kind::Conditional(parts) => {
                let [condition, then, otherwise] = &**parts;
                self.truth(condition);
                let types = [self.operand(then), self.operand(otherwise)];
                Type::common(types)
            }
        }
    }

    fn map(&mut self, entries: &'a [(Node, Node)]) -> Type {
        let mut types = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let found = self.operand(key);
            if !matches!(found, Type::Any | Type::String) {
                let message = format!(
                    "a map's key has to be a string, and this is {}",
                    article(&found)
                );
                self.report(ExprError::new(key.span.clone(), message));
            }
            types.push(self.operand(value));
        }
        Type::Map(Box::new(Type::common(types)))
    }

    fn call(&mut self, node: &Node, call: &'a Call) -> Type {
        let types: Vec<Type> = call
            .arguments
            .iter()
            .map(|argument| self.operand(argument))
            .collect();
        let result = match call.function.result_type(&types) {
            Ok(result) => result,
            Err(fault) => return self.report(fault.at(node.span.clone())),
        };
        // A call on nothing but literals gives the same at any time: `duration('5 minutes')` is wrong now.
        let literals: Vec<Option<&Value>> = call
            .arguments
            .iter()
            .map(|argument| {
                if let Kind::Literal(value) = &argument.kind {
                    Some(value)
                } else {
                    None
                }
            })
            .collect();
        if let Err(fault) = call.function.check_literals(&literals) {
            return self.report(fault.at(node.span.clone()));
        }
        let literals: Option<Vec<&Value>> = literals.into_iter().collect();
        match literals.map(|literals| call.function.call(&literals, MOST_BYTES)) {
            Some(Err(fault)) => self.report(fault.at(node.span.clone())),
            _ => result,
        }
    }

    fn comprehension(&mut self, it: &'a Comprehension) -> Type {
        let over = self.operand(&it.over);
        let item = match over {
            Type::List(item) => *item,
            Type::Map(_) => Type::String,
            Type::Any => Type::Any,
            other => {
                let message = format!(
                    "this goes over a list, or the keys of a map, and it is {}",
                    article(&other)
                );
                self.report(ExprError::new(it.over.span.clone(), message))
            }
        };
        self.variables.push((&it.variable, item.clone()));
        if let Some(filter) = &it.filter {
            self.truth(filter);
        }
        let result = match it.kind {
            ComprehensionKind::Map => Type::List(Box::new(self.operand(&it.body))),
            ComprehensionKind::Filter => {
                self.truth(&it.body);
                Type::List(Box::new(item))
            }
            ComprehensionKind::All | ComprehensionKind::Exists | ComprehensionKind::ExistsOne => {
                self.truth(&it.body);
                Type::Bool
            }
        };
        self.variables.pop();
        result
    }

    fn place(&mut self, node: &'a Node) -> Place {
        match &node.kind {
            Kind::Name(name) => match self
                .variables
                .iter()
                .rev()
                .find(|(variable, _)| variable == name)
            {
                Some((_, found)) => Place::Type(found.clone()),
                None => self.resolve(vec![name.clone()], node.span.clone()),
            },
            Kind::Field(field) => match self.place(&field.of) {
                Place::Namespace(path) => {
                    self.member_of_namespace(path, &field.name, field.name_span.clone())
                }
                Place::Type(of) => {
                    Place::Type(self.member(&of, &field.of, field.name_span.clone()))
                }
            },
            Kind::Index(parts) => {
                let (of, index) = &**parts;
                match (self.place(of), &index.kind) {
                    (Place::Namespace(path), Kind::Literal(Value::String(name))) => {
                        self.member_of_namespace(path, name, index.span.clone())
                    }
                    (Place::Namespace(path), _) => {
                        let message =
                            format!("a member of `{}` has to be named", short(&path.join(".")));
                        Place::Type(
                            self.report(ExprError::new(index.span.clone(), message).help(
                                "names in scope cannot be worked out; write `.name` or `['name']`",
                            )),
                        )
                    }
                    (Place::Type(found), _) => Place::Type(self.index(&found, of, index)),
                }
            }
            _ => Place::Type(self.value(node)),
        }
    }

    fn member_of_namespace(&mut self, mut path: Vec<String>, name: &str, span: Range) -> Place {
        path.push(name.to_owned());
        self.resolve(path, span)
    }

    fn resolve(&mut self, path: Vec<String>, span: Range) -> Place {
        match self.scope.resolve(&path) {
            TypeResolved::Type(found) => Place::Type(found),
            TypeResolved::Namespace => Place::Namespace(path),
            TypeResolved::Unknown { message, help } => Place::Type(self.report(ExprError {
                span,
                message,
                help,
            })),
        }
    }

    fn member(&mut self, of: &Type, of_node: &Node, name_span: Range) -> Type {
        match of {
            Type::Any => Type::Any,
            Type::Map(value) => (**value).clone(),
            Type::Secret => self.report(
                ExprError::new(
                    of_node.span.clone(),
                    "a secret can only be put into a text; nothing can be worked out with it",
                )
                .help("give it to a program by `env`: `NAME = \"${{ secrets.name }}\"`"),
            ),
            other => {
                let error = ExprError::new(name_span, format!("{} has no members", article(other)));
                self.report(if matches!(other, Type::List(_)) {
                    error.help("take an item of it first: `list[0]`")
                } else {
                    error
                })
            }
        }
    }

    fn index(&mut self, of: &Type, of_node: &Node, index: &'a Node) -> Type {
        let by = self.operand(index);
        match (of, &by) {
            (Type::Any, Type::Any | Type::Int | Type::String) => Type::Any,
            (Type::List(item), Type::Any | Type::Int) => (**item).clone(),
            (Type::Map(value), Type::Any | Type::String) => (**value).clone(),
            (Type::List(_), _) => {
                let message = format!(
                    "a list's item is taken by an int, and this is {}",
                    article(&by)
                );
                self.report(ExprError::new(index.span.clone(), message))
            }
            (Type::Map(_), _) => {
                let message = format!(
                    "a map's value is taken by a string, and this is {}",
                    article(&by)
                );
                self.report(ExprError::new(index.span.clone(), message))
            }
            (Type::Any, _) => {
                let message = format!(
                    "an index is an int or a string, and this is {}",
                    article(&by)
                );
                self.report(ExprError::new(index.span.clone(), message))
            }
            _ => self.member(of, of_node, index.span.clone()),
        }
    }
}
