//! The `contact` block.

use super::Lowering;
use super::fields::Fields;
use crate::lint::rules::{bad_name, not_exactly_one};
use crate::node::Node;
use crate::runbook::{Channel, Contact, Spanned};
use crate::schema::{
    CHANNEL, CHANNEL_COMMAND, CONTACT, CONTACT_NAME, CONTACTS, ROLES, VIA, WEBHOOK,
};
use std::collections::BTreeMap;

impl Lowering<'_> {
    pub(super) fn contacts(&mut self, fields: &Fields<'_>) -> Vec<Contact> {
        let named = self.named(&CONTACTS, fields, bad_name::Kind::Node, |this, _, node| {
            this.contact(node)
        });
        let finish = |(id, contact): (Spanned<String>, Option<Contact>)| Contact {
            id,
            ..contact.unwrap_or_else(unreadable)
        };
        named.into_iter().map(finish).collect()
    }

    fn contact(&mut self, node: &Node) -> Option<Contact> {
        let fields = self.fields(&CONTACT, None, node, node.span)?;
        Some(Contact {
            name: self.text(&CONTACT_NAME, &fields),
            roles: self.words(&ROLES, &fields).unwrap_or_default(),
            via: self.channels(&fields),
            keys: fields.keys,
            ..unreadable()
        })
    }

    fn channels(&mut self, fields: &Fields<'_>) -> Vec<Channel> {
        let Some(node) = fields.get(&VIA) else {
            return Vec::new();
        };
        let Some(items) = self.items(&VIA, node) else {
            return Vec::new();
        };
        items.iter().filter_map(|item| self.channel(item)).collect()
    }

    fn channel(&mut self, item: &Node) -> Option<Channel> {
        let fields = self.fields(&CHANNEL, None, item, item.span)?;
        let written = fields.in_order(&[&WEBHOOK, &CHANNEL_COMMAND]);
        let [(key, _, Some(node))] = written.as_slice() else {
            if !(fields.unknown && written.len() <= 1) {
                let keys: Vec<_> = written
                    .iter()
                    .map(|(key, span, _)| (key.name, *span))
                    .collect();
                self.report(not_exactly_one::report(
                    "an entry of `via`",
                    &["webhook", "command"],
                    &keys,
                    item.span,
                ));
            }
            return None;
        };
        if key.name == WEBHOOK.name {
            return self.template_of(&WEBHOOK, node).map(Channel::Webhook);
        }
        let argv = self.template_list(&CHANNEL_COMMAND, node)?;
        if argv.is_empty() {
            self.wrong_type(&CHANNEL_COMMAND, node);
            return None;
        }
        Some(Channel::Command(argv))
    }
}

/// A contact of whom nothing could be read; policies still know the name.
fn unreadable() -> Contact {
    Contact {
        id: Spanned {
            value: String::new(),
            span: crate::source::Span::default(),
        },
        name: None,
        roles: Vec::new(),
        via: Vec::new(),
        keys: BTreeMap::new(),
    }
}
