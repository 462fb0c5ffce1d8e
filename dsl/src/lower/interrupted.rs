//! The `interrupted` key.

use super::Lowering;
use super::fields::Fields;
use crate::node::{Kind, Node};
use crate::runbook::{Interrupted, Probe, Sourced};
use crate::schema::{INTERRUPTED, PROBE};
use piton_core::expr::Template;

impl Lowering<'_> {
    pub(super) fn interrupted(
        &mut self,
        fields: &Fields<'_>,
        database: Option<&Option<Sourced<Template>>>,
    ) -> Option<Interrupted> {
        let node = fields.get(&INTERRUPTED)?;
        let found = match &node.kind {
            Kind::Scalar(scalar) => match scalar.text.as_str() {
                "ask" => Some(Interrupted::Ask),
                "rerun" => Some(Interrupted::Rerun),
                "fail" => Some(Interrupted::Fail),
                _ => None,
            },
            Kind::Map(entries) => match entries.as_slice() {
                [entry] if entry.key.text == "probe" => return self.probe(&entry.value, database),
                _ => None,
            },
            _ => None,
        };
        if found.is_none() {
            self.wrong_type(&INTERRUPTED, node);
        }
        found
    }

    fn probe(
        &mut self,
        node: &Node,
        database: Option<&Option<Sourced<Template>>>,
    ) -> Option<Interrupted> {
        let fields = self.fields(&PROBE, Some(&INTERRUPTED), node, node.span.before())?;
        Some(Interrupted::Probe(Probe {
            span: node.span,
            actions: self.plain_actions(&fields, database),
            unknown_keys: fields.unknown,
        }))
    }
}
