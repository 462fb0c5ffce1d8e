//! The runbook as it was written: typed, with the place of every part.
//!
//! Made by [`crate::lower`] and complete enough to lint even when parts of the file are wrong: what could not be
//! read is absent, and [`Node::key`] still tells that it was written. [`crate::compile`](crate::compile()) turns one
//! without errors into a plan.

use crate::node::Scalar;
use crate::source::{Span, Syntax};
use piton_core::expr::{Expression, Template};
use piton_core::plan::{NodeKind, Response};
use piton_core::time::Millis;
use piton_core::value::Value;
use std::collections::BTreeMap;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// Something read out of the text of one scalar, which maps places in the text to places in the file.
#[derive(Clone, Debug)]
pub struct Sourced<T> {
    /// What was read.
    pub value: T,
    /// The scalar it was read from.
    pub source: Scalar,
}

/// Entries by name, in the order of the file. The value is `None` when it could not be read and was reported.
pub type Named<T> = Vec<(Spanned<String>, Option<T>)>;

/// A runbook.
#[derive(Clone, Debug)]
pub struct Runbook {
    /// Which syntax it was written in; help is worded in it.
    pub syntax: Syntax,
    /// Its name.
    pub name: Spanned<String>,
    /// What people call it.
    pub title: Option<Sourced<String>>,
    /// Who answers for it.
    pub owner: Option<Sourced<String>>,
    /// What a reader should know.
    pub doc: Option<Sourced<String>>,
    /// How many attempts may run at once.
    pub parallel: u32,
    /// The database of `sql` that does not name one.
    pub database: Option<Sourced<Template>>,
    /// Environment variables of all nodes.
    pub env: Named<Sourced<Template>>,
    /// The directory of all nodes.
    pub dir: Option<Sourced<Template>>,
    /// The time limit of nodes without one.
    pub timeout: Option<Spanned<Millis>>,
    /// Responses of nodes without any.
    pub on_fail: Option<Vec<Response>>,
    /// Parameters in the order of the file.
    pub params: Vec<Param>,
    /// Secrets in the order of the file.
    pub secrets: Vec<Secret>,
    /// Steps and gates in reading order.
    pub nodes: Vec<Node>,
    /// Where each key that was written stands.
    pub keys: BTreeMap<&'static str, Span>,
}

/// A parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: Spanned<String>,
    /// Its type; `None` when what was written is none.
    pub kind: Option<ParamType>,
    /// Its default as it was written.
    pub default: Option<Scalar>,
    /// Whether it may be left out.
    pub optional: bool,
    /// What it is for.
    pub help: Option<String>,
    /// The only values it may have, as they were written.
    pub choices: Option<Vec<Scalar>>,
}

impl Param {
    /// Whether the choices, if there are any, have this value.
    #[must_use]
    pub fn accepts(&self, text: &str) -> bool {
        let (Some(kind), Some(choices)) = (self.kind, &self.choices) else {
            return true;
        };
        let value = kind.read(text);
        choices.is_empty()
            || choices
                .iter()
                .any(|choice| kind.read(&choice.text) == value)
    }
}

/// The type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamType {
    /// Text.
    String,
    /// A whole number.
    Int,
    /// A number.
    Float,
    /// `true` or `false`.
    Bool,
    /// A length of time.
    Duration,
    /// An instant.
    Timestamp,
}

impl ParamType {
    /// The type of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<ParamType> {
        Some(match name {
            "string" => ParamType::String,
            "int" => ParamType::Int,
            "float" => ParamType::Float,
            "bool" => ParamType::Bool,
            "duration" => ParamType::Duration,
            "timestamp" => ParamType::Timestamp,
            _ => return None,
        })
    }

    /// How it is written in messages, with an example.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            ParamType::String => "text",
            ParamType::Int => "a whole number, such as 42",
            ParamType::Float => "a number, such as 2.5",
            ParamType::Bool => "`true` or `false`",
            ParamType::Duration => "a length of time, such as 30s, 10m or 1h30m",
            ParamType::Timestamp => "a time with its offset, such as 2026-01-31T03:00:00Z",
        }
    }

    /// Reads a text as a value of this type.
    #[must_use]
    pub fn read(self, text: &str) -> Option<Value> {
        Some(match self {
            ParamType::String => Value::String(text.to_owned()),
            ParamType::Int => Value::Int(text.parse().ok()?),
            ParamType::Float => Value::Float(
                text.parse()
                    .ok()
                    .filter(|number: &f64| number.is_finite())?,
            ),
            ParamType::Bool => Value::Bool(text.parse().ok()?),
            ParamType::Duration => Value::Duration(text.parse().ok()?),
            ParamType::Timestamp => Value::Timestamp(text.parse().ok()?),
        })
    }
}

/// A secret.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Its name.
    pub name: Spanned<String>,
    /// Where it is read from; `None` when that could not be read.
    pub source: Option<piton_core::plan::SecretSource>,
}

