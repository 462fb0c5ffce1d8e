//! The `approve` action.

use super::Lowering;
use super::values::default_count;
use crate::node::Node;
use crate::runbook::{Action, Approve};
use crate::schema::{APPROVE, APPROVE_ACTION, APPROVE_PAGE, BY, COUNT, EXPIRES, NOT_STARTER};

impl Lowering<'_> {
    pub(super) fn approve(&mut self, node: &Node) -> Option<Action> {
        let fields = self.fields(&APPROVE, Some(&APPROVE_ACTION), node, node.span.before())?;
        Some(Action::Approve(Approve {
            by: self.words(&BY, &fields).unwrap_or_default(),
            count: self.count(&COUNT, &fields).unwrap_or(default_count(&COUNT)),
            not_starter: self.boolean(&NOT_STARTER, &fields).unwrap_or(false),
            expires: self.duration(&EXPIRES, &fields),
            page: self.word(&APPROVE_PAGE, &fields),
            keys: fields.keys,
        }))
    }
}
