//! Responses to failure: the entries of `on_fail`.

use super::Lowering;
use super::fields::Fields;
use super::values::default_count;
use crate::node::{Kind, Node};
use crate::runbook::{Response, Spanned};
use crate::schema::{
    ESCALATE, ESCALATE_EXPIRES, ESCALATE_POLICY, Key, REWIND, REWIND_TIMES, REWIND_TO,
};

impl Lowering<'_> {
    pub(super) fn responses(
        &mut self,
        key: &'static Key,
        fields: &Fields<'_>,
    ) -> Option<Vec<Spanned<Response>>> {
        let node = fields.get(key)?;
        // One rung by itself is what people write first, whatever it is.
        let items = match &node.kind {
            Kind::Map(_) => std::slice::from_ref(node),
            _ => self.items(key, node)?,
        };
        if items.is_empty() {
            self.wrong_type(key, node);
        }
        let mut responses = Vec::new();
        for item in items {
            let value = self.response(key, item);
            responses.extend(value.map(|value| Spanned {
                value,
                span: item.span,
            }));
        }
        Some(responses)
    }

    fn response(&mut self, key: &'static Key, item: &Node) -> Option<Response> {
        let found = match &item.kind {
            Kind::Scalar(scalar) => match scalar.text.as_str() {
                "stop" => Some(Response::Stop),
                "continue" => Some(Response::Continue),
                "rollback" => Some(Response::Rollback),
                _ => None,
            },
            Kind::Map(_) if item.get(REWIND_TO.name).is_some() => return self.rewind(item),
            Kind::Map(_) if item.get(ESCALATE_POLICY.name).is_some() => {
                return self.escalate(item);
            }
            _ => None,
        };
        if found.is_none() {
            self.wrong_type(key, item);
        }
        found
    }

    fn rewind(&mut self, item: &Node) -> Option<Response> {
        let fields = self.fields(&REWIND, None, item, item.span)?;
        let to = self.word(&REWIND_TO, &fields);
        let times = self.count(&REWIND_TIMES, &fields);
        Some(Response::Rewind {
            to: to?,
            times: times.unwrap_or(default_count(&REWIND_TIMES)),
        })
    }

    fn escalate(&mut self, item: &Node) -> Option<Response> {
        let fields = self.fields(&ESCALATE, None, item, item.span)?;
        let policy = self.word(&ESCALATE_POLICY, &fields);
        let expires = self.duration(&ESCALATE_EXPIRES, &fields);
        Some(Response::Escalate {
            policy: policy?,
            expires: expires.map(|length| length.value),
        })
    }
}