/// A step or gate.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub id: Spanned<String>,
    /// Step or gate.
    pub kind: NodeKind,
    /// The whole of it.
    pub span: Span,
    /// What people call it.
    pub title: Option<Sourced<String>>,
    /// What a reader should know.
    pub doc: Option<Sourced<String>>,
    /// The nodes it names; `None` when it names none and follows the node written above it.
    pub needs: Option<Vec<Spanned<String>>>,
    /// Whether `needs` may have meant more than could be read.
    pub needs_doubtful: bool,
    /// Whether it is done at all.
    pub when: Option<Sourced<Expression>>,
    /// Its actions: exactly one, in a runbook without errors.
    pub actions: Vec<WrittenAction>,
    /// Environment variables of its own.
    pub env: Named<Sourced<Template>>,
    /// Its directory.
    pub dir: Option<Sourced<Template>>,
    /// The database of its `sql`, where it says one itself.
    pub database: Option<Sourced<Template>>,
    /// Its time limit.
    pub timeout: Option<Spanned<Millis>>,
    /// Further tries.
    pub retry: Option<piton_core::plan::Retry>,
    /// Whether trying again is harmless.
    pub idempotent: bool,
    /// What others can use.
    pub outputs: Named<Sourced<Expression>>,
    /// What an unknown outcome gets.
    pub interrupted: Option<Interrupted>,
    /// What a failure gets.
    pub on_fail: Option<Vec<Response>>,
    /// What is left behind: at most one, in a runbook without errors.
    pub effects: Vec<(Span, Effect)>,
    /// Whether it has keys that nobody knows, one of which may have been meant as the action.
    pub unknown_keys: bool,
    /// Where each key that was written stands.
    pub keys: BTreeMap<&'static str, Span>,
}

impl Node {
    /// Where the key of this name was written.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<Span> {
        self.keys.get(name).copied()
    }

    /// `step` or `gate`.
    #[must_use]
    pub fn keyword(&self) -> &'static str {
        match self.kind {
            NodeKind::Step => "step",
            NodeKind::Gate => "gate",
        }
    }

    /// Its action, if there is exactly one and it could be read.
    #[must_use]
    pub fn action(&self) -> Option<&Action> {
        match self.actions.as_slice() {
            [WrittenAction { action, .. }] => action.as_ref(),
            _ => None,
        }
    }
}

/// An action and the key that it is written with.
#[derive(Clone, Debug)]
pub struct WrittenAction {
    /// The key: `run`, `exec`, `sql`, `checks` or `approve`.
    pub keyword: &'static str,
    /// Where the key stands.
    pub key: Span,
    /// The action; `None` when it could not be read.
    pub action: Option<Action>,
}

/// An action.
#[derive(Clone, Debug)]
pub enum Action {
    /// A script for a shell.
    Run {
        /// The script.
        script: Sourced<String>,
        /// The shell's argv.
        shell: Option<Vec<String>>,
    },
    /// A program.
    Exec {
        /// The program and its arguments.
        argv: Vec<Option<Sourced<Template>>>,
    },
    /// SQL.
    Sql(Sql),
    /// Checks.
    Checks(Vec<Check>),
    /// People.
    Approve {
        /// Who, how many, and until when.
        terms: piton_core::plan::Approve,
        /// Whether `expires` was written, readable or not.
        says_expires: bool,
    },
}

/// SQL against a database.
#[derive(Clone, Debug)]
pub struct Sql {
    /// The whole of it.
    pub span: Span,
    /// The database: its own, the node's or the runbook's.
    pub on: Option<Sourced<Template>>,
    /// Whether `on` is its own rather than the node's or the runbook's.
    pub own: bool,
    /// The text.
    pub text: Option<Sourced<String>>,
    /// Whether it is a script of several statements.
    pub script: bool,
    /// Values for the placeholders.
    pub bind: Vec<Option<Sourced<Template>>>,
}

/// A check.
#[derive(Clone, Debug)]
pub struct Check {
    /// Its name.
    pub name: Spanned<String>,
    /// Where it begins.
    pub span: Span,
    /// How it looks: exactly one, in a runbook without errors.
    pub probes: Vec<WrittenAction>,
    /// What is expected.
    pub expect: Option<Sourced<Expression>>,
    /// Whether it has keys that nobody knows, one of which may have been meant as the action.
    pub unknown_keys: bool,
}

/// What an unknown outcome gets.
#[derive(Clone, Debug)]
pub enum Interrupted {
    /// A person says.
    Ask,
    /// It is done again.
    Rerun,
    /// It counts as failed.
    Fail,
    /// An action finds out.
    Probe(Probe),
}

/// An action that finds out whether an attempt happened.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The whole of it.
    pub span: Span,
    /// The action: exactly one, in a runbook without errors.
    pub actions: Vec<WrittenAction>,
    /// Whether it has keys that nobody knows, one of which may have been meant as the action.
    pub unknown_keys: bool,
}

/// What a step leaves behind.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Nothing.
    None,
    /// Something harmless, and why it is.
    Abandoned(Sourced<String>),
    /// What an action takes back.
    Undo(Undo),
    /// What nothing takes back, and why.
    Irreversible(Sourced<String>),
    /// Something was written that could not be read.
    Unreadable,
}

/// The action that takes a step back.
#[derive(Clone, Debug)]
pub struct Undo {
    /// The whole of it.
    pub span: Span,
    /// The action: exactly one, in a runbook without errors.
    pub actions: Vec<WrittenAction>,
    /// Environment variables of its own.
    pub env: Named<Sourced<Template>>,
    /// Its time limit.
    pub timeout: Option<Millis>,
    /// Whether it has keys that nobody knows, one of which may have been meant as the action.
    pub unknown_keys: bool,
}
