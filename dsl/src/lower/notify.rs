//! The `notify` action.

use super::Lowering;
use crate::node::Node;
use crate::runbook::{Action, Notify};
use crate::schema::{MESSAGE, NOTIFY, NOTIFY_ACTION, NOTIFY_TO};

impl Lowering<'_> {
    pub(super) fn notify(&mut self, node: &Node) -> Option<Action> {
        let fields = self.fields(&NOTIFY, Some(&NOTIFY_ACTION), node, node.span.before())?;
        Some(Action::Notify(Notify {
            span: node.span,
            to: self.words(&NOTIFY_TO, &fields).unwrap_or_default(),
            message: self.template(&MESSAGE, &fields),
        }))
    }
}
