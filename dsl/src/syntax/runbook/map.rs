//! Maps that are being put together.

use std::collections::BTreeMap;

use super::value::unreadable;
use crate::node::{Entry, Kind, Node, Scalar, Style};
use crate::source::Span;
use crate::syntax::findings::Findings;

/// How many entries are too many to look through.
const MANY: usize = 16;

/// Collects the entries of a map and finds repeated keys.
#[derive(Default)]
pub(super) struct MapBuilder {
    pub(super) entries: Vec<Entry>,
    /// Where the entries are, as long as there are too many to look through.
    places: BTreeMap<String, usize>,
    /// What is collected under a key, by the place of its entry.
    parts: BTreeMap<usize, Part>,
    /// Items of a block that is itself the list: `check` blocks in `checks { … }`.
    pub(super) items: Vec<Node>,
}

/// What blocks of one kind are collected in.
pub(super) enum Part {
    List(Vec<Node>),
    Map(MapBuilder),
}

impl MapBuilder {
    /// Adds an entry; a repeated key is reported and left out.
    pub(super) fn add(&mut self, entry: Entry, findings: &mut Findings) {
        if let Some(first) = self.place(&entry.key.text) {
            let first = self.entries.get(first).map(|entry| entry.key.span);
            findings.add(crate::syntax::duplicate_key(
                &entry.key.text,
                entry.key.span,
                first.unwrap_or_default(),
            ));
            return;
        }
        self.push(entry);
    }

    /// Where the entry of a key is among the others.
    pub(super) fn place(&self, key: &str) -> Option<usize> {
        if self.entries.len() < MANY {
            return self.entries.iter().position(|entry| entry.key.text == key);
        }
        self.places.get(key).copied()
    }

    fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
        let new = match self.entries.len() {
            MANY => 0,
            count => count - 1,
        };
        if self.entries.len() >= MANY {
            let added = self.entries.iter().enumerate().skip(new);
            self.places
                .extend(added.map(|(at, entry)| (entry.key.text.clone(), at)));
        }
    }

    /// What is collected under `key`; `None` when that key was given as something else.
    pub(super) fn part(
        &mut self,
        key: &str,
        word: Span,
        whole: Span,
        list: bool,
    ) -> Option<&mut Part> {
        let at = match self.place(key) {
            Some(at) => at,
            None => {
                let at = self.entries.len();
                let mut name = Scalar::verbatim(key, Style::Plain, word);
                name.map = Default::default();
                self.push(Entry {
                    key: name,
                    value: unreadable(whole),
                });
                let part = if list {
                    Part::List(Vec::new())
                } else {
                    Part::Map(MapBuilder::default())
                };
                self.parts.insert(at, part);
                at
            }
        };
        if let Some(entry) = self.entries.get_mut(at) {
            entry.value.span = entry.value.span.to(whole);
        }
        self.parts.get_mut(&at)
    }

    /// The finished map.
    pub(super) fn finish(mut self, span: Span) -> Node {
        for (at, part) in self.parts {
            if let Some(entry) = self.entries.get_mut(at) {
                let span = entry.value.span;
                entry.value = match part {
                    Part::List(items) => Node {
                        span,
                        kind: Kind::List(items),
                    },
                    Part::Map(map) => map.finish(span),
                };
            }
        }
        Node {
            span,
            kind: Kind::Map(self.entries),
        }
    }
}
