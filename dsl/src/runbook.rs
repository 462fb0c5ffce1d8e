//! The runbook as it was written: typed, with the place of every part.
//!
//! Made by [`crate::lower`] and complete enough to lint even when parts of the file are wrong: what could not be
//! read is absent, and [`Node::key`] still tells that it was written. [`crate::compile`](crate::compile()) turns one
//! without errors into a plan.

mod action;
mod effect;
mod node;
mod param;
mod people;
mod response;
mod targets;
mod waiting;

pub use action::{Action, Check, Http, Sql, WrittenAction};
pub use effect::{Effect, Interrupted, Probe, Undo};
pub use node::Node;
pub use param::{Param, ParamType};
pub use people::{Approve, Ask, Channel, Contact, Escalation, Level, Manual, Notify};
pub use response::Response;
pub use targets::{Mode, ModeRto, Rpo, Rto, Targets};
pub use waiting::{Call, FailWhen, Target, Wait};

use crate::node::Scalar;
use crate::source::{Span, Syntax};
use piton_core::expr::{Expression, Template};
use piton_core::time::Millis;
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
    pub on_fail: Option<Vec<Spanned<Response>>>,
    /// Parameters in the order of the file.
    pub params: Vec<Param>,
    /// Secrets in the order of the file.
    pub secrets: Vec<Secret>,
    /// The escalation policy of every wait for people that names none of its own.
    pub page: Option<Spanned<String>>,
    /// Names of locks the run holds; `None` inside: one that could not be read.
    pub lock: Option<Vec<Option<Sourced<Template>>>>,
    /// How long they are waited for.
    pub lock_timeout: Option<Spanned<Millis>>,
    /// Who can be reached, in the order of the file.
    pub contacts: Vec<Contact>,
    /// Escalation policies, in the order of the file.
    pub escalations: Vec<Escalation>,
    /// How long it may take, and how much may be lost.
    pub targets: Option<Targets>,
    /// Ways to run only a part of it, in the order of the file.
    pub modes: Vec<Mode>,
    /// What a runbook that calls it gets.
    pub outputs: Named<Sourced<Expression>>,
    /// Steps and gates in reading order.
    pub nodes: Vec<Node>,
    /// Where each key that was written stands.
    pub keys: BTreeMap<&'static str, Span>,
    /// The runbooks that it calls, by their paths as they are written in it; those of a file that was checked with
    /// a [loader](crate::Loader).
    pub called: BTreeMap<String, std::sync::Arc<Runbook>>,
}

impl Runbook {
    /// The runbook that one of its calls calls, if it was checked with a [loader](crate::Loader) and has no errors.
    #[must_use]
    pub fn called_by(&self, call: &Call) -> Option<&Runbook> {
        let path = &call.runbook.as_ref()?.value;
        self.called.get(path).map(std::sync::Arc::as_ref)
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
