//! The keys of one block as they were written, checked against the schema.

use super::Lowering;
use crate::fix::Fix;
use crate::lint::rules::{missing_key, unknown_key, wrong_type};
use crate::node::{Kind, Node};
use crate::schema::{BLOCKS, Block, Key};
use crate::source::{Span, Syntax};
use piton_core::expr::{suggest, suggest_surely};
use std::collections::BTreeMap;

/// The keys of a block.
pub(super) struct Fields<'t> {
    values: BTreeMap<&'static str, &'t Node>,
    /// Where each known key stands. A misspelt one counts as the key that was probably meant, so that it is not
    /// also reported as missing.
    pub(super) keys: BTreeMap<&'static str, Span>,
    /// Whether there were keys that nobody knows.
    pub(super) unknown: bool,
}

impl<'t> Fields<'t> {
    /// The value of a key.
    pub(super) fn get(&self, key: &Key) -> Option<&'t Node> {
        self.values.get(key.name).copied()
    }

    /// The values of these keys that were written, in the order of the file.
    pub(super) fn in_order(
        &self,
        keys: &[&'static Key],
    ) -> Vec<(&'static Key, Span, Option<&'t Node>)> {
        let mut found: Vec<_> = keys
            .iter()
            .filter_map(|key| {
                self.keys
                    .get(key.name)
                    .map(|span| (*key, *span, self.get(key)))
            })
            .collect();
        found.sort_by_key(|(_, span, _)| *span);
        found
    }
}

impl Lowering<'_> {
    /// Whether what stands under this key may be written as blocks with names of their own, each with the word in the
    /// singular.
    fn may_be_a_block(&self, key: &str) -> bool {
        self.syntax == Syntax::Runbook && BLOCKS.iter().any(|block| block.plural == key)
    }

    /// The fields of a block, which is the value of `key` (`None`: the whole file, an item of a list, an entry of
    /// a map). `at` is where a missing key is reported.
    pub(super) fn fields<'t>(
        &mut self,
        block: &'static Block,
        key: Option<&'static Key>,
        node: &'t Node,
        at: Span,
    ) -> Option<Fields<'t>> {
        let Kind::Map(entries) = &node.kind else {
            if !node.is_unreadable() {
                let report = match key {
                    Some(key) => wrong_type::report(key, node, self.syntax),
                    None => wrong_type::not_a_block(block, node),
                };
                self.report(report);
            }
            return None;
        };
        let mut fields = Fields {
            values: BTreeMap::new(),
            keys: BTreeMap::new(),
            unknown: false,
        };
        for entry in entries {
            if let Some(key) = block.key(&entry.key.text) {
                fields.values.insert(key.name, &entry.value);
                fields.keys.insert(key.name, entry.key.span);
                continue;
            }
            fields.unknown = true;
            let known = || block.keys.iter().map(|key| key.name);
            let meant = if self.may_suggest() {
                suggest(&entry.key.text, known())
            } else {
                None
            };
            let fix = meant.as_ref().and_then(|_| {
                let surely = suggest_surely(&entry.key.text, known())?;
                // The other one would be there twice.
                let is_free = !fields.keys.contains_key(surely.as_str())
                    && !entries.iter().any(|other| other.key.text == surely)
                    && !self.may_be_a_block(&surely);
                is_free.then(|| Fix::rename(entry.key.span, &entry.key.text, &surely))?
            });
            if let Some(key) = meant.as_deref().and_then(|name| block.key(name)) {
                fields.keys.entry(key.name).or_insert(entry.key.span);
            }
            self.report(unknown_key::report(block, &entry.key, meant.as_deref()).fix(fix));
        }
        for key in block.keys.iter().filter(|key| key.required) {
            if !fields.keys.contains_key(key.name) {
                self.report(missing_key::report(block, key, at, self.syntax));
            }
        }
        Some(fields)
    }
}
