//! The `wait` action: a length of time, or a block.

use super::Lowering;
use crate::lint::rules::not_exactly_one;
use crate::node::Node;
use crate::runbook::{Action, Wait};
use crate::schema::{WAIT, WAIT_ACTION, WAIT_FOR, WAIT_UNTIL};

impl Lowering<'_> {
    pub(super) fn wait(&mut self, node: &Node) -> Option<Action> {
        if node.as_scalar().is_some() {
            let length = self.duration_of(&WAIT_ACTION, node)?;
            return Some(Action::Wait(Wait::For(length)));
        }
        let fields = self.fields(&WAIT, Some(&WAIT_ACTION), node, node.span.before())?;
        let written = fields.in_order(&[&WAIT_FOR, &WAIT_UNTIL]);
        match written.as_slice() {
            [(key, _, Some(node))] if key.name == WAIT_FOR.name => {
                let length = self.duration_of(&WAIT_FOR, node)?;
                Some(Action::Wait(Wait::For(length)))
            }
            [(_, _, Some(node))] => {
                let time = self.expression_of(&WAIT_UNTIL, node)?;
                Some(Action::Wait(Wait::Until(time)))
            }
            [_] => None,
            [] if fields.unknown => None,
            _ => {
                let keys: Vec<_> = written
                    .iter()
                    .map(|(key, span, _)| (key.name, *span))
                    .collect();
                self.report(not_exactly_one::report(
                    "`wait`",
                    &["for", "until"],
                    &keys,
                    node.span,
                ));
                None
            }
        }
    }
}
