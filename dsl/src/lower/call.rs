//! The `call` action.

use super::Lowering;
use crate::lint::rules::bad_name;
use crate::node::Node;
use crate::runbook::{Action, Call};
use crate::schema::{CALL, CALL_ACTION, CALL_RUNBOOK, WITH};

impl Lowering<'_> {
    pub(super) fn call(&mut self, node: &Node) -> Option<Action> {
        let fields = self.fields(&CALL, Some(&CALL_ACTION), node, node.span.before())?;
        Some(Action::Call(Call {
            span: node.span,
            runbook: self.text(&CALL_RUNBOOK, &fields),
            with: self.named(
                &WITH,
                &fields,
                bad_name::Kind::Identifier,
                Self::template_of,
            ),
        }))
    }
}
