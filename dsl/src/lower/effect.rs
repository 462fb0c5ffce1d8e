//! What a step leaves behind: `effect`, `undo`, `irreversible`.

use super::Lowering;
use super::fields::Fields;
use crate::node::{Kind, Node};
use crate::runbook::{Effect, Sourced, Undo};
use crate::schema::{
    EFFECT, IRREVERSIBLE, UNDO, UNDO_AFTER, UNDO_CHECK, UNDO_CHECK_BLOCK, UNDO_ENV, UNDO_KEY,
    UNDO_RETRY, UNDO_TIMEOUT,
};
use crate::source::Span;
use piton_core::expr::Template;
use piton_core::plan::UndoAfter;

impl Lowering<'_> {
    pub(super) fn effects(
        &mut self,
        fields: &Fields<'_>,
        database: Option<&Option<Sourced<Template>>>,
    ) -> Vec<(Span, Effect)> {
        fields
            .in_order(&[&EFFECT, &UNDO_KEY, &IRREVERSIBLE])
            .into_iter()
            .map(|(key, span, node)| {
                let effect = node.and_then(|node| match key.name {
                    "effect" => self.effect(node),
                    "undo" => self.undo(node, database).map(Effect::Undo),
                    _ => self.text_of(&IRREVERSIBLE, node).map(Effect::Irreversible),
                });
                (span, effect.unwrap_or(Effect::Unreadable))
            })
            .collect()
    }

    fn effect(&mut self, node: &Node) -> Option<Effect> {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.text == "none" => Some(Effect::None),
            Kind::Map(entries) => match entries.as_slice() {
                [entry] if entry.key.text == "abandoned" => {
                    self.text_of(&EFFECT, &entry.value).map(Effect::Abandoned)
                }
                _ => {
                    self.wrong_type(&EFFECT, node);
                    None
                }
            },
            _ => {
                self.wrong_type(&EFFECT, node);
                None
            }
        }
    }

    fn undo(&mut self, node: &Node, database: Option<&Option<Sourced<Template>>>) -> Option<Undo> {
        let fields = self.fields(&UNDO, Some(&UNDO_KEY), node, node.span.before())?;
        Some(Undo {
            span: node.span,
            actions: self.plain_actions(&fields, database),
            env: self.templates(&UNDO_ENV, &fields),
            timeout: self
                .duration(&UNDO_TIMEOUT, &fields)
                .map(|length| length.value),
            after: self.choice(&UNDO_AFTER, &fields, |word| match word {
                "succeeded" => Some(UndoAfter::Succeeded),
                "started" => Some(UndoAfter::Started),
                _ => None,
            }),
            retry: self.retry(&UNDO_RETRY, &fields),
            check: self.looking(&UNDO_CHECK_BLOCK, &UNDO_CHECK, &fields, &database.cloned()),
            unknown_keys: fields.unknown,
        })
    }
}
