//! The `escalation` block.

use super::Lowering;
use super::fields::Fields;
use crate::lint::rules::bad_name;
use crate::node::Node;
use crate::runbook::{Escalation, Level, Spanned};
use crate::schema::{
    ACK_WITHIN, DECIDE_WITHIN, ESCALATION, ESCALATIONS, LEVEL, LEVEL_PAGE, LEVELS,
};
use std::collections::BTreeMap;

impl Lowering<'_> {
    pub(super) fn escalations(&mut self, fields: &Fields<'_>) -> Vec<Escalation> {
        let named = self.named(
            &ESCALATIONS,
            fields,
            bad_name::Kind::Node,
            |this, _, node| this.escalation(node),
        );
        let finish = |(id, policy): (Spanned<String>, Option<Escalation>)| Escalation {
            id,
            ..policy.unwrap_or_else(unreadable)
        };
        named.into_iter().map(finish).collect()
    }

    fn escalation(&mut self, node: &Node) -> Option<Escalation> {
        let fields = self.fields(&ESCALATION, None, node, node.span)?;
        Some(Escalation {
            levels: self.levels(&fields),
            decide_within: self.duration(&DECIDE_WITHIN, &fields),
            keys: fields.keys,
            ..unreadable()
        })
    }

    fn levels(&mut self, fields: &Fields<'_>) -> Vec<Level> {
        let Some(node) = fields.get(&LEVELS) else {
            return Vec::new();
        };
        let Some(items) = self.items(&LEVELS, node) else {
            return Vec::new();
        };
        if items.is_empty() {
            self.wrong_type(&LEVELS, node);
        }
        items.iter().filter_map(|item| self.level(item)).collect()
    }

    fn level(&mut self, item: &Node) -> Option<Level> {
        let fields = self.fields(&LEVEL, None, item, item.span.before())?;
        Some(Level {
            span: item.span,
            page: self.words(&LEVEL_PAGE, &fields).unwrap_or_default(),
            ack_within: self.duration(&ACK_WITHIN, &fields),
            keys: fields.keys,
        })
    }
}

/// A policy of which nothing could be read; its name is still known.
fn unreadable() -> Escalation {
    Escalation {
        id: Spanned {
            value: String::new(),
            span: crate::source::Span::default(),
        },
        levels: Vec::new(),
        decide_within: None,
        keys: BTreeMap::new(),
    }
}
