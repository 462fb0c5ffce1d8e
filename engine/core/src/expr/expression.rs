//! An expression: its text and what can be done with it.

use super::ast::{Kind, Node};
use super::functions::Function;
use super::{ExprError, Range, Scope, Type, TypeScope, check, evaluate, parse};
use crate::value::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// A parsed expression. It is its text: stored as that, and equal to another when the texts are.
#[derive(Clone)]
pub struct Expression {
    text: Arc<str>,
    root: Arc<Node>,
}

/// A path of names that an expression uses: `steps.fetch.outputs.path`. Where the path goes on inside a value
/// (`params.regions[0].name`), it ends at the first index that is not a literal string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The names; never empty.
    pub path: Vec<String>,
    /// Where each name stands, one for each of `path`; of `['a-b']`, the literal with its quotes.
    pub spans: Vec<Range>,
    /// Where the whole path stands.
    pub span: Range,
}

impl Expression {
    /// Reads an expression.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &str) -> Result<Expression, ExprError> {
        Ok(Expression {
            root: Arc::new(parse::parse(text)?),
            text: text.into(),
        })
    }

    /// The text that was parsed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Every path of names that it uses, in the order of the text. Variables of comprehensions are not among them.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        collect(&self.root, &mut Vec::new(), &mut found);
        found
    }

    /// Whether it is a call of `ident` and nothing else, which is what the text of SQL may have put into it.
    #[must_use]
    pub fn is_ident(&self) -> bool {
        matches!(&self.root.kind, Kind::Call(call) if call.function == Function::Ident)
    }

    /// Where it calls `ident`.
    #[must_use]
    pub fn idents(&self) -> Vec<Range> {
        let (mut found, mut todo) = (Vec::new(), vec![&*self.root]);
        while let Some(node) = todo.pop() {
            if matches!(&node.kind, Kind::Call(call) if call.function == Function::Ident) {
                found.push(node.span.clone());
            }
            todo.extend(node.children());
        }
        found
    }

    /// Its type, if there is nothing wrong with it as far as can be known before the run.
    ///
    /// # Errors
    /// All that is wrong, in the order of the text.
    pub fn check(&self, scope: &dyn TypeScope) -> Result<Type, Vec<ExprError>> {
        check::check(&self.root, scope)
    }

    /// Its value.
    ///
    /// # Errors
    /// When it has none: an unknown name, a type that does not fit, an overflow, or a budget used up.
    pub fn evaluate(&self, scope: &dyn Scope) -> Result<Value, ExprError> {
        evaluate::evaluate(&self.root, scope)
    }

    /// Its value, where only true or false will do.
    ///
    /// # Errors
    /// As [`Expression::evaluate`], and when the value is not a bool.
    pub fn evaluate_bool(&self, scope: &dyn Scope) -> Result<bool, ExprError> {
        match self.evaluate(scope)? {
            Value::Bool(value) => Ok(value),
            other => Err(ExprError::new(
                self.root.span.clone(),
                format!(
                    "this has to be true or false, and it is {}",
                    evaluate::described(&other)
                ),
            )),
        }
    }
}

/// The path that a node is, if it is one: names joined by `.` or by indexing with a literal string.
fn path_of(node: &Node) -> Option<Reference> {
    let mut names = Vec::new();
    let mut at = node;
    loop {
        match &at.kind {
            Kind::Name(name) => {
                names.push((name.clone(), at.span.clone()));
                break;
            }
            Kind::Field(field) => {
                names.push((field.name.clone(), field.name_span.clone()));
                at = &field.of;
            }
            Kind::Index(parts) => {
                let Kind::Literal(Value::String(name)) = &parts.1.kind else {
                    return None;
                };
                names.push((name.clone(), parts.1.span.clone()));
                at = &parts.0;
            }
            _ => return None,
        }
    }
    let (path, spans) = names.into_iter().rev().unzip();
    Some(Reference {
        path,
        spans,
        span: node.span.clone(),
    })
}

fn collect<'a>(node: &'a Node, variables: &mut Vec<&'a str>, found: &mut Vec<Reference>) {
    if let Some(reference) = path_of(node) {
        if !reference
            .path
            .first()
            .is_some_and(|root| variables.contains(&root.as_str()))
        {
            found.push(reference);
        }
        return;
    }
    if let Kind::Comprehension(it) = &node.kind {
        collect(&it.over, variables, found);
        variables.push(&it.variable);
        for part in it.filter.iter().chain([&it.body]) {
            collect(part, variables, found);
        }
        variables.pop();
        return;
    }
    for child in node.children() {
        collect(child, variables, found);
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.text).finish()
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.text == other.text
    }
}

impl Eq for Expression {}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Expression {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Expression::parse(&text).map_err(|error| {
            serde::de::Error::custom(format!("the expression `{text}` does not parse: {error}"))
        })
    }
}
