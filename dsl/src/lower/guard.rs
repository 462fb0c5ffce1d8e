//! What guards a step: `capture`, `target`, and other blocks of one action that only looks.

use super::Lowering;
use super::action::Database;
use super::fields::Fields;
use crate::runbook::{Probe, Target};
use crate::schema::{
    Block, Key, TARGET, TARGET_BLOCK, TARGET_EXPECT, TARGET_PROBE, TARGET_PROBE_BLOCK,
};

impl Lowering<'_> {
    /// The action of a block that only looks.
    pub(super) fn looking(
        &mut self,
        block: &'static Block,
        key: &'static Key,
        fields: &Fields<'_>,
        database: &Database,
    ) -> Option<Probe> {
        let node = fields.get(key)?;
        let fields = self.fields(block, Some(key), node, node.span.before())?;
        Some(Probe {
            span: node.span,
            actions: self.plain_actions(&fields, database.as_ref()),
            unknown_keys: fields.unknown,
        })
    }

    pub(super) fn target(&mut self, fields: &Fields<'_>, database: &Database) -> Option<Target> {
        let node = fields.get(&TARGET)?;
        let fields = self.fields(&TARGET_BLOCK, Some(&TARGET), node, node.span.before())?;
        Some(Target {
            span: node.span,
            probe: self.looking(&TARGET_PROBE_BLOCK, &TARGET_PROBE, &fields, database),
            expect: self.expression(&TARGET_EXPECT, &fields),
        })
    }
}
