//! The `http` action: an address, or a block.

use super::Lowering;
use super::fields::Fields;
use crate::lint::rules::bad_name;
use crate::node::{Node, Scalar, Style};
use crate::runbook::Http;
use crate::schema::{
    HTTP, HTTP_ACTION, HTTP_BODY, HTTP_HEADERS, HTTP_JSON, HTTP_METHOD, HTTP_STATUS, HTTP_URL,
};
use piton_core::plan::Method;
use std::collections::BTreeMap;

impl Lowering<'_> {
    pub(super) fn http(&mut self, node: &Node) -> Option<Http> {
        if node.as_scalar().is_some() {
            return Some(Http {
                url: Some(self.template_of(&HTTP_ACTION, node)?),
                method: Method::Get,
                headers: Vec::new(),
                body: None,
                json: None,
                status: Vec::new(),
                keys: BTreeMap::new(),
            });
        }
        let fields = self.fields(&HTTP, Some(&HTTP_ACTION), node, node.span.before())?;
        let method = self.choice(&HTTP_METHOD, &fields, Method::named);
        Some(Http {
            url: self.template(&HTTP_URL, &fields),
            // One that could not be read is reported; it may take a body.
            method: method.unwrap_or(match fields.get(&HTTP_METHOD) {
                None => Method::Get,
                Some(_) => Method::Post,
            }),
            headers: self.named(
                &HTTP_HEADERS,
                &fields,
                bad_name::Kind::Header,
                Self::template_of,
            ),
            body: self.template(&HTTP_BODY, &fields),
            json: self.template(&HTTP_JSON, &fields),
            status: self.statuses(&fields),
            keys: fields.keys,
        })
    }

    fn statuses(&mut self, fields: &Fields<'_>) -> Vec<u16> {
        let Some(items) = fields
            .get(&HTTP_STATUS)
            .and_then(|node| self.items(&HTTP_STATUS, node))
        else {
            return Vec::new();
        };
        if items.is_empty()
            && let Some(node) = fields.get(&HTTP_STATUS)
        {
            self.wrong_type(&HTTP_STATUS, node);
        }
        let status = |scalar: &Scalar| {
            let number: Option<u16> = scalar.text.parse().ok();
            number.filter(|status| scalar.style == Style::Plain && (100..600).contains(status))
        };
        let mut found = Vec::new();
        for item in items {
            let read = self.scalar(&HTTP_STATUS, item).map(status);
            match read {
                Some(Some(status)) => found.push(status),
                Some(None) => self.wrong_type(&HTTP_STATUS, item),
                None => {}
            }
        }
        found
    }
}
