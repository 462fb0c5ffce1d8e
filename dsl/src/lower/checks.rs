//! The `checks` action.

use super::Lowering;
use crate::lint::rules::duplicate_name;
use crate::node::Node;
use crate::runbook::{Check, Sourced, Spanned};
use crate::schema::{CHECK, CHECK_NAME, CHECKS, EXPECT};
use crate::source::Span;
use piton_core::expr::Template;
use std::collections::BTreeMap;

impl Lowering<'_> {
    pub(super) fn checks(
        &mut self,
        node: &Node,
        database: Option<&Option<Sourced<Template>>>,
    ) -> Option<Vec<Check>> {
        let items = self.items(&CHECKS, node)?;
        if items.is_empty() {
            self.wrong_type(&CHECKS, node);
            return None;
        }
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        let mut checks = Vec::new();
        for item in items {
            let Some(check) = self.check(item, database) else {
                continue;
            };
            if let Some(first) = seen.get(&check.name.value) {
                self.report(duplicate_name::check(&check.name, *first));
            } else {
                seen.insert(check.name.value.clone(), check.name.span);
            }
            checks.push(check);
        }
        Some(checks)
    }

    fn check(
        &mut self,
        item: &Node,
        database: Option<&Option<Sourced<Template>>>,
    ) -> Option<Check> {
        let fields = self.fields(&CHECK, None, item, item.span.before())?;
        let name = fields.get(&CHECK_NAME).and_then(|node| {
            let scalar = self.scalar(&CHECK_NAME, node)?;
            Some(Spanned {
                value: scalar.text.clone(),
                span: scalar.span,
            })
        });
        Some(Check {
            name: name.unwrap_or(Spanned {
                value: String::new(),
                span: item.span.before(),
            }),
            span: item.span,
            probes: self.plain_actions(&fields, database),
            expect: self.expression(&EXPECT, &fields),
            unknown_keys: fields.unknown,
        })
    }
}
