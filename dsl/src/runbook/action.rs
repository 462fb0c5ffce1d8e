//! What nodes do by themselves: programs, SQL, checks.

use super::{Approve, Call, Manual, Named, Notify, Sourced, Spanned, Wait};
use crate::source::Span;
use piton_core::expr::{Expression, Template};
use piton_core::plan::Method;
use std::collections::BTreeMap;

/// An action and the key that it is written with.
#[derive(Clone, Debug)]
pub struct WrittenAction {
    /// The key: `run`, `exec`, `sql`, `http`, `checks`, `approve`, `manual`, `notify`,
    /// `wait` or `call`.
    pub keyword: &'static str,
    /// Where the key stands.
    pub key: Span,
    /// The action; `None` when it could not be read.
    pub action: Option<Action>,
}

impl WrittenAction {
    /// What a person does, if it is that.
    #[must_use]
    pub fn manual(&self) -> Option<&Manual> {
        match &self.action {
            Some(Action::Manual(manual)) => Some(manual),
            _ => None,
        }
    }
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
    /// A request to a web server.
    Http(Http),
    /// Checks.
    Checks(Vec<Check>),
    /// People.
    Approve(Approve),
    /// A person does something, or answers.
    Manual(Manual),
    /// People are told something.
    Notify(Notify),
    /// Time passes.
    Wait(Wait),
    /// Another runbook.
    Call(Call),
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
    /// The text. Only `ident(…)` may be put into it.
    pub text: Option<Sourced<Template>>,
    /// Whether it is a script of several statements.
    pub script: bool,
    /// Values for the placeholders.
    pub bind: Vec<Option<Sourced<Template>>>,
}

/// A request to a web server.
#[derive(Clone, Debug)]
pub struct Http {
    /// Where it goes.
    pub url: Option<Sourced<Template>>,
    /// What is asked.
    pub method: Method,
    /// Headers.
    pub headers: Named<Sourced<Template>>,
    /// What is sent, as text.
    pub body: Option<Sourced<Template>>,
    /// What is sent, as JSON.
    pub json: Option<Sourced<Template>>,
    /// The statuses that mean success.
    pub status: Vec<u16>,
    /// Where each key that was written stands.
    pub keys: BTreeMap<&'static str, Span>,
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
