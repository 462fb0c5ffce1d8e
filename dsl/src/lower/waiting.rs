//! What tells that waiting is in vain.

use super::Lowering;
use super::fields::Fields;
use crate::runbook::FailWhen;
use crate::schema::{FAIL_FILE, FAIL_WHEN, FAIL_WHEN_BLOCK, MATCHES};

impl Lowering<'_> {
    pub(super) fn fail_when(&mut self, fields: &Fields<'_>) -> Option<FailWhen> {
        let node = fields.get(&FAIL_WHEN)?;
        if node.as_scalar().is_some() {
            return self.expression_of(&FAIL_WHEN, node).map(FailWhen::True);
        }
        let fields = self.fields(&FAIL_WHEN_BLOCK, Some(&FAIL_WHEN), node, node.span.before())?;
        Some(FailWhen::Line {
            span: node.span,
            file: self.template(&FAIL_FILE, &fields),
            matches: self.text(&MATCHES, &fields),
        })
    }
}
