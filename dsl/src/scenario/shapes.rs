//! The simple values of scenario files: blocks, lists, texts, numbers; and what is said of those that are none.

use super::keys::Block;
use super::read::{BAD_VALUE, MISSING_KEY, Reader, UNKNOWN_KEY};
use super::value::value_of;
use crate::diagnostic::Diagnostic;
use crate::node::{Entry, Node};
use crate::runbook::Spanned;
use piton_core::expr::suggest;
use piton_core::time::Millis;
use piton_core::value::Value;
use std::collections::{BTreeMap, BTreeSet};

impl Reader {
    /// The entries of a block that has these keys and no others.
    pub(super) fn block<'n>(&mut self, node: &'n Node, block: &Block) -> Option<&'n [Entry]> {
        let Some(entries) = node.as_map() else {
            self.wrong(node, "a block");
            return None;
        };
        let known: Vec<&str> = block.keys.iter().map(|key| key.name).collect();
        let mut reported = BTreeSet::new();
        for Entry { key, .. } in entries {
            if known.contains(&key.text.as_str()) || !reported.insert(key.text.as_str()) {
                continue;
            }
            let known_here = self
                .found
                .iter()
                .any(|found| found.code == UNKNOWN_KEY && found.span() == key.span);
            if known_here {
                continue;
            }
            let diagnostic = Diagnostic::error(
                UNKNOWN_KEY,
                key.span,
                format!("{} has no key `{}`", block.name, key.text),
                "not known",
            );
            self.found
                .push(match suggest(&key.text, known.iter().copied()) {
                    Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
                    None => diagnostic.help(format!("it has {}", listed(&known))),
                });
        }
        Some(entries)
    }

    pub(super) fn map<'n>(&mut self, node: &'n Node) -> &'n [Entry] {
        match node.as_map() {
            Some(entries) => entries,
            None => {
                self.wrong(node, "a block");
                &[]
            }
        }
    }

    pub(super) fn list<'n>(&mut self, node: &'n Node) -> &'n [Node] {
        match node.as_list() {
            Some(items) => items,
            None => {
                self.wrong(node, "a list");
                &[]
            }
        }
    }

    pub(super) fn values(&mut self, node: &Node) -> BTreeMap<String, Value> {
        let entries = self.map(node).iter();
        entries
            .map(|entry| (entry.key.text.clone(), value_of(&entry.value)))
            .collect()
    }

    pub(super) fn text(&mut self, node: &Node) -> Option<Spanned<String>> {
        match node.as_scalar() {
            Some(scalar) => Some(Spanned {
                value: scalar.text.clone(),
                span: scalar.span,
            }),
            None => {
                self.wrong(node, "a text");
                None
            }
        }
    }

    pub(super) fn texts(&mut self, node: &Node) -> Vec<String> {
        if node.as_scalar().is_some() {
            return self.text(node).map(|text| text.value).into_iter().collect();
        }
        let items = self.list(node).iter();
        items
            .filter_map(|item| self.text(item))
            .map(|text| text.value)
            .collect()
    }

    pub(super) fn number(&mut self, node: &Node) -> Option<i64> {
        let number = node.as_scalar().and_then(|scalar| scalar.text.parse().ok());
        if number.is_none() {
            self.wrong(node, "a whole number");
        }
        number
    }

    pub(super) fn truth(&mut self, node: &Node) -> Option<bool> {
        let truth = node.as_scalar().and_then(|scalar| scalar.text.parse().ok());
        if truth.is_none() {
            self.wrong(node, "`true` or `false`");
        }
        truth
    }

    pub(super) fn duration(&mut self, node: &Node) -> Option<Millis> {
        let length = node.as_scalar().and_then(|scalar| scalar.text.parse().ok());
        if length.is_none() {
            self.wrong(node, "a duration such as 90s or 1h30m");
        }
        length
    }

    pub(super) fn never(&mut self, node: &Node) -> bool {
        let never = node
            .as_scalar()
            .is_some_and(|scalar| scalar.text == "never");
        if !never {
            self.wrong(node, "`never`");
        }
        never
    }

    pub(super) fn wrong(&mut self, node: &Node, takes: &str) {
        if node.is_unreadable() {
            return;
        }
        self.found.push(Diagnostic::error(
            BAD_VALUE,
            node.span,
            format!("here stands {}, and it takes {takes}", node.describe()),
            format!("not {takes}"),
        ));
    }

    pub(super) fn missing(&mut self, node: &Node, key: &str, what: &str) {
        self.found.push(
            Diagnostic::error(
                MISSING_KEY,
                node.span,
                format!("this does not say {what}"),
                format!("no `{key}`"),
            )
            .help(format!("add `{key}: …`")),
        );
    }

    pub(super) fn not_one_of(&mut self, text: &Spanned<String>, known: &[&str], what: &str) {
        let diagnostic = Diagnostic::error(
            BAD_VALUE,
            text.span,
            format!("`{}` is not {what}", text.value),
            "not known",
        );
        self.found
            .push(match suggest(&text.value, known.iter().copied()) {
                Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
                None => diagnostic.help(format!("it takes {}", listed(known))),
            });
    }
}

fn listed(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}
