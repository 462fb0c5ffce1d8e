//! The `mode` block.

use super::Lowering;
use super::fields::Fields;
use crate::lint::rules::bad_name;
use crate::node::Node;
use crate::runbook::{Mode, ModeRto, Spanned};
use crate::schema::{MODE, MODE_RTO, MODE_RTO_BLOCK, MODE_RTO_FROM, MODE_RTO_TO, MODES, ONLY, SET};
use std::collections::BTreeMap;

impl Lowering<'_> {
    pub(super) fn modes(&mut self, fields: &Fields<'_>) -> Vec<Mode> {
        let named = self.named(&MODES, fields, bad_name::Kind::Node, |this, _, node| {
            this.mode(node)
        });
        let finish = |(id, mode): (Spanned<String>, Option<Mode>)| Mode {
            id,
            ..mode.unwrap_or_else(unreadable)
        };
        named.into_iter().map(finish).collect()
    }

    fn mode(&mut self, node: &Node) -> Option<Mode> {
        let fields = self.fields(&MODE, None, node, node.span)?;
        Some(Mode {
            only: self.words(&ONLY, &fields),
            set: self.named(
                &SET,
                &fields,
                bad_name::Kind::Identifier,
                |this, key, node| this.scalar(key, node).cloned(),
            ),
            rto: fields.get(&MODE_RTO).and_then(|node| self.mode_rto(node)),
            keys: fields.keys,
            ..unreadable()
        })
    }

    fn mode_rto(&mut self, node: &Node) -> Option<ModeRto> {
        let fields = self.fields(&MODE_RTO_BLOCK, Some(&MODE_RTO), node, node.span.before())?;
        Some(ModeRto {
            span: node.span,
            from: self.word(&MODE_RTO_FROM, &fields),
            to: self.word(&MODE_RTO_TO, &fields),
        })
    }
}

/// A mode of which nothing could be read; its name is still known.
fn unreadable() -> Mode {
    Mode {
        id: Spanned {
            value: String::new(),
            span: crate::source::Span::default(),
        },
        only: None,
        set: Vec::new(),
        rto: None,
        keys: BTreeMap::new(),
    }
}
