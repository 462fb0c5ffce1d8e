//! The `sql` action: a text, or a block.

use super::Lowering;
use crate::lint::rules::{no_database, not_exactly_one};
use crate::node::Node;
use crate::runbook::{Sourced, Sql};
use crate::schema::{BIND, QUERY, SCRIPT, SQL, SQL_ACTION, SQL_ON};
use piton_core::expr::Template;

impl Lowering<'_> {
    pub(super) fn sql(
        &mut self,
        node: &Node,
        database: Option<&Option<Sourced<Template>>>,
    ) -> Option<Sql> {
        let mut sql = Sql {
            span: node.span,
            on: database.cloned().flatten(),
            own: false,
            text: None,
            script: false,
            bind: Vec::new(),
        };
        if node.as_scalar().is_some() {
            sql.text = Some(self.template_of(&SQL_ACTION, node)?);
            if database.is_none() {
                self.report(no_database::report(node.span, self.syntax));
            }
            return Some(sql);
        }
        let fields = self.fields(&SQL, Some(&SQL_ACTION), node, node.span.before())?;
        if fields.keys.contains_key(SQL_ON.name) {
            sql.on = self.template(&SQL_ON, &fields);
            sql.own = true;
        } else if database.is_none() {
            self.report(no_database::report(node.span, self.syntax));
        }
        if let Some(list) = fields.get(&BIND) {
            sql.bind = self.template_list(&BIND, list).unwrap_or_default();
        }
        let written = fields.in_order(&[&QUERY, &SCRIPT]);
        match written.as_slice() {
            [(key, _, Some(text))] => {
                sql.script = key.name == SCRIPT.name;
                sql.text = self.template_of(key, text);
            }
            [_] => {}
            [] if fields.unknown => {}
            _ => {
                let keys: Vec<_> = written
                    .iter()
                    .map(|(key, span, _)| (key.name, *span))
                    .collect();
                self.report(not_exactly_one::report(
                    "`sql`",
                    &["query", "script"],
                    &keys,
                    node.span,
                ));
            }
        }
        Some(sql)
    }
}
