//! Steps and gates.

use super::{
    Action, Ask, Call, Effect, FailWhen, Http, Interrupted, Named, Probe, Response, Sourced,
    Spanned, Target, Undo, WrittenAction,
};
use crate::source::Span;
use piton_core::expr::{Expression, Template};
use piton_core::plan::NodeKind;
use piton_core::time::Millis;
use std::collections::BTreeMap;

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
    pub on_fail: Option<Vec<Spanned<Response>>>,
    /// What is left behind: at most one, in a runbook without errors.
    pub effects: Vec<(Span, Effect)>,
    /// Looked at again and again until this is true.
    pub until: Option<Sourced<Expression>>,
    /// The wait between two looks.
    pub every: Option<Spanned<Millis>>,
    /// What tells that waiting is in vain.
    pub fail_when: Option<FailWhen>,
    /// How long `until` has to be true at every look.
    pub hold_for: Option<Spanned<Millis>>,
    /// At how many looks in a row `until` has to be true.
    pub consecutive: Option<Spanned<u32>>,
    /// True when a program that exited did well.
    pub success: Option<Sourced<Expression>>,
    /// What was there before, for `undo`.
    pub capture: Option<Probe>,
    /// What is about to be changed.
    pub target: Option<Target>,
    /// What somebody has to type before it starts.
    pub confirm: Option<Sourced<Template>>,
    /// The escalation policy of its waits for people.
    pub page: Option<Spanned<String>>,
    /// Whether no decision may skip it.
    pub never_skip: bool,
    /// How long the evidence of a gate holds.
    pub valid_for: Option<Spanned<Millis>>,
    /// How soon after the node in `of` it has to start.
    pub within: Option<Spanned<Millis>>,
    /// The node that `within` counts from.
    pub of: Option<Spanned<String>>,
    /// Names of locks it holds; `None` inside: one that could not be read.
    pub lock: Option<Vec<Option<Sourced<Template>>>>,
    /// How long its locks are waited for.
    pub lock_timeout: Option<Spanned<Millis>>,
    /// The items it is done for.
    pub for_each: Option<Sourced<Expression>>,
    /// An item's key.
    pub for_each_key: Option<Sourced<Expression>>,
    /// Files that are kept with the run; `None` inside: one that could not be read.
    pub evidence: Option<Vec<Option<Sourced<Template>>>>,
    /// Whether it runs when the run ends, however it ends.
    pub finally: bool,
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

    /// The blocks of one action that only looks, each with the word it is written with.
    #[must_use]
    pub fn looks(&self) -> Vec<(&'static str, &Probe)> {
        let mut looks = Vec::new();
        looks.extend(self.capture.iter().map(|look| ("capture", look)));
        let target = self.target.as_ref().and_then(|it| it.probe.as_ref());
        looks.extend(target.map(|look| ("probe", look)));
        for manual in self.actions.iter().filter_map(WrittenAction::manual) {
            let asks = manual.asks.iter().filter_map(|(_, ask)| ask.as_ref());
            looks.extend(
                asks.filter_map(|ask| ask.from.as_ref())
                    .map(|look| ("from", look)),
            );
        }
        for undo in self.undos() {
            looks.extend(undo.check.iter().map(|look| ("check", look)));
        }
        if let Some(Interrupted::Probe(look)) = &self.interrupted {
            looks.push(("probe", look));
        }
        looks
    }

    /// Every `http` in it, whatever it is there for.
    #[must_use]
    pub fn requests(&self) -> Vec<&Http> {
        let mut requests = Vec::new();
        add_requests(&self.actions, &mut requests);
        for undo in self.undos() {
            add_requests(&undo.actions, &mut requests);
        }
        for (_, look) in self.looks() {
            add_requests(&look.actions, &mut requests);
        }
        requests
    }

    /// Its undo: at most one, in a runbook without errors.
    pub fn undos(&self) -> impl Iterator<Item = &Undo> {
        self.effects.iter().filter_map(|(_, effect)| match effect {
            Effect::Undo(undo) => Some(undo),
            _ => None,
        })
    }

    /// The questions of its `manual`, whose answers are its outputs.
    pub fn asks(&self) -> impl Iterator<Item = &(Spanned<String>, Option<Ask>)> {
        let manuals = self.actions.iter().filter_map(WrittenAction::manual);
        manuals.flat_map(|manual| manual.asks.iter())
    }

    /// The call, if that is its only action.
    #[must_use]
    pub fn call(&self) -> Option<&Call> {
        match self.action() {
            Some(Action::Call(call)) => Some(call),
            _ => None,
        }
    }

    /// Whether it is another runbook.
    #[must_use]
    pub fn is_call(&self) -> bool {
        self.actions.iter().any(|action| action.keyword == "call")
    }
}

fn add_requests<'a>(actions: &'a [WrittenAction], requests: &mut Vec<&'a Http>) {
    for action in actions.iter().filter_map(|written| written.action.as_ref()) {
        match action {
            Action::Http(request) => requests.push(request),
            Action::Checks(checks) => {
                for check in checks {
                    add_requests(&check.probes, requests);
                }
            }
            _ => {}
        }
    }
}
