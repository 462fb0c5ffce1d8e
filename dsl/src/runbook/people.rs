//! People: who they are, what they are asked, what they are told.

use super::{Named, ParamType, Probe, Sourced, Spanned};
use crate::source::Span;
use piton_core::expr::{Expression, Template};
use piton_core::time::Millis;
use std::collections::BTreeMap;

/// Somebody who can be reached.
#[derive(Clone, Debug)]
pub struct Contact {
    /// The name that policies use.
    pub id: Spanned<String>,
    /// What people call them.
    pub name: Option<Sourced<String>>,
    /// What they may act as.
    pub roles: Vec<Spanned<String>>,
    /// How they are reached; what could not be read is left out.
    pub via: Vec<Channel>,
    /// Where each key that was written stands.
    pub keys: BTreeMap<&'static str, Span>,
}

/// A way to reach somebody.
#[derive(Clone, Debug)]
pub enum Channel {
    /// A JSON message is posted to this address.
    Webhook(Sourced<Template>),
    /// This program gets the message; `None` inside: a part that could not be read.
    Command(Vec<Option<Sourced<Template>>>),
}

/// An escalation policy.
#[derive(Clone, Debug)]
pub struct Escalation {
    /// Its name.
    pub id: Spanned<String>,
    /// Who is paged, and then who.
    pub levels: Vec<Level>,
    /// How long who acknowledged has to decide.
    pub decide_within: Option<Spanned<Millis>>,
    /// Where each key that was written stands.
    pub keys: BTreeMap<&'static str, Span>,
}

/// A level of an escalation policy.
#[derive(Clone, Debug)]
pub struct Level {
    /// The whole of it.
    pub span: Span,
    /// The names of the contacts that are paged together.
    pub page: Vec<Spanned<String>>,
    /// How long they have to acknowledge.
    pub ack_within: Option<Spanned<Millis>>,
    /// Where each key that was written stands.
    pub keys: BTreeMap<&'static str, Span>,
}

/// Waiting for people to approve.
#[derive(Clone, Debug)]
pub struct Approve {
    /// Names or roles that may approve.
    pub by: Vec<Spanned<String>>,
    /// How many different people have to.
    pub count: u32,
    /// Whether the one who started the run may not.
    pub not_starter: bool,
    /// How long an answer counts.
    pub expires: Option<Spanned<Millis>>,
    /// The escalation policy that is paged meanwhile.
    pub page: Option<Spanned<String>>,
    /// Where each key that was written stands.
    pub keys: BTreeMap<&'static str, Span>,
}

/// Something that a person does, or answers.
#[derive(Clone, Debug)]
pub struct Manual {
    /// The whole of it.
    pub span: Span,
    /// What to do.
    pub instructions: Option<Sourced<Template>>,
    /// What has to be ticked off; `None` inside: what could not be read.
    pub checklist: Vec<Option<Sourced<Template>>>,
    /// What is asked, by the names of the answers.
    pub asks: Named<Ask>,
    /// Names or roles that may do it.
    pub by: Vec<Spanned<String>>,
    /// How long after it was opened it may be answered.
    pub expires: Option<Spanned<Millis>>,
    /// The escalation policy that is paged meanwhile.
    pub page: Option<Spanned<String>>,
    /// Where each key that was written stands.
    pub keys: BTreeMap<&'static str, Span>,
}

/// A typed question.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The whole of it.
    pub span: Span,
    /// The type of the answer; `None` when what was written is none.
    pub kind: Option<ParamType>,
    /// What is asked, for people.
    pub help: Option<Sourced<String>>,
    /// Gives the only answers there are.
    pub from: Option<Probe>,
    /// Which columns of them are shown.
    pub columns: Vec<Spanned<String>>,
    /// True for an answer that may be given.
    pub validate: Option<Sourced<Expression>>,
    /// The answer when none is given.
    pub default: Option<Sourced<Template>>,
    /// Where each key that was written stands.
    pub keys: BTreeMap<&'static str, Span>,
}

/// Telling people something.
#[derive(Clone, Debug)]
pub struct Notify {
    /// The whole of it.
    pub span: Span,
    /// Names of contacts.
    pub to: Vec<Spanned<String>>,
    /// What they are told.
    pub message: Option<Sourced<Template>>,
}
