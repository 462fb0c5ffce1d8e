//! The `approve` action.

use super::Lowering;
use super::values::default_count;
use crate::node::Node;
use crate::runbook::Action;
use crate::schema::{APPROVE, APPROVE_ACTION, BY, COUNT, EXPIRES, NOT_STARTER};
use piton_core::plan::Approve;

impl Lowering<'_> {
    pub(super) fn approve(&mut self, node: &Node) -> Option<Action> {
        let fields = self.fields(&APPROVE, Some(&APPROVE_ACTION), node, node.span.before())?;
        let by = self.scalars(&BY, &fields).unwrap_or_default();
        let terms = Approve {
            by: by.into_iter().map(|name| name.text.clone()).collect(),
            count: self.count(&COUNT, &fields).unwrap_or(default_count(&COUNT)),
            not_starter: self.boolean(&NOT_STARTER, &fields).unwrap_or(false),
            expires: self.duration(&EXPIRES, &fields).map(|length| length.value),
        };
        Some(Action::Approve {
            terms,
            says_expires: fields.keys.contains_key(EXPIRES.name),
        })
    }
}
